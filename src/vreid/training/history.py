"""history.parquet: one line per epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vreid.params.atomic import atomic_path


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Write the lines of `State.history`; epoch and step are int64, the rest float64.

    The same lines give the same bytes.
    """
    import pyarrow as pa  # noqa: PLC0415  (needed at a run's end only)
    import pyarrow.parquet as pq  # noqa: PLC0415

    def column(name: str) -> Any:
        """Not `pa.array`, which would import pandas to ask whether it was given one of its arrays."""
        whole = name in ("epoch", "step")
        values = np.array([line[name] for line in history], np.int64 if whole else np.float64)
        kind = pa.int64() if whole else pa.float64()
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])

    names = list(history[0])
    table = pa.Table.from_arrays([column(name) for name in names], names=names)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
