"""Resolves what a run of a paper is: its recipe as printed, and as a preset changes it."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vreid.params import overrides
from vreid.params.claims import Reading
from vreid.params.errors import UserError
from vreid.params.paper import Paper
from vreid.params.preset import PaperPreset, Preset
from vreid.params.read import suggest, validate
from vreid.params.run import Test, TrainConfig

SAID_ELSEWHERE = ("engine.", "model.input_size")
"""Keys that a recipe's departures leave out: how something is computed, and a copy of the input's size."""


@dataclass(frozen=True)
class Binding:
    """What a cell, a claim or a figure wants trained and tested.

    `test` are the changes to how it is tested, as JSON.
    """

    experiment: str
    variant: str | None = None
    dataset: str | None = None
    test: str = "{}"

    @property
    def label(self) -> str:
        """Its name as a part of the run's."""
        return f"{self.experiment}_{self.variant}" if self.variant else self.experiment


class Recipes:
    """The recipes of one paper under a preset."""

    def __init__(self, name: str, paper: Paper, file: Path, preset: Preset, preset_file: Path) -> None:
        self.name, self.paper, self.file = name, paper, file
        self._preset, self._preset_file = preset, preset_file
        self.mine = preset.papers.get(name, PaperPreset())
        self._seeds = self.mine.seeds or preset.seeds
        self._printed: dict[Binding, dict[str, Any]] = {}
        self._resolved: dict[Binding, tuple[TrainConfig, Test]] = {}
        self._check_names()

    def check(self) -> None:
        """Check every experiment as printed, under every variant by which a column changes it.

        Raises:
            UserError: one is misspelt, incomplete or contradictory.
        """
        for experiment in self.paper.experiments:
            binding = Binding(experiment)
            self.validated(self._as_printed(binding), self.where(binding))

    def where(self, binding: Binding) -> str:
        """Say where a binding's recipe is written."""
        variant = f", variants.{binding.variant}" if binding.variant else ""
        return f"{self.file}: experiments.{binding.experiment}{variant}"

    def left_out(self, binding: Binding) -> bool:
        """Tell whether the preset does not run a binding."""
        if binding.experiment in self.mine.leave_out:
            return True
        return bool(self.mine.only) and self.stem(binding) not in self.mine.only

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that any of the paper's runs has, in ascending order."""
        return tuple(sorted({*self._seeds, *(seed for own in self.mine.seeds_of.values() for seed in own)}))

    def seeds_for(self, binding: Binding) -> tuple[int, ...]:
        """Return the seeds that a binding is trained with: those of its recipe, or the paper's."""
        recipe, _ = self.resolved(binding)
        return next((seeds for known, seeds in self._own_seeds if known == recipe), self._seeds)

    @cached_property
    def _own_seeds(self) -> list[tuple[TrainConfig, tuple[int, ...]]]:
        """The recipes with seeds of their own: what resolves alike is the same run and has the same."""
        found = []
        for stem, seeds in self.mine.seeds_of.items():
            label, _, dataset = stem.rpartition("-")
            for experiment in self.paper.experiments:
                for variant in (None, *self.paper.variants):
                    binding = Binding(experiment, variant)
                    if binding.label == label:
                        own = self.dataset_of(binding) == dataset
                        binding = binding if own else Binding(experiment, variant, dataset)
                        found.append((self.resolved(binding)[0], seeds))
        return found

    def stem(self, binding: Binding) -> str:
        """Return what a binding's runs are called between the paper and the seed."""
        return f"{binding.label}-{self.dataset_of(binding)}"

    def check_stems(self, asked: Collection[str]) -> None:
        """Check that what the preset names by stem is something that reports ask for; `asked` are stems.

        Raises:
            UserError: nothing asks for it.
        """
        named = [("only", stem) for stem in self.mine.only] + [
            ("seeds_of", stem) for stem in self.mine.seeds_of
        ]
        for key, stem in named:
            if stem not in asked:
                raise UserError(
                    f"{self._preset_file}: `papers.{self.name}.{key}`: no table, figure or claim of "
                    f"{self.file} asks for {stem!r}{suggest(stem, list(asked))}."
                )

    def dataset_of(self, binding: Binding) -> str:
        """Return the dataset that a binding is trained on.

        Raises:
            UserError: its recipe names none.
        """
        dataset = self._as_printed(binding).get("dataset")
        if not isinstance(dataset, str):
            raise UserError(f"{self.file}: `defaults.dataset` is missing.")
        return dataset

    def resolved(self, binding: Binding) -> tuple[TrainConfig, Test]:
        """Return a binding's recipe under the preset; its data, code and seed are still to be filled in.

        The preset changes the paper's defaults; what makes an experiment or a variant differ from them comes
        later, so that no preset hides it, unless it says so for that very experiment or variant.
        """
        if binding not in self._resolved:
            self._resolved[binding] = self._resolve(binding)
        return self._resolved[binding]

    def as_printed(self, binding: Binding) -> tuple[TrainConfig, Test]:
        """Return a binding's recipe as the paper's file has it."""
        return self.validated(self._as_printed(binding), self.where(binding))

    def validated(self, recipe: Mapping[str, Any], where: str) -> tuple[TrainConfig, Test]:
        """Check a recipe, and take it apart into how is trained and how is tested.

        Raises:
            UserError: a key is misspelt, missing, or of a wrong type.
        """
        of_the_run = {"source": self._preset.source, "data": "", "code": "", "seed": 0}
        train = {key: value for key, value in _sized(recipe).items() if key != "test"}
        config = validate(TrainConfig, {**train, **of_the_run}, where)
        return config, validate(Test, recipe.get("test", {}), f"{where}: test")

    def departures(self, bindings: Iterable[Binding]) -> Iterator[str]:
        """Say where the preset departs from the printed recipes, and what is read otherwise than printed.

        Each line once.
        """
        said: set[str] = set()
        for binding in bindings:
            ours, theirs = _dumped(*self.resolved(binding)), _dumped(*self.as_printed(binding))
            for line in self._departing(ours, theirs):
                if line not in said:
                    said.add(line)
                    yield line

    def shortens(self) -> bool:
        """Tell whether the preset trains any experiment for fewer epochs than the paper."""
        return any(
            self.resolved(binding)[0].schedule.epochs < self.as_printed(binding)[0].schedule.epochs
            for binding in map(Binding, self.paper.experiments)
            if binding.experiment not in self.mine.leave_out
        )

    def _resolve(self, binding: Binding) -> tuple[TrainConfig, Test]:
        file = str(self._preset_file)
        recipe = overrides.apply(self.paper.defaults, self._preset.overrides, f"{file}: overrides")
        where = f"{file}: papers.{self.name}"
        recipe = overrides.apply(recipe, self.mine.overrides, f"{where}.overrides")
        recipe = self._changed(recipe, binding)
        for kind, name, changes in (
            ("experiments", binding.experiment, self.mine.experiments),
            ("variants", binding.variant, self.mine.variants),
        ):
            if name is not None:
                recipe = overrides.apply(recipe, changes.get(name, {}), f"{where}.{kind}.{name}")
        epochs = self.mine.epochs or self._preset.epochs
        if epochs is not None:
            self.validated(recipe, f"{file} on {self.where(binding)}")  # a schedule that can be shortened
            recipe["schedule"] = shortened(recipe["schedule"], epochs)
        return self.validated(recipe, f"{file} on {self.where(binding)}")

    def _departing(self, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
        found = {key: (a, b) for key, a, b in overrides.differences(ours, theirs)}
        for key, reading in self.paper.readings.items():
            value = overrides.look_up(ours, key)
            said = any(other.startswith(f"{key}.") for other in found)
            if reading.printed is not None and value is not None and not said:
                found.setdefault(key, (value, value))
        for key, (a, b) in found.items():
            if not key.startswith(SAID_ELSEWHERE):
                yield f"{key}: {plain(a)} ({_as_read(self._reading(key), a, b)})"

    def _reading(self, key: str) -> Reading | None:
        """Return how the paper is read at a key, or at the nearest one above it."""
        steps = key.split(".")
        above = (".".join(steps[:depth]) for depth in range(len(steps), 0, -1))
        return next((self.paper.readings[name] for name in above if name in self.paper.readings), None)

    def _as_printed(self, binding: Binding) -> dict[str, Any]:
        if binding not in self._printed:
            self._printed[binding] = self._changed(self.paper.defaults, binding)
        return self._printed[binding]

    def _changed(self, recipe: Mapping[str, Any], binding: Binding) -> dict[str, Any]:
        """Apply what the experiment, the variant and the column change."""
        where = self.where(binding)
        changed = overrides.apply(recipe, self.paper.experiments[binding.experiment] or {}, where)
        if binding.variant is not None:
            changed = overrides.apply(changed, self.paper.variants[binding.variant], where)
        if binding.dataset is not None:
            changed["dataset"] = binding.dataset
        test = {f"test.{key}": value for key, value in json.loads(binding.test).items()}
        return overrides.apply(changed, test, where)

    def _check_names(self) -> None:
        for kind, names, known in (
            ("experiments", self.mine.experiments, self.paper.experiments),
            ("variants", self.mine.variants, self.paper.variants),
            ("leave_out", self.mine.leave_out, self.paper.experiments),
        ):
            for name in names:
                if name not in known:
                    raise UserError(
                        f"{self._preset_file}: `papers.{self.name}.{kind}`: {self.file} has no "
                        f"{name!r}{suggest(name, list(known))}."
                    )


def shortened(schedule: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return a schedule of `epochs` epochs in which all that is dated keeps its share of the whole."""
    factor = epochs / schedule["epochs"]
    result = {**schedule, "epochs": epochs}
    if "milestones" in schedule:
        result["milestones"] = [round(milestone * factor, 6) for milestone in schedule["milestones"]]
    if schedule.get("delay"):
        result["delay"] = round(schedule["delay"] * factor, 6)
    for phase in ("warmup", "freeze"):
        if schedule.get(phase):
            result[phase] = {**schedule[phase], "epochs": round(schedule[phase]["epochs"] * factor, 6)}
    return result


def plain(value: Any) -> str:
    """Return a value of params/ as a reader expects it: `flip (p 0.5)` of `{name: flip, p: 0.5}`."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return str(float(f"{value:.6g}"))
        case list():
            return f"[{', '.join(map(plain, value))}]"
        case {"name": name, **others}:
            said = plain(others)
            return f"{name} ({said})" if said else str(name)
        case dict():
            return ", ".join(f"{key} {plain(one)}" for key, one in value.items())
        case _:
            return str(value)


def _sized(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Tell a model that wants to know it (`model.input_size`) the size of its input."""
    size, model = recipe.get("input"), recipe.get("model")
    if not isinstance(size, Mapping) or not isinstance(model, Mapping) or "input_size" not in model:
        return dict(recipe)
    told = {**model, "input_size": [size.get("height"), size.get("width")]}
    return {**recipe, "model": told}


def _dumped(config: TrainConfig, test: Test) -> dict[str, Any]:
    """Return a recipe as plain values."""
    return {**config.model_dump(mode="json"), "test": test.model_dump(mode="json")}


def _as_read(reading: Reading | None, ours: Any, read: Any) -> str:
    """Say what the paper prints at a key, and how it was read where that is another thing."""
    if reading is None:
        return f"paper: {plain(read)}"
    printed = "unprinted" if reading.printed is None else f"printed {plain(reading.printed)}"
    return f"paper: {printed}" if ours == read else f"paper: {printed}, taken as {plain(read)}"
