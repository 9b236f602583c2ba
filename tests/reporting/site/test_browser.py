"""The page in a real browser; these tests are optional: they want chromium."""

import pytest
from tests.reporting.site.browser import CHROMIUM, probed, visit
from tests.reporting.site.conftest import BASELINE, HOSTILE

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium on PATH: install Debian's package chromium to try the page in it",
    ),
]

WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def console_and_findings(made, tmp_path_factory):
    findings, console = probed(made.html, tmp_path_factory.mktemp("browser"), WIDTHS)
    return console, findings


@pytest.fixture(params=WIDTHS)
def found(console_and_findings, request):
    return console_and_findings[1][request.param]


def test_the_console_stays_empty_and_would_tell_of_what_the_policy_forbids(made, tmp_path):
    document, console = visit(made.html, tmp_path)
    assert console == []
    assert 'aria-pressed="true"' in document
    intruded = tmp_path / "intruded.html"
    intruder = "<script>document.title = 'intruded'</script><img src='https://example.org/x.png'></body>"
    intruded.write_text(made.text.replace("</body>", intruder), encoding="utf-8")
    document, console = visit(intruded, tmp_path)
    assert "<title>intruded" not in document
    assert any("script-src" in line for line in console)
    assert any("img-src" in line for line in console)


def test_using_the_page_leaves_the_console_empty(console_and_findings):
    console, findings = console_and_findings
    assert console == []
    assert set(findings) == set(WIDTHS)
    assert [found["errors"] for found in findings.values()] == [[], []]


def test_the_page_does_not_scroll_sideways(found):
    assert found["scrollWidth"] <= found["clientWidth"]
    assert found["bodyScrollWidth"] <= found["clientWidth"]


def test_verdicts_are_in_sight_without_scrolling(found):
    assert found["cut"] == []


def test_every_link_resolves_and_every_control_is_there(found):
    assert found["unresolved"] == []
    assert found["hidden"] == 0


def test_columns_sort_in_both_directions_and_back_with_what_is_missing_last(found, made):
    rows = made.json("tables/se_densenet/table2")["rows"]
    printed = [str(row["row"]) for row in rows]
    values = {"ours": "mean", "paper": "paper"}
    for name, key in values.items():
        there = [row for row in rows if row["cells"][0][key] is not None]
        missing = [str(row["row"]) for row in rows if row["cells"][0][key] is None]
        falling = [str(r["row"]) for r in sorted(there, key=lambda r: -r["cells"][0][key])]
        rising = [str(r["row"]) for r in sorted(there, key=lambda r: r["cells"][0][key])]
        assert found["orders"][name] == [
            ["descending", falling + missing],
            ["ascending", rising + missing],
            [None, printed],
        ]
    assert falling == ["3", "1", "4", "2"]  # of the paper: 100.0 stands before 9.75
    labels = [order for _, order in found["orders"]["label"]]
    assert labels == [["1", "2", "3", "4"], ["4", "3", "2", "1"], ["1", "2", "3", "4"]]


def test_a_column_of_words_and_numbers_sorts_with_what_is_missing_last(found):
    assert found["backbones"] == [
        ["169", "DenseNet", "--"],
        ["DenseNet", "169", "--"],
        ["DenseNet", "169", "--"],  # as printed
    ]


def test_columns_can_be_hidden_but_for_the_last(found):
    yes, no = "true", "false"
    assert found["sides"] == [
        [[yes, yes, yes], [True, True, True], 3],
        [[no, yes, yes], [False, True, True], 2],
        [[no, yes, no], [False, True, False], 1],
        [[no, yes, no], [False, True, False], 1],
        [[yes, yes, no], [True, True, False], 2],  # all tables at once
        [[yes, yes, yes], [True, True, True], 3],
    ]


def test_the_details_of_runs_open_with_their_words_and_give_the_focus_back(found):
    dialog = found["dialog"]
    assert dialog["open"]
    assert dialog["title"] == "Table 1, row 1: Baseline"
    assert dialog["runs"] == BASELINE
    assert dialog["curve"] == 2
    assert dialog["inside"]
    assert dialog["wide"]
    assert dialog["images"] == 0
    for words in ("Loss by epoch: from 4.5 to 2.25.", "c0ffee", "0f" * 16, HOSTILE, "1,234,567"):
        assert words in dialog["text"]
    assert found["closed"] == [False, True]
    assert found["clicked"] == [True, BASELINE]
    assert found["enlarged"] == 1


def test_there_are_a_light_and_a_dark_theme(found):
    themes = found["themes"]
    assert set(themes) == {"Theme: system", "Theme: light", "Theme: dark"}
    assert themes["Theme: light"] != themes["Theme: dark"]
    assert themes["Theme: system"] in (themes["Theme: light"], themes["Theme: dark"])
