import copy
import re

import pytest
import torch

from vreid.params.errors import UserError
from vreid.params.recipe import Adam, Group, Sgd
from vreid.training.optimizer import build_optimizer

CASES = [
    (
        Adam(name="adam", lr=0.01, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1, foreach=False),
    ),
    (
        Sgd(name="sgd", lr=0.01, momentum=0.8, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.8, weight_decay=0.1, foreach=False),
    ),
]


def descend(model, update, steps=20):
    torch.manual_seed(0)
    for step in range(steps):
        model(torch.randn(8, 5)).square().sum().backward()
        update(0.01 / (1 + step))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("config", "torch_one"), CASES)
def test_agrees_with_torch_at_a_changing_rate(config, torch_one):
    torch.manual_seed(1)
    ours = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
    theirs = copy.deepcopy(ours)
    reference = torch_one(theirs.parameters())

    def update(rate):
        reference.param_groups[0]["lr"] = rate
        reference.step()
        reference.zero_grad()

    descend(ours, build_optimizer(config, dict(ours.named_parameters())).step)
    descend(theirs, update)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)
        assert mine.grad is None


@pytest.mark.parametrize(("config", "torch_one"), CASES)
def test_a_parameter_without_gradient_is_left_alone(config, torch_one):
    used, unused = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = build_optimizer(config, {"used": used, "unused": unused})
    used.sum().backward()
    optimizer.step(0.1)
    assert (unused == 1).all()
    assert (used != 1).all()


@pytest.mark.parametrize(("config", "torch_one"), CASES)
def test_its_state_is_all_that_it_remembers(config, torch_one):
    def after(steps_before_the_change):
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 6))
        optimizer = build_optimizer(config, {"weight": weight})
        for step in range(10):
            if step == steps_before_the_change:
                fresh = build_optimizer(config, {"weight": weight})
                for name, value in optimizer.state.items():
                    fresh.state[name].copy_(value)
                optimizer = fresh
            (weight**3).sum().backward()
            optimizer.step(0.1)
        return weight.detach()

    assert torch.equal(after(5), after(None))


GROUPS = (
    Group(parameters=("0.bias", "2"), lr_factor=0.05),
    Group(parameters=("0.weight",), weight_decay=0.0),
)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("config", [config for config, _ in CASES])
def test_groups_learn_at_their_own_rates_with_their_own_decay(config):
    grouped = config.model_copy(update={"groups": GROUPS})
    torch.manual_seed(1)
    ours = torch.nn.Sequential(
        torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3), torch.nn.Linear(3, 2)
    )
    theirs = copy.deepcopy(ours)
    slow = [theirs[0].bias, *theirs[2].parameters()]
    lines = [
        {"params": slow, "factor": 0.05, "weight_decay": 0.1},
        {"params": [theirs[0].weight], "factor": 1.0, "weight_decay": 0.0},
        {"params": list(theirs[3].parameters()), "factor": 1.0, "weight_decay": 0.1},
    ]
    if config.name == "adam":
        reference = torch.optim.Adam(lines, lr=0.01, foreach=False)
    else:
        reference = torch.optim.SGD(lines, lr=0.01, momentum=0.8, foreach=False)

    def update(rate):
        for group in reference.param_groups:
            group["lr"] = rate * group["factor"]
        reference.step()
        reference.zero_grad()

    descend(ours, build_optimizer(grouped, dict(ours.named_parameters())).step)
    descend(theirs, update)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([("conv",)], "optimizer.groups[0].parameters names conv, but no parameter of the model begins so"),
        (
            [("layer",), ("layer.weight",)],
            "[1].parameters names layer.weight, which optimizer.groups[0]",
        ),
        ([("laye",)], "the model's parts are layer, layer2"),  # a prefix ends at a dot
    ],
)
def test_groups_that_do_not_fit_the_model_are_a_sentence(groups, sentence):
    names = ("layer.weight", "layer.bias", "layer2.weight")
    parameters = {name: torch.nn.Parameter(torch.ones(2)) for name in names}
    config = Sgd(name="sgd", lr=0.1, groups=tuple(Group(parameters=names) for names in groups))
    with pytest.raises(UserError, match=re.escape(sentence)):
        build_optimizer(config, parameters)
