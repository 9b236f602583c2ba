"""Makes the rows of the index: decodes every image once, keeps the good, notes what is wrong with the rest.

Apart from the adapter, this module decides what an index holds; words of reports are elsewhere, so that
editing them does not make data stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vreid.datasets.decode import Decoded, decode_block
from vreid.datasets.index import SCHEMA
from vreid.datasets.parallel import Progress, map_blocks, useful_workers
from vreid.datasets.scan import Record, Scan
from vreid.params.dataset import DatasetSpec

BLOCK = 256  # images that a worker decodes before it reports
ROW_GROUP = 8192  # index rows that are held before they are written


@dataclass(frozen=True, slots=True)
class Damage:
    """One file that is missing or unusable: why, where a user's table names it, whether that is allowed."""

    path: str
    problem: str
    where: str
    allowed: bool

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.path}: {self.problem}"


@dataclass
class Content:
    """What decoding found: per record whether it was kept, SHA-256 (N, 32) and size (N, 2: width, height)."""

    records: Sequence[Record]
    kept: npt.NDArray[np.bool_]
    digests: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    damage: list[Damage] = field(default_factory=list)

    @classmethod
    def empty(cls, records: Sequence[Record]) -> "Content":
        """Return the state before anything was decoded."""
        total = len(records)
        return cls(
            records=records,
            kept=np.zeros(total, dtype=bool),
            digests=np.zeros((total, 32), dtype=np.uint8),
            sizes=np.zeros((total, 2), dtype=np.int32),
        )

    def keep(self, number: int, width: int, height: int, digest: bytes) -> None:
        """Note a good image."""
        self.kept[number] = True
        self.sizes[number] = width, height
        self.digests[number] = np.frombuffer(digest, dtype=np.uint8)


def write_rows(
    scan: Scan,
    spec: DatasetSpec,
    root: Path,
    writer: pq.ParquetWriter,
    workers: int,
    progress: Progress | None,
) -> Content:
    """Decode the records block by block, write the good ones to the index, return what the report needs."""
    records = scan.records
    content = Content.empty(records)
    content.damage += [
        Damage(path, f"it is missing, though {line} names it", "", _allowed(path, spec))
        for path, line in scan.missing
    ]
    starts = range(0, len(records), BLOCK)
    blocks = ([record.path for record in records[start : start + BLOCK]] for start in starts)
    workers = useful_workers(workers, len(records))
    rows: list[tuple[Record, Decoded]] = []
    for start, block in zip(starts, map_blocks(partial(decode_block, root), blocks, workers), strict=True):
        for number, decoded in enumerate(block, start=start):
            record = records[number]
            problem = decoded.problem or _indivisible(decoded, len(spec.spectra))
            if problem:
                content.damage.append(Damage(record.path, problem, record.where, _allowed(record.path, spec)))
            else:
                content.keep(number, decoded.width, decoded.height, decoded.digest)
                rows.append((record, decoded))
        if len(rows) >= ROW_GROUP:
            writer.write_table(_table(rows, spec.spectra))
            rows = []
        if progress is not None:
            progress(min(start + BLOCK, len(records)), len(records))
    writer.write_table(_table(rows, spec.spectra))
    return content


def _allowed(path: str, spec: DatasetSpec) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in spec.allow)


def _indivisible(decoded: Decoded, spectra: int) -> str:
    if decoded.width % spectra == 0:
        return ""
    return f"it is {decoded.width} pixels wide, which {spectra} pictures side by side do not divide"


def _table(rows: list[tuple[Record, Decoded]], spectra: tuple[str, ...]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "path": record.path,
                "pid": record.pid,
                "camid": record.camid,
                "split": record.split,
                "lists": record.lists,
                "spectra": _boxes(decoded, spectra),
                "width": decoded.width,
                "height": decoded.height,
                "digest": decoded.digest.hex(),
            }
            for record, decoded in rows
        ],
        schema=SCHEMA,
    )


def _boxes(decoded: Decoded, spectra: tuple[str, ...]) -> list[dict[str, str | int]]:
    """Return the boxes of equally wide spectra, from left to right."""
    step = decoded.width // len(spectra)
    return [
        {"name": name, "left": n * step, "top": 0, "right": (n + 1) * step, "bottom": decoded.height}
        for n, name in enumerate(spectra)
    ]
