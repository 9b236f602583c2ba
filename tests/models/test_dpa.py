import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet50

from vreid.models.dpa import build
from vreid.models.layers.cbam import Cbam
from vreid.models.layers.coordinate_attention import CoordinateAttention
from vreid.models.layers.dual_pooling import DualPoolingAttention
from vreid.models.layers.non_local import NonLocal
from vreid.models.layers.squeeze_excitation import SqueezeExcitation
from vreid.params.errors import UserError
from vreid.params.models.dpa import Attention, DualPooling
from vreid.params.models.dpa import Dpa as Config

KINDS = ["cpa", "spa", "dpa", "se", "non_local", "cbam", "ca"]
PLACES = [
    {},
    {"conv3": "dpa"},
    {"conv4": "dpa"},
    {"conv5": "dpa"},
    {"conv3": "dpa", "conv4": "dpa"},
    {"conv3": "dpa", "conv5": "dpa"},
    {"conv4": "dpa", "conv5": "dpa"},
]  # Table 5, row by row


def config(attention=None, *, width=0.125, size=(64, 64), **changes):
    backbone = {"name": "resnet50", "width": width, "weights": None}
    chosen = Attention(**({"conv4": "dpa"} if attention is None else attention))
    return Config(name="dpa", backbone=backbone, input_size=size, attention=chosen, **changes)


def seeded(chosen, classes=7):
    torch.manual_seed(0)
    return build(chosen, classes)


def images(batch=4, size=(64, 64)):
    torch.manual_seed(2)
    return torch.randn(batch, 3, *size)


def p_mean(features, p):
    return (features.clamp_min(1e-6) ** p).flatten(2).mean(2) ** (1 / p)


@pytest.mark.usefixtures("float64")
def test_baseline_is_torchvisions_resnet_with_generalised_mean_pooling_and_last_stride_1():
    model = seeded(config({}, width=1.0), classes=3).eval()
    torch.manual_seed(0)
    original = resnet50()
    original.load_state_dict({**original.state_dict(), **_named_as_torchvision(model)})
    original.layer4[0].conv2.stride = original.layer4[0].downsample[0].stride = (1, 1)
    original.avgpool, original.fc = nn.Identity(), nn.Identity()
    original.eval()
    with torch.no_grad():
        features = original(images(2)).view(2, 2048, 4, 4)
        output = model(images(2))
    assert torch.allclose(output.before_neck, p_mean(features, 3))
    assert output.logits == () and output.embeddings == (output.before_neck,)


def _named_as_torchvision(model):
    parts = ("stem.", "layer1.", "layer2.", "layer3.", "layer4.")
    return {
        name.removeprefix("stem."): value
        for name, value in model.state_dict().items()
        if name.startswith(parts)
    }


def test_published_parameter_count_of_backbone_and_attention():
    model = seeded(config(width=1.0, size=(256, 256)))
    head = ("pool.", "neck.")
    own = sum(p.numel() for name, p in model.named_parameters() if not name.startswith(head))
    assert own == 26_710_340  # counted in the released code, its fully-connected layer left out
    assert model.layer4[0].conv2.stride == (1, 1)


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("size", [(64, 64), (64, 96)])
def test_attention_stands_after_the_stages_that_are_named(places, size):
    model = seeded(config(places, size=size)).eval()
    seen = _recorded(model, size)
    sides = {"conv3": 8, "conv4": 16, "conv5": 16}
    followers = {"conv3": "layer3", "conv4": "layer4", "conv5": "pool"}
    for stage, layer in (("conv3", "layer2"), ("conv4", "layer3"), ("conv5", "layer4")):
        name = f"{stage}_attention"
        module = model.get_submodule(name)
        assert isinstance(module, DualPoolingAttention if stage in places else nn.Identity)
        given, put_out = seen[name]
        assert given is seen[layer][1] and put_out is seen[followers[stage]][0]
        assert put_out.shape[2:] == (size[0] // sides[stage], size[1] // sides[stage])
        if stage in places:
            assert module.spatial.size == put_out.shape[2:]


def _recorded(model, size):
    seen = {}
    for name in ("layer2", "layer3", "layer4", "pool", *(f"conv{i}_attention" for i in (3, 4, 5))):
        model.get_submodule(name).register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0], output)})
        )
    with torch.no_grad():
        model(images(2, size))
    return seen


def test_every_kind_of_attention_is_built_for_its_stage():
    kinds = {"se": SqueezeExcitation, "non_local": NonLocal, "cbam": Cbam, "ca": CoordinateAttention}
    for kind, of in kinds.items():
        model = seeded(config({"conv4": kind}))
        assert type(model.conv4_attention) is of
        assert isinstance(model.conv3_attention, nn.Identity)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [0.125, 0.25])
def test_gradients_reach_every_parameter(kind, width):
    model = seeded(config({"conv4": kind}, width=width))
    if kind == "non_local":
        nn.init.ones_(model.conv4_attention.norm.weight)  # which starts at 0, and all before it with it
    output = model(images(6))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    (functional.cross_entropy(output.logits[0], labels) + output.embeddings[0].std()).backward()
    shifts_nothing = {"non_local": ("g.bias", "out.bias", "phi.bias"), "ca": ("reduce.bias",)}.get(kind, ())
    for name, parameter in model.named_parameters():
        if name == "neck.norm.bias":
            assert parameter.grad is None
        else:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            if not name.endswith(shifts_nothing):
                assert parameter.grad.abs().sum() > 0, name


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("metric_feature", ["before_neck", "after_neck"])
def test_metric_loss_and_classifier_get_what_the_configuration_says(metric_feature):
    model = seeded(config(metric_feature=metric_feature))
    output = model(images())
    assert output.embeddings == (getattr(output, metric_feature),)
    assert torch.allclose(output.logits[0], output.after_neck @ model.neck.classifier.weight.T)


@pytest.mark.usefixtures("float64")
def test_cosine_classifier_gives_cosines():
    model = seeded(config(classifier="cosine"))
    output = model(images())
    expected = functional.cosine_similarity(
        output.after_neck[:, None], model.neck.classifier.weight[None], dim=2
    )
    assert torch.allclose(output.logits[0], expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("changes", "exponents"), [({}, 1), ({"gem_learnable": False}, 0)])
def test_pooling_is_the_generalised_mean(changes, exponents):
    model = seeded(config(gem_p=2.0, **changes)).eval()
    seen = _recorded(model, (64, 64))
    assert torch.allclose(seen["pool"][1], p_mean(seen["pool"][0], 2.0))
    assert len(list(model.pool.parameters())) == exponents


@pytest.mark.usefixtures("float64")
def test_pooling_may_be_the_average():
    model = seeded(config(pooling="average")).eval()
    given, pooled = _recorded(model, (64, 64))["pool"]
    assert torch.allclose(pooled, given.flatten(2).mean(2))


@pytest.mark.parametrize("stride", [1, 2])
def test_last_stride_decides_the_last_map(stride):
    model = seeded(config({"conv5": "spa"}, last_stride=stride)).eval()
    given, _ = _recorded(model, (64, 64))["pool"]
    assert given.shape[2:] == (4 // stride, 4 // stride)


@pytest.mark.parametrize("size", [(72, 56), (100, 68)])
def test_sizes_that_are_no_multiple_of_the_stride_work(size):
    places = {"conv3": "spa", "conv5": "dpa"}
    with torch.no_grad():
        output = seeded(config(places, size=size, last_stride=2)).eval()(images(2, size))
    assert output.before_neck.shape == (2, 256)


def test_another_input_size_is_refused_in_words():
    with pytest.raises(UserError, match=r"model\.input_size"):
        seeded(config()).eval()(images(2, (64, 128)))


@pytest.mark.usefixtures("float64")
def test_scores_are_the_classifiers_in_eval_mode_too():
    model = seeded(config()).eval()
    model.neck.norm.running_mean.fill_(0.5)
    with torch.no_grad():
        expected = model(images()).after_neck @ model.neck.classifier.weight.T
        assert torch.allclose(model.scores(images()), expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
def test_eval_mode_is_independent_of_the_batch_and_of_the_layout(kind):
    model = seeded(config({"conv4": kind})).eval()
    with torch.no_grad():
        together = model(images()).after_neck
        alone = torch.cat([model(image[None]).after_neck for image in images()])
        model.to(memory_format=torch.channels_last)
        other = model(images().to(memory_format=torch.channels_last)).after_neck
    # Untrained statistics make numbers of up to 100: rounding is relative to them.
    assert torch.allclose(together, alone)
    assert torch.allclose(together, other)


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_deterministic(kind):
    def gradients():
        model = seeded(config({"conv4": kind}))
        model(images()).embeddings[0].square().sum().backward()
        return [p.grad for p in model.parameters() if p.grad is not None]

    was = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        first, second = gradients(), gradients()
    finally:
        torch.use_deterministic_algorithms(was)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_variants_start_from_the_same_backbone_and_classifier():
    # The tables compare rows that differ in the attention.
    states = [seeded(config(places)).state_dict() for places in ({}, {"conv4": "se"}, PLACES[5])]
    for name, value in states[0].items():
        assert all(torch.equal(value, state[name]) for state in states[1:]), name


def test_a_trained_model_is_rebuilt_from_its_state():
    chosen = config(dual_pooling=DualPooling(gem_p=3.0, gem_learnable=True, kernels=4, fusion="concatenate"))
    model = seeded(chosen)
    model(images())
    torch.manual_seed(5)
    again = build(chosen, 7)
    again.load_state_dict(model.state_dict())
    assert torch.equal(model.eval()(images()).after_neck, again.eval()(images()).after_neck)


@pytest.mark.parametrize("places", [{}, {"conv4": "dpa"}, {"conv4": "non_local"}])
def test_outputs_are_float32_under_autocast(places):
    model = seeded(config(places))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images())
    for tensor in (output.before_neck, output.after_neck, *output.logits, *output.embeddings):
        assert tensor.dtype == torch.float32
