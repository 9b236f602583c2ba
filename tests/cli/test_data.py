import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.datasets import trees
from typer.testing import CliRunner

from vreid.cli.data import app
from vreid.datasets.packed import PackedImages
from vreid.params.dataset import read_dataset
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
def project(project):
    """The same with one more preset: a handful of rendered images."""
    yaml = YAML(typ="safe")
    preset = yaml.load(project / "params/presets/demo.yaml")
    preset["datasets"] = {"veri776": SMALL}
    yaml.dump(preset, project / "params/presets/tiny.yaml")
    return project


MINE = """
title: My vehicles
citation: unpublished
terms: mine
acquire: {kind: by_hand}
adapter: own_table
table: table.csv
protocols:
  - {name: custom, form: given, junk: same_camera}
"""
TABLE = "path,pid,camid,split\n1.jpg,1,1,train\n2.jpg,1,2,train\n3.jpg,2,1,query\n4.jpg,2,2,gallery\n"


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
    variant = Path(entry.darkened).stem.removeprefix(entry.version)
    darker = PackedImages.open(Path(f"data/packed/synthetic/{entry.version}-16x24{variant}"))
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


EIGHT = ["cars196", "rgbn300", "rgbnt100", "uav_veid", "vehicleid", "veri776", "veri_uav", "vru"]


def test_status_lists_all_eight_from_both_sources(project):
    status = run("status")
    for name in EIGHT:
        for source in ("real", "synthetic"):
            assert re.search(rf"{name} +{source} +absent", status)


@pytest.mark.parametrize("name", [name for name in EIGHT if name != "vru"])  # VRU is downloaded
def test_each_dataset_that_is_handed_out_says_how_to_get_it(project, name):
    with pytest.raises(UserError) as error:
        run("acquire", name, "--source", "real")
    spec = read_dataset(name)
    for words in (
        spec.title,
        spec.terms,
        *spec.steps,
        f"data/downloads/{name}",
        f"vreid data add {name} FOLDER",
    ):
        assert words in str(error.value)


@pytest.mark.parametrize("name", EIGHT)
def test_every_dataset_is_planned_though_no_table_uses_it(project, name):
    with pytest.raises(UserError, match=f"data/raw/synthetic/{name}-.* is not there"):
        run("verify", name, "--preset", "demo")
    with pytest.raises(UserError, match=f"data/raw/real/{name} is not there; .* --source real"):
        run("show", name, "--preset", "paper")


def test_own_data_needs_one_file_and_goes_all_the_way(project):
    trees.write(project / "params/datasets", {"mine.yaml": MINE})
    trees.write(project / "pictures", {"table.csv": TABLE, **{f"{n}.jpg": n for n in range(1, 5)}})
    run("add", "mine", project / "pictures")
    assert "| train images | 2 |" in run("verify", "mine")  # the preset renders; own data stays what it is
    run("split", "mine")
    run("pack", "mine", "16x24")
    assert "| gallery | 1 | 1 |" in run("show", "mine")
    assert load().dataset("mine").source == "real"
    assert re.search(r"mine +real +verified +4 +2 ", run("status"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["darken", "vru"], "vru has no darkened variant"),
        (["pack", "veri776", "256"], "'256' is no size: write HEIGHTxWIDTH"),
        (
            ["add", "veri77", "."],
            "No dataset is called `veri77` .*`veri776`.*: params/datasets/ has `cars196`, ",
        ),
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
