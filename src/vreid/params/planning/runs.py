"""Resolves the runs of a preset: each network trained once, however many reports want it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.models.backbone import rendered_name
from vreid.params.plan import DatasetPlan, RunPlan, TestPlan
from vreid.params.planning.datasets import Datasets, pack_of, versions
from vreid.params.planning.recipes import Binding, Recipes
from vreid.params.run import Test, TrainConfig

PRETRAINED = Path(__file__).parents[2] / "models" / "pretrained"
"""The weights that are shipped; those that a run starts from are a part of what it is."""


@dataclass
class _Wanted:
    """A run in the making: which experiments are it, and how each report wants it tested."""

    name: str
    paper: str
    experiment: str
    config: TrainConfig
    own_test: Test
    same: list[str] = field(default_factory=list)
    tests: dict[Test, set[str]] = field(default_factory=dict)


class Runs:
    """Collects what all reports want, and makes the plans of the runs from it.

    First every report says what it wants (`want`), then `close` plans the runs, and from then on `results`
    tells where a report finds what it wanted.
    """

    def __init__(self, datasets: Datasets, label: str) -> None:
        """Start with nothing wanted; `label` is what reports say of the preset."""
        self._datasets = datasets
        self._label = label
        self._wanted: dict[str, _Wanted] = {}
        self._names: dict[str, str] = {}
        self._bound: dict[tuple[str, Binding], list[tuple[str, Test]]] = {}
        self._asked: dict[str, set[str]] = {}
        self.planned: dict[str, RunPlan] = {}

    def want(self, recipes: Recipes, binding: Binding, protocol: str) -> None:
        """Note that a report wants `binding` evaluated under `protocol`, with each of its seeds."""
        self._asked.setdefault(recipes.name, set()).add(recipes.stem(binding))
        if recipes.left_out(binding):
            return
        key = (recipes.name, binding)
        if key not in self._bound:
            self._bound[key] = list(self._add(recipes, binding))
        for name, test in self._bound[key]:
            self._wanted[name].tests.setdefault(test, set()).add(protocol)

    def asked(self, paper: str) -> set[str]:
        """Return what reports wanted of a paper, as its runs are called between the paper and the seed."""
        return self._asked.get(paper, set())

    def close(self) -> None:
        """Plan the runs that are wanted."""
        self.planned = {name: self._plan(wanted) for name, wanted in self._wanted.items()}

    def results(self, recipes: Recipes, binding: Binding) -> list[tuple[RunPlan, TestPlan]]:
        """Return the runs of a binding, one per seed, each with the test that was wanted of it."""
        return [
            (self.planned[name], self.planned[name].tests[list(self._ordered(name)).index(test)])
            for name, test in self._bound.get((recipes.name, binding), [])
        ]

    def first_of(self, paper: str, experiment: str) -> RunPlan | None:
        """Return the run of an experiment's first binding with its first seed; None if it is not run."""
        for (name, binding), bound in self._bound.items():
            if (name, binding.experiment) == (paper, experiment) and bound:
                return self.planned[bound[0][0]]
        return None

    def dataset(self, name: str) -> DatasetPlan:
        """Return a dataset, completed by the packs of its runs."""
        sizes = [run.config.input for run in self.planned.values() if run.config.dataset == name]
        dataset = self._datasets.get(name)
        return self._datasets.with_packs(name, sorted({pack_of(dataset, size) for size in sizes}))

    def _add(self, recipes: Recipes, binding: Binding) -> Iterator[tuple[str, Test]]:
        """Add the runs of a binding, or its name to the runs that are the same."""
        where = recipes.where(binding)
        config, test = recipes.resolved(binding)
        _, own_test = recipes.resolved(Binding(binding.experiment, binding.variant, binding.dataset))
        dataset = self._datasets.wanted(config.dataset, where)
        darkened = "darkened" in (config.images, test.images)
        if darkened and dataset.darkened is None:
            raise UserError(f"{where}: {dataset.name} has no darkened variant: its file says nothing of one.")
        _check_spectra(config, dataset, where)
        filled = {"source": dataset.source, "data": dataset.version, "code": _training_code(config)}
        for seed in recipes.seeds_for(binding):
            seeded = config.model_copy(update={**filled, "seed": seed})
            digest = digest_of(seeded.model_dump(mode="json"))
            new = f"{recipes.name}-{binding.label}-{dataset.name}-s{seed}-{digest}"
            name = self._names.setdefault(digest, new)
            if name == new and name not in self._wanted:
                self._wanted[name] = _Wanted(name, recipes.name, binding.label, seeded, own_test)
            alias = f"{recipes.name}/{binding.label}"
            if alias not in self._wanted[name].same:
                self._wanted[name].same.append(alias)
            yield name, test

    def _ordered(self, name: str) -> Iterator[Test]:
        """Yield the tests of a run, its recipe's own first."""
        wanted = self._wanted[name]
        return iter(sorted(wanted.tests, key=lambda test: (test != wanted.own_test, test.model_dump_json())))

    def _plan(self, wanted: _Wanted) -> RunPlan:
        name, config = wanted.name, wanted.config
        dataset = self._datasets.get(config.dataset)
        pack = pack_of(dataset, config.input)
        tests = tuple(
            _test_plan(name, test, wanted.tests[test], dataset, pack) for test in self._ordered(name)
        )
        baselines = digest_of([dataset.splits, code_digest(["vreid.evaluation.baselines"])], 8)
        shown = [name, self._label, [test.evaluation for test in tests]]
        return RunPlan(
            name=name,
            paper=wanted.paper,
            experiment=wanted.experiment,
            same=tuple(wanted.same),
            config=config,
            pack=_of_images(pack, dataset, config.images),
            tests=tests,
            baselines=f"data/baselines/{dataset.source}/{Path(pack).name}-{baselines}.json",
            report=digest_of([*shown, baselines, wanted.same, code_digest(["vreid.reporting.own"])], 16),
            audit=digest_of([*shown, code_digest(["vreid.evaluation.audit", "vreid.cli.evaluate"])], 16),
        )


def _check_spectra(config: TrainConfig, dataset: DatasetPlan, where: str) -> None:
    """Raise a UserError unless the dataset has the spectra that the network is given."""
    spectra = config.input.spectra
    if absent := [name for name in spectra if name not in dataset.spec.spectra]:
        there = ", ".join(dataset.spec.spectra) or "one kind of pictures"
        raise UserError(
            f"{where}: `input.spectra` wants {', '.join(absent)}, but {dataset.name} has {there}."
        )
    streams = getattr(config.model, "streams", None)
    if streams is not None and streams != max(1, len(spectra)):
        raise UserError(
            f"{where}: `model.streams` is {streams}, but `input.spectra` names {len(spectra)} spectra: give "
            "the network as many streams as it gets spectra."
        )


def _test_plan(run: str, test: Test, protocols: set[str], dataset: DatasetPlan, pack: str) -> TestPlan:
    evaluation = digest_of(
        [
            test.model_dump(mode="json"),
            sorted(protocols),
            dataset.splits,
            code_digest(["vreid.evaluation.run"]),
        ],
        8,
    )
    return TestPlan(
        test=test,
        protocols=tuple(sorted(protocols)),
        pack=_of_images(pack, dataset, test.images),
        features=f"runs/{run}/features" + ("" if test.images == "original" else f"-{test.images}"),
        evaluation=f"runs/{run}/eval-{evaluation}",
    )


def _of_images(pack: str, dataset: DatasetPlan, images: str) -> str:
    """Return the pack of the original or of the darkened images."""
    return pack if images == "original" else dataset.darkened_pack(pack)


def _training_code(config: TrainConfig) -> str:
    """Digest of what trains and extracts: the model, the losses, the training package, shipped weights."""
    roots = ["vreid.training.engine", "vreid.training.extract", f"vreid.models.{config.model.name}"]
    code = _code(*roots, *(f"vreid.losses.{loss.name}" for loss in config.losses))
    return digest_of([code, _libraries(), list(_shipped(config.model.model_dump(mode="json")))], 16)


@cache
def _code(*roots: str) -> str:
    return code_digest(roots)


@cache
def _libraries() -> list[str]:
    return versions("torch", "torchvision", "numpy")


def _shipped(model: Mapping[str, Any]) -> Iterator[str]:
    """Yield the digests of the shipped weights that a model starts from, wherever they are named."""
    for value in model.values():
        if isinstance(value, Mapping):
            yield from _shipped(value)
    if model.get("weights") == "rendered" and "width" in model:
        file = PRETRAINED / rendered_name(model["name"], model["width"], model.get("depth", 1.0))
        yield _content(file) if file.exists() else "absent"


@cache
def _content(file: Path) -> str:
    """Many runs start from the same weights: they are read once."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
