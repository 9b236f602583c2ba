"""Reports that are committed: small, whole, and with a page that says what they are."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.params import PAPER

from vreid.params.errors import UserError
from vreid.reporting.release import release, smaller


@pytest.fixture
def root(demo, tmp_path) -> Path:
    """A project in which every report is made and one run is recorded."""
    for name in [
        *(f"tables/{key}" for key in demo.tables),
        *(f"figures/{key}" for key in demo.figures),
        *(f"claims/{paper}" for paper in demo.claims),
        *(f"audits/{run}/audit" for run in demo.audits),
        *demo.pages,
    ]:
        write(tmp_path / f"reports/{name}.json", json.dumps({"digest": demo.report_digest(name)}))
        for form in ("md", "csv", "tex"):
            write(tmp_path / f"reports/{name}.{form}", f"{form} of {name}\n")
        if name.startswith(("figures/", "audits/")):
            Image.effect_noise((1500, 300), 80).convert("RGB").save(tmp_path / f"reports/{name}.png")
    write(tmp_path / f"reports/deviations/{PAPER}.md", "read so\n")
    run = next(iter(demo.runs.values()))
    start = {"type": "start", "time": 1.7e9, "config": {}, "device": "cpu", "git_commit": "c0ffee"}
    end = {"type": "end", "time": 1.7e9 + 60, "status": "FINISHED"}
    write(tmp_path / f"runs/{run.name}/events.jsonl", f"{json.dumps(start)}\n{json.dumps(end)}\n")
    write(tmp_path / f"runs/{run.name}/run.json", json.dumps({"torch": "2.11.0", "seconds": 1800.0}))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_it_holds_pages_claims_and_figures_as_they_are(demo, root):
    out = root / "reports/reference/demo"
    files = release(demo, out, root)
    names = {file.relative_to(out).as_posix() for file in files}
    assert names == {
        "README.md",
        *(f"{page}.{form}" for page in ("all_tables", "claims") for form in ("md", "csv", "json")),
        f"papers/{PAPER}.md",
        f"claims/{PAPER}.md",
        f"deviations/{PAPER}.md",
        *(f"figures/{key}.png" for key in demo.figures),
        *(f"audits/{run}/audit.{form}" for run in demo.audits for form in ("png", "json")),
    }
    texts = [name for name in names if name.endswith((".md", ".csv", ".json")) and name != "README.md"]
    assert all((out / name).read_text() == (root / "reports" / name).read_text() for name in texts)


def test_its_page_says_what_the_numbers_are_and_links_to_what_is_there(demo, root):
    out = root / "out"
    release(demo, out, root)
    page = (out / "README.md").read_text()
    assert f"**Synthetic data: {demo.preset_label}.** Nothing here was measured on the datasets" in page
    for line in ("| runs | 1 |", "0.5 hours", "| last run ended | 2023-11-14 |", "| git commit | c0ffee |"):
        assert line in page
    seeds = ", ".join(map(str, demo.claims[PAPER].seeds))
    assert f"| seeds | {seeds} |" in page
    assert "--config preset=demo" in page
    links = re.findall(r"\]\((.+?)\)", page)
    assert len(links) == 3
    assert all((out / link).is_file() for link in links)


def test_of_real_data_it_does_not_say_that_it_was_rendered(demo, root):
    claims = {paper: said.model_copy(update={"source": "real"}) for paper, said in demo.claims.items()}
    release(demo.model_copy(update={"claims": claims}), root / "out", root)
    page = (root / "out/README.md").read_text()
    assert f"**Real data: {demo.preset_label}.**\n" in page
    assert "Nothing here was measured" not in page


def test_seeds_that_differ_are_named_for_each_paper(demo, root):
    other = demo.claims[PAPER].model_copy(update={"seeds": (0, 1, 2)})
    claims = {PAPER: demo.claims[PAPER].model_copy(update={"seeds": (0,)}), "other": other}
    for name in ("claims/other.md", "deviations/other.md", "claims/other.json"):
        write(root / "reports" / name, json.dumps({"digest": other.digest}))
    release(demo.model_copy(update={"claims": claims}), root / "out", root)
    assert f"| seeds | {PAPER} 0; other 0, 1, 2 |" in (root / "out/README.md").read_text()


def test_what_was_there_before_is_replaced(demo, root):
    out = root / "out"
    write(out / "figures/of_before.png", "old")
    release(demo, out, root)
    assert not (out / "figures/of_before.png").exists()
    assert [path.name for path in root.iterdir() if path.name.startswith(".out")] == []


def test_what_was_there_comes_back_if_the_exchange_is_interrupted(demo, root, monkeypatch):
    out = root / "out"
    write(out / "README.md", "before\n")
    rename = Path.rename

    def interrupted(path, target):
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        release(demo, out, root)
    assert [path.read_text() for path in out.iterdir()] == ["before\n"]


def test_a_stale_report_is_refused_and_nothing_is_touched(demo, root):
    out = root / "out"
    write(out / "README.md", "before\n")
    write(root / "reports/claims.json", json.dumps({"digest": "of before"}))
    with pytest.raises(UserError, match=r"claims of .* are missing or not what preset demo asks"):
        release(demo, out, root)
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
