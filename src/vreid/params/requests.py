"""What a job asks a cluster for, minutes and memory, from the plan alone; Snakemake's rules put it to use.

Too little kills a job and too much lets it wait, so the estimates are generous, and each new attempt of a
job that was killed asks for as much again. Nothing here changes a result, and a machine without a
scheduler ignores it.

A training of E epochs with N images of h x w px in each, in S spectra, is

    minutes = 15 + (6 E N S G + 0.05 s x steps x RATE) / RATE / 60,   G = parts x work x width^2 x h w / 224^2

with `work` the multiply-adds of the published backbone for an image of 224 x 224 px, `parts` how many times
that the paper's network takes at most, and six operations for each: a product and a sum, forwards once and
backwards twice. RATE is 5 Tflop/s, a third of a V100's peak in float32.
Networks so narrow that a CPU trains them need only the first term. Memory is that of torch, of the weights
with their gradients and the optimizer's two copies, of the packed images, and of one batch's activations,
which are held there where there is no GPU. One image's are parts x stored x width x S x h w / 224^2.
"""

from dataclasses import dataclass
from math import ceil

from vreid.params.dataset import Counts
from vreid.params.models.alsa import Alsa, Retinex
from vreid.params.models.backbone import BackboneName
from vreid.params.models.hamnet import HamNet
from vreid.params.plan import DatasetPlan, RunPlan
from vreid.params.recipe import ShuffleSampler
from vreid.params.run import Input, ModelConfig, TrainConfig

_RATE = 5e12  # operations a second
_STEP_SECONDS = 0.05  # of a step, however small
_START_MINUTES = 15  # to start, read, download weights and write, on a slow shared disk
_BASE_MB = 3000  # Python, torch, and CUDA's part in the host's memory
_REFERENCE = 224 * 224
_COPIES = 4  # weights, gradients, and two of the optimizer, 4 bytes each
_CPU_RATE = 20.0  # images that one core decodes, resizes, or describes by its colours in a second, at least
_RENDERED = 1.0  # images that one core renders in a second, at least
_UNKNOWN = 50_000  # images of a dataset that states no counts

_BACKBONES: dict[BackboneName, tuple[float, float, float]] = {
    "resnet50": (4.1e9, 25.6e6, 90e6),
    "se_resnet50": (4.1e9, 28.1e6, 125e6),
    "densenet121": (2.9e9, 8.0e6, 135e6),
    "inception_v3": (2.9e9, 27.2e6, 60e6),
    "inception_resnet_v2": (6.6e9, 55.8e6, 130e6),
    "mobilenet_v2": (0.31e9, 3.5e6, 80e6),
}
"""Work, weights, and bytes that training stores of an image, at 224 x 224 px and the published width."""

_ENHANCEMENT = {
    "enlightengan": (13e9, 9e6),
    "asv": (8e9, 5e6),
    "iat": (2e9, 0.1e6),
    "retinexnet": (17e9, 1e6),
}
"""Work and weights of ALSA's networks in front of the backbone, likewise."""

_PARTS = {"se_densenet": 2, "alsa": 3, "dpa": 3, "sanet": 3, "hamnet": 2}
"""The paper's network in backbones, with its heads and a last stage that is not halved."""

_OF_OTHERS = 3  # networks that are not listed: as much as the listed ones need at most
_MANY_BRANCHES = 4  # the same of MGN and ABD, which repeat the last stages


@dataclass(frozen=True)
class Request:
    """Minutes and megabytes of memory."""

    runtime: int
    mem_mb: int

    def again(self, attempt: int) -> "Request":
        """Return what the `attempt`-th try asks for; the first is 1."""
        return Request(self.runtime * attempt, self.mem_mb * attempt)


def training(run: RunPlan, dataset: DatasetPlan) -> Request:
    """Return what training `run` on `dataset` asks for."""
    config = run.config
    images, identities = train_size(dataset)
    sampler = config.sampler
    if isinstance(sampler, ShuffleSampler):
        batch, shown = sampler.images, images
    else:  # identities with few images are shown repeatedly
        batch = sampler.ids * sampler.images_per_id
        shown = images + identities * sampler.images_per_id
    shown *= config.schedule.epochs
    seconds = 6 * shown * work(config) / _RATE + _STEP_SECONDS * shown / batch
    memory = _COPIES * 4 * weights(config.model) + batch * stored(config) + _pack_bytes(config, images)
    return _request(seconds, memory)


def extraction(run: RunPlan, dataset: DatasetPlan) -> Request:
    """Return what the features of `run` ask for: each test image twice, as it is and mirrored."""
    images = test_size(dataset)
    seconds = 4 * images * work(run.config) / _RATE + 2 * images / 128 * _STEP_SECONDS
    features = 4 * images * 8192 * 4.0  # four matrices of float32, as wide as any network's
    memory = 4 * weights(run.config.model) + 128 * stored(run.config) / 8 + features
    return _request(seconds, memory + _pack_bytes(run.config, images))


def evaluation(dataset: DatasetPlan) -> Request:
    """Return what one evaluation asks for, or that of methods without training, on all test images."""
    images = test_size(dataset)
    return _request(images / _CPU_RATE + 1e-6 * images**2, images * 8192 * 4.0)


def decoding(dataset: DatasetPlan, threads: int) -> Request:
    """Return what decoding all images asks for: to check, pack, darken or show them."""
    return _request(images_of(dataset) / _CPU_RATE / threads, threads * 5e8)


def rendering(dataset: DatasetPlan, threads: int) -> Request:
    """Return what rendering a stand-in, or unpacking the real archives, asks for."""
    return _request(images_of(dataset) / _RENDERED / threads, threads * 5e8)


def work(config: TrainConfig) -> float:
    """Return the multiply-adds of one image through a run's network, at most."""
    model = config.model
    one = _BACKBONES[model.backbone.name][0] * model.backbone.width**2 * _parts(model)
    one += sum(_ENHANCEMENT[name][0] * width**2 for name, width in _enhancement(model))
    return one * _streams(model) * _pixels(config.input)


def weights(model: ModelConfig) -> float:
    """Return how many weights a network has, at most; those of a classifier not counted."""
    one = _BACKBONES[model.backbone.name][1] * model.backbone.width**2 * _parts(model)
    return one * _streams(model) + sum(
        _ENHANCEMENT[name][1] * width**2 for name, width in _enhancement(model)
    )


def stored(config: TrainConfig) -> float:
    """Return the bytes that training keeps of one image for the way back, about."""
    model = config.model
    one = _BACKBONES[model.backbone.name][2] * model.backbone.width * _parts(model)
    return one * _streams(model) * _pixels(config.input)


def train_size(dataset: DatasetPlan) -> tuple[int, int]:
    """Return how many images and identities there are to train on.

    They are those that are rendered, or the largest number that a source publishes. A dataset that publishes
    only the total is taken to train on all of it.
    """
    render = dataset.spec.render
    if dataset.source == "synthetic" and render is not None:
        return render.train_ids * render.cameras_per_id * render.images_per_camera, render.train_ids
    parts = [counts.train for counts in dataset.spec.counts if counts.train is not None]
    images = max((part.images or 0 for part in parts), default=0) or images_of(dataset)
    identities = max((part.identities or 0 for part in parts or dataset.spec.counts), default=0)
    return images, identities


def test_size(dataset: DatasetPlan) -> int:
    """Return how many images there are to test on, query and gallery together; see `train_size`."""
    render = dataset.spec.render
    if dataset.source == "synthetic" and render is not None:
        return render.test_ids * render.cameras_per_id * render.images_per_camera
    tested = [_tested(counts) for counts in dataset.spec.counts]
    return max((number for number in tested if number), default=images_of(dataset))


def images_of(dataset: DatasetPlan) -> int:
    """Return how many images a dataset has, of all splits."""
    rendered = dataset.rendered_images()
    if rendered is not None:
        return rendered
    whole = [c.images or (c.train.images or 0 if c.train else 0) + _tested(c) for c in dataset.spec.counts]
    return max(whole, default=0) or _UNKNOWN


def _tested(counts: Counts) -> int:
    parts = [part.images or 0 for part in (counts.query, counts.gallery) if part is not None]
    return sum(parts) + max((part.images or 0 for part in counts.lists.values()), default=0)


def _request(seconds: float, memory: float) -> Request:
    return Request(_START_MINUTES + ceil(seconds / 60), _BASE_MB + ceil(memory / 1e6))


def _parts(model: ModelConfig) -> int:
    if isinstance(model, HamNet) and model.head.name in ("mgn", "abd"):
        return _MANY_BRANCHES
    return _PARTS.get(model.name, _OF_OTHERS)


def _streams(model: ModelConfig) -> int:
    return model.streams if isinstance(model, HamNet) else 1


def _enhancement(model: ModelConfig) -> list[tuple[str, float]]:
    """Return the networks in front of the backbone by name, and the width of each."""
    if not isinstance(model, Alsa) or model.enhancement is None:
        return []
    networks = [(str(model.enhancement.name), model.enhancement.width)]
    if isinstance(model.adjustment, Retinex):
        networks.append((model.adjustment.name, model.adjustment.width))
    return networks


def _pixels(size: Input) -> float:
    return size.height * size.width / _REFERENCE


def _pack_bytes(config: TrainConfig, images: int) -> float:
    size = config.input.stored or config.input
    return images * max(1, len(config.input.spectra)) * size.height * size.width * 3.0
