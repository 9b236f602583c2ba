"""Time and memory of verifying, splitting and packing, which should grow linearly with the images.

    python benchmarks/datasets.py [ROWS …]

Writes folders of tiny JPEG files (16 x 16 pixels, ten of each identity) in VehicleID's layout, so that
reading and decoding pixels weighs little and what is left is this project's own cost. Each step runs in a
process of its own, whose CPU time and peak memory (resident set) are printed: other work on the machine
stretches the seconds, but hardly the CPU seconds.
"""

import io
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from vreid.datasets.pack import pack_dataset
from vreid.datasets.split import write_splits
from vreid.datasets.verify import verify_dataset
from vreid.params.dataset import DatasetSpec, read_dataset

ROWS = (10_000, 50_000, 200_000)
IMAGES_PER_IDENTITY = 10


def main() -> None:
    """Measure every step at every number of images, and print a table."""
    sizes = [int(argument) for argument in sys.argv[1:]] or ROWS
    print("|    rows | step   | seconds | CPU s | CPU s per 10,000 | peak MB | MB per 10,000 above first |")
    print("| ------: | ------ | ------: | ----: | ---------------: | ------: | ------------------------: |")
    first: dict[str, tuple[int, float]] = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_tree(root / "raw", rows)
            for step in (verify, split, pack):
                seconds, busy, peak = measured(step, root)
                name = step.__name__
                base_rows, base_peak = first.setdefault(name, (rows, peak))
                more = (peak - base_peak) / (rows - base_rows) * 1e4 if rows > base_rows else 0.0
                print(
                    f"| {rows:7,} | {name:6} | {seconds:7.1f} | {busy:5.1f} | {busy / rows * 1e4:16.2f} "
                    f"| {peak:7.0f} | {more:25.1f} |",
                    flush=True,
                )


def write_tree(root: Path, rows: int) -> None:
    """Write `rows` images, half for training, half on the three test lists."""
    lists: dict[str, list[str]] = {
        "train_list": [],
        "test_list_800": [],
        "test_list_1600": [],
        "test_list_2400": [],
    }
    (root / "image").mkdir(parents=True)
    (root / "train_test_split").mkdir()
    for number in range(rows):
        pid = number // IMAGES_PER_IDENTITY
        (root / "image" / f"{number:07}.jpg").write_bytes(picture(number))
        line = f"{number:07} {pid}"
        for name in ("train_list",) if number < rows // 2 else list(lists)[1:]:
            lists[name].append(line)
    for name, lines in lists.items():
        (root / "train_test_split" / f"{name}.txt").write_text("\n".join(lines))


def picture(number: int) -> bytes:
    """Return a JPEG unlike those of other numbers."""
    digits = np.array([number >> shift & 255 for shift in (0, 8, 16)], dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(digits, (16, 16, 3)).copy()).save(buffer, "JPEG")
    return buffer.getvalue() + number.to_bytes(4, "big")


def spec() -> DatasetSpec:
    """Return VehicleID's description."""
    return read_dataset("vehicleid", Path(__file__).parents[1] / "params")


def verify(root: Path) -> None:
    """Decode all images in one process and write the index."""
    verify_dataset(spec(), root / "raw", root / "i.parquet", root / "i.json", source="synthetic")


def split(root: Path) -> None:
    """Write the nine protocols of VehicleID, six of them with ten trials."""
    write_splits(spec(), root / "i.parquet", root / "s.parquet")


def pack(root: Path) -> None:
    """Pack all images at 16 x 16 pixels in one process."""
    pack_dataset(root / "i.parquet", root / "raw", root / "pack", height=16, width=16)


def measured(step: Callable[[Path], None], root: Path) -> tuple[float, float, float]:
    """Run a step in a fresh process; return its seconds, CPU seconds and that process's peak memory in MB."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, step, root).result()


def _run(step: Callable[[Path], None], root: Path) -> tuple[float, float, float]:
    start, busy = time.perf_counter(), time.process_time()
    step(root)
    return time.perf_counter() - start, time.process_time() - busy, peak_megabytes()


def peak_megabytes() -> float:
    """Return this process's peak resident set; getrusage would tell the parent's if that was larger."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
