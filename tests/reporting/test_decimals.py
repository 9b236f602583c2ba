"""What the decimals say, in every form; and the queries of real data, counted."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vreid.datasets.index import SCHEMA
from vreid.params.dataset import Protocol
from vreid.params.plan import (
    CountedPlan,
    DecimalsPlan,
    DifferencesPlan,
    PagePlan,
    RatePlan,
    RestPlan,
    SearchPlan,
)
from vreid.params.planning.decimals import Candidate, rates_plan
from vreid.reporting.chapters import read_chapters
from vreid.reporting.claims import write_claims
from vreid.reporting.collect import write_page
from vreid.reporting.decimals import with_counted
from vreid.reporting.formats import decimals_wording, statements_latex, statements_markdown
from vreid.reporting.records import read_record
from vreid.reporting.site.chapters import shown_chapter
from vreid.reporting.statements import Statements

from .conftest import claim, claims_plan, side, write_per_query
from .test_formats import grid
from .typeset import assert_balanced, assert_compiles, needs_pdflatex

# 3, 5 and 6 of 7 queries, and one value that is none of 7
VALUES = {"A_1": "42.86", "B & co": "71.43", "C": "85.71", "D": "50.00"}


def rates(values=VALUES, decimals=2):
    return [RatePlan(text=text, decimals=decimals, row=row, table="Table 1") for row, text in values.items()]


def group(values=VALUES, **changes):
    about = {"dataset": "veri776", "protocol": "veri776", "kind": "own"} | changes
    among = [Candidate("every query image", 7), Candidate("every gallery image", 20_000)]
    return rates_plan(rates(values), among, **about)


@pytest.fixture
def found():
    search = SearchPlan(between=(200, 3000), values=4, number=2, fitting=(1115, 2230), by_chance=2.18e-7)
    rest = search.model_copy(update={"values": 3, "number": 0, "fitting": (), "by_chance": 0.0016})
    rest = RestPlan(queries=7, without=("D of Table 1",), search=rest)
    own = group().model_copy(update={"search": search, "rest": rest})
    quoted = group({"E": "33.33"}, kind="quoted")
    return DecimalsPlan(
        rates=(own, quoted),
        bounds=("MGN: it is 82.48",),
        differences=DifferencesPlan(checked=3, equal=2, unlike=("gain: 1.5; the tables print 3.0 and 2.0",)),
    )


def test_a_line_says_what_was_tried_and_what_chance_would_do(found):
    own, quoted = decimals_wording.rows(found)
    # 8 of 10,001 values are rates of 7 queries; three of four fit in 4 (8 / 10,001)³ of all cases
    assert own == (
        "veri776, own rows: 4 values of Table 1",
        "7: every query image",
        "1 of 4: 50.00",
        "4.0; as few in under 0.01 %",
    )
    assert quoted[0] == "veri776, rows that the paper quotes: 1 values of Table 1".replace(
        "1 values", "1 value"
    )
    assert quoted[2:] == ("1 of 1: 33.33", "1.0; as few in 100 %")


def test_sentences_say_what_follows(found):
    said = decimals_wording.sentences(found)
    assert said[:4] == [
        "veri776, own rows: the decimals speak for 7 queries, but for 50.00.",
        "veri776, own rows: of the numbers from 200 to 3,000, 2 (1,115, 2,230) can give all 4 values; by "
        "chance 2e-07 would.",
        "veri776, own rows, without the rows that 7 queries cannot give (D of Table 1): of the numbers from "
        "200 to 3,000, none can give all 3 values; by chance 0.0016 would. Those rows are of other queries, "
        "or of another protocol.",
        "veri776, rows that the paper quotes: not all of the values are rates of 7 queries.",
    ]
    assert said[-3] == (
        "No information, because every value fits: veri776, own rows, 20,000 queries; veri776, rows that the "
        "paper quotes, 20,000 queries."
    )
    assert said[-2:] == [
        "MGN: it is 82.48.",
        "Of 3 differences that the claims quote, 2 are those of the tables' values; not so gain: 1.5; the "
        "tables print 3.0 and 2.0.",
    ]


def test_markdown_and_latex_hold_lines_and_sentences(found):
    text = statements_markdown.decimals(found)
    head, _, own, _ = grid("\n".join(line for line in text.splitlines() if line.startswith("|")))
    assert head == list(decimals_wording.HEADS)
    assert own[2] == "1 of 4: 50.00"
    assert text.count("\n- ") == len(decimals_wording.sentences(found))
    assert "accuses nobody" in text
    tex = statements_latex.decimals(found)
    assert_balanced(tex)
    assert "accuses nobody" in tex and "50.00" in tex and r"\begin{tabular}" in tex


def test_where_nothing_is_on_record_that_is_said():
    for text in (statements_markdown.decimals(DecimalsPlan()), statements_latex.decimals(DecimalsPlan())):
        assert decimals_wording.NO_RATES in text


@pytest.fixture
def page(root, found):
    """A paper's page of the claims alone, below `root`/reports; its claim has a remark."""
    files = {
        name: [write_per_query(root, f"p-{name}-d-s{s}-0", [ap] * 3, [1, 2, 3]) for s in range(2)]
        for name, ap in (("a", 0.9), ("b", 0.5))
    }
    one = claim((side("A", files["a"]), side("B", files["b"]), 1.5))
    one = one.model_copy(update={"remarks": ("Rows of two query sets & more.",)})
    reports = root / "reports"
    write_claims(claims_plan([one], decimals=found), reports / "claims", root)
    plan = PagePlan(title="A paper", parts=("claims/se_densenet",), digest="d")
    write_page(plan, reports / "papers/se_densenet", reports)
    return reports


def test_every_form_of_a_papers_page_has_the_section_and_the_remark(page, found):
    text = (page / "papers/se_densenet.md").read_text()
    assert "### What the decimals say" in text
    assert "To be known: Rows of two query sets & more." in text
    tex = (page / "papers/se_densenet.tex").read_text()
    assert "What the decimals say" in tex and r"To be known: Rows of two query sets \& more." in tex
    value = json.loads((page / "papers/se_densenet.json").read_text())
    (said,) = value["claims"]
    assert said["claims"][0]["remarks"] == ["Rows of two query sets & more."]
    assert said["decimals"]["rates"][0]["tried"][0]["impossible"] == ["50.00"]
    assert read_record(page / "claims/se_densenet.json", Statements).decimals == found
    (chapter,) = (shown_chapter(one, page) for one in read_chapters(["claims/se_densenet"], page))
    assert chapter.decimals == tuple(decimals_wording.rows(found))
    assert chapter.decimals_say == tuple(decimals_wording.sentences(found))
    assert chapter.claims[0].lines[0].remarks == ("To be known: Rows of two query sets & more.",)


@needs_pdflatex
def test_the_sheet_compiles(page, tmp_path):
    assert_compiles((page / "claims/se_densenet.tex").read_text(), tmp_path)


def write_index(path):
    """Nine queries of one camera: seven seen by another, one by none and one by the same again."""
    names = {"pid": [], "camid": [], "split": []}
    for pid in range(9):
        seen = {7: [], 8: [0]}.get(pid, [1])
        for camid, split in [(0, "query"), *((camid, "gallery") for camid in seen)]:
            for key, value in zip(names, (pid, camid, split), strict=True):
                names[key].append(value)
    size = len(names["pid"])
    columns = {}
    for field in SCHEMA:
        values = names.get(field.name, [[]] * size if pa.types.is_list(field.type) else [None] * size)
        columns[field.name] = pa.array(values, field.type)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_where_the_real_data_is_there_its_queries_are_counted(tmp_path):
    write_index(tmp_path / "data/index/real/d.parquet")
    rules = Protocol(name="veri776", form="given", junk="same_camera")
    counted = CountedPlan(index="data/index/real/d.parquet", protocol=rules)
    plan = DecimalsPlan(
        rates=(
            rates_plan(
                rates(),
                [Candidate("published", 9)],
                dataset="veri776",
                protocol="veri776",
                kind="own",
                counted=counted,
            ),
        )
    )
    (found,) = with_counted(plan, tmp_path).rates
    assert found.tried[0].impossible == ("50.00",)
    assert [one.queries for one in found.tried] == [7, 9]
    assert "counted in this copy" in found.tried[0].says
    plan = claims_plan([], decimals=plan)
    assert plan.inputs() == ["data/index/real/d.parquet"]
