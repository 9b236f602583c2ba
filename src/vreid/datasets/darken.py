"""The darkened variant of a dataset (ALSA paper, sec. 4.2): which images, stored as a list, and how dark.

The paper darkens "10 % of the images of training and test set" to 0.3 of their brightness and publishes no
list. Here each split is drawn from on its own, so that the test images do not depend on the training ones,
and the list is kept.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vreid.datasets.index import read_index
from vreid.datasets.scan import SPLITS
from vreid.params.atomic import atomic_path
from vreid.params.dataset import Darkened
from vreid.params.errors import UserError

SCHEMA = pa.schema(
    [("row", pa.int64()), ("path", pa.string()), ("split", pa.string()), ("factor", pa.float64())]
)
"""One line per darkened image: row in the index, path, split, and what its pixels are multiplied with."""


def write_darkened(spec: Darkened, index: Path, out: Path) -> None:
    """Draw `spec.share` of each split's rows (rounded) and write the list (`SCHEMA`) to `out`.

    Split number s draws from the PCG64 generator seeded with (seed, s), without replacement; rows come
    ascending.
    """
    table = read_index(index, ["path", "split"])
    splits = table["split"].to_numpy(zero_copy_only=False)
    drawn = []
    for number, split in enumerate(SPLITS):
        rows = np.flatnonzero(splits == split)
        rng = np.random.default_rng((spec.seed, number))
        drawn.append(np.sort(rng.choice(rows, size=round(spec.share * len(rows)), replace=False)))
    rows = np.concatenate(drawn).astype(np.int64)
    chosen = table.take(pa.array(rows))
    columns = [pa.array(rows), chosen["path"], chosen["split"], pa.repeat(float(spec.factor), len(rows))]
    with atomic_path(out) as temporary:
        pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), temporary)


def darkened_rows(path: Path) -> dict[int, float]:
    """Return row -> factor of a list that `write_darkened` wrote.

    Raises:
        UserError: there is no such list.
    """
    try:
        table = pq.read_table(path)
        return dict(zip(table["row"].to_pylist(), table["factor"].to_pylist(), strict=True))
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise UserError(f"{path} is no list of darkened images: {error}.") from None
