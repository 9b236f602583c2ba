import json

import pytest
import typer
from ruamel.yaml import YAML
from tests.training.pretraining import RECIPE
from typer.testing import CliRunner

from vreid.cli.pretrain import pretrain
from vreid.models.weights import load_rendered
from vreid.params.errors import UserError
from vreid.params.models.backbone import rendered_name

app = typer.Typer()
app.command()(pretrain)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder whose params/ hold nothing but a recipe of a few tiny pictures."""
    (tmp_path / "params").mkdir()
    YAML(typ="safe").dump(RECIPE, tmp_path / "params" / "pretrain.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--out", "made", "--device", "cpu"])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_all_backbones_of_the_recipe(project):
    output = run()
    # Five vehicles in each of two worlds, in one of them in three spectra.
    for name, width, depth, epochs in (("resnet50", 0.0625, 1.0, 2), ("mobilenet_v2", 0.125, 0.33, 1)):
        load_rendered(name, width, project / "made", depth=depth)
        assert rendered_name(name, width, depth) in output
        path = (project / "made" / rendered_name(name, width, depth)).with_suffix(".json")
        manifest = json.loads(path.read_text())
        assert manifest["command"] == f"vreid pretrain {name} --width {width} --depth {depth:g} --size 32"
        assert manifest["pictures"]["identities"] == 20
        assert len(manifest["epochs"]) == epochs
        assert (manifest["pictures"]["images"], manifest["pictures"]["size"]) == (40, 32)
    assert not list((project / "data" / "pretraining").rglob("checkpoint*"))


def test_one_backbone_with_everything_chosen(project):
    run("resnet50", "--width", "0.125", "--depth", "0.5", "--size", "48", "--epochs", "1", "--times", "2")
    (path,) = (project / "made").glob("*.json")
    manifest = json.loads(path.read_text())
    assert path.name == "resnet50-w0.125-d0.5.json"
    assert manifest["command"] == (
        "vreid pretrain resnet50 --width 0.125 --depth 0.5 --size 48 --epochs 1 --times 2"
    )
    assert manifest["pictures"]["identities"] == 40
    assert (manifest["pictures"]["images"], manifest["pictures"]["size"]) == (80, 48)
    assert {world["render"]["image_size"] for world in manifest["worlds"].values()} == {48}
    assert manifest["training"]["schedule"]["epochs"] == 1


def test_backbone_that_the_recipe_does_not_have(project):
    with pytest.raises(UserError, match=r"no backbone 'resnet5' .did you mean `resnet50`"):
        run("resnet5")
    assert not (project / "made").exists()
