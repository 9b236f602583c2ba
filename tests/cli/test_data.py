import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.datasets import trees
from typer.testing import CliRunner

from vreid.cli.data import app
from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.resolve import load

PROJECT = Path(__file__).parents[2]
SMALL = {
    "train_ids": 2,
    "test_ids": 2,
    "cameras": 3,
    "cameras_per_id": 2,
    "images_per_camera": 1,
    "image_size": 32,
    "models": 2,
    "twins": 0.0,
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The project's params with one more preset: a handful of rendered images."""
    shutil.copytree(PROJECT / "params", tmp_path / "params")
    yaml = YAML(typ="safe")
    preset = yaml.load(tmp_path / "params/presets/demo.yaml")
    preset["datasets"] = {"veri776": SMALL}
    yaml.dump(preset, tmp_path / "params/presets/tiny.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_rendered_dataset_goes_all_the_way(project):
    entry = load(preset="tiny").dataset("veri776")
    plan = load(preset="tiny").write(Path("plans"))
    with pytest.raises(UserError, match=r"is not there; `vreid data acquire veri776` says how to get it"):
        run("verify", "veri776", "--preset", "tiny")
    run("acquire", "veri776", "--preset", "tiny")
    assert "| train images | 4 |" in run("verify", "--plan", plan, entry.version)
    run("split", "--plan", plan, entry.version)
    run("pack", "--plan", plan, entry.version, "16x24")
    packed = PackedImages.open(Path(f"data/packed/synthetic/{entry.version}-16x24"))
    assert packed.images.shape == (12, 16, 24, 3)
    run("darken", "--plan", plan, entry.version)
    run("pack", "--plan", plan, entry.version, "16x24", "--darkened")
    darker = PackedImages.open(Path(f"data/packed/synthetic/{entry.version}-16x24-darkened"))
    assert darker.images.shape == packed.images.shape
    assert re.search(r"veri776 +synthetic +verified +8 +4 ", run("status"))
    assert "| train | 4 | 2 |" in run("show", "veri776", "--preset", "tiny")
    assert Path(f"reports/datasets/{entry.version}.png").exists()


def test_a_real_dataset_is_explained_added_and_checked(project):
    with pytest.raises(UserError, match=r"(?s)VeRi-776 has to be fetched by hand.*vreid data add veri776"):
        run("acquire", "veri776", "--source", "real")
    trees.veri(project / "mine")
    assert "10 images are listed there" in run("add", "veri776", project / "mine")
    assert Path("data/raw/real/veri776").resolve() == project / "mine"
    with pytest.raises(UserError, match="The copy is incomplete: images: 8 instead of 49357"):
        run("verify", "veri776", "--preset", "paper")
    status = run("status")
    assert "veri776 (real) is incomplete: images: 8 instead of 49357" in status
    assert re.search(r"rgbnt100 +real +absent", status)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pack", "veri776", "256"], "'256' is no size: write HEIGHTxWIDTH"),
        (["add", "veri77", "."], r"No dataset is called 'veri77': .* \(there is veri776.yaml beside it\)"),
        (
            ["acquire", "veri776", "--source", "synthetic", "--preset", "paper"],
            "paper renders no veri776",
        ),
    ],
)
def test_what_is_wrong_is_said(project, arguments, sentence):
    if arguments[0] == "pack":
        trees.write(Path(load().dataset("veri776").raw), {"x": "x"})
    with pytest.raises(UserError, match=sentence):
        run(*arguments)
