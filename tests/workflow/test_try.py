"""`vreid try` on somebody's own pictures, and the sentences for a table that is wrong."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]


HOSTILE = "$(touch pwned);`touch pwned`"
"""What no shell may ever see in the name of a folder or of a picture."""


def write_table(folder: Path) -> Path:
    """Ten vehicles, each of a colour of its own, seen twice by each of two cameras; some have odd names."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    table = folder / "table.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "pid", "camid", "split"])
        writer.writerows(draw_pictures(folder, rng))
    return table


def draw_pictures(folder: Path, rng: np.random.Generator) -> Iterator[tuple[str, int, int, str]]:
    for pid in range(10):
        colour = rng.integers(0, 256, 3)
        for camera in (1, 2):
            for shot in range(2):
                split = "train" if pid < 6 else ("query" if camera == 1 else "gallery")
                pixels = np.clip(colour + rng.normal(0, 12, (30, 40, 3)), 0, 255).astype(np.uint8)
                odd = {0: f" {HOSTILE}", 7: " {x} 'y' \"z\" | & \\ <b> \n -- *"}.get(pid, "")
                name = f"{pid}_{camera}_{shot}{odd}.png"
                Image.fromarray(pixels).save(folder / name)
                yield name, pid, camera, split


def test_a_table_of_pictures_ends_in_a_report(finished: Project, tmp_path: Path):
    table = write_table(tmp_path / f"my pictures {HOSTILE}")
    command = (
        "vreid",
        "try",
        "se_densenet/proposed",
        "--table",
        str(table),
        "--preset",
        "micro",
        "--cores",
        "2",
    )
    printed = finished.call(*command).stdout
    own = finished.folder / "tries/my_pictures_touch_pwned_touch_pwned"
    reports = own / "reports/runs"
    (page,) = reports.glob("*.md")
    assert page.read_text() in printed
    assert all(words in printed for words in ("chance", "colour histogram", "own pictures"))
    assert page.with_suffix(".png").stat().st_size > 5000
    assert page.with_suffix(".similarities.png").stat().st_size > 5000
    report = json.loads(page.with_suffix(".json").read_text())
    assert (report["train"], report["test"]) == (
        {"vehicles": 6, "images": 24},
        {"vehicles": 4, "images": 16},
    )
    model = own / "runs" / page.stem / "model.safetensors"
    trained = model.stat().st_mtime_ns
    finished.call(*command)
    assert model.stat().st_mtime_ns == trained
    assert not [*finished.folder.rglob("pwned"), *tmp_path.rglob("pwned")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("path,pid,camid,split", "path,pid,camid,splitt", ["split", "splitt"]),
        ("3_1_0.png,3,1,train", "3_1_9.png,3,1,train", ["line 14", "3_1_9.png"]),
        ("8_2_0.png,8,2,gallery\n8_2_1.png,8,2,gallery\n", "", ["8"]),
    ],
)
def test_a_wrong_table_is_a_sentence_and_nothing_is_trained(
    finished: Project, tmp_path: Path, old: str, new: str, words: list[str]
):
    table = write_table(tmp_path / "wrong")
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))
    done = finished.call("vreid", "try", "se_densenet/proposed", "--table", str(table), check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert not (finished.folder / "tries" / "wrong").exists()
