"""How far each choice of a protocol moves the numbers of one and the same set of features.

The features of a run are evaluated under every variant that makes sense for them. A variant is a value for
each setting; the moves are those that differ from the reference, the run's own evaluation, in one setting
alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from vreid.evaluation.arrays import Array, Ints
from vreid.evaluation.containers import MIRRORED
from vreid.evaluation.distances import Distance
from vreid.evaluation.evaluate import Method
from vreid.evaluation.files import flip_mean
from vreid.evaluation.protocols import Declared, Protocol, form, protocol_of
from vreid.evaluation.reranking import Reranking
from vreid.evaluation.result import Result
from vreid.evaluation.run import RunFeatures, evaluate_draws
from vreid.evaluation.tables import Draw, read_draws
from vreid.params.dataset import Form
from vreid.params.errors import UserError
from vreid.params.run import Test

FEATURES = ("after_neck", "before_neck")
DISTANCES: tuple[Distance, ...] = ("cosine", "euclidean")
TRIALS = 10

FORMED: dict[Form, str] = {
    "gallery_one": "one gallery image per identity",
    "query_one": "one query per identity",
    "all_vs_all": "all against all",
}


@dataclass(frozen=True)
class Finding:
    """What one variant gives: `settings` in words, mAP and Rank-1 as fractions."""

    settings: Mapping[str, str]
    map: float
    rank1: float

    def differing(self, other: "Finding") -> list[str]:
        """Return the names of the settings in which two variants differ."""
        return [name for name, value in self.settings.items() if other.settings[name] != value]

    def far_from(self, paper: Mapping[str, float]) -> float:
        """Return the sum of the distances to the paper's mAP and R1, as far as it prints them."""
        values = {"mAP": self.map, "R1": self.rank1}
        return sum(abs(values[metric] - printed) for metric, printed in paper.items() if metric in values)


@dataclass(frozen=True)
class Audit:
    """All variants of a run under one protocol; `findings[0]` is the reference.

    `paper` holds the printed mAP and R1 as fractions, as far as there are any; `left_out` says which variants
    could not be evaluated, and why; `note` what a reader must know beside the numbers.
    """

    run: str
    protocol: str
    findings: tuple[Finding, ...]
    paper: Mapping[str, float]
    left_out: tuple[str, ...]
    note: str = ""

    @property
    def reference(self) -> Finding:
        """The run's own evaluation."""
        return self.findings[0]

    def moves(self) -> list[tuple[str, str, Finding]]:
        """Return (setting, its other value, finding) of the variants that change one setting."""
        found = []
        for finding in self.findings[1:]:
            changed = finding.differing(self.reference)
            if len(changed) == 1:
                found.append((changed[0], finding.settings[changed[0]], finding))
        return found

    def closest(self) -> Finding | None:
        """Return the variant nearest to the paper's numbers, the first if several are; None without them."""
        if not self.paper:
            return None
        return min(self.findings, key=lambda finding: finding.far_from(self.paper))

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        closest = self.closest()
        return {
            "run": self.run,
            "protocol": self.protocol,
            "note": self.note,
            "paper": dict(self.paper),
            "closest": None if closest is None else self.findings.index(closest),
            "variants": [
                {"settings": dict(finding.settings), "mAP": finding.map, "R1": finding.rank1}
                for finding in self.findings
            ],
            "left_out": list(self.left_out),
        }


def audit(
    features: Path,
    index: Path,
    splits: Path,
    test: Test,
    protocol: str | Declared,
    *,
    paper: Mapping[str, float] | None = None,
    reranking: Reranking | None = None,
    note: str = "",
) -> Audit:
    """Evaluate a run's features under every variant that makes sense.

    Varied are, in all combinations: the feature (before and after the neck), its mean with the mirrored
    image's where that was extracted (`<feature>_mirrored.npy`), the distance, the way query and gallery are
    formed and what is junk, and the kind of average precision; and, with the reference's settings,
    re-ranking.

    Args:
        features: the folder that the run's test was extracted to; the run's name is that of the folder above.
        index: as for `evaluate_run`.
        splits: likewise.
        test: the run's own feature and distance.
        protocol: whose trials `splits` holds.
        paper: the printed mAP and R1 as fractions.
        reranking: its parameters; left out if None, because it takes minutes on a large set.
        note: what stands beside the numbers, such as that they are those of rendered data.

    Raises:
        UserError: as `evaluate_run`.
    """
    rules = protocol_of(protocol)
    draws = read_draws(splits, [rules.name])[rules.name]
    extracted = dict(_features(features, index, test.feature))
    own = RunFeatures.load(features, index, test.feature)
    formations = list(_formations(rules, draws, own))
    findings: list[Finding] = []
    left_out = list(_without_neck(extracted))
    distances = [test.distance, *(name for name in DISTANCES if name != test.distance)]
    for (described, images), formation, distance in product(extracted.items(), formations, distances):
        settings = {**dict(described), "protocol": formation.words, "distance": distance, "re-ranking": "no"}
        try:
            result = evaluate_draws(images, formation.protocol, formation.draws, Method(distance))
        except UserError as error:
            left_out.append(f"{_words(settings)}: {error}")
            continue
        findings += _findings(result, settings)
    if reranking is not None:
        settings = {**findings[0].settings, "re-ranking": str(reranking)}
        method = Method(test.distance, reranking)
        findings += _findings(evaluate_draws(own, rules, draws, method), settings)
    run = features.resolve().parent.name
    return Audit(run, rules.name, tuple(findings), dict(paper or {}), tuple(left_out), note)


@dataclass(frozen=True)
class _Formation:
    """One way to form query and gallery, with one junk rule."""

    words: str
    protocol: Protocol
    draws: Sequence[Draw]


def _formations(protocol: Protocol, draws: list[Draw], images: RunFeatures) -> Iterator[_Formation]:
    """Yield the reference, then the other ways that make sense for the images of its first trial."""
    yield _Formation("as declared", protocol, draws)
    rows = np.union1d(draws[0].query, draws[0].gallery)
    if protocol.junk == "same_camera":
        yield _Formation("the same camera is no junk", replace(protocol, junk="none"), draws)
    elif protocol.form == "given" and len(np.unique(images.camids[rows])) > 1:
        yield _Formation("the same camera is junk", replace(protocol, junk="same_camera"), draws)
    if len(draws) > 1:
        yield _Formation("the first draw alone", protocol, draws[:1])
    if protocol.form == "gallery_one":
        draw = _first_image(rows, images)
        yield _Formation("gallery of each identity's first image", protocol, [draw])
    for name, words in FORMED.items():
        if name == protocol.form or (protocol.form == "given" and name != "all_vs_all"):
            continue
        other = Protocol(protocol.name, name, "self" if name == "all_vs_all" else "none", TRIALS)
        formed = enumerate(form(other, images.pids[rows]))
        yield _Formation(
            words, other, [Draw(t, rows[query], rows[gallery]) for t, (query, gallery) in formed]
        )


def _first_image(rows: Ints, images: RunFeatures) -> Draw:
    first = rows[np.unique(images.pids[rows], return_index=True)[1]]
    return Draw(0, np.setdiff1d(rows, first), np.sort(first))


def _features(
    folder: Path, index: Path, own: str
) -> Iterator[tuple[tuple[tuple[str, str], ...], RunFeatures]]:
    """Yield (settings, features) of what was extracted, the run's own feature first.

    Where the other one is the very same, because there is no neck between them, it is left out.
    """
    first = RunFeatures.load(folder, index, own)
    for name in sorted(FEATURES, key=lambda name: name != own):
        images = RunFeatures.load(folder, index, name)
        if name != own and np.array_equal(images.features, first.features):
            continue
        yield (("feature", name), ("flip test", "no")), images
        mirrored = folder / f"{name}{MIRRORED}.npy"
        if mirrored.is_file():
            other: Array = np.load(mirrored, mmap_mode="r", allow_pickle=False)
            mean = flip_mean(images.features, other)
            yield (("feature", name), ("flip test", "yes")), replace(images, features=mean)


def _without_neck(extracted: Mapping[tuple[tuple[str, str], ...], RunFeatures]) -> Iterator[str]:
    """Say so where both features are one."""
    there = {dict(described)["feature"] for described in extracted}
    for name in FEATURES:
        if name not in there:
            yield f"feature {name}: the network has no neck, so it is the same as {', '.join(there)}"


def _findings(result: Result, settings: Mapping[str, str]) -> list[Finding]:
    return [
        Finding({**settings, "average precision": kind}, result[metric], result["R1"])
        for kind, metric in (("plain", "mAP"), ("trapezoid", "mAP_trapezoid"))
    ]


def _words(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
