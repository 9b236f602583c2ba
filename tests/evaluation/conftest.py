from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def dataset(tmp_path):
    """A small dataset after the steps before evaluation: index, splits, packed images, a run's
    features.
    """
    rng = np.random.default_rng(7)
    train, query, gallery = 6, 8, 40
    rows = train + query + gallery
    pids = np.concatenate([rng.integers(90, 95, train), np.arange(query) % 4, np.arange(gallery) % 5])
    camids = rng.integers(0, 3, rows)
    index = tmp_path / "index.parquet"
    splits = ["train"] * train + ["query"] * query + ["gallery"] * gallery
    pq.write_table(pa.table({"pid": pids, "camid": camids, "split": splits}), index)

    lines = [("veri776", 0, "query", row) for row in range(train, train + query)]
    lines += [("veri776", 0, "gallery", row) for row in range(train + query, rows)]
    for trial in range(3):
        one = rng.permutation(np.arange(train + query, rows))[:5]
        one = [np.flatnonzero(pids == pid)[trial] for pid in range(5)]
        rest = sorted(set(range(train, rows)) - set(one))
        lines += [("vehicleid_official_800", trial, "gallery", row) for row in sorted(one)]
        lines += [("vehicleid_official_800", trial, "query", row) for row in rest]
    lines += [("cars196", 0, role, row) for role in ("query", "gallery") for row in range(train, rows)]
    table = dict(zip(("protocol", "trial", "role", "row"), zip(*lines, strict=True), strict=True))
    pq.write_table(pa.table({key: list(value) for key, value in table.items()}), tmp_path / "splits.parquet")

    pack = tmp_path / "pack"
    pack.mkdir()
    images = np.clip(rng.normal(40 * pids[:, None, None, None], 60, (rows, 48, 40, 3)), 0, 255)
    np.save(pack / "images.npy", images.astype(np.uint8))
    np.save(pack / "pids.npy", pids)
    np.save(pack / "camids.npy", camids)
    codes = {"train": 0, "query": 1, "gallery": 2}
    np.save(pack / "splits.npy", np.array([codes[split] for split in splits], np.uint8))
    (pack / "pack.json").write_text('{"height": 48, "width": 40, "spectra": ["rgb"]}')

    run = tmp_path / "runs" / "paper-variant-s0"
    (run / "features").mkdir(parents=True)
    tested = rng.permutation(np.arange(train, rows))
    centres = rng.standard_normal((100, 6))
    features = (centres[pids[tested]] + 0.7 * rng.standard_normal((len(tested), 6))).astype(np.float32)
    np.save(run / "features" / "after_neck.npy", features)
    np.save(run / "features" / "before_neck.npy", features * rng.random((len(tested), 1)).astype(np.float32))
    np.save(run / "features" / "rows.npy", tested)
    return SimpleNamespace(
        folder=Path(tmp_path),
        index=index,
        splits=tmp_path / "splits.parquet",
        pack=pack,
        run=run,
        pids=pids,
        camids=camids,
        features=dict(zip(tested.tolist(), features, strict=True)),
        images=images.astype(np.uint8),
    )
