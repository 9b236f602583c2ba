import json
import multiprocessing
import os
import socket

import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from vreid.datasets.packed import PackedImages
from vreid.models.output import Output
from vreid.params.errors import UserError
from vreid.training.data import TrainingImages
from vreid.training.device import computing_on
from vreid.training.engine import Learner, State, fit
from vreid.training.processes import ALONE, Processes, joined
from vreid.training.share import Share
from vreid.training.train import train


def together(count, work, *arguments):
    """Call `work` in `count` forks, as torchrun would start them; return what each returns."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    context = multiprocessing.get_context("fork")
    pipes, forks = [], []
    for rank in range(count):
        receiver, sender = context.Pipe(duplex=False)
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        forks.append(context.Process(target=_fork, args=(sender, place, work, arguments)))
        pipes.append(receiver)
    for fork in forks:
        fork.start()
    answers = [pipe.recv() for pipe in pipes]
    for fork in forks:
        fork.join()
    return answers


def _fork(sender, place, work, arguments):
    os.environ |= place
    try:
        sender.send(work(*arguments))
    except Exception as error:
        sender.send(error)


def history(run):
    return pq.read_table(run / "history.parquet").to_pylist()


# A narrow ResNet from random weights blows rounding up a hundredfold in every step; this one does not. Still
# two epochs make 1e-4 of single precision's last digit on some processors: all is compared in double.
CALM = {
    "model": {
        "name": "se_densenet",
        "se": True,
        "mid_features": True,
        "backbone": {"name": "densenet121", "width": 0.0625, "weights": None},
    },
    "optimizer": {"name": "adam", "lr": 0.0003},
    "schedule": {"name": "cosine", "epochs": 2},
}
RECIPES = {
    "plain": CALM,
    "frozen": CALM
    | {
        "optimizer": {"name": "sgd", "lr": 0.0003, "groups": [{"parameters": ["neck"], "lr_factor": 0.5}]},
        "schedule": {"name": "cosine", "epochs": 2, "freeze": {"epochs": 1.0, "frozen": ["denseblock1"]}},
        "sampler": {"name": "shuffle", "images": 18},
    },
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_have_the_loss_curve_of_one(recipe, pack, config, tmp_path):
    settings = config(**RECIPES[recipe])
    train(settings, pack, tmp_path / "one")
    assert together(2, train, settings, pack, tmp_path / "two") == [None, None]
    expected, got = history(tmp_path / "one"), history(tmp_path / "two")
    assert len(got) == 2
    for line, other in zip(got, expected, strict=True):
        assert line == pytest.approx(other)
    about = json.loads((tmp_path / "two" / "run.json").read_text())
    assert about["arithmetic"]["processes"] == 2


def test_processes_that_do_not_share_batches_equally_are_a_sentence(pack, config):
    cpu = torch.device("cpu")
    images = TrainingImages(PackedImages.open(pack), config().input, cpu)
    learner = Learner(config(), images.classes, cpu)
    steps = fit(config(), images, learner, State(), cpu, Processes(Share(0, 5)))
    with pytest.raises(UserError, match="5 processes cannot share batches of 12 images equally"):
        next(steps)


class Network(nn.Module):
    """A convolution and a linear layer, each with its normalisation, of which one starts in use."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.second = nn.Sequential(
            nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5, momentum=None, affine=False)
        )
        self.still = nn.BatchNorm1d(5).eval()

    def forward(self, images):
        feature = self.still(self.second(self.first(images).mean(dim=(2, 3))))
        penalty = feature.square().mean()
        return Output((feature,), (feature,), feature, feature, (feature,), (penalty,))


def gradients():
    """Return loss, gradients and statistics of two steps; the loss mixes all pairs of the batch."""
    torch.manual_seed(1)
    images = 3 + torch.randn(8, 3, 6, 7)
    with computing_on("cpu") as device, joined(device) as processes:
        network = processes.synchronised(Network())
        for _ in range(2):
            output = processes.gathered(network(images.chunk(processes.share.count)[processes.share.number]))
            pairs = torch.cdist(output.logits[0], output.embeddings[0] ** 2 + 1)
            loss = (
                (pairs * torch.arange(64).view(8, 8)).mean() + output.penalties[0] + output.streams[0][3, 2]
            )
            network.zero_grad()
            loss.backward()
            processes.sum_gradients(network.parameters())
        named = {n: p.grad.tolist() for n, p in network.named_parameters() if p.grad is not None}
        state = {n: v.tolist() for n, v in network.state_dict().items()}
        return loss.item(), named, state, processes.any(processes.share.number == 1)


def flat(value):
    return [number for part in value for number in flat(part)] if isinstance(value, list) else [value]


@pytest.mark.usefixtures("float64")
def test_gradients_and_statistics_are_those_of_the_whole_batch():
    loss, expected, state, flag = gradients()
    assert not flag
    for got_loss, got, got_state, got_flag in together(2, gradients):
        assert got_loss == pytest.approx(loss)
        assert got.keys() == expected.keys()
        for name, values in expected.items():
            scale = max(map(abs, flat(values)))
            assert flat(got[name]) == pytest.approx(flat(values), abs=1e-9 * scale)
        for name, values in state.items():
            assert flat(got_state[name]) == pytest.approx(flat(values))
        assert got_flag


def test_alone_nothing_is_changed():
    network, output = Network(), Network()(torch.ones(2, 3, 4, 4))
    assert ALONE.synchronised(network) is network
    assert ALONE.gathered(output) is output
    assert ALONE.chief
    assert output.penalties[0].isfinite()
