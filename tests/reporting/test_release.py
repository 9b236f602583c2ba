"""Reports that are committed: small, whole, and with a page that says what they are."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.params import PAPER, one_paper

from vreid.params.errors import UserError
from vreid.params.plan import Plan
from vreid.params.resolve import load
from vreid.reporting.release import release, smaller

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    folder = tmp_path_factory.mktemp("planned")
    one_paper(PROJECT / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo")


@pytest.fixture
def root(plan, tmp_path) -> Path:
    """A project in which every report is made and one run is recorded."""
    for name in [
        *(f"tables/{key}" for key in plan.tables),
        *(f"figures/{key}" for key in plan.figures),
        *(f"claims/{paper}" for paper in plan.claims),
        *(f"audits/{run}/audit" for run in plan.audits),
        *plan.pages,
    ]:
        write(tmp_path / f"reports/{name}.json", json.dumps({"digest": plan.report_digest(name)}))
        for form in ("md", "csv", "tex"):
            write(tmp_path / f"reports/{name}.{form}", f"{form} of {name}\n")
        if name.startswith(("figures/", "audits/")):
            Image.effect_noise((1500, 300), 80).convert("RGB").save(tmp_path / f"reports/{name}.png")
    write(tmp_path / f"reports/deviations/{PAPER}.md", "read so\n")
    run = next(iter(plan.runs.values()))
    start = {"type": "start", "time": 1.7e9, "config": {}, "device": "cpu", "git_commit": "c0ffee"}
    end = {"type": "end", "time": 1.7e9 + 60, "status": "FINISHED"}
    write(tmp_path / f"runs/{run.name}/events.jsonl", f"{json.dumps(start)}\n{json.dumps(end)}\n")
    write(tmp_path / f"runs/{run.name}/run.json", json.dumps({"torch": "2.11.0", "seconds": 1800.0}))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_it_holds_pages_claims_and_figures_as_they_are(plan, root):
    out = root / "reports/reference/demo"
    files = release(plan, out, root)
    names = {file.relative_to(out).as_posix() for file in files}
    assert names == {
        "README.md",
        *(f"{page}.{form}" for page in ("all_tables", "claims") for form in ("md", "csv", "json")),
        f"papers/{PAPER}.md",
        f"claims/{PAPER}.md",
        f"deviations/{PAPER}.md",
        *(f"figures/{key}.png" for key in plan.figures),
        *(f"audits/{run}/audit.png" for run in plan.audits),
    }
    texts = [name for name in names if name.endswith((".md", ".csv", ".json")) and name != "README.md"]
    assert all((out / name).read_text() == (root / "reports" / name).read_text() for name in texts)


def test_its_page_says_what_the_numbers_are_and_links_to_what_is_there(plan, root):
    out = root / "out"
    release(plan, out, root)
    page = (out / "README.md").read_text()
    assert f"**Synthetic data: {plan.preset_label}.**" in page
    for line in ("| runs | 1 |", "0.5 hours", "| last run ended | 2023-11-14 |", "| git commit | c0ffee |"):
        assert line in page
    assert "--config preset=demo" in page
    links = re.findall(r"\]\((.+?)\)", page)
    assert len(links) == 3
    assert all((out / link).is_file() for link in links)


def test_what_was_there_before_is_replaced(plan, root):
    out = root / "out"
    write(out / "figures/of_before.png", "old")
    release(plan, out, root)
    assert not (out / "figures/of_before.png").exists()
    assert [path.name for path in root.iterdir() if path.name.startswith(".out")] == []


def test_a_stale_report_is_refused_and_nothing_is_touched(plan, root):
    out = root / "out"
    write(out / "README.md", "before\n")
    write(root / "reports/claims.json", json.dumps({"digest": "of before"}))
    with pytest.raises(UserError, match=r"claims of .* are missing or not what preset demo asks"):
        release(plan, out, root)
    assert [path.read_text() for path in out.iterdir()] == ["before\n"]


def test_a_figure_gets_smaller_and_keeps_its_looks(tmp_path):
    ramp = np.linspace(0, 255, 2400, dtype=np.uint8)
    line = np.stack([ramp, ramp[::-1], np.full_like(ramp, 90)], axis=1)
    picture = np.tile(line, (400, 1, 1))
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(smaller(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (1200, 200)
        found = np.asarray(image.convert("RGB"), dtype=float)
    expected = picture.reshape(200, 2, 1200, 2, 3).mean(axis=(1, 3))
    assert np.abs(found - expected).mean() < 4
