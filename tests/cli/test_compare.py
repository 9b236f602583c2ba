"""`vreid diff`: its forms and its exit status."""

import json

import pytest
from tests.reporting.comparing.conftest import after, before, claim, statements, write_state  # noqa: F401
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.errors import UserError


@pytest.fixture
def states(tmp_path, before, after, monkeypatch):  # noqa: F811 (fixtures)
    monkeypatch.chdir(tmp_path)
    first = statements(claim("gain", "inconclusive", ("1.5", "-0.5", "3.5")))
    second = statements(claim("gain", "reproduced", ("2", "0.5", "3.5")))
    write_state(tmp_path / "a", [before], [first])
    write_state(tmp_path / "b", [after], [second])
    other = after.model_copy(update={"preset": "bench"})
    write_state(tmp_path / "c", [other], [second.model_copy(update={"preset": "bench"})])


def diff(*arguments):
    return CliRunner().invoke(app, ["diff", *arguments])


def test_the_text_tells_verdicts_then_moves(states):
    lines = [" ".join(line.split()) for line in diff("a", "b").output.splitlines()]
    assert lines[:3] == [
        "a → b",
        "Both were made with the same preset, data source, seeds and recipes.",
        "4 cells of 4 of ours moved; 0 did not; 1 verdict changed; 1 other thing reads otherwise.",
    ]
    assert "se_densenet, gain inconclusive: +1.50 [-0.50, +3.50] reproduced: +2.00 [+0.50, +3.50]" in lines
    assert "se_densenet/table1 1 Baseline mAP 60.50 ± 0.71 61.50 ± 0.71 +1.00 within 2 sd" in lines
    assert "se_densenet/table1 1 Baseline Rank-1 70.00 ± 0.00 72.00 ± 0.00 +2.00 beyond 2 sd" in lines
    assert "se_densenet/table1 2 Ours mAP 66.00 65.00 -1.00 sd unknown" in lines
    assert "se_densenet/table1 2 Ours Rank-1 failed 80.00 --" in lines


def test_other_presets_are_said_first(states):
    lines = diff("a", "c").output.splitlines()
    assert lines[1].startswith("The two states were made differently")
    assert lines[2] == "  preset: demo → bench (se_densenet/table1, claims of se_densenet)"
    markdown = diff("a", "c", "--markdown").output
    assert markdown.index("not like with like") < markdown.index("### Verdicts that changed")


def test_markdown_escapes_what_it_tells(states):
    text = diff("a", "b", "--markdown").output
    assert (
        "| se\\_densenet/table1 | 1 | Baseline | mAP | 60.50 ± 0.71 | 61.50 ± 0.71 | +1.00 | within 2 sd |"
        in text
    )
    assert "inconclusive: +1.50 \\[-0.50, +3.50]" in text


def test_json_holds_everything(states):
    value = json.loads(diff("a", "b", "--json", "--threshold", "1").output)
    assert (value["changed"], value["below"]) == (True, 2)
    assert [move["move"] for move in value["moves"]] == [None, 2.0]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("a", "a"), 0),
        (("a", "b"), 0),
        (("a", "a", "--exit-code"), 0),
        (("a", "b", "--exit-code"), 1),
        (("a", "nothing", "--exit-code"), 2),
        (("--exit-code", "--", "--output=x", "a"), 2),
        (("a", "b", "--json", "--markdown"), 2),
    ],
)
def test_the_exit_status(states, arguments, status):
    assert diff(*arguments).exit_code == status


def test_without_exit_code_a_wrong_state_is_a_sentence(states):
    assert isinstance(diff("a", "nothing").exception, UserError)


def test_nothing_changed_says_so(states):
    assert (
        "Nothing changed. 0 cells of 4 of ours moved; 4 did not; 0 verdicts changed." in diff("a", "a").output
    )
