import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.models import resnet50

from vreid.datasets.packed import PackedImages
from vreid.losses.factory import build_losses
from vreid.models.backbones.resnet import resnet50_parts
from vreid.models.layers.alignment import SelfAlignment, transformed
from vreid.models.sanet import build
from vreid.params import overrides
from vreid.params.losses import CrossEntropy, Triplet
from vreid.params.models.backbone import Backbone
from vreid.params.models.sanet import Localisation, SaNet
from vreid.params.read import read_yaml, validate
from vreid.params.run import TrainConfig
from vreid.training.data import TrainingImages
from vreid.training.engine import Learner, State, fit

PAPER = Path("params/papers/sanet.yaml")
CLASSES = 1797  # training identities of UAV-VeID


def config(*, width=0.125, **changes):
    settings = {"name": "sanet", "parts": 2, "alignment": True}
    backbone = Backbone(name="resnet50", width=width, weights=None)
    return SaNet(**(settings | {"backbone": backbone} | changes))


def seeded(settings, classes=7):
    torch.manual_seed(0)
    return build(settings, classes)


def turning(model):
    """Let the alignment depend on the image, as it does once it is trained."""
    if isinstance(model.alignment, SelfAlignment):
        torch.nn.init.normal_(model.alignment.regression[-1].weight, std=0.05)
    return model


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.randn(6, 3, 64, 64)


@pytest.mark.parametrize(("parts", "dim"), [(2, 2560), (4, 4608), (6, 6656)])
def test_dimensions_are_those_of_table_1(images, parts, dim):
    # At an eighth of the width; the next test has a feature's 512 numbers at the published one.
    assert seeded(config(parts=parts)).eval()(images).before_neck.shape == (6, dim / 8)
    assert dim == 512 * (1 + 2 * parts)


def test_maps_have_the_sizes_of_figure_2():
    model = build(config(width=1.0, parts=6), 7)
    seen = {}

    def record(name):
        return lambda _, inputs, output: seen.update({name: (*inputs[0].shape[1:], *output.shape[1:])})

    for name in ("shared", "alignment", "blocks.whole", "blocks.top_down", "blocks.left_right"):
        model.get_submodule(name).register_forward_hook(
            lambda _, inputs, output, name=name: seen.update(
                {name: (*inputs[0].shape[1:], *output.shape[1:])}
            )
        )
    with torch.no_grad():
        output = model(torch.randn(2, 3, 256, 256))
    assert seen == {
        "shared": (3, 256, 256, 1024, 16, 16),
        "alignment": (1024, 16, 16, 1024, 16, 16),
        "blocks.whole": (1024, 16, 16, 2048, 8, 8),
        "blocks.top_down": (1024, 16, 16, 2048, 16, 16),
        "blocks.left_right": (1024, 16, 16, 2048, 16, 16),
    }
    assert [scores.shape for scores in output.logits] == [(2, 7)] * 3
    assert [embedding.shape for embedding in output.embeddings] == [(2, 512)] * 13


def test_parameter_count_is_the_hand_count():
    with torch.device("meta"):
        model = build(config(width=1.0), CLASSES)
        whole = resnet50(num_classes=1)
        fifth = count(whole.layer4)
        convolutional = count(whole) - count(whole.fc)
    features = 5
    localisation = 1024 * 128 * 9 + 2 * 128 + 128 * 64 * 9 + 2 * 64 + (64 * 16 + 1) * 64 + (64 + 1) * 6
    reductions = features * (2048 * 512 + 2 * 512)
    classifiers = (512 + 1024 + 1024 + 3) * CLASSES
    assert count(model) == convolutional + 2 * fifth + localisation + reductions + classifiers


@pytest.mark.usefixtures("float64")
def test_baseline_is_torchvisions_resnet_with_mean_pooling():
    model = seeded(config(width=1.0, parts=0, reduced=None))
    original = resnet50(num_classes=7)
    names = {**dict.fromkeys(("conv1", "bn1"), "shared.0"), **{f"layer{i}": f"shared.{i}" for i in (1, 2, 3)}}
    state = {}
    for name, value in original.state_dict().items():
        head, _, rest = name.partition(".")
        if head == "fc":
            state[f"classifiers.whole.{rest}"] = value
        elif head == "layer4":
            state[f"blocks.whole.{rest}"] = value
        elif head in ("conv1", "bn1"):
            state[f"{names[head]}.{head}.{rest}"] = value
        else:
            state[f"{names[head]}.{rest}"] = value
    model.load_state_dict(state)
    images = torch.randn(2, 3, 64, 64)
    original.eval()
    model.eval()
    expected = {}
    original.avgpool.register_forward_hook(lambda _, i, o: expected.update(pooled=o.flatten(1)))
    with torch.no_grad():
        scores = original(images)
        output = model(images)
        assert torch.allclose(output.before_neck, expected["pooled"])
        assert torch.allclose(model.classifiers["whole"](output.before_neck), scores)
    assert output.before_neck.shape == (2, 2048)
    assert len(output.embeddings) == 1


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("parts", "relu", "pooling", "alignment"),
    [
        (2, False, "average", True),
        (2, True, "average", False),
        (6, False, "max", False),
        (6, False, "average", True),
        (4, True, "max", True),
    ],
)
def test_features_are_what_the_paper_describes(images, parts, relu, pooling, alignment):
    model = turning(seeded(config(parts=parts, relu=relu, pooling=pooling, alignment=alignment)))
    output = model(images)
    shared = model.shared(images)
    aligned = transformed(shared, model.alignment.theta(shared)) if alignment else shared
    average = functional.adaptive_avg_pool2d if pooling == "average" else functional.adaptive_max_pool2d

    def reduced(branch, number, vector):
        linear, norm = model.reductions[branch][number][:2]
        x = vector @ linear.weight.T
        x = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() * norm.weight + norm.bias
        return x.clamp_min(0) if relu else x

    whole = [reduced("whole", 0, average(model.blocks["whole"](shared), 1).flatten(1))]
    rows = average(model.blocks["top_down"](aligned), (parts, 1))[..., 0]
    columns = average(model.blocks["left_right"](aligned), (1, parts))[:, :, 0]
    top_down = [reduced("top_down", i, rows[..., i]) for i in range(parts)]
    left_right = [reduced("left_right", i, columns[..., i]) for i in range(parts)]
    features = [*whole, *top_down, *left_right]
    assert len(output.embeddings) == 2 * parts + 1
    for found, expected in zip(output.embeddings, features, strict=True):
        assert torch.allclose(found, expected)
    assert torch.equal(output.before_neck, torch.cat(output.embeddings, 1))
    assert torch.equal(output.after_neck, output.before_neck)
    together = [torch.cat(branch, 1) for branch in (whole, top_down, left_right)]
    for scores, branch, feature in zip(output.logits, model.classifiers.values(), together, strict=True):
        assert torch.allclose(scores, feature @ branch.weight.T + branch.bias)


@pytest.mark.usefixtures("float64")
def test_joint_loss_is_three_identity_and_five_triplet_losses(images):
    model = seeded(config())
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    output = model(images)
    joint = build_losses(
        [CrossEntropy(name="cross_entropy"), Triplet(name="triplet", margin=0.3)],
    )
    expected = sum(functional.cross_entropy(scores, labels) for scores in output.logits)
    assert (len(output.logits), len(output.embeddings)) == (3, 5)
    for f in output.embeddings:  # Eq. 3 and 4, of each anchor's hardest
        for a in range(6):
            distance = [(f[a] - f[i]).norm() for i in range(6)]
            positive = max(d for i, d in enumerate(distance) if labels[i] == labels[a] and i != a)
            negative = min(d for i, d in enumerate(distance) if labels[i] != labels[a])
            expected = expected + (positive - negative + 0.3).clamp_min(0) / 6
    assert joint(output, labels)[0].item() == pytest.approx(expected.item())


def test_the_undefined_triplet_loss_takes_all_spatial_features(images):
    output = seeded(config(spatial_triplet=True))(images)
    assert len(output.embeddings) == 6
    assert torch.equal(output.embeddings[5], torch.cat(output.embeddings[1:5], 1))
    assert output.before_neck.shape[1] == 5 * 64


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"parts": 6, "spatial_triplet": True},
        {"alignment": False},
        {"parts": 0},
        {"parts": 0, "reduced": None},
        {"localisation": Localisation(strides=(1, 1)), "padding": "border", "align_corners": True},
        {"width": 0.25},
    ],
)
@pytest.mark.parametrize("pixels", [64, 96])
def test_gradients_reach_every_parameter(changes, pixels):
    model = turning(seeded(config(**changes)))
    output = model(torch.randn(6, 3, pixels, pixels))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    loss = sum(functional.cross_entropy(scores, labels) for scores in output.logits)
    (loss + sum(embedding.square().mean(0).std() for embedding in output.embeddings)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_gradients_are_deterministic(images):
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    strictness = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        found = []
        for _ in range(2):
            model = turning(seeded(config()))
            output = model(images)
            sum(functional.cross_entropy(scores, labels) for scores in output.logits).backward()
            found.append([parameter.grad for parameter in model.parameters()])
    finally:
        torch.set_deterministic_debug_mode(strictness)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_branches_start_from_the_same_fifth_block_and_then_part():
    model = seeded(config())
    torch.manual_seed(0)
    published = resnet50_parts(config().backbone).layer4.state_dict()
    blocks = [dict(block.named_parameters()) for block in model.blocks.values()]
    for name in blocks[0]:
        assert all(torch.equal(block[name], published[name]) for block in blocks)
        assert len({block[name].data_ptr() for block in blocks}) == len(blocks)
    assert [block[0].conv2.stride for block in model.blocks.values()] == [(2, 2), (1, 1), (1, 1)]


def test_the_ablation_without_alignment_keeps_all_else():
    ours, theirs = seeded(config()), seeded(config(alignment=False))
    kept = {name for name in ours.state_dict() if not name.startswith("alignment.")}
    assert set(theirs.state_dict()) == kept
    assert count(theirs) == count(ours) - count(ours.alignment)
    backbone = [name for name in kept if name.startswith(("shared.", "blocks."))]
    assert all(torch.equal(ours.state_dict()[name], theirs.state_dict()[name]) for name in backbone)


@pytest.mark.usefixtures("float64")
def test_transforms_of_images_are_those_that_the_branches_see(images):
    model = turning(seeded(config())).eval()
    seen = {}
    model.blocks["top_down"].register_forward_pre_hook(lambda _, inputs: seen.update(map=inputs[0]))
    with torch.no_grad():
        model(images)
        assert torch.allclose(seen["map"], transformed(model.shared(images), model.thetas(images)))
        assert not torch.equal(model.thetas(images)[0], model.thetas(images)[1])
        plain = seeded(config(alignment=False)).eval()
        assert torch.equal(plain.thetas(images), torch.eye(2, 3).expand(6, 2, 3))


def test_parameters_are_named_for_groups_and_freezing():
    names = {name.split(".")[0] for name, _ in seeded(config()).named_parameters()}
    assert names == {"shared", "alignment", "blocks", "reductions", "classifiers"}


@pytest.mark.usefixtures("float64")
def test_eval_mode_is_independent_of_the_batch(images):
    model = turning(seeded(config())).eval()
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image[None]).after_neck for image in images])
    assert together.logits == ()
    assert torch.allclose(together.after_neck, alone)


def test_a_trained_model_is_rebuilt_from_its_state(images):
    model = turning(seeded(config()))
    model(images)
    torch.manual_seed(5)
    again = build(config(), 7)
    again.load_state_dict(copy.deepcopy(model.state_dict()))
    assert torch.equal(model.eval()(images).after_neck, again.eval()(images).after_neck)


@pytest.mark.usefixtures("float64")
def test_channels_last_changes_rounding_only(images):
    model = turning(seeded(config())).eval()
    expected = model(images).after_neck
    model.to(memory_format=torch.channels_last)
    actual = model(images.to(memory_format=torch.channels_last)).after_neck
    assert torch.allclose(actual, expected)


def test_outputs_are_float32_under_autocast(images):
    model = seeded(config())
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images)
    for tensor in (output.before_neck, output.after_neck, *output.logits, *output.embeddings):
        assert tensor.dtype == torch.float32


def recipe(experiment="sanet", **changes):
    """Return an experiment of the paper's file, made small."""
    paper = read_yaml(PAPER)
    small = {
        "input": {"height": 32, "width": 32},
        "model.backbone": {"name": "resnet50", "width": 0.125, "weights": None},
        "sampler": {"name": "pk", "ids": 3, "images_per_id": 2},
        "augment": [],
        "optimizer.weight_decay": 0.0,
        "schedule.epochs": 3,
        "schedule.freeze.epochs": 2.0,
    }
    changed = overrides.apply(paper["defaults"], small, "small")
    changed = overrides.apply(changed, paper["experiments"][experiment], experiment)
    changed = overrides.apply(changed, changes, "test")
    of_the_run = {"source": "synthetic", "data": "", "code": "", "seed": 0}
    return validate(TrainConfig, {k: v for k, v in changed.items() if k != "test"} | of_the_run, "test")


@pytest.fixture(scope="module")
def training_images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    pictures = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3))
    np.save(folder / "images.npy", pictures.astype(np.uint8))
    np.save(folder / "pids.npy", np.repeat(np.arange(6), 4))
    np.save(folder / "camids.npy", np.zeros(24, np.int64))
    np.save(folder / "splits.npy", np.zeros(24, np.uint8))
    (folder / "pack.json").write_text(json.dumps({"spectra": ["rgb"], "height": 32, "width": 32}))
    return PackedImages.open(folder)


def epochs(settings, pack):
    """Return the parameters before the first epoch and after each, and the learner."""
    device = torch.device("cpu")
    images = TrainingImages(pack, settings.input, device)
    learner = Learner(settings, images.classes, device)

    def parameters():
        return {name: p.detach().clone() for name, p in learner.model.named_parameters()}

    found = [parameters()]
    for state in fit(settings, images, learner, State(), device):
        if state.epoch == len(found):
            found.append(parameters())
    return found


@pytest.mark.parametrize(
    ("experiment", "trained"),
    [
        ("sanet", {"alignment", "reductions", "classifiers"}),
        ("parts6", {"alignment", "reductions", "classifiers"}),
        ("no_alignment", {"reductions", "classifiers"}),
        ("baseline", {"classifiers"}),
    ],
)
def test_the_backbone_rests_in_the_first_epochs(training_images, experiment, trained):
    start, first, second, third = epochs(recipe(experiment), training_images)
    for name, value in start.items():
        if name.split(".")[0] in trained:
            # The alignment's last layer starts at zero, so that what is before it has no gradient at first.
            assert not torch.equal(value, second[name]), name
        else:
            assert name.split(".")[0] in {"shared", "blocks"}
            assert torch.equal(value, first[name]) and torch.equal(value, second[name]), name
        assert not torch.equal(second[name], third[name]), name


def test_the_alignment_learns_at_a_twentieth_of_the_rate(images):
    settings = recipe()
    learner = Learner(settings, 3, torch.device("cpu"))
    start = {name: p.detach().clone() for name, p in learner.model.named_parameters()}
    learner.step(images, torch.tensor([0, 0, 1, 1, 2, 2]), 1e-3)
    moved = {True: 0.0, False: 0.0}
    for name, p in learner.model.named_parameters():
        part = name.startswith("alignment.")
        moved[part] = max(moved[part], (p - start[name]).abs().max().item())
    # Adam's first step is the rate itself wherever the gradient is not tiny.
    assert moved[True] == pytest.approx(0.05 * 1e-3, rel=1e-2)
    assert moved[False] == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("experiment", sorted(read_yaml(PAPER)["experiments"]))
def test_every_experiment_of_the_paper_can_be_built(experiment):
    learner = Learner(recipe(experiment), 3, torch.device("cpu"))
    assert learner.model(torch.randn(4, 3, 32, 32)).before_neck.isfinite().all()
