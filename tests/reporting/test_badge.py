"""The README's lines of verdicts: what it says, where it stands, and whether it is current."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.errors import UserError
from vreid.reporting.badge import BEGIN, END, badge, check_badge, write_badge
from vreid.reporting.claims import build_claims

from .conftest import claim, claims_plan, side, write_per_query

ROOT = Path(__file__).parents[2]
QUOTED = ("demo3", "headline")
"""The released reports whose verdicts stand at the top of the README."""

README = f"# A project\n\n{BEGIN}\nold words\n{END}\n\nMore of it, with {BEGIN} in a sentence.\n"


@pytest.fixture
def project(root):
    """A README, and a page of two papers' claims: one reproduced, one not run."""
    files = {
        name: [write_per_query(root, f"p-{name}-d-s{s}-0", [ap] * 3, [1, 2, 3]) for s in range(2)]
        for name, ap in (("a", 0.9), ("b", 0.5))
    }
    gain = claim((side("A", files["a"]), side("B", files["b"]), 1.5))
    absent = claim((side("A", files["a"]), side("C", [], status="dataset absent"), 1.5))
    papers = [claims_plan([gain]), claims_plan([absent], paper="dpa")]
    page = {"claims": [build_claims(plan, root).model_dump(mode="json") for plan in papers]}
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports/claims.json").write_text(json.dumps(page))
    (root / "README.md").write_text(README)
    return root


def test_the_line_says_what_became_of_the_claims(project):
    line = write_badge([project / "reports"], project / "README.md")
    assert line == (
        "**2 papers, 2 claims: 1 reproduced, 0 not reproduced, 0 inconclusive, 1 not run "
        "(synthetic data, preset demo)** ([all verdicts](reports/claims.md), [how](docs/verdicts.md))"
    )
    assert (project / "README.md").read_text() == README.replace("old words", line)
    before = (project / "README.md").stat().st_mtime_ns
    assert write_badge([project / "reports"], project / "README.md") == line
    assert (project / "README.md").stat().st_mtime_ns == before


def test_check_says_whether_the_line_is_current(project):
    with pytest.raises(UserError, match=r"run `vreid badge --from .*reports` to write them"):
        check_badge([project / "reports"], project / "README.md")
    assert (project / "README.md").read_text() == README
    write_badge([project / "reports"], project / "README.md")
    check_badge([project / "reports"], project / "README.md")


@pytest.mark.parametrize(
    "text", ["nothing\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n", f"{BEGIN} {END}\n"]
)
def test_a_readme_without_its_markers_is_one_sentence(project, text):
    (project / "README.md").write_text(text)
    with pytest.raises(UserError, match=r"README\.md: the verdicts belong between"):
        write_badge([project / "reports"], project / "README.md")
    assert (project / "README.md").read_text() == text


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"claims": [{"paper": 3}]}', '{"claims": []}', "[]"])
def test_a_page_that_holds_no_claims_is_one_sentence(project, content):
    (project / "reports/claims.json").write_text(content)
    with pytest.raises(UserError, match=r"claims\.json (is no page of claims|speaks of no paper)"):
        write_badge([project / "reports"], project / "README.md")


def test_the_command_takes_the_reports_of_this_folder(project, monkeypatch):
    monkeypatch.chdir(project)
    runner = CliRunner()
    assert isinstance(runner.invoke(app, ["badge", "--check"]).exception, UserError)
    done = runner.invoke(app, ["badge"])
    assert done.exit_code == 0
    assert done.output.strip() in (project / "README.md").read_text()
    assert runner.invoke(app, ["badge", "--check"]).exit_code == 0
    (project / "reports").rename(project / "kept")
    assert isinstance(runner.invoke(app, ["badge", "--check"]).exception, UserError)
    assert runner.invoke(app, ["badge", "--from", "kept"]).exit_code == 0
    assert "[all verdicts](kept/claims.md)" in (project / "README.md").read_text()


def test_several_reports_have_a_line_each(project, monkeypatch):
    monkeypatch.chdir(project)
    shutil.copytree("reports", "kept")
    assert CliRunner().invoke(app, ["badge", "--from", "reports", "--from", "kept"]).exit_code == 0
    line = badge(Path("reports"), Path("README.md"))
    both = f"{line}\n\n{line.replace('reports/', 'kept/')}"
    assert Path("README.md").read_text() == README.replace("old words", both)
    with pytest.raises(UserError, match=r"run `vreid badge --from kept` to write"):
        check_badge([Path("kept")], Path("README.md"))


def test_the_readme_has_the_verdicts_of_the_released_reports(monkeypatch):
    monkeypatch.chdir(ROOT)
    check_badge([Path("reports/reference") / preset for preset in QUOTED], Path("README.md"))
