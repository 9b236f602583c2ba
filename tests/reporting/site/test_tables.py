"""The tables of the page against their JSON, every printed number reckoned here anew."""

from decimal import ROUND_HALF_UP, Decimal
from statistics import stdev

import pytest

TABLES = ("se_densenet/table1", "se_densenet/table2", "dpa/table3")
MISSING = "--"
SAID_ALOUD = ("vh", "sup")


def printed(value, decimals):
    return str(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def decimals(values):
    """The most decimals that any printed value of the column has; 68.5 has one, as 70.0 has."""
    return max(
        [1, *(len(repr(value).partition(".")[2].rstrip("0")) for value in values if value is not None)]
    )


def table_of(made, name):
    section = made.page.one("section", id=name.replace("/", "-"))
    return section, section.one("table", class_="results")


def rows_of(table):
    return table.one("tbody").all("tr")


def expected(table, row, index):
    """The texts of paper, ours and difference in one column of one row."""
    places = decimals([line["cells"][index]["paper"] for line in table["rows"]])
    cell = row["cells"][index]
    paper, values = cell["paper"], cell["values"]
    if not values:
        ours = cell["status"] if cell["status"] in ("failed", "pending") else MISSING
        return [MISSING if paper is None else printed(paper, places), ours, MISSING]
    mean = printed(sum(map(Decimal, map(str, values))) / len(values), places)
    spread = f" ± {printed(stdev(values), places)}" if len(values) > 1 else ""
    if paper is None:
        return [MISSING, mean + spread, MISSING]
    gap = Decimal(mean) - Decimal(printed(paper, places))
    return [printed(paper, places), mean + spread, f"{gap:+}"]


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_shows_what_the_json_says(made, name):
    table, shown = made.json(f"tables/{name}"), table_of(made, name)[1]
    assert len(rows_of(shown)) == len(table["rows"])
    for row, line in zip(table["rows"], rows_of(shown), strict=True):
        cells = [cell for cell in line.children if not isinstance(cell, str)]
        texts = [cell.text(leaving_out=(*SAID_ALOUD, "runs")) for cell in cells]
        source = f" {row['cited_from']}" if row["cited_from"] else ""
        about = [str(row["row"]), " ".join((row["label"] + source).split())]
        numbers = [text for index in range(len(row["cells"])) for text in expected(table, row, index)]
        assert texts == [*about, *(text or MISSING for text in row["text"]), *numbers]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("side", "place"), [("paper", 0), ("ours", 1)])
def test_the_best_are_bold_and_the_second_best_underlined(made, name, side, place):
    table, shown = made.json(f"tables/{name}"), table_of(made, name)[1]
    for index in range(len(table["columns"])):
        texts = [expected(table, row, index)[place].split(" ")[0] for row in table["rows"]]
        numbers = sorted({Decimal(text) for text in texts if text[0].isdigit()}, reverse=True)
        several = sum(text[0].isdigit() for text in texts)
        for text, line in zip(texts, rows_of(shown), strict=True):
            cell = line.all("td", class_=side)[index]
            value = Decimal(text) if text[0].isdigit() else None
            assert bool(cell.all("strong")) == (several > 1 and value == numbers[0])
            second = several > 2 and len(numbers) > 1 and value == numbers[1]
            assert bool(cell.all("u")) == second


def test_what_rows_are_quoted_is_in_italics_with_the_source_and_not_clickable(made):
    line = rows_of(table_of(made, "se_densenet/table1")[1])[2]
    assert "cited" in line.attributes["class"]
    assert line.one("th").text().endswith("[23]")
    assert [cell.one("i").text(leaving_out=SAID_ALOUD) for cell in line.all("td", class_="paper")[:1]] == [
        "79.5"
    ]
    assert not line.all("button")
    assert all("data-runs" not in cell.attributes for cell in line.all("td"))


def test_what_is_missing_says_why(made):
    section, table = table_of(made, "se_densenet/table2")
    reasons = {}
    for cell in table.all("td", class_="missing"):
        notes = cell.all("a")
        assert notes or cell.attributes["title"], cell
        for note in notes:
            place = note.attributes["href"].removeprefix("#")
            reasons[cell.text(leaving_out=SAID_ALOUD), note.text()] = section.one("p", id=place).text()
    assert {text for text, _ in reasons} == {"pending", MISSING}
    written = " ".join(reasons.values())
    for words in ("pending; not run yet", "dataset absent", "not in this preset: demo leaves it out"):
        assert words in written
    # a seed that failed is told of beside the mean of the others
    cell = rows_of(table_of(made, "se_densenet/table1")[1])[1].all("td", class_="ours")[0]
    assert "1 of 2 seeds failed; loss is not finite" in cell.one("a").attributes["title"]


def test_rows_sort_by_numbers_that_are_not_rounded(made):
    table, shown = made.json("tables/se_densenet/table2"), table_of(made, "se_densenet/table2")[1]
    for row, line in zip(table["rows"], rows_of(shown), strict=True):
        for cell, shown_cell in zip(row["cells"], line.all("td", class_="ours"), strict=True):
            key = shown_cell.attributes["data-sort"]
            assert (float(key) if key else None) == cell["mean"]


@pytest.mark.parametrize("name", TABLES)
def test_the_labels_stand_above_the_numbers(made, name):
    section, table = table_of(made, name)
    label = section.one("p", class_="made").text()
    assert "Ours: synthetic data; preset demo (rendered stand-in, 12 of 120 epochs); seeds 0, 1" in label
    heads = [head.text(leaving_out=("vh",)) for head in table.one("thead").all("th", class_="ours")]
    assert set(heads) == {"ours (synthetic)"}
    assert "synthetic data" in table.one("caption").text()
    if name != "se_densenet/table2":
        assert "chance mAP 4.2, R1 3.0" in section.text()
    chapter = made.page.one("section", id=name.split("/")[0]).text()
    assert "input.height: 64 (paper: 256)" in chapter


def test_a_column_that_the_paper_does_not_print_has_ours_alone(made):
    from tests.reporting.conftest import column, own_row, table_plan

    from vreid.reporting.site.tables import shown_table
    from vreid.reporting.tables import build_table

    row = own_row(1, "A", (None, 92.5), (), ())
    table = build_table(table_plan([row], [column("mAP"), column("R1")]), made.root)
    shown = shown_table(table, "")
    assert [sides for _, sides in shown.heads] == [("ours",), ("paper", "ours", "difference")]
    assert [side for side, _ in shown.rows[0].cells] == ["ours", "paper", "ours", "difference"]
