"""docs/workflow.md: its picture is the graph as it is, and its table names every rule."""

import re

import pytest
from tests.workflow.project import ROOT, Project, copy_project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("datasets")]

PAGE = ROOT / "docs" / "workflow.md"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_project(tmp_path_factory.mktemp("whole"), whole=True)


def test_the_picture_is_what_snakemake_draws_now(project: Project):
    drawn = project.call("snakemake", "--rulegraph", "mermaid-js").stdout
    rules = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]$", drawn, flags=re.MULTILINE))
    arrows = re.findall(r"^\s*(id\d+) --> (id\d+)$", drawn, flags=re.MULTILINE)
    expected = sorted(f"{rules[before]} --> {rules[after]}" for before, after in arrows)
    picture = re.search(
        r"```mermaid\nflowchart TB\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert len(expected) > len(rules) > 10
    assert picture[1].split("\n") == [*(f"    {arrow}" for arrow in expected), ""]


def test_every_rule_is_told_of():
    files = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    rules = {
        name for file in files for name in re.findall(r"^rule (\w+):", file.read_text(), flags=re.MULTILINE)
    }
    told = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert rules - {"all"} <= told
