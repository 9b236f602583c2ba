import hashlib
import itertools

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional
from torchvision.models import resnet50

from vreid.models.alsa import build
from vreid.models.factory import without_weights
from vreid.models.layers.cbam import Cbam
from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.models.alsa import Alsa as Config
from vreid.params.models.alsa import Published

SSA = {"name": "ssa", "channels": 8, "heads": 2}
CBAM = {"name": "cbam"}
RETINEX = {"name": "retinexnet", "width": 0.125, "weights": None}
EN = {"name": "enlightengan", "width": 0.0625, "weights": None}
ADJUSTMENTS = {"ssa": SSA, "cbam": CBAM, "retinexnet": RETINEX, "none": None}


def config(enhancement=EN, threshold=0.8, adjustment=SSA, **keys):
    given = {
        "name": "alsa",
        "backbone": {"name": "resnet50", "width": 0.0625, "weights": None},
        "enhancement": enhancement,
        "threshold": threshold if enhancement else None,
        "adjustment": adjustment if enhancement else None,
        "embedding": 16,
    }
    return Config.model_validate(given | keys)


def seeded(*args, **keys):
    torch.manual_seed(0)
    model = build(config(*args, **keys), 5)
    module = model.alsa
    if module is not None and isinstance(getattr(module.adjustment, "out", None), nn.Linear):
        nn.init.normal_(module.adjustment.out.weight)
    return model


def images(count=4, size=(32, 32), seed=1):
    """Normalised images: the first half dark, the others bright."""
    pictures = torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))
    pictures[: count // 2] *= 0.3
    pictures[count // 2 :] = 0.5 + pictures[count // 2 :] / 2
    return (pictures - shape(MEAN)) / shape(STD)


def shape(values):
    return torch.tensor(values)[:, None, None]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
@pytest.mark.parametrize("threshold", [0.8, None])
@pytest.mark.parametrize("size", [(32, 32), (48, 40)])
def test_the_output_is_equation_11(adjustment, threshold, size):
    model = seeded(EN, threshold, ADJUSTMENTS[adjustment]).eval()
    module = model.alsa
    pictures = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(2)) * 0.6
    with torch.no_grad():
        found = module(pictures)
        enhanced = module.enhancement(pictures)
        if adjustment == "ssa":
            adjusted = enhanced * module.adjustment(enhanced) + enhanced
        elif adjustment == "none":
            adjusted = enhanced
        else:
            adjusted = module.adjustment(enhanced)
        for image, channel in itertools.product(range(2), range(3)):
            alpha = 0.0
            if threshold is not None:
                plane = pictures[image, channel]
                alpha = float(torch.sigmoid(plane.mean() + plane.max()))
                alpha = 1.0 if alpha > threshold else alpha
            here = (image, channel)
            mixed = alpha * pictures[here] + (1 - alpha) * adjusted[here]
            assert torch.allclose(found.output[here], mixed)
            gated = alpha * pictures[here] + (1 - alpha) * enhanced[here]
            assert torch.allclose(found.gated[here], gated)
    assert torch.equal(found.original, pictures)
    assert found.alpha.shape == (2, 3, 1, 1)


@pytest.mark.usefixtures("float64")
def test_bright_images_pass_through_bit_for_bit():
    model = seeded().eval()
    batch = images()
    with torch.no_grad():
        corrected = model.corrected(batch)
        stages = model.stages(batch)
    assert (stages.alpha[2:] == 1).all() and (stages.alpha[:2] < 1).all()
    assert torch.equal(corrected[2:], batch[2:])
    assert torch.equal(stages.output[2:], stages.original[2:])
    assert not torch.isclose(corrected[:2], batch[:2]).all()
    # Without the module's other half they are the images of the batch undone.
    assert torch.allclose(stages.original, batch * shape(STD) + shape(MEAN))
    expected = (stages.output - shape(MEAN)) / shape(STD)
    assert torch.allclose(corrected[:2], expected[:2])


@pytest.mark.usefixtures("float64")
def test_the_head_is_gem_layer_norm_linear_and_length_one():
    model = seeded(None).eval()
    batch = images()
    with torch.no_grad():
        features = model.backbone(batch)
        pooled = features.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)
        norm = (pooled - pooled.mean(1, keepdim=True)) / (
            pooled.var(1, correction=0, keepdim=True) + 1e-5
        ).sqrt()
        reduced = norm @ model.head.reduce.weight.T + model.head.reduce.bias
        output = model(batch)
    assert torch.allclose(output.before_neck, reduced)
    assert torch.allclose(output.after_neck, reduced / reduced.norm(dim=1, keepdim=True))
    assert output.embeddings == (output.after_neck,)
    assert output.logits == ()


@pytest.mark.usefixtures("float64")
def test_the_backbone_is_torchvision_s():
    model = build(
        config(None, backbone={"name": "resnet50", "width": 1.0, "weights": None}, embedding=512), 5
    )
    original = resnet50(weights=None)
    head = 1 + 2 * 2048 + (2048 * 512 + 512)  # GeM's exponent, layer normalisation, fully connected layer
    classifier = 2048 * 1000 + 1000
    count = sum(p.numel() for p in model.parameters())
    assert count == sum(p.numel() for p in original.parameters()) - classifier + head
    state = {name: value for name, value in original.state_dict().items() if not name.startswith("fc.")}
    model.backbone.load_state_dict(
        {f"stem.{n}" if n.startswith(("conv1", "bn1")) else n: v for n, v in state.items()}
    )
    model.eval(), original.eval()
    seen = {}
    original.layer4.register_forward_hook(lambda _, __, output: seen.update(map=output))
    batch = images(2, (64, 64))
    with torch.no_grad():
        original(batch)
        assert torch.allclose(model.backbone(batch), seen["map"])


@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_reach_what_is_trained_and_nothing_else(adjustment, frozen):
    model = seeded(EN | {"frozen": frozen}, 0.8, ADJUSTMENTS[adjustment]).train()
    target = torch.randn(4, 16, generator=torch.Generator().manual_seed(3))
    (model(images()).embeddings[0] - target).square().sum().backward()
    for name, parameter in model.named_parameters():
        kept = frozen and name.startswith("alsa.enhancement.")
        kept |= adjustment == "retinexnet" and name.startswith("alsa.adjustment.")
        assert parameter.requires_grad is not kept, name
        assert (parameter.grad is None) is kept, name
    if not frozen:
        reached = [p.grad.abs().sum() > 0 for p in model.alsa.enhancement.parameters()]
        assert sum(reached) > 0.8 * len(reached)


def test_frozen_statistics_stay_in_training():
    model = seeded(EN | {"frozen": False}).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    model(images())
    changed = {name for name, value in model.named_buffers() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("alsa.adjustment.") for name in changed)
    model.eval().train()
    assert model.training and not model.backbone.stem.bn1.training
    assert model.backbone.stem.bn1.weight.requires_grad


def test_statistics_learn_where_they_may():
    model = seeded(EN | {"frozen": True}, frozen_norm=False).train()
    assert model.backbone.stem.bn1.training
    assert not any(module.training for module in model.alsa.enhancement.modules())


def test_a_frozen_network_is_not_regularised_by_chance():
    # IAT leaves blocks out at random in training: a frozen one must not.
    model = seeded({"name": "iat", "width": 0.25, "weights": None, "frozen": True}).train()
    batch = images().mul(0.1)
    torch.manual_seed(5)
    one = model.stages(batch).enhanced
    torch.manual_seed(6)
    assert torch.equal(one, model.stages(batch).enhanced)


def test_without_the_module_nothing_is_in_the_way():
    model = seeded(None)
    batch = images()
    assert model.corrected(batch) is batch
    assert not any(name.startswith("alsa") for name in model.state_dict())
    with pytest.raises(ValueError, match="no stages"):
        model.stages(batch)


def test_rows_of_a_table_start_from_equal_backbones():
    ours, bare = seeded().state_dict(), seeded(None).state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in bare.items())


def test_cbam_has_one_hidden_unit():
    block = seeded(EN, 0.8, CBAM).alsa.adjustment
    assert isinstance(block, Cbam)
    assert block.reduce.weight.shape == (1, 3)


def test_vehiclenet_is_taken_by_path_and_digest(tmp_path):
    torch.manual_seed(9)
    other = seeded(None)
    torch.nn.init.normal_(other.backbone.layer1[0].conv1.weight)
    # As released: below `model.`, with a head that is not used.
    state = {
        f"model.{name.removeprefix('stem.')}": value for name, value in other.backbone.state_dict().items()
    }
    state |= {"model.fc.weight": torch.zeros(3, 3), "classifier.add_block.0.weight": torch.zeros(2, 2)}
    path = tmp_path / "vehiclenet.pth"
    torch.save(state, path)
    spec = Published(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    settings = config(None, vehiclenet={"weights": spec})
    model = build(settings, 5)
    theirs = other.backbone.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in model.backbone.state_dict().items())
    path.unlink()
    rebuilt = build(without_weights(settings), 5)
    rebuilt.load_state_dict(model.state_dict())
    with pytest.raises(UserError, match="are not there"):
        build(settings, 5)


def test_a_trained_model_is_rebuilt_from_its_state():
    settings = config(EN | {"weights": "rendered"}, 0.8, RETINEX | {"weights": "rendered"})
    bare = without_weights(settings)
    assert bare.enhancement.weights is None and bare.adjustment.weights is None
    model = build(bare, 5).eval()
    again = build(bare, 5).eval()
    again.load_state_dict(model.state_dict())
    batch = images(2)
    assert torch.equal(model(batch).after_neck, again(batch).after_neck)


@pytest.mark.usefixtures("float64")
def test_eval_mode_is_independent_of_the_batch():
    model = seeded().eval()
    batch = images()
    with torch.no_grad():
        together = model(batch).after_neck
        alone = torch.cat([model(image[None]).after_neck for image in batch])
    assert torch.allclose(together, alone)


@pytest.mark.usefixtures("float64")
def test_channels_last_changes_rounding_only():
    model = seeded().eval()
    batch = images()
    expected = model(batch).after_neck
    model.to(memory_format=torch.channels_last)
    actual = model(batch.to(memory_format=torch.channels_last)).after_neck
    assert torch.allclose(actual, expected)


def test_outputs_are_float32_under_autocast_and_alpha_is_exact():
    model = seeded()
    batch = images()
    with torch.autocast("cpu", torch.bfloat16):
        output = model(batch)
        stages = model.stages(batch)
    for tensor in (output.before_neck, output.after_neck, *output.embeddings, stages.alpha, stages.output):
        assert tensor.dtype == torch.float32
    assert torch.allclose(output.after_neck.norm(dim=1), torch.ones(4), atol=1e-5)
    assert torch.equal(stages.alpha, model.alsa.gca(stages.original))


def test_a_training_step_is_deterministic():
    def step():
        model = seeded(EN | {"frozen": False}).train()
        functional.mse_loss(model(images(size=(40, 40))).embeddings[0], torch.zeros(4, 16)).backward()
        return [p.grad for p in model.parameters()]

    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        one, two = step(), step()
    finally:
        torch.set_deterministic_debug_mode(mode)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_parts_without_the_module_are_refused():
    with pytest.raises(ValidationError, match="without `enhancement` they must be null"):
        Config.model_validate(config(None).model_dump() | {"threshold": 0.8})
    with pytest.raises(ValidationError, match="multiple of heads"):
        config(EN, 0.8, {"name": "ssa", "channels": 10, "heads": 4})
