"""What holds for the page as a whole: nothing from outside, nothing broken, usable without eyes or mouse."""

import base64
import hashlib
import json
import re
from itertools import pairwise

import pytest
from tests.reporting.site.conftest import BASELINE, HOSTILE, PARTS, PROPOSED

from vreid.params.errors import UserError
from vreid.params.plan import PagePlan
from vreid.reporting.site import assets, build

FETCHING = ("src", "srcset", "href", "action", "poster", "data", "background", "xlink:href", "formaction")


def test_ids_are_unique_and_every_link_and_reference_resolves(made):
    elements = made.page.all()
    ids = [one.attributes["id"] for one in elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    links = [one.attributes["href"] for one in elements if "href" in one.attributes]
    assert len(links) > 20
    assert {link.removeprefix("#") for link in links} <= set(ids)
    for name in ("aria-labelledby", "aria-describedby", "aria-controls", "for", "data-image"):
        assert {one.attributes[name] for one in elements if name in one.attributes} <= set(ids)
    for anchor in ("se_densenet-table1", "se_densenet-figure6", "se_densenet-claims", "se_densenet-audit"):
        assert f"#{anchor}" in links


def test_nothing_is_fetched_from_anywhere(made):
    for one in made.page.all():
        for name in FETCHING:
            value = one.attributes.get(name, "#")
            assert value.startswith(("#", "data:image/")), f"<{one.tag} {name}={value[:40]}>"
        assert one.tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert not [name for name in one.attributes if name.startswith("on") or name == "style"]
    style = made.page.one("style").text()
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_the_pages_own_text_and_nothing_else(made):
    (meta,) = [one for one in made.page.all("meta") if "http-equiv" in one.attributes]
    policy = dict(part.split(" ", 1) for part in meta.attributes["content"].split("; "))
    script = next(one for one in made.page.all("script") if "type" not in one.attributes)

    def allowed(element):
        (text,) = element.children
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "style-src": allowed(made.page.one("style")),
        "script-src": allowed(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # it must stand before what it is about
    assert made.text.index("Content-Security-Policy") < made.text.index("<style>")


def test_hostile_words_are_words(made):
    assert {one.attributes.get("type") for one in made.page.all("script")} == {None, "application/json"}
    assert len(made.page.all("script")) == 2
    assert len(made.page.all("img")) == 2
    words = " ".join(HOSTILE.split())
    heading = made.page.one("h3", id="se_densenet-table1-title").text()
    assert heading == f"Table 1: Analysis {words}"
    assert words in made.page.one("section", id="se_densenet-table2").one("tbody").text()
    assert words in made.page.one("section", id="se_densenet-claims").text()
    assert made.page.one("figure", id="se_densenet-figure6").one("img").attributes["alt"].endswith(HOSTILE)


def test_the_data_of_the_runs_holds_hostile_words_whole(made):
    text = made.page.one("script", type="application/json").text()
    assert "<" not in text
    runs = json.loads(text)["runs"]
    assert dict(runs[BASELINE[0]]["config"]) == {"input.height": "64", "words": HOSTILE}


def test_every_row_leads_to_runs_of_which_the_page_knows(made):
    known = json.loads(made.page.one("script", type="application/json").text())["runs"]
    asked = " ".join(one.attributes.get("data-runs", "") for one in made.page.all())
    assert set(asked.split()) <= set(known)
    assert {*BASELINE, *PROPOSED} <= set(known)
    for name in known:
        assert made.page.one("tr", id=f"run-{name}")


def test_tables_regions_and_controls_can_be_used_without_eyes(made):
    page = made.page
    assert [len(page.all(tag)) for tag in ("main", "nav", "header", "h1")] == [1, 1, 1, 1]
    skip = page.one("body").children[1]
    assert skip.attributes == {"class": "skip", "href": "#content"}
    assert page.one("html").attributes["lang"] == "en"
    for table in page.all("table"):
        assert table.one("caption").text()
        assert all(head.attributes["scope"] in ("col", "row", "colgroup") for head in table.all("th"))
    for region in page.all(role="region"):
        assert region.attributes["tabindex"] == "0"
        assert region.attributes.get("aria-label") or region.attributes.get("aria-labelledby")
    inside = [table for region in page.all(class_="scroll") for table in region.all("table")]
    assert len(inside) == len(page.all("table"))  # a wide table scrolls in its own region
    for button in page.all("button"):
        assert button.attributes["type"] == "button"
        assert button.text()
    for group in page.all(role="group"):
        assert [one.attributes["aria-pressed"] for one in group.all("button")] == ["true"] * 3
    assert all(image.attributes["alt"] for image in page.all("img"))
    assert all(dialog.attributes["aria-labelledby"] for dialog in page.all("dialog"))
    levels = [int(one.tag[1]) for one in page.one("main").all() if re.fullmatch("h[1-6]", one.tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_claims_contradictions_deviations_and_audit_are_there(made):
    lines = [line.text() for line in made.page.one("section", id="se_densenet-claims").one("tbody").all("tr")]
    assert len(lines) == 4  # one comparison; and two with a line of their own above them
    assert "reproduced: the 95 % interval lies above zero" in lines[0]
    assert "+1.50" in lines[0]
    assert "+40.00 [+40.00, +40.00]" in lines[0]
    assert lines[1].startswith("2 It is ahead")
    assert "1 == 2 does not hold" in made.page.one("section", id="se_densenet-contradictions").text()
    assert "optimizer.lr -- -- 3 why fast" in " ".join(
        cell.text()
        for cell in made.page.one("section", id="se_densenet-deviations").one("tbody").all()
        if cell.tag in ("th", "td")
    )
    moves, variants = made.page.one("section", id="se_densenet-audit").all("table")
    texts = [[cell.text() for cell in line.all() if cell.tag in ("th", "td")] for line in moves.all("tr")[1:]]
    assert texts == [
        ["as evaluated", "", "66.1", "", "80.0", ""],
        ["distance", "euclidean", "67.1", "+1.0", "75.0", "-5.0"],
    ]
    assert len(variants.one("tbody").all("tr")) == 3
    assert (
        "rendered stand-in; synthetic data; seed 0."
        in made.page.one("section", id="se_densenet-audit").text()
    )


def test_the_overview_counts_verdicts_and_names_data_and_preset(made):
    overview = made.page.one("section", id="overview")
    lines = [[cell.text() for cell in line.all("td")] for line in overview.one("tbody").all("tr")]
    # tables, figures, runs, claims, reproduced, not reproduced, inconclusive, not run
    assert [line[:2] + line[3:] for line in lines[:2]] == [
        ["2", "1", "2", "1", "0", "1", "0"],
        ["1", "0", "0", "0", "0", "0", "0"],
    ]
    assert lines[2][3:] == ["2", "1", "0", "1", "0"]
    assert "synthetic data; preset demo (rendered stand-in" in overview.text()
    assert made.page.one("p", class_="label").text() == "synthetic data · preset demo; partial"
    assert ": 1 run failed, 1 pending." in overview.one("p", class_="partial").text()
    assert "c0ffee" in overview.text()


def test_beside_the_page_stands_what_it_holds(made):
    index = made.json("index")
    assert index["digest"] == ""  # one run failed, another was never tried
    assert index["partial"].startswith("Partial report, as of ")
    assert index["bytes"] == made.html.stat().st_size
    assert index["parts"] == list(PARTS)
    assert index["papers"]["se_densenet"] == {
        "tables": ["table1", "table2"],
        "figures": ["figure6"],
        "claims": ["gain", "several"],
        "audits": [PROPOSED[0]],
    }
    assert set(BASELINE) <= set(index["runs"])


def timeless(page):
    """The page without the minute in which it was made, which a partial one tells."""
    return re.sub(rb"as of [0-9-]+ [0-9:]+ UTC", b"", page.read_bytes())


def test_the_same_reports_make_the_same_bytes(site):
    before = timeless(site.html)
    evaluations = {BASELINE[0]: f"runs/{BASELINE[0]}/eval-0123abcd"}
    plan = PagePlan(title="Papers, regenerated", parts=PARTS, digest="d1")
    build.write_site(plan, evaluations, site.root / "reports/index", site.root)
    assert timeless(site.html) == before


def test_a_page_that_is_too_large_is_not_written(site, monkeypatch):
    site.html.unlink()
    monkeypatch.setattr(build, "LARGEST", 1000)
    with pytest.raises(UserError, match="more than 1,000"):
        build.write_site(
            PagePlan(title="All", parts=PARTS, digest="d"), {}, site.root / "reports/index", site.root
        )
    assert not site.html.exists()


def test_the_folder_holds_no_style_or_script_that_is_not_used():
    for folder, names in (("styles", assets.STYLES), ("scripts", assets.SCRIPTS)):
        there = {path.name for path in (assets.FOLDER / folder).iterdir()}
        assert there == set(names)
    for inlined in (assets.styles(), assets.scripts()):
        assert "</" not in inlined.text
        assert "<!--" not in inlined.text
    used = {path.name for path in (assets.FOLDER / "templates").iterdir()}
    texts = [path.read_text() for path in (assets.FOLDER / "templates").iterdir()]
    named = {name for text in texts for name in re.findall(r'{% (?:include|import|from) "([^"]+)"', text)}
    assert named == used - {"page.html"}
    assert not any("|safe" in text or "autoescape" in text for text in texts)
