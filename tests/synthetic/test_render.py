import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.synthetic.small import small_spec

from vreid.params.errors import UserError
from vreid.synthetic import render
from vreid.synthetic.render import render_dataset

ROOT = Path(__file__).parents[2]
REFERENCE = Path(__file__).with_name("reference.json")


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(f.relative_to(root)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    out = tmp_path_factory.mktemp("one") / "veri"
    spec = small_spec(night=0.3, dusk=0.3, glare=0.5, occlusion=0.5, low_resolution=0.5)
    progress = []
    render_dataset("veri776", spec, out, workers=1, progress=lambda *done: progress.append(done))
    return spec, out, progress


def test_the_number_of_processes_does_not_change_a_byte(rendered, tmp_path):
    spec, out, _ = rendered
    render_dataset("veri776", spec, tmp_path / "two", workers=2)
    assert digests(tmp_path / "two") == digests(out)


def test_progress_counts_all_images(rendered):
    _, _, progress = rendered
    assert progress == [(4, 16), (8, 16), (12, 16), (16, 16)]


def test_side_files_name_twins_and_attributes(rendered):
    _, out, _ = rendered
    with (out / "rendered" / "attributes.csv").open() as file:
        attributes = {row["pid"]: row for row in csv.DictReader(file)}
    with (out / "rendered" / "twins.csv").open() as file:
        twins = {row["pid"]: row["twin_of"] for row in csv.DictReader(file)}
    assert set(attributes) == set(twins) == {"1", "2", "3", "4"}
    for one, other in twins.items():
        assert twins[other] == one != other
        for key in ("split", "type", "model", "paint"):
            assert attributes[one][key] == attributes[other][key]


def test_pictures_are_those_of_the_reference(spec, tmp_path):
    """Mean colours of 4 x 4 fields of an image, within a tolerance.

    Bytes depend on the processor (vector widths of numpy and Embree), on libjpeg and on the platform's math
    library; these means do not, beyond a level or two. After a wanted change of the renderer, write the file
    anew with `UPDATE_REFERENCE=1`.
    """
    render_dataset("rgbnt100", spec(image_size=48, supersampling=2, night=0.5), tmp_path / "set", workers=1)
    files = sorted((tmp_path / "set" / "rgbir").rglob("*.jpg"))
    fields = {}
    for file in files[::5]:
        small = Image.open(file).convert("RGB").resize((12, 4), Image.Resampling.BOX)
        fields[file.name] = np.asarray(small).reshape(-1).tolist()
    if os.environ.get("UPDATE_REFERENCE"):
        REFERENCE.write_text(json.dumps(fields) + "\n")
    expected = json.loads(REFERENCE.read_text())
    assert list(fields) == list(expected)
    for name, values in fields.items():
        assert np.abs(np.subtract(values, expected[name])).max() <= 6, name


@pytest.mark.parametrize("workers", [1, 2])
def test_after_an_exception_there_is_no_folder(spec, tmp_path, workers):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_dataset("veri776", spec(), tmp_path / "set", workers=workers, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_lists_leaves_nothing(spec, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(render, "write_side_files", fail)
    with pytest.raises(OSError, match="disk full"):
        render_dataset("veri776", spec(), tmp_path / "set", workers=1)
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from pathlib import Path
from tests.synthetic.small import small_spec
from vreid.synthetic.render import render_dataset

if __name__ == "__main__":
    spec = small_spec(train_ids=40, models=40, image_size=128)
    out, report = Path(sys.argv[1]), lambda *done: print(*done, flush=True)
    render_dataset("veri776", spec, out, workers=2, progress=report)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_rendering_leaves_neither_folder_nor_workers(tmp_path):
    script = tmp_path / "render_it.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with subprocess.Popen(
        [sys.executable, script, tmp_path / "set"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().strip() == "4 168"
        process.kill()
        # The pipe ends when the last process that holds it has ended.
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "set").exists()


def test_remains_of_a_killed_rendering_are_replaced(spec, tmp_path):
    (tmp_path / ".set.rendering" / "image_train").mkdir(parents=True)
    (tmp_path / ".set.rendering" / "image_train" / "0099_c001_00000001_0.jpg").touch()
    (tmp_path / "set").mkdir()
    render_dataset("veri776", spec(), tmp_path / "set", workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert not list(tmp_path.rglob("0099*"))


def test_existing_files_are_not_overwritten(spec, tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UserError, match="already holds files"):
        render_dataset("veri776", spec(), tmp_path, workers=1)
    assert (tmp_path / "photo.jpg").exists()


@pytest.mark.parametrize("name", ["veri", "../veri776", "rgbir.x"])
def test_unknown_datasets_are_named(spec, tmp_path, name):
    with pytest.raises(UserError, match="can be rendered"):
        render_dataset(name, spec(), tmp_path / "set", workers=1)
