"""`snakemake --report`: what it shows of the finished pipeline, and that it needs no network to show it."""

import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAPER = "se_densenet"
OURS = (
    "Ours: synthetic data; preset micro "
    "(rendered stand-in data, tiny networks, 2 of 120 epochs at 32 x 32 px)"
)
TABLES = [f"tables/{PAPER}/table{number}" for number in (1, 2, 3, 4)]
FIGURES = [f"figures/{PAPER}/figure{number}" for number in (5, 6, 7)]


@pytest.fixture(scope="module")
def page(finished: Project) -> str:
    finished.call("snakemake", "--report", "report.html")
    file = finished.folder / "report.html"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return text


def shown(page: str, name: str) -> dict[str, Any]:
    """What the page's script called `name` assigns."""
    start = re.search(rf'<script id="{name}">\s*var {name} = ', page).end()
    return json.JSONDecoder().raw_decode(page[start:])[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def test_it_holds_every_report_under_its_paper(page: str, finished: Project):
    (audit,) = (finished.folder / "reports/audits").iterdir()
    listed = {
        paper: {kind: Counter(files) for kind, files in kinds.items()}
        for paper, kinds in shown(page, "categories").items()
    }
    assert listed[PAPER] == {
        "Tables": Counter(f"reports/{name}.{form}" for name in TABLES for form in ("md", "csv")),
        "Figures": Counter(f"reports/{name}.png" for name in FIGURES),
        "Claims": Counter(f"reports/{kind}/{PAPER}.md" for kind in ("claims", "deviations")),
        "Audit": Counter([f"reports/audits/{audit.name}/audit.png"]),
        "Page": Counter([f"reports/papers/{PAPER}.md"]),
    }
    assert listed["all papers"] == {"Page": Counter(("reports/all_tables.md", "reports/claims.md"))}
    assert listed.keys() == {PAPER, "all papers"}


def test_every_caption_says_on_what_and_with_which_preset_it_was_made(page: str):
    for name, file in shown(page, "results").items():
        assert OURS in words(file["caption"]), name
        assert file["labels"]["preset"] == "micro (synthetic)", name


def test_captions_and_names_are_those_of_the_paper(page: str, finished: Project):
    results = shown(page, "results")
    for name in [*TABLES, *FIGURES]:
        told = json.loads((finished.folder / f"reports/{name}.json").read_text())
        for file in (file for path, file in results.items() if path.startswith(f"reports/{name}.")):
            says = words(file["caption"]).replace("&amp;", "&")
            assert f"{told['title']}. {told['caption']}" in says
            assert told["citation"] in says
            shortened = file["labels"]["name"].removesuffix(" …")
            assert f"{told['title']}: {told['caption']}".startswith(shortened)
            assert shortened.startswith(f"{told['title']}: {told['caption'].split()[0]}")


def test_only_two_forms_of_one_report_make_a_switch(page: str):
    """The page makes a switch of a label after the first with two values, each in half of a list's files.

    Were it another than `as`, one position of the switch would show nothing.
    """
    results = shown(page, "results")
    for kinds in shown(page, "categories").values():
        for files in kinds.values():
            labels = [results[file]["labels"] for file in files]
            for label in {key for found in labels for key in [*found][1:]} - {"as"}:
                values = Counter(found.get(label) for found in labels)
                assert not (len(values) == 2 and len(set(values.values())) == 1)
            if any("as" in found for found in labels):
                forms = Counter(found["as"] for found in labels)
                assert len(forms) == 2
                assert all(count == len(labels) / 2 for count in forms.values())
                assert len({found["name"] for found in labels}) == len(labels) / 2


def test_it_loads_nothing_from_a_network(page: str):
    # Outside of data: URIs, every tag that makes a browser fetch something, and every url() of a style.
    loading = re.findall(r"<(?:script|link|img|iframe|source|object|embed)\b[^>]*>", page)
    assert not [tag for tag in loading if re.search(r"""(?:src|href|data)\s*=\s*["']?(?:https?:)?//""", tag)]
    assert not re.findall(r"""(?:url\(|@import\s)\s*["']?(?:https?:)?//[^)"']*""", page)


def test_the_description_names_the_preset(page: str):
    start = re.search(r'<script id="workflow-desc">\s*var workflow_desc = ', page).end()
    description, _ = json.JSONDecoder().raw_decode(page[start:])
    assert OURS in words(description)


def test_as_an_archive_it_holds_the_same_files(page: str, finished: Project, tmp_path: Path):
    finished.call("snakemake", "--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held.pop("report/report.html")
    on_disk = Counter((finished.folder / path).read_bytes() for path in shown(page, "results"))
    assert Counter(held.values()) == on_disk


def test_making_it_leaves_nothing_to_do(page: str, finished: Project):
    assert finished.planned_jobs() == []
