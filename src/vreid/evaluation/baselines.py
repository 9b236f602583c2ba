"""Results that need no training: chance, colour histograms, raw pixels, and true attributes.

They tell how hard a test set is: a trained network that does not leave them far behind has learnt
little.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid.datasets.packed import PackedImages
from vreid.evaluation.arrays import Array, Ints
from vreid.evaluation.chance import chance
from vreid.evaluation.evaluate import Method, marks_of
from vreid.evaluation.protocols import Declared, Protocol, protocol_of
from vreid.evaluation.ranking import Groups
from vreid.evaluation.run import RunFeatures, evaluate_draws
from vreid.evaluation.tables import Draw, protocol_names_in, read_draws, read_labels
from vreid.params.atomic import write_json
from vreid.params.errors import UserError

Pixels = npt.NDArray[np.uint8]

BATCH_BYTES = 16 << 20
"""Bytes of images that are described at a time."""

BINS = 8
SIDE = 32


def baselines(
    index: Path,
    splits: Path,
    images: Path,
    out: Path,
    attributes: Path | None = None,
    protocols: Sequence[str | Declared] | None = None,
) -> None:
    """Write what methods without training reach under each protocol, as JSON, to `out`.

    By protocol: `queries`, `gallery` (of the first trial), and for `chance`, `colour_histogram`,
    `raw_pixels` and, given `attributes`, `attribute_oracle` the fractions mAP, mAP_trapezoid, mINP,
    MRR, R1 and cmc (50 values), means over the trials.

    Args:
        index: Parquet with pid and camid of every image.
        splits: Parquet with the query and gallery rows of every protocol and trial.
        images: folder of the packed images, whose rows are those of the index.
        out: the file.
        attributes: CSV with pid, type, model and paint of rendered vehicles; skipped if None or
            missing.
        protocols: names, or protocols as the dataset declares them; every one in `splits` if None.

    Raises:
        UserError: a file is missing or damaged, or does not fit the others.
    """
    labels = read_labels(index)
    rules = [protocol_of(name) for name in protocols or protocol_names_in(splits)]
    draws = read_draws(splits, [protocol.name for protocol in rules])
    described = list(_described(images, labels, draws))
    looks = None
    if attributes is not None and attributes.is_file():
        looks = _looks(attributes, labels[0])
    results: dict[str, dict[str, Any]] = {}
    for protocol in rules:
        trials = draws[protocol.name]
        entry: dict[str, Any] = {
            "queries": len(trials[0].query),
            "gallery": len(trials[0].gallery),
            "chance": _expected(labels, protocol, trials),
        }
        for name, features in described:
            found = evaluate_draws(features, protocol, trials, Method(distance="euclidean"))
            entry[name] = _shown(found.summary())
        if looks is not None:
            entry["attribute_oracle"] = _expected(labels, protocol, trials, looks)
        results[protocol.name] = entry
    write_json(out, {"protocols": results})


def colour_histogram(images: Pixels) -> npt.NDArray[np.float32]:
    """Return square roots of the shares of 8 x 8 x 8 RGB colours, (N, 512) for images (N, H, W, 3).

    The Euclidean distance of two such vectors is, up to a factor, the Hellinger distance of the
    histograms.
    """
    count = images.shape[0]
    bins = (images // (256 // BINS)).reshape(count, -1, 3).astype(np.int64)
    colours = (bins[..., 0] * BINS + bins[..., 1]) * BINS + bins[..., 2]
    colours += np.arange(count)[:, None] * BINS**3
    histogram = np.bincount(colours.ravel(), minlength=count * BINS**3).reshape(count, -1)
    roots: npt.NDArray[np.float32] = np.sqrt(histogram / colours.shape[1]).astype(np.float32)
    return roots


def raw_pixels(images: Pixels) -> Pixels:
    """Return the images (N, H, W, 3) shrunk to 32 x 32 by means over areas and rounded, as (N, 3072)."""
    rows, columns = _area_means(images.shape[1]), _area_means(images.shape[2])
    wide = np.einsum("ih,nhwc->niwc", rows, images.astype(np.float32), optimize=True)
    small = np.einsum("jw,niwc->nijc", columns, wide, optimize=True)
    shrunk: Pixels = np.rint(small).astype(np.uint8).reshape(len(images), -1)
    return shrunk


def _area_means(size: int) -> npt.NDArray[np.float32]:
    """Return the matrix (32, size) that averages `size` pixels over 32 equal stretches."""
    edges = np.linspace(0, size, SIDE + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights: npt.NDArray[np.float32] = (np.maximum(overlap, 0) * SIDE / size).astype(np.float32)
    return weights


def _described(
    folder: Path, labels: tuple[Ints, Ints], draws: dict[str, list[Draw]]
) -> Iterator[tuple[str, RunFeatures]]:
    """Yield the name and the features of each description of the images that some trial uses."""
    images = PackedImages.open(folder).images
    if len(images) != len(labels[0]):
        raise UserError(
            f"{folder} holds {len(images)} images and the index {len(labels[0])}: pack them again"
        )
    used = [part for trials in draws.values() for draw in trials for part in (draw.query, draw.gallery)]
    rows = np.unique(np.concatenate(used))
    methods: dict[str, Callable[[Pixels], Array]] = {
        "colour_histogram": colour_histogram,
        "raw_pixels": raw_pixels,
    }
    step = max(1, BATCH_BYTES // (8 * images[0].size))
    for name, describe in methods.items():
        parts = [describe(images[rows[i : i + step]]) for i in range(0, len(rows), step)]
        yield name, RunFeatures(np.concatenate(parts), rows, *labels)


def _looks(attributes: Path, pids: Ints) -> Ints:
    """Number what vehicles look like, model and paint together, by index row; -1 where it is not known."""
    try:
        with attributes.open(encoding="utf-8", newline="") as file:
            known = {
                int(line["pid"]): (line["type"], line["model"], line["paint"])
                for line in csv.DictReader(file)
            }
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{attributes} is no table of pid, type, model and paint ({error})") from None
    numbers = {look: number for number, look in enumerate(sorted(set(known.values())))}
    return np.array([numbers[known[pid]] if pid in known else -1 for pid in pids.tolist()], np.int64)


def _expected(
    labels: tuple[Ints, Ints], protocol: Protocol, trials: list[Draw], looks: Ints | None = None
) -> dict[str, Any]:
    """Return the expectation of a random order or, with `looks`, of one that knows model and paint.

    Who knows what the query's vehicle looks like puts the gallery images of the same look first,
    all matches among them, and can do no better than chance within them: what counts is their
    number.
    """
    found = []
    for draw in trials:
        marks = marks_of(protocol, labels[1], draw.query, draw.gallery)
        groups = Groups(labels[0][draw.query], labels[0][draw.gallery], *marks)
        ranked = groups.ranked
        if looks is not None:
            alike = Groups(looks[draw.query], looks[draw.gallery])
            ranked = alike.matches - groups.junk
        found.append(chance(groups.matches, ranked))
    return _shown({key: np.mean([trial[key] for trial in found], axis=0).tolist() for key in found[0]})


def _shown(summary: dict[str, Any]) -> dict[str, Any]:
    kept = {key: summary[key] for key in ("mAP", "mAP_trapezoid", "mINP", "MRR", "cmc")}
    return {**kept, "R1": kept["cmc"][0]}
