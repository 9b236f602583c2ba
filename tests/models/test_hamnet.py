from pathlib import Path

import pytest
import torch
from torch.nn import functional

from vreid.losses.cross_entropy import CrossEntropy
from vreid.losses.heterogeneity import Heterogeneity
from vreid.models.factory import build_model
from vreid.models.hamnet import build
from vreid.models.layers.class_aware_fusion import fused_map, released_fusion
from vreid.params import overrides
from vreid.params.errors import UserError
from vreid.params.models.hamnet import HamNet as Config
from vreid.params.paper import Paper
from vreid.params.read import read_yaml, validate

CLASSES = 7
MSN = {"name": "ide", "class_aware": False}
HAMNET = {"name": "ide", "class_aware": True}
ABD = {"name": "abd", "feature_penalty": 3.2e-5, "weight_penalty": 0.01}
HEADS = [MSN, HAMNET, {"name": "released"}, {"name": "pcb"}, {"name": "mgn"}, ABD]
names = pytest.mark.parametrize("head", HEADS, ids=["msn", "hamnet", "released", "pcb", "mgn", "abd"])


def narrow(head=HAMNET, streams=2, backbone="resnet50"):
    parts = {"name": backbone, "width": 0.0625 if backbone == "resnet50" else 0.125, "weights": None}
    return Config(name="hamnet", backbone=parts, streams=streams, head=head)


def seeded(config, classes=CLASSES):
    torch.manual_seed(0)
    return build(config, classes)


def images_of(spectra, batch=6, height=32, width=64):
    return torch.randn(batch, spectra, 3, height, width, generator=torch.Generator().manual_seed(1))


def clone_streams(model):
    """Give all streams of a HAMNet the weights of the first."""
    for group in (model.backbones, model.cams):
        for stream in group:
            stream.load_state_dict(group[0].state_dict())


# Equations


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("spectra", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 48)])
def test_maps_then_mean_are_mean_then_linear(spectra, height, width):
    model = seeded(narrow(MSN, spectra))
    output = model(images_of(spectra, height=height, width=width))
    assert len(output.logits) == len(output.streams) == len(output.embeddings) == spectra
    for scores, feature, cam in zip(output.streams, output.embeddings, model.cams, strict=True):
        assert torch.allclose(scores, feature @ cam.weight[:, :, 0, 0].T)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("spectra", [2, 3])
def test_fused_scores_are_the_mean_of_the_fused_map(spectra):
    model = seeded(narrow(HAMNET, spectra))
    torch.nn.init.normal_(model.cams[0].weight, std=0.5)
    images = images_of(spectra)
    output = model(images)
    maps = torch.stack(
        [
            torch.einsum("cd,bdhw->bchw", cam.weight[:, :, 0, 0], backbone(images[:, j]))
            for j, (backbone, cam) in enumerate(zip(model.backbones, model.cams, strict=True))
        ]
    )
    assert len(output.logits) == spectra + 1
    assert torch.allclose(output.logits[-1], fused_map(maps).flatten(2).mean(2))
    assert all(torch.equal(a, b) for a, b in zip(output.logits, output.streams, strict=False))


@pytest.mark.usefixtures("float64")
def test_fused_scores_of_identical_streams_are_theirs():
    model = seeded(narrow(HAMNET, 3))
    clone_streams(model)
    output = model(images_of(1).expand(-1, 3, -1, -1, -1))
    for scores in output.logits[1:]:
        assert torch.allclose(scores, output.logits[0])


@pytest.mark.usefixtures("float64")
def test_the_total_loss_is_equation_13():
    model = seeded(narrow(HAMNET, 3))
    output, labels = model(images_of(3)), torch.tensor([0, 0, 1, 1, 2, 6])
    identity = sum(-functional.log_softmax(s, 1)[torch.arange(6), labels].mean() for s in output.streams)
    fused = -functional.log_softmax(output.logits[-1], 1)[torch.arange(6), labels].mean()
    assert torch.allclose(CrossEntropy(0.0)(output, labels), identity + fused)
    product = torch.ones(6, CLASSES)
    for scores in output.streams:
        product = product * scores.softmax(1)
    assert torch.allclose(Heterogeneity("paper")(output, labels), (1 - product.sum(1)).mean())


@pytest.mark.parametrize("spectra", [2, 3])
def test_coherence_is_zero_where_all_are_sure_of_one_identity_and_at_most_one(spectra):
    model = seeded(narrow(MSN, spectra))
    clone_streams(model)
    with torch.no_grad():
        for cam in model.cams:
            cam.weight.zero_()
            cam.weight[3] = 1000.0
    images = images_of(1).expand(-1, spectra, -1, -1, -1)
    labels = torch.zeros(6, dtype=torch.int64)
    assert Heterogeneity("paper")(model(images), labels).item() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        model.cams[1].weight[3] = -1000.0  # now sure that it is another
    assert Heterogeneity("paper")(model(images), labels).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("spectra", [1, 2, 3])
def test_the_representation_is_the_sum_of_the_streams(spectra):
    model = seeded(narrow(HAMNET if spectra > 1 else MSN, spectra)).eval()
    images = images_of(spectra)
    with torch.no_grad():
        output = model(images)
        expected = sum(b(images[:, j]).flatten(2).mean(2) for j, b in enumerate(model.backbones))
    assert torch.allclose(output.before_neck, expected)
    assert torch.equal(output.after_neck, output.before_neck)
    assert output.logits == output.streams == ()


@pytest.mark.usefixtures("float64")
def test_the_released_network_number_by_number():
    model = seeded(narrow({"name": "released"}, 2))
    images = images_of(2)
    output = model(images)
    features = [backbone(images[:, j]) for j, backbone in enumerate(model.backbones)]
    pooled = torch.stack([f.flatten(2).mean(2) for f in features])
    centred = pooled - pooled.mean(1, keepdim=True)
    normal = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    maps = torch.stack([cam(f) for cam, f in zip(model.cams, features, strict=True)])
    fusion = released_fusion(maps)
    expected = normal @ model.classifier.weight.T + model.classifier.bias
    for scores, line in zip(output.streams, expected, strict=True):
        assert torch.allclose(scores, line)
    assert torch.allclose(output.logits[-1], fusion.scores)
    assert torch.allclose(output.embeddings[-1], fusion.scores)
    assert torch.allclose(torch.stack(output.embeddings[:-1]), normal)
    for ours, vectors in ((output.before_neck, pooled), (output.after_neck, normal)):
        mean = sum(fusion.weights[j][:, None] * vectors[j] for j in range(2))
        assert torch.allclose(ours, mean)


@pytest.mark.parametrize(
    ("backbone", "streams", "channels", "unused", "counted"),
    [
        ("resnet50", 2, 2048, 0, 47_536_306),
        ("se_resnet50", 3, 2048, 0, 78_846_210),
        ("densenet121", 2, 1024, 1024 * 1000 + 1000, 16_217_858),
        ("mobilenet_v2", 2, 1280, 1280 * 1000 + 1000, 7_334_914),
        ("inception_v3", 2, 2048, 2048 * 1000 + 1000 + 3_326_696, 54_842_770),
    ],
)
def test_the_released_networks_have_these_parameters(backbone, streams, channels, unused, counted):
    # `counted` on the released code, for 50 identities. There every stream has a classifier that nothing
    # calls, and some backbones keep ImageNet's classifier, and Inception-v3 its auxiliary one.
    classes = 50
    config = Config(
        name="hamnet",
        backbone={"name": backbone, "weights": None},
        streams=streams,
        head={"name": "released"},
    )
    with torch.device("meta"):
        model = build(config, classes)
    ours = sum(parameter.numel() for parameter in model.parameters())
    assert ours + streams * (channels * classes + unused) == counted


# All heads


@names
@pytest.mark.parametrize("spectra", [2, 3])
def test_two_and_three_spectra_share_one_path_and_gradients_reach_every_stream(head, spectra):
    model = seeded(narrow(head, spectra))
    output = model(images_of(spectra))
    labels = torch.tensor([0, 0, 1, 1, 2, 6])
    loss = sum(functional.cross_entropy(scores, labels) for scores in output.logits)
    loss = loss + sum(embedding.std() for embedding in output.embeddings) + sum(output.penalties)
    loss.backward()
    streams = model.backbones if hasattr(model, "backbones") else model.streams
    assert len(streams) == spectra
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    for stream in streams:
        # Behind an attention that starts as the identity, and before batch statistics, gradients may be 0.
        reached = [p.grad.abs().sum() > 0 for p in stream.parameters()]
        assert sum(reached) > 0.9 * len(reached)


@names
def test_streams_share_no_weight(head):
    model = seeded(narrow(head, 2))
    streams = model.backbones if hasattr(model, "backbones") else model.streams
    one, two = ({p.data_ptr() for p in stream.parameters()} for stream in streams)
    assert not one & two


@names
def test_another_number_of_spectra_is_a_sentence(head):
    model = seeded(narrow(head, 2))
    with pytest.raises(UserError, match=r"model\.streams is 2, but the images have 3 spectra"):
        model(images_of(3))
    with pytest.raises(UserError, match=r"model\.streams is 2, but the images have 1 spectra"):
        model(images_of(2)[:, 0])


@pytest.mark.parametrize("head", [MSN, {"name": "pcb"}, {"name": "mgn"}, ABD])
def test_one_spectrum_with_or_without_its_dimension(head):
    model = seeded(narrow(head, 1)).eval()
    images = images_of(1)
    with torch.no_grad():
        assert torch.equal(model(images).before_neck, model(images[:, 0]).before_neck)


@pytest.mark.usefixtures("float64")
@names
def test_eval_mode_is_deterministic_and_independent_of_the_batch(head):
    model = seeded(narrow(head, 2)).eval()
    images = images_of(2)
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image[None]).after_neck for image in images])
    assert together.logits == together.streams == together.penalties == ()
    assert torch.allclose(together.after_neck, alone)


@names
def test_a_trained_model_is_rebuilt_from_its_state(head):
    model = seeded(narrow(head, 2))
    model(images_of(2))
    torch.manual_seed(5)
    again = build(narrow(head, 2), CLASSES)
    again.load_state_dict(model.state_dict())
    with torch.no_grad():
        pair = [m.eval()(images_of(2)).after_neck for m in (model, again)]
    assert torch.equal(*pair)


@names
def test_outputs_are_float32_under_autocast(head):
    model = seeded(narrow(head, 2))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images_of(2))
    scores = (*output.logits, *output.embeddings, *output.penalties)
    for tensor in (output.before_neck, output.after_neck, *scores):
        assert tensor.dtype == torch.float32


@pytest.mark.parametrize("backbone", ["se_resnet50", "densenet121", "inception_v3", "mobilenet_v2"])
def test_every_backbone_carries_the_network(backbone):
    model = seeded(narrow(HAMNET, 2, backbone))
    side = 75 if backbone == "inception_v3" else 64
    output = model(images_of(2, batch=2, height=side, width=side))
    assert [scores.shape for scores in output.logits] == [(2, CLASSES)] * 3
    assert output.before_neck.shape == output.embeddings[0].shape


@pytest.mark.usefixtures("float64")
def test_losses_of_summed_streams_have_the_gradients_of_separate_trainings():
    together = seeded(narrow({"name": "mgn"}, 2))
    images, labels = images_of(2), torch.tensor([0, 0, 1, 1, 2, 6])
    CrossEntropy(0.0)(together(images), labels).backward()
    for j, stream in enumerate(together.streams):
        alone = seeded(narrow({"name": "mgn"}, 1))
        alone.streams[0].load_state_dict(stream.state_dict())
        CrossEntropy(0.0)(alone(images[:, j]), labels).backward()
        pairs = zip(stream.named_parameters(), alone.streams[0].parameters(), strict=True)
        assert all(torch.allclose(a.grad, b.grad) for (_, a), b in pairs)


# Configuration


def test_fusion_of_one_stream_is_refused():
    with pytest.raises(ValueError, match="two streams or more"):
        narrow(HAMNET, 1)
    with pytest.raises(ValueError, match="two streams or more"):
        narrow({"name": "released"}, 1)


@pytest.mark.parametrize("head", [{"name": "mgn"}, ABD])
def test_branches_of_stages_need_resnet50(head):
    with pytest.raises(ValueError, match="built from the stages of resnet50"):
        narrow(head, 2, "mobilenet_v2")


def test_the_papers_file_has_a_stream_for_every_spectrum():
    paper = validate(Paper, read_yaml(Path("params/papers/hamnet.yaml")), "hamnet.yaml")
    shown = {row.run for table in paper.tables.values() for row in table.rows if row.run}
    for experiment in shown:
        for variant in (None, *paper.variants):
            recipe = overrides.apply(paper.defaults, paper.experiments[experiment] or {}, experiment)
            if variant and not (variant == "rgbnt100" and recipe["model"]["streams"] == 1):
                recipe = overrides.apply(recipe, paper.variants[variant], experiment)
            assert recipe["model"]["streams"] == len(recipe["input"]["spectra"]), (experiment, variant)


def test_the_factory_builds_it():
    assert type(build_model(narrow(), CLASSES)).__name__ == "HamNet"
