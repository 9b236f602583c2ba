import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models.densenet import DenseNet

from vreid.models.backbones import densenet
from vreid.models.layers.squeeze_excitation import SqueezeExcitation
from vreid.models.se_densenet import build
from vreid.params.models.backbone import Backbone
from vreid.params.models.se_densenet import SeDenseNet as Config

CLASSES = 576  # training identities of VeRi-776
SWITCHES = list(itertools.product([True, False], [True, False], ["after", "before", "none"]))


def published(*, se, mid_features, se4_norm5="after"):
    return Config(
        name="se_densenet",
        backbone=Backbone(name="densenet121", weights=None),
        se=se,
        mid_features=mid_features,
        se4_norm5=se4_norm5,
    )


def narrow(*, se=True, mid_features=True, se4_norm5="after"):
    return Config(
        name="se_densenet",
        backbone=Backbone(name="densenet121", width=0.25, weights=None),
        se=se,
        se_reduction=4,
        mid_features=mid_features,
        se4_norm5=se4_norm5,
    )


@pytest.fixture
def shallow(monkeypatch):
    """Fewer layers in each block: the same seams, a tenth of the time."""
    monkeypatch.setattr(densenet, "BLOCKS", (1, 2, 3, 2))


def seeded(config, classes=7):
    torch.manual_seed(0)
    return build(config, classes)


def gap(features):
    return features.flatten(2).mean(2)


@pytest.fixture(scope="module")
def optimized():
    return seeded(published(se=True, mid_features=True), CLASSES)


def test_se_blocks_stand_after_each_dense_block_and_before_what_follows(optimized):
    seen = {}
    order = []

    def record(name):
        def hook(_, inputs, output):
            order.append(name)
            seen[name] = (inputs[0], output)

        return hook

    names = [f"denseblock{i}" for i in range(1, 5)] + [f"transition{i}" for i in range(1, 4)]
    names += ["se1", "se2", "se3", "tail.se4", "tail.norm5"]
    hooks = [optimized.get_submodule(n).register_forward_hook(record(n)) for n in names]
    optimized.eval()
    with torch.no_grad():
        output = optimized(torch.randn(1, 3, 256, 256))
    for hook in hooks:
        hook.remove()

    assert order == [
        *("denseblock1", "se1", "transition1", "denseblock2", "se2", "transition2"),
        *("denseblock3", "se3", "transition3", "denseblock4", "tail.se4", "tail.norm5"),
    ]
    expected = [(256, 64), (512, 32), (1024, 16), (1024, 8)]
    followers = ["transition1", "transition2", "transition3", "tail.norm5"]
    for i, ((channels, side), follower) in enumerate(zip(expected, followers, strict=True), 1):
        block = f"se{i}" if i < 4 else "tail.se4"
        assert isinstance(optimized.get_submodule(block), SqueezeExcitation)
        assert seen[f"denseblock{i}"][1] is seen[block][0]
        assert seen[block][1] is seen[follower][0]
        assert seen[block][0].shape == seen[block][1].shape == (1, channels, side, side)
    assert output.before_neck.shape == output.after_neck.shape == (1, 2048)
    assert output.logits == ()
    third = seen["se3"][1]
    # Two means of 16 x 16 numbers in single precision: 256 roundings of 2**-24 of their mean size each.
    allowed = 2**-15 * gap(third.abs())
    assert ((output.before_neck[:, :1024] - gap(third)).abs() <= allowed).all()


def test_parameter_count_is_the_hand_count(optimized):
    def se(channels):
        hidden = channels // 16
        return (channels * hidden + hidden) + (hidden * channels + channels)

    backbone = 6_953_856  # see test_densenet.py, which derives it
    blocks = se(256) + se(512) + se(1024) + se(1024)
    neck = 2 * 2048 + 2048 * CLASSES
    assert blocks == 8_464 + 33_312 + 132_160 + 132_160
    assert sum(p.numel() for p in optimized.parameters()) == backbone + blocks + neck
    baseline = build(published(se=False, mid_features=False), CLASSES)
    assert sum(p.numel() for p in baseline.parameters()) == backbone + 2 * 1024 + 1024 * CLASSES


@pytest.mark.usefixtures("float64")
@pytest.mark.usefixtures("shallow")
def test_baseline_is_torchvisions_densenet_with_mean_pooling():
    model = seeded(narrow(se=False, mid_features=False))
    torch.manual_seed(0)
    original = DenseNet(8, (1, 2, 3, 2), 16, num_classes=1)
    images = torch.randn(4, 3, 64, 64)
    expected = gap(functional.relu(original.features(images)))
    assert torch.allclose(model(images).before_neck, expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(("se", "mid_features", "se4_norm5"), SWITCHES)
@pytest.mark.parametrize("pixels", [64, 96])
def test_feature_is_what_the_paper_describes(se, mid_features, se4_norm5, pixels):
    model = seeded(narrow(se=se, mid_features=mid_features, se4_norm5=se4_norm5))
    torch.manual_seed(0)
    original = DenseNet(8, (1, 2, 3, 2), 16, num_classes=1).features
    images = torch.randn(4, 3, pixels, pixels)
    output = model(images)

    def weighted(features, block):
        if not se:
            return features
        z = gap(features)
        hidden = (z @ block.reduce.weight.T + block.reduce.bias).clamp_min(0)
        scale = 1 / (1 + torch.exp(-(hidden @ block.expand.weight.T + block.expand.bias)))
        return torch.einsum("bchw,bc->bchw", features, scale)

    x = original.pool0(original.relu0(original.norm0(original.conv0(images))))
    x = original.transition1(weighted(original.denseblock1(x), model.se1))
    x = original.transition2(weighted(original.denseblock2(x), model.se2))
    middle = weighted(original.denseblock3(x), model.se3)
    x = original.denseblock4(original.transition3(middle))
    if se4_norm5 == "after":
        high = functional.relu(original.norm5(weighted(x, model.tail.se4)))
    elif se4_norm5 == "before":
        high = weighted(functional.relu(original.norm5(x)), model.tail.se4)
    else:
        high = weighted(x, model.tail.se4)
    expected = torch.cat([gap(middle), gap(high)], 1) if mid_features else gap(high)
    assert torch.allclose(output.before_neck, expected)
    assert output.embeddings == (output.before_neck,)
    assert [scores.shape for scores in output.logits] == [(4, 7)]
    assert torch.allclose(output.logits[0], output.after_neck @ model.neck.classifier.weight.T)


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(("se", "mid_features", "se4_norm5"), SWITCHES)
def test_gradients_reach_every_parameter(se, mid_features, se4_norm5):
    model = seeded(narrow(se=se, mid_features=mid_features, se4_norm5=se4_norm5))
    output = model(torch.randn(6, 3, 64, 64))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    (functional.cross_entropy(output.logits[0], labels) + output.embeddings[0].std()).backward()
    blocks = [module for module in model.modules() if isinstance(module, SqueezeExcitation)]
    assert len(blocks) == (4 if se else 0)
    for name, parameter in model.named_parameters():
        if name == "neck.norm.bias":
            assert parameter.grad is None
        else:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.usefixtures("shallow")
def test_no_norm5_is_left_when_it_is_left_out():
    assert not any("norm5" in name for name in build(narrow(se4_norm5="none"), 7).state_dict())


@pytest.mark.usefixtures("shallow")
def test_weights_depend_on_torchs_generator_alone():
    one, two = seeded(narrow()), seeded(narrow())
    torch.manual_seed(1)
    three = build(narrow(), 7)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.stem.conv0.weight, three.stem.conv0.weight)


@pytest.mark.usefixtures("float64")
@pytest.mark.usefixtures("shallow")
def test_eval_mode_is_deterministic_and_independent_of_the_batch():
    model = seeded(narrow()).eval()
    images = torch.randn(5, 3, 64, 64)
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image[None]).after_neck for image in images])
    assert together.logits == ()
    assert torch.allclose(together.after_neck, alone)


@pytest.mark.usefixtures("shallow")
def test_a_trained_model_is_rebuilt_from_its_state():
    model = seeded(narrow())
    model(torch.randn(4, 3, 64, 64))
    torch.manual_seed(5)
    again = build(narrow(), 7)
    again.load_state_dict(model.state_dict())
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(model.eval()(images).after_neck, again.eval()(images).after_neck)


@pytest.mark.usefixtures("float64")
@pytest.mark.usefixtures("shallow")
def test_channels_last_changes_rounding_only():
    model = seeded(narrow()).eval()
    images = torch.randn(2, 3, 64, 64)
    expected = model(images).after_neck
    model.to(memory_format=torch.channels_last)
    actual = model(images.to(memory_format=torch.channels_last)).after_neck
    assert torch.allclose(actual, expected)


@pytest.mark.usefixtures("shallow")
def test_outputs_are_float32_under_autocast():
    model = seeded(narrow())
    with torch.autocast("cpu", torch.bfloat16):
        output = model(torch.randn(4, 3, 64, 64))
    for tensor in (output.before_neck, output.after_neck, *output.logits, *output.embeddings):
        assert tensor.dtype == torch.float32


@pytest.mark.usefixtures("shallow")
def test_one_image_cannot_be_trained_on():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        seeded(narrow())(torch.randn(1, 3, 64, 64))


@pytest.mark.usefixtures("shallow")
def test_switches_leave_the_shared_parts_alone():
    # Table 1 compares rows that differ in a switch: with one seed their backbones start equal.
    with_se, without = seeded(narrow()), seeded(narrow(se=False, mid_features=False))
    ours, theirs = with_se.state_dict(), without.state_dict()
    shared = [name for name in theirs if not name.startswith("neck.")]
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)
    assert isinstance(without.se1, nn.Identity)
