"""A dataset of a few dozen noise images, with runs on it whose features are written by hand."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.synthetic.small import small_spec

from vreid.datasets.darken import SCHEMA as DARKENED
from vreid.datasets.index import SCHEMA as INDEX
from vreid.datasets.index import index_writer
from vreid.datasets.split import SCHEMA as SPLITS
from vreid.evaluation.run import evaluate_run
from vreid.params.figures import Method
from vreid.params.plan import DatasetPlan, FigurePlan, MethodPlan, ResultPlan
from vreid.params.read import read_yaml
from vreid.params.run import Test

SPEC = small_spec()
PACK, DARK = "data/packed/veri776-0-8x8", "data/splits/veri776-0-darkened-1.parquet"
VEHICLES, TRAIN, GALLERY = 6, 5, 4
"""Test vehicles, each with one query (camera 0) and gallery images (cameras 1 and on); training images."""
PIDS = [100] * TRAIN + list(range(1, VEHICLES + 1)) + sorted(list(range(1, VEHICLES + 1)) * GALLERY)
CAMS = [0] * TRAIN + [0] * VEHICLES + [1 + n % GALLERY for n in range(VEHICLES * GALLERY)]
SPLIT = ["train"] * TRAIN + ["query"] * VEHICLES + ["gallery"] * VEHICLES * GALLERY
QUERIES = list(range(TRAIN, TRAIN + VEHICLES))


def dataset_plan(name="veri776", source="synthetic", **changes) -> DatasetPlan:
    raw = read_yaml(Path(f"params/datasets/{name}.yaml"))
    fields = {
        "name": name,
        "source": source,
        "present": True,
        "raw": "",
        "version": f"{name}-0",
        "spec": raw | {"render": SPEC.model_dump()},
        "index": "data/index.parquet",
        "splits": "data/splits.parquet",
        "darkened": DARK,
        "protocols": ["veri776"],
        "packs": [PACK],
    }
    return DatasetPlan.model_validate_json(json.dumps(fields | changes))


def write_dataset(root, spectra=("rgb",), size=(8, 8)):
    """Write index, splits, pack and darkened pack."""
    rng, rows = np.random.default_rng(0), len(PIDS)
    columns = {
        "path": [f"{row}.jpg" for row in range(rows)],
        "pid": PIDS,
        "camid": CAMS,
        "split": SPLIT,
        "lists": [[]] * rows,
        "spectra": [[]] * rows,
        "width": [8] * rows,
        "height": [8] * rows,
        "digest": [""] * rows,
    }
    with index_writer(root / "data/index.parquet") as writer:
        writer.write_table(pa.table(columns, schema=INDEX))
    lines = [
        {"protocol": "veri776", "trial": 0, "role": split, "row": row}
        for row, split in enumerate(SPLIT)
        if split != "train"
    ]
    pq.write_table(pa.Table.from_pylist(lines, schema=SPLITS), root / "data/splits.parquet")
    images = {name: rng.integers(0, 256, (rows, *size, 3)).astype(np.uint8) for name in spectra}
    write_pack(root / PACK, images)
    (root / DARK).parent.mkdir(parents=True)
    dark = [
        {"row": row, "path": f"{row}.jpg", "split": SPLIT[row], "factor": 0.3} for row in range(2, rows, 3)
    ]
    pq.write_table(pa.Table.from_pylist(dark, schema=DARKENED), root / DARK)
    for line in dark:
        for pixels in images.values():
            pixels[line["row"]] = np.rint(0.3 * pixels[line["row"]])
    write_pack(root / f"{PACK}-darkened-1", images)


def write_pack(folder, images):
    folder.mkdir(parents=True)
    first = next(iter(images.values()))
    for number, (name, pixels) in enumerate(images.items()):
        np.save(folder / (f"images-{name}.npy" if number else "images.npy"), pixels)
    np.save(folder / "pids.npy", np.array(PIDS))
    np.save(folder / "camids.npy", np.array(CAMS))
    codes = {"train": 0, "query": 1, "gallery": 2}
    np.save(folder / "splits.npy", np.array([codes[split] for split in SPLIT], np.uint8))
    shape = {"height": first.shape[1], "width": first.shape[2]}
    (folder / "pack.json").write_text(json.dumps({"spectra": list(images), **shape}))


def write_run(root, experiment, seed, noise, distance="cosine") -> ResultPlan:
    """Write features that are a vehicle's own direction with Gaussian noise, and evaluate them."""
    run = f"paper-{experiment}-veri776-s{seed}-0123456789"
    features = root / "runs" / run / "features"
    features.mkdir(parents=True)
    rows = np.arange(TRAIN, len(PIDS))
    own = np.eye(VEHICLES + 1)[np.array(PIDS)[rows]]
    rng = np.random.default_rng([seed, round(1000 * noise)])
    values = (5 * own + noise * rng.normal(size=own.shape)).astype(np.float32)
    np.save(features / "after_neck.npy", values)
    np.save(features / "rows.npy", rows)
    evaluation = features.parent / "eval-0"
    test = Test(feature="after_neck", distance=distance)
    evaluate_run(
        features, root / "data/index.parquet", root / "data/splits.parquet", evaluation, test, ["veri776"]
    )
    return ResultPlan(
        run=run,
        experiment=experiment,
        dataset="veri776",
        protocol="veri776",
        pack=PACK,
        features=str(features.relative_to(root)),
        evaluation=str(evaluation.relative_to(root)),
    )


def method(label, *results, status="run") -> MethodPlan:
    experiment = results[0].experiment if results else label.lower()
    return MethodPlan(label=label, experiment=experiment, status=status, results=results)


def figure_plan(spec, methods=(), dataset=None) -> FigurePlan:
    dataset = dataset or dataset_plan()
    return FigurePlan(
        paper="paper",
        figure="figure1",
        title="Figure 1",
        caption=spec.caption,
        citation="A paper",
        preset="demo",
        preset_label="noise",
        source=dataset.source,
        seeds=(0, 1),
        spec=spec,
        methods=tuple(methods),
        datasets={dataset.name: dataset},
        digest="feed",
    )


def listed(methods):
    """Return the methods as a figure's spec lists them."""
    return tuple(Method(label=one.label, run=one.experiment) for one in methods)
