"""The index: one line per image of a dataset, as a Parquet file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError

BOX = pa.struct(
    [
        ("name", pa.string()),
        ("left", pa.int32()),
        ("top", pa.int32()),
        ("right", pa.int32()),
        ("bottom", pa.int32()),
    ]
)
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("pid", pa.int64()),
        ("camid", pa.int64()),
        ("split", pa.string()),
        ("lists", pa.list_(pa.string())),
        ("spectra", pa.list_(BOX)),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("digest", pa.string()),
    ]
)
"""`path` relative to the dataset's folder (posix); `pid` and `camid` as published (camera -1: unknown);
`split` one of train, query, gallery; `lists` the test lists that the image is in; `spectra` the boxes
(pixels, right and bottom exclusive) of the images side by side in the file; `width` and `height` of the whole
file in pixels; `digest` the SHA-256 of the file. Rows: train, query, gallery, each in the order of its list
or of its file names."""


@contextmanager
def index_writer(path: Path) -> Iterator[pq.ParquetWriter]:
    """Yield a writer for row groups of `SCHEMA`; the file appears at `path` when the block succeeds."""
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
        yield writer


def read_index(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the index at `path` as a table of `SCHEMA`, or some of its columns.

    Raises:
        UserError: there is no index at `path`, or the file is none.
    """
    try:
        table = pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; `vreid data verify` writes it.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path} is no index ({error}): delete it and run the pipeline again, or write it anew with "
            "`vreid data verify`."
        ) from None
    wanted = SCHEMA.names if columns is None else columns
    if table.column_names != wanted:
        raise UserError(f"{path} is no index: it has the columns {', '.join(table.column_names)}.")
    return table


def index_rows(path: Path) -> int:
    """Return how many images the index at `path` holds, without reading them."""
    return int(pq.read_metadata(path).num_rows)
