"""Mistakes in a YAML file become one sentence with file, key and the nearest valid name."""

from pathlib import Path

import pytest

from vreid.params.errors import UserError
from vreid.params.paper import Paper
from vreid.params.preset import Preset
from vreid.params.read import read_yaml, validate
from vreid.params.run import TrainConfig

RECIPE = {
    "dataset": "veri776",
    "source": "synthetic",
    "data": "",
    "code": "",
    "seed": 0,
    "input": {"height": 64, "width": 64},
    "model": {"name": "se_densenet", "se": True, "mid_features": True, "backbone": {"name": "densenet121"}},
    "losses": [{"name": "triplet", "margin": 0.3}, {"name": "focal", "gamma": 2}],
    "sampler": {"name": "pk", "ids": 8, "images_per_id": 4},
    "optimizer": {"name": "adam", "lr": 1e-3},
    "schedule": {"name": "multistep", "epochs": 3, "milestones": [1, 2], "gamma": 0.1},
    "augment": [],
}


def said(value: dict, model: type = TrainConfig) -> str:
    with pytest.raises(UserError) as error:
        validate(model, value, "params/x.yaml")
    text = str(error.value)
    assert text.startswith("params/x.yaml: ")
    assert "\n" not in text
    return text


def test_a_right_recipe_is_read():
    config = validate(TrainConfig, RECIPE, "here")
    assert config.losses[1].gamma == 2.0
    assert config.schedule.milestones == (1.0, 2.0)


def test_a_misspelt_key_names_the_nearest_one():
    text = said({**RECIPE, "optimiser": RECIPE["optimizer"]})
    assert "`optimiser`" in text
    assert "`optimizer`" in text


def test_a_misspelt_key_inside_a_named_choice_names_the_nearest_one_of_that_choice():
    text = said({**RECIPE, "losses": [{"name": "focal", "gama": 2.0}]})
    assert "losses.0.gama" in text
    assert "`gamma`" in text
    assert "margin" not in text


def test_a_misspelt_choice_names_the_nearest_one():
    text = said({**RECIPE, "losses": [{"name": "focall", "gamma": 2.0}]})
    assert "'focall'" in text
    assert "`focal`" in text


def test_a_wrong_type_says_key_and_value():
    text = said({**RECIPE, "seed": "three"})
    assert "`seed`" in text
    assert "'three'" in text


def test_a_missing_key_is_named():
    text = said({key: value for key, value in RECIPE.items() if key != "sampler"})
    assert "`sampler` is missing" in text


def test_weights_of_the_published_width_are_refused_for_a_narrow_network():
    narrow = {"name": "densenet121", "width": 0.25}
    text = said({**RECIPE, "model": {**RECIPE["model"], "backbone": narrow}})
    assert "weights" in text
    assert "null" in text


def test_true_is_no_number():
    assert "`seed`" in said({**RECIPE, "seed": True})


def test_a_preset_needs_seeds():
    text = said({"says": "x", "source": "synthetic", "seeds": []}, Preset)
    assert "`seeds`" in text


def test_two_experiments_of_one_name_are_refused_with_the_line(tmp_path: Path):
    file = tmp_path / "paper.yaml"
    file.write_text("experiments:\n  baseline: {}\n  proposed: {}\n  baseline: {}\n")
    with pytest.raises(UserError, match=r"paper.yaml, line 4: `baseline` stands twice"):
        read_yaml(file)


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\tx: 1"])
def test_broken_yaml_is_a_sentence_with_the_line(tmp_path: Path, text: str):
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"broken.yaml, line \d+: this is not valid YAML"):
        read_yaml(file)


def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path):
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n- 2\n")
    with pytest.raises(UserError, match="must hold a mapping"):
        read_yaml(file)


def test_a_missing_file_names_the_nearest_one(tmp_path: Path):
    (tmp_path / "demo.yaml").write_text("a: 1\n")
    with pytest.raises(UserError, match=r"there is demo.yaml beside it"):
        read_yaml(tmp_path / "demmo.yaml")


def test_yaml_tags_do_not_run_code(tmp_path: Path):
    file = tmp_path / "evil.yaml"
    file.write_text("a: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(UserError, match="not valid YAML"):
        read_yaml(file)


def test_scientific_notation_without_a_point_is_a_number(tmp_path: Path):
    file = tmp_path / "lr.yaml"
    file.write_text("a: 1e-4\nb: 3.5e-5\n")
    assert read_yaml(file) == {"a": 1e-4, "b": 3.5e-5}


PAPER = {
    "paper": {"title": "T", "authors": ["A B"], "year": 2021, "journal": "J"},
    "main": "baseline",
    "defaults": {},
    "experiments": {"baseline": {}},
    "tables": {
        "table1": {
            "caption": "C",
            "columns": ["mAP", "R1"],
            "rows": [{"label": "Base", "run": "baseline", "paper": [68.5, 92]}],
        }
    },
}


def table_with(**changes: object) -> dict:
    return {**PAPER, "tables": {"table1": {**PAPER["tables"]["table1"], **changes}}}


def test_a_right_paper_is_read():
    paper = validate(Paper, PAPER, "here")
    assert paper.tables["table1"].rows[0].paper == (68.5, 92.0)
    assert paper.paper.citation() == "A B: T. J, 2021"


@pytest.mark.parametrize("metric", ["mApp", "R0", "R51", "Rank-1"])
def test_a_metric_that_nobody_computes_is_refused(metric: str):
    text = said(table_with(columns=["mAP", metric]), Paper)
    assert "computed by nobody" in text
    assert metric in text


def test_a_row_with_too_few_values_is_refused():
    text = said(table_with(rows=[{"label": "Base", "run": "baseline", "paper": [68.5]}]), Paper)
    assert "prints 1 values for 2 columns" in text


def test_a_row_must_be_ours_or_cited():
    text = said(table_with(rows=[{"label": "Base", "paper": [68.5, None]}]), Paper)
    assert "`run`" in text
    assert "`cited`" in text


def test_a_row_of_an_unknown_experiment_names_the_nearest_one():
    text = said(table_with(rows=[{"label": "Base", "run": "basline", "paper": [68.5, None]}]), Paper)
    assert "'basline'" in text
    assert "`baseline`" in text
