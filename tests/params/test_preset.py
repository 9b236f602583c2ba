"""A preset may say what differs from another, and nothing else."""

import pytest

from vreid.params.errors import UserError
from vreid.params.preset import WorkflowSettings, read_preset, workflow_settings

BASE = """\
says: small
source: synthetic
seeds: [0]
overrides: {input.height: 64, input.width: 64}
papers:
  dpa: {epochs: 4, overrides: {optimizer.lr: 0.001, model.gem_p: 2.0}}
  alsa: {epochs: 6}
datasets:
  vru: {train_ids: 30, image_size: 64}
"""
ABOVE = """\
extends: base
says: larger
seeds: [0, 1]
overrides: {input.height: 128}
papers:
  dpa: {seeds: [5], overrides: {optimizer.lr: 0.01}}
datasets:
  vru: {train_ids: 60}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "above.yaml").write_text(ABOVE)
    return tmp_path


def test_what_it_says_is_laid_over_the_other_key_by_key(folder):
    preset = read_preset(folder, "above")
    assert (preset.says, preset.source, preset.seeds) == ("larger", "synthetic", (0, 1))
    assert preset.overrides == {"input.height": 128, "input.width": 64}
    dpa, alsa = preset.papers["dpa"], preset.papers["alsa"]
    assert (dpa.seeds, dpa.epochs, dpa.overrides) == ((5,), 4, {"optimizer.lr": 0.01, "model.gem_p": 2.0})
    assert alsa.epochs == 6
    assert preset.datasets == {"vru": {"train_ids": 60, "image_size": 64}}
    assert read_preset(folder, "base").overrides == {"input.height": 64, "input.width": 64}


def test_three_may_stand_on_each_other(folder):
    (folder / "top.yaml").write_text("extends: above\nseeds: [7]\n")
    preset = read_preset(folder, "top")
    assert (preset.seeds, preset.says, preset.source) == ((7,), "larger", "synthetic")


def test_presets_that_extend_each_other_are_refused(folder):
    (folder / "base.yaml").write_text(f"extends: above\n{BASE}")
    with pytest.raises(UserError, match="goes round: above -> base -> above"):
        read_preset(folder, "above")


def test_a_mistake_names_the_files_that_may_hold_it(folder):
    (folder / "above.yaml").write_text(f"{ABOVE}sedes: [1]\n")
    with pytest.raises(UserError) as error:
        read_preset(folder, "above")
    assert "above.yaml over " in str(error.value)
    assert "`sedes`" in str(error.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("abov", " (did you mean `above`?)"), ("nowhere", ""), ("../presets/base", "")],
)
def test_an_unknown_preset_is_told_all_there_are(folder, name, hint):
    with pytest.raises(UserError) as error:
        read_preset(folder, name)
    assert str(error.value) == f"No preset is called `{name}`{hint}: {folder}/ has `above`, `base`."


def test_a_preset_that_extends_an_unknown_one_is_named(folder):
    (folder / "above.yaml").write_text("extends: bass\n")
    with pytest.raises(UserError, match=r"above\.yaml: `extends`: no preset is called `bass` .*`base`\?"):
        read_preset(folder, "above")


def test_without_any_preset_the_folder_is_the_wrong_one(tmp_path):
    with pytest.raises(UserError, match=r"describes no preset here: run this in the project's folder\."):
        read_preset(tmp_path, "demo")


@pytest.fixture
def params(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "veri776.yaml").write_text("")
    return tmp_path


def test_what_a_call_runs_is_a_preset_and_perhaps_one_dataset(params):
    assert workflow_settings({"preset": "demo"}, params) == WorkflowSettings(preset="demo", dataset=None)
    assert workflow_settings({"preset": "demo", "dataset": "veri776"}, params).dataset == "veri776"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"preset": "demo", "presets": "demo3"}, "`presets` is no key here (did you mean `preset`?)."),
        ({"preset": "demo", "gpu": 2}, "`gpu` is no key here (valid are `dataset`, `preset`)."),
        ({"preset": 3}, "`preset` is 3: input should be a valid string."),
        ({}, "`preset` is missing."),
        (
            {"preset": "demo", "dataset": "veri77"},
            "no dataset is called `veri77` (did you mean `veri776`?): PARAMS/datasets/ has `veri776`.",
        ),
    ],
)
def test_a_key_or_value_of_the_configuration_that_nobody_knows_is_a_sentence(params, config, sentence):
    with pytest.raises(UserError) as error:
        workflow_settings(config, params)
    text = str(error.value).replace(str(params), "PARAMS")
    assert text == f"`--config` or PARAMS/workflow.yaml: {sentence}"
