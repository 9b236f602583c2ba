import json

import pytest
import typer
from ruamel.yaml import YAML
from tests.training.pretraining import RECIPE
from typer.testing import CliRunner

from vreid.cli.pretrain import pretrain
from vreid.models.weights import load_rendered
from vreid.params.errors import UserError

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
    for name, width in (("resnet50", 0.0625), ("mobilenet_v2", 0.125)):
        load_rendered(name, width, project / "made")
        assert f"{name}-w{width}.safetensors" in output
        manifest = json.loads((project / "made" / f"{name}-w{width}.json").read_text())
        assert manifest["command"] == f"vreid pretrain {name} --width {width} --size 32"
        assert manifest["pictures"]["identities"] == 10
        assert (manifest["pictures"]["images"], manifest["pictures"]["size"]) == (40, 32)


def test_one_backbone_with_everything_chosen(project):
    run("resnet50", "--width", "0.125", "--size", "48", "--epochs", "1", "--times", "2")
    (path,) = (project / "made").glob("*.json")
    manifest = json.loads(path.read_text())
    assert path.name == "resnet50-w0.125.json"
    assert manifest["command"] == "vreid pretrain resnet50 --width 0.125 --size 48 --epochs 1 --times 2"
    assert manifest["pictures"]["identities"] == 20
    assert (manifest["pictures"]["images"], manifest["pictures"]["size"]) == (80, 48)
    assert {world["render"]["image_size"] for world in manifest["worlds"].values()} == {48}
    assert manifest["training"]["schedule"]["epochs"] == 1


def test_backbone_that_the_recipe_does_not_have(project):
    with pytest.raises(UserError, match=r"no backbone 'resnet5' .did you mean `resnet50`"):
        run("resnet5")
    assert not (project / "made").exists()
