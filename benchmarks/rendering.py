"""What rendering costs: time per image for each dataset, memory, and the gain from more processes.

python benchmarks/rendering.py [--ids 12] [--size 64] [--supersampling 2] [--workers 1 2]
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from vreid.params.render import RenderSpec, Style
from vreid.synthetic.render import render_dataset

STYLES: dict[str, Style] = {
    "veri776": "surveillance",
    "vehicleid": "surveillance",
    "rgbn300": "surveillance",
    "rgbnt100": "surveillance",
    "veri_uav": "uav",
    "vru": "uav",
    "uav_veid": "uav",
    "cars196": "product",
}


def main() -> None:
    """Render each dataset once per number of processes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ids", type=int, default=12, help="identities, a third of them for testing")
    parser.add_argument("--size", type=int, default=64, help="longer side of an image in pixels")
    parser.add_argument("--supersampling", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    print(f"{'dataset':12}{'workers':>8}{'images':>8}{'seconds':>9}{'CPU ms/image':>14}{'KB/image':>10}")
    for dataset in STYLES:
        for workers in arguments.workers:
            spec = _spec(dataset, arguments.ids, arguments.size, arguments.supersampling)
            print(f"{dataset:12}{workers:8}" + _measure(dataset, spec, workers), flush=True)
    print(f"largest process: {_megabytes(resource.RUSAGE_SELF)} MB here, ", end="")
    print(f"{_megabytes(resource.RUSAGE_CHILDREN)} MB among the workers")


def _spec(dataset: str, ids: int, size: int, supersampling: int) -> RenderSpec:
    product = STYLES[dataset] == "product"
    return RenderSpec(
        style=STYLES[dataset], train_ids=ids - ids // 3, test_ids=ids // 3, cameras=7, cameras_per_id=6,
        images_per_camera=3, models=ids if product else 16, twins=0.0 if product else 0.2, image_size=size,
        supersampling=supersampling, night=0.12, dusk=0.08, glare=0.05, occlusion=0.15, low_resolution=0.4,
        seed=1,
    )  # fmt: skip


def _measure(dataset: str, spec: RenderSpec, workers: int) -> str:
    images = (spec.train_ids + spec.test_ids) * spec.cameras_per_id * spec.images_per_camera
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / dataset
        start, before = time.perf_counter(), _cpu_seconds()
        render_dataset(dataset, spec, out, workers=workers)
        seconds, cpu = time.perf_counter() - start, _cpu_seconds() - before
        size = sum(file.stat().st_size for file in out.rglob("*.jpg"))
    return f"{images:8}{seconds:9.1f}{1000 * cpu / images:14.1f}{size / images / 1024:10.1f}"


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _megabytes(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


if __name__ == "__main__":
    main()
