import ast
import importlib.util
import pkgutil
from pathlib import Path
from typing import get_args

import pytest
import torch

from vreid.models import backbones
from vreid.models.backbones.build import build_backbone
from vreid.params.models.backbone import Backbone, BackboneName

NARROW = [name for name in get_args(BackboneName) if name != "inception_resnet_v2"]


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("pixels", [80, 96])
def test_every_backbone_gives_a_map_of_its_channels_after_a_relu(name, pixels):
    torch.manual_seed(0)
    network = build_backbone(Backbone(name=name, width=0.125, weights=None))
    features = network(torch.randn(2, 3, pixels, pixels))
    assert features.shape[:2] == (2, network.channels)
    assert features.dim() == 4 and features.min() >= 0 and features.max() > 0


@pytest.mark.parametrize("name", NARROW)
def test_weights_come_from_torchs_generator(name):
    def made(seed):
        torch.manual_seed(seed)
        return build_backbone(Backbone(name=name, width=0.125, weights=None)).state_dict()

    one, two, three = made(0), made(0), made(1)
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], three[key]) for key in one)


@pytest.mark.parametrize("name", NARROW)
def test_a_step_on_the_cpu_is_deterministic(name):
    def gradients():
        torch.manual_seed(0)
        network = build_backbone(Backbone(name=name, width=0.125, weights=None))
        network(torch.randn(2, 3, 80, 80)).square().mean().backward()
        return [parameter.grad for parameter in network.parameters()]

    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(), strict=True))
    finally:
        torch.set_deterministic_debug_mode(before)


def test_no_backbone_imports_timm_before_it_is_needed():
    # It takes seconds. Only what a module does when it is imported counts, not what its functions do.
    for module in pkgutil.iter_modules(backbones.__path__):
        source = Path(importlib.util.find_spec(f"{backbones.__name__}.{module.name}").origin)
        for statement in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                assert "timm" not in ast.unparse(statement), source
