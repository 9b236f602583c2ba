"""In what the recipe of a run differs from the paper's, read from params/ once more."""

from collections.abc import Iterator
from pathlib import Path

from vreid.params.paper import Paper
from vreid.params.planning.recipes import Binding, Recipes
from vreid.params.preset import read_preset
from vreid.params.read import read_yaml, validate
from vreid.params.run import TrainConfig


def departures(experiment: str, config: TrainConfig, preset: str, params: Path) -> tuple[str, ...] | None:
    """Return in what a run departs from the printed recipe; None if no such experiment resolves to it.

    Args:
        experiment: `paper/experiment`, one of those that resolve to the run.
        config: what the run is.
        preset: under which it was planned.
        params: the folder.

    Raises:
        UserError: something in params/ cannot be read.
    """
    paper, _, label = experiment.partition("/")
    recipes = _recipes(paper, preset, params)
    for binding in _bindings(recipes.paper, label, config.dataset):
        of_the_run = {key: getattr(config, key) for key in ("source", "data", "code", "seed")}
        if recipes.resolved(binding)[0].model_copy(update=of_the_run) == config:
            return tuple(recipes.departures([binding]))
    return None


def _recipes(name: str, preset: str, params: Path) -> Recipes:
    file, presets = params / "papers" / f"{name}.yaml", params / "presets"
    paper = validate(Paper, read_yaml(file), str(file))
    return Recipes(name, paper, file, read_preset(presets, preset), presets / f"{preset}.yaml")


def _bindings(paper: Paper, label: str, dataset: str) -> Iterator[Binding]:
    """Yield what an experiment's name, with or without a variant's at its end, may stand for."""
    for experiment in paper.experiments:
        for variant in (None, *paper.variants):
            binding = Binding(experiment, variant, dataset)
            if binding.label == label:
                yield binding
