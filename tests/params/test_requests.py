"""What jobs ask a cluster for: the constants against the networks themselves, the formula by hand."""

from math import ceil
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vreid.models.factory import build_model, without_weights
from vreid.params import requests
from vreid.params.plan import Plan
from vreid.params.resolve import load
from vreid.params.run import TrainConfig

ROOT = Path(__file__).parents[2]
NETWORKS = (
    "alsa-recall_at_k-vehicleid",  # EnlightenGAN
    "alsa-asv_trained-vehicleid",
    "alsa-retinex-vehicleid",
    "dpa-conv45-veri_uav",
    "hamnet-rgb_inception_v3-rgbn300",
    "hamnet-hamnet_mobilenet_v2-rgbn300",
    "hamnet-msn_se_resnet50-rgbn300",
    "hamnet-mgn-rgbn300",
    "sanet-sanet-uav_veid",
    "se_densenet-proposed-veri776",
)
"""Of each network of the papers one, with each backbone and each module that is not small."""


@pytest.fixture(scope="module")
def paper() -> Plan:
    return load(ROOT / "params", "paper")


class _NoCast:
    """In autocast's place: it knows nothing of networks without numbers."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("network", NETWORKS)
def test_estimates_are_above_what_the_network_does_and_not_far(
    network: str, paper: Plan, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch, "autocast", _NoCast)
    config = paper.run(f"{network}-s0").config
    done, weights, kept = _counted(config)
    assert done <= requests.work(config) <= 5 * done
    assert weights <= requests.weights(config.model) <= 5 * weights
    # `kept` counts a tensor as often as it is saved, so the truth is up to a half below it.
    assert 0.5 * kept <= requests.stored(config) <= 5 * kept


def _counted(config: TrainConfig) -> tuple[float, int, float]:
    """Count multiply-adds of an image, weights, and bytes that are saved of an image for the way back."""
    size, images = config.input, 2
    spectra = (len(size.spectra),) if size.spectra else ()
    saved: list[torch.Tensor] = []

    def save(tensor: torch.Tensor) -> torch.Tensor:
        saved.append(tensor)
        return tensor

    with torch.device("meta"):  # shapes alone
        model = build_model(without_weights(config.model), 10).train()
        batch = torch.zeros(images, *spectra, 3, size.height, size.width)
    with (
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor),
    ):
        model(batch)
    weights = sum(parameter.numel() for parameter in model.parameters())
    own = {id(parameter) for parameter in model.parameters()}
    kept = sum(tensor.nbytes for tensor in saved if id(tensor) not in own)
    return counter.get_total_flops() / 2 / images, weights, kept / images


def test_a_training_of_the_paper_preset_by_hand(paper: Plan):
    """SE-DenseNet121 on VeRi-776: 37,781 images of 576 identities, 256 x 256 px, in P x K batches."""
    run = paper.run("se_densenet-proposed-veri776-s0")
    sampler = run.config.sampler
    batch = sampler.ids * sampler.images_per_id
    assert (run.config.input.height, run.config.input.width, run.config.model.backbone.width) == (
        256,
        256,
        1.0,
    )
    shown = run.config.schedule.epochs * (37781 + 576 * sampler.images_per_id)
    larger = (256 / 224) ** 2
    seconds = shown * 6 * 2 * 2.9e9 * larger / 5e12 + 0.05 * shown / batch
    asked = requests.training(run, paper.dataset("veri776"))
    assert asked.runtime == 15 + ceil(seconds / 60)
    megabytes = (16 * 2 * 8.0e6 + batch * 2 * 135e6 * larger + 37781 * 256 * 256 * 3) / 1e6
    assert asked.mem_mb == 3000 + ceil(megabytes)
    assert asked.again(3) == requests.Request(3 * asked.runtime, 3 * asked.mem_mb)


def test_sizes_are_the_published_ones_or_those_that_are_rendered(paper: Plan):
    assert requests.train_size(paper.dataset("veri776")) == (37781, 576)
    assert requests.test_size(paper.dataset("veri776")) == 1678 + 11579
    assert requests.images_of(paper.dataset("rgbn300")) == 50125
    veri = load(ROOT / "params", "bench").dataset("veri776")  # 200 and 100 identities, 5 cameras, 4 images
    assert requests.train_size(veri) == (4000, 200)
    assert requests.test_size(veri) == 2000
    assert requests.images_of(veri) == 6000


def test_more_threads_decode_in_less_time_and_more_memory(paper: Plan):
    dataset = paper.dataset("vehicleid")
    one, eight = requests.decoding(dataset, 1), requests.decoding(dataset, 8)
    assert one.runtime - 15 == pytest.approx(8 * (eight.runtime - 15), abs=8)
    assert eight.mem_mb - one.mem_mb == 7 * 500
    assert requests.rendering(dataset, 1).runtime > one.runtime
