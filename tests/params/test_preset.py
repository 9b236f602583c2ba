"""A preset may say what differs from another, and nothing else."""

import pytest

from vreid.params.errors import UserError
from vreid.params.preset import read_preset

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
    with pytest.raises(UserError, match=r"nowhere\.yaml is missing"):
        read_preset(folder, "nowhere")
