"""What training costs around its arithmetic: the data path, the loop, and starting a run.

python benchmarks/training.py [--runs 6] [--rounds 5]

Everything is measured side by side in this one call, with one CPU thread; ratios are what to read.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import torchvision.transforms as tv
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from vreid.datasets.packed import PackedImages
from vreid.models.normalisation import MEAN, STD
from vreid.params.recipe import PkSampler
from vreid.params.run import TrainConfig
from vreid.training.augment import Augmentation
from vreid.training.client import IN_FORK
from vreid.training.data import TrainingImages
from vreid.training.device import computing_on
from vreid.training.engine import Learner, State, fit
from vreid.training.sampler import batch_size, epoch_batches

# One run of the demo: `presets/demo.yaml` in numbers.
DEMO: dict[str, Any] = {
    "dataset": "benchmark",
    "source": "synthetic",
    "data": "0",
    "code": "0",
    "seed": 0,
    "input": {"height": 64, "width": 64},
    "model": {
        "name": "se_densenet",
        "se": True,
        "mid_features": True,
        "backbone": {"name": "densenet121", "width": 0.125, "weights": None},
    },
    "losses": [{"name": "focal", "gamma": 2.0}, {"name": "triplet", "margin": 0.3}],
    "sampler": {"name": "pk", "ids": 8, "images_per_id": 4},
    "optimizer": {"name": "adam", "lr": 0.00035, "weight_decay": 0.0005},
    "schedule": {"name": "multistep", "epochs": 12, "milestones": [4.0, 7.0], "gamma": 0.1},
    "augment": [{"name": "flip"}, {"name": "pad_crop", "padding": 0.04}, {"name": "random_erasing"}],
    "engine": {"channels_last": True},
}
EVERYTHING = [
    {"name": "random_resized_crop"},
    {"name": "flip"},
    {"name": "pad_crop", "padding": 0.04},
    {"name": "color_jitter", "brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.1},
    {"name": "augmix"},
    {"name": "random_erasing"},
]
MODULES = (
    "vreid.training.train",
    "vreid.models.se_densenet",
    "vreid.losses.focal",
    "vreid.losses.triplet",
)

# What a job of the workflow does, without its command line: CONFIG PACK OUT.
JOB = """
import os, sys
from pathlib import Path

def main():
    from vreid.params.run import TrainConfig
    from vreid.training.train import train
    config = TrainConfig.model_validate_json(Path(sys.argv[1]).read_bytes())
    train(config, Path(sys.argv[2]), Path(sys.argv[3]))
    Path("server.pid").write_text(str(os.getppid()))

def forked():
    from vreid.training.client import run_in_server
    sys.exit(run_in_server("job:main", sys.argv[1:], {modules!r}, Path("server")))
"""


def main() -> None:
    """Measure and print one line per question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=6, help="demo runs that are trained for the last lines")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side of a ratio is measured")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        _data_path(Path(folder), arguments.rounds)
        _loop(Path(folder) / "loop", _config(), "cpu", arguments.rounds)
        if torch.cuda.is_available():
            _loop(Path(folder) / "gpu", _gpu_config(), "cuda", arguments.rounds)
        else:
            print("step on cuda, resnet50 256x256 in bfloat16: no GPU is there")
        _runs(Path(folder) / "runs", arguments.runs)


def _data_path(folder: Path, rounds: int) -> None:
    """Batches per second of 64 images, 256x256, against decoding JPEGs each time, in this process alike."""
    images = 256
    _write_pack(folder / "pack", 32, images // 32, 256)
    packed = np.asarray(PackedImages.open(folder / "pack").images)
    paths = []
    for number, image in enumerate(packed):
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(image).resize((300, 260)).save(paths[-1], quality=90)  # about what VeRi-776 has
    labels = np.repeat(np.arange(32), images // 32)
    sampler = PkSampler(name="pk", ids=16, images_per_id=4)
    for what, changes in (("flip, crop, erasing", {}), ("all augmentations", {"augment": EVERYTHING})):
        augment = _config(**changes).augment
        augmentation = Augmentation(augment, 0, torch.device("cpu"))
        loader = DataLoader(_Jpegs(paths, everything=bool(changes)), batch_size=64)

        def ours(augmentation: Augmentation = augmentation) -> None:
            for step, rows in enumerate(epoch_batches(labels, sampler, 0, 0)):
                augmentation(torch.from_numpy(packed[rows]), 0, step)

        def theirs(loader: DataLoader[torch.Tensor] = loader) -> None:
            for _ in loader:
                pass

        # They take turns, so that whatever else the machine does slows both alike.
        pairs = [(_seconds(ours, 1), _seconds(theirs, 1)) for _ in range(rounds + 1)][1:]
        print(
            f"data path, 256x256, {what}: {4 / median(o for o, _ in pairs):.1f} batches of 64 a second, "
            f"torchvision + PIL on JPEGs {4 / median(t for _, t in pairs):.1f}; "
            f"ratio {median(t / o for o, t in pairs):.1f} (goal >= 5)"
        )


class _Jpegs(Dataset[torch.Tensor]):
    """The field's usual pipeline: decode, resize, augment, normalise, erase; image by image."""

    def __init__(self, paths: list[Path], *, everything: bool) -> None:
        self._paths = paths
        crop = [tv.RandomResizedCrop((256, 256))] if everything else []
        colours = [tv.ColorJitter(0.2, 0.2, 0.2, 0.1), tv.AugMix()] if everything else []
        self._transform = tv.Compose(
            [
                tv.Resize((256, 256)),
                *crop,
                tv.RandomHorizontalFlip(),
                tv.Pad(10),
                tv.RandomCrop((256, 256)),
                *colours,
                tv.ToTensor(),
                tv.Normalize(MEAN, STD),
                tv.RandomErasing(p=0.5, scale=(0.02, 0.4), value="random"),
            ]
        )

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        transformed: torch.Tensor = self._transform(Image.open(self._paths[index]).convert("RGB"))
        return transformed


def _loop(folder: Path, config: TrainConfig, device: str, rounds: int) -> None:
    """A step of the loop with real data against a step on one constant batch; they take turns."""
    height, width = config.input.height, config.input.width
    _write_pack(folder, 40, 12, height)
    with computing_on(device) as place:
        images = TrainingImages(PackedImages.open(folder), config.input, place)
        learner = Learner(config, images.classes, place)
        loop = fit(config, images, learner, State(), place)
        size = batch_size(config.sampler)
        batch = torch.randn(size, 3, height, width, device=place).contiguous(memory_format=learner.layout)
        labels = torch.arange(size, device=place) // 4

        def constant() -> None:
            for _ in range(20):
                learner.step(batch, labels, 0.0001)
            _finish(place)

        def real() -> None:
            for _ in range(20 if device == "cpu" else 1):  # on CUDA the loop looks up every 20 steps
                next(loop)
            _finish(place)

        pairs = [(_seconds(real, 1), _seconds(constant, 1)) for _ in range(rounds + 1)][1:]
        loop.close()
        share = _share_of_peak(learner, batch, place, median(c for _, c in pairs) / 20)
    ratio = median(r / c for r, c in pairs)
    rate = 20 * size / median(r for r, _ in pairs)
    name = config.model.name
    print(
        f"step on {place.type}, {name} {height}x{width}: {1000 * size / rate:.1f} ms with real data, "
        f"{rate:.0f} images/s{share}; ratio to a constant batch {ratio:.3f} (goal <= 1.05)"
    )


def _share_of_peak(learner: Learner, batch: torch.Tensor, device: torch.device, seconds: float) -> str:
    """Say which share of the rate of large products of matrices a step of `seconds` reaches, on CUDA."""
    if device.type != "cuda":
        return ""
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    with FlopCounterMode(display=False) as counter, torch.autocast("cuda", torch.bfloat16):
        learner.model(batch).before_neck.sum().backward()
    one = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)

    def multiply() -> None:
        for _ in range(20):
            one @ one
        _finish(device)

    peak = 20 * 2 * 8192**3 / _seconds(multiply, 5)
    return f", {counter.get_total_flops() / seconds / peak:.0%} of {peak / 1e12:.0f} Tflop/s"


def _runs(folder: Path, runs: int) -> None:
    """CPU seconds of whole runs: in an interpreter each, and as forks of a server."""
    _write_pack(folder / "pack", 40, 12, 64)
    (folder / "job.py").write_text(JOB.format(modules=MODULES))
    (folder / "config.json").write_text(_config().model_dump_json())
    (folder / "short.json").write_text(_config(epochs=1).model_dump_json())
    alone = list(_spend(folder, "main", ["short.json"] * 2, {}))
    fixed_alone = median(spent - useful for spent, useful in alone)
    servers: dict[int, tuple[float, float]] = {}  # several if somebody edits the package meanwhile
    forked = list(_spend(folder, "forked", ["config.json"] * runs, servers))
    once = sum(own for own, _ in servers.values()) / len(servers)
    useful = sum(u for _, u in forked) / runs
    jobs = sum(spent for spent, _ in forked) + sum(children for _, children in servers.values())
    around = jobs / runs - useful
    shares = [useful / (useful + around + once / n) for n in (runs, 150)]
    peak = json.loads((folder / "main-0" / "run.json").read_text())["peak_memory"]
    print(f"a run in an interpreter of its own: {fixed_alone:.2f} s of CPU before and after training")
    print(
        f"{runs} runs as forks of a server: {useful:.2f} s of CPU for training, {around:.2f} s around it, "
        f"and {once:.2f} s once; useful share {shares[0]:.3f}, of 150 runs {shares[1]:.3f} (goal >= 0.85)"
    )
    print(f"memory of a demo run: {peak / 1e9:.2f} GB (goal <= 1.5)")


def _spend(
    folder: Path, how: str, configs: list[str], servers: dict[int, tuple[float, float]]
) -> Iterator[tuple[float, float]]:
    """Yield CPU seconds spent by the process started here, and by the training itself, for each run."""
    environment = {k: v for k, v in os.environ.items() if k != IN_FORK} | {"PYTHONPATH": "."}
    for number, config in enumerate(configs):
        out = f"{how}-{number}"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-c", f"import job; job.{how}()", config, "pack", out]
        subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        parent = int((folder / "server.pid").read_text())
        if parent != os.getpid():
            servers[parent] = _cpu_of_server(parent)
        yield spent, json.loads((folder / out / "run.json").read_text())["cpu_seconds"]


def _cpu_of_server(pid: int) -> tuple[float, float]:
    """Return the CPU seconds of process `pid` itself and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own, own_system, children, children_system = map(int, fields[11:15])
    ticks = os.sysconf("SC_CLK_TCK")
    return (own + own_system) / ticks, (children + children_system) / ticks


def _config(epochs: int = 12, **changes: object) -> TrainConfig:
    plain = DEMO | {"schedule": DEMO["schedule"] | {"epochs": epochs}} | changes
    return TrainConfig.model_validate_json(json.dumps(plain))


def _gpu_config() -> TrainConfig:
    """ResNet-50 at its published width, batches of 64 images of 256x256, in bfloat16."""
    backbone = {"name": "resnet50", "width": 1.0, "weights": None}
    model = {"name": "dpa", "backbone": backbone, "input_size": [256, 256], "attention": {}}
    return _config(
        model=model,
        engine={"precision": "bfloat16", "channels_last": True},
        input={"height": 256, "width": 256},
        sampler={"name": "pk", "ids": 16, "images_per_id": 4},
    )


def _write_pack(folder: Path, identities: int, images: int, size: int) -> None:
    """Write a pack of smooth random pictures, a few noisy copies of one per identity."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (identities, 8, 8, 3), dtype=np.uint8)
    pictures = [np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in coarse]
    noisy = np.repeat(np.stack(pictures), images, axis=0).astype(np.int16)
    noisy += rng.integers(-12, 13, noisy.shape, dtype=np.int16)
    count = identities * images
    np.save(folder / "images.npy", noisy.clip(0, 255).astype(np.uint8))
    np.save(folder / "pids.npy", np.repeat(np.arange(identities), images))
    np.save(folder / "camids.npy", np.zeros(count, np.int64))
    np.save(folder / "splits.npy", np.zeros(count, np.uint8))
    manifest = {"spectra": ["rgb"], "height": size, "width": size}
    (folder / "pack.json").write_text(json.dumps(manifest))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _seconds(work: Callable[[], None], rounds: int) -> float:
    """Return the median seconds of `work` over `rounds`; on a shared CPU the process's own are steadier."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    marks = [clock()]
    for _ in range(rounds):
        work()
        marks.append(clock())
    return median(b - a for a, b in pairwise(marks))


if __name__ == "__main__":
    main()
