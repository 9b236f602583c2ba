import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vreid.datasets.packed import MANIFEST
from vreid.models.dpa import build
from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.figures import HeatMaps
from vreid.params.models.dpa import Attention, Dpa
from vreid.params.plan import FigurePlan, MethodPlan, ResultPlan
from vreid.params.run import TrainConfig
from vreid.reporting.figures.heatmaps import draw, grad_cam_plus_plus, heat_maps

CLASSES = 5
SIDE = 64
VARIANTS = {"None": {}, "SE": {"conv4": "se"}, "DpA": {"conv4": "dpa"}}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def model_config(attention):
    return Dpa(
        name="dpa",
        backbone={"name": "resnet50", "width": 0.125, "weights": None},
        input_size=(SIDE, SIDE),
        attention=Attention(**attention),
    )


def model(attention):
    torch.manual_seed(0)
    return build(model_config(attention), CLASSES).eval()


def literal_map(activations, score):
    """Compute Eq. 10 to 13 and 19 for one image with all derivatives of Y = exp(S) taken by autograd."""
    channels, height, width = activations.shape
    activations = activations.detach().double().requires_grad_()
    [first] = torch.autograd.grad(score(activations).exp(), activations, create_graph=True)
    weights = []
    for k in range(channels):
        weight = 0.0
        for i in range(height):
            for j in range(width):
                gradient = first[k, i, j]
                [of_it] = torch.autograd.grad(gradient, activations, create_graph=True)
                second = of_it[k, i, j]
                [of_that] = torch.autograd.grad(second, activations, retain_graph=True)
                third = of_that[k, i, j]
                denominator = 2 * second + activations[k].sum() * third
                alpha = second / denominator if denominator != 0 else torch.zeros(())
                weight += float((alpha * gradient.clamp_min(0)).detach())
        weights.append(weight)
    values = activations.detach()
    return sum(weight * channel for weight, channel in zip(weights, values, strict=True)).clamp_min(0)


@pytest.mark.parametrize("shape", [(3, 2, 3), (2, 4, 4)])
def test_maps_are_the_equations_with_derivatives_by_autograd(shape):
    torch.manual_seed(0)
    channels = shape[0]
    # Piecewise linear from the map to the score, for which the closed form of Eq. 19 holds.
    head = nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Flatten(0), nn.LazyLinear(1))
    head = head.double()
    activations = torch.rand(shape, dtype=torch.float64)

    def score(values):
        return head(values[None])[0]

    expected = literal_map(activations, score)
    leaf = activations.clone().requires_grad_()
    value = score(leaf)
    [gradients] = torch.autograd.grad(value, leaf)
    found = grad_cam_plus_plus(activations[None], gradients[None])[0]
    assert expected.max() > 0
    assert torch.allclose(found * value.exp(), expected, rtol=1e-9, atol=1e-12)


def test_a_gradient_of_zero_gives_a_map_of_zero():
    found = grad_cam_plus_plus(torch.rand(2, 3, 4, 4), torch.zeros(2, 3, 4, 4))
    assert torch.equal(found, torch.zeros(2, 4, 4))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("attention", VARIANTS.values())
def test_the_layer_is_looked_at_behind_its_attention(attention):
    network = model(attention)
    torch.manual_seed(1)
    images = torch.randn(3, 3, SIDE, SIDE)
    maps, classes = heat_maps(network, "conv4_attention", images)
    for number, image in enumerate(images):
        with torch.no_grad():
            features = network.layer3(network.layer2(network.layer1(network.stem(image[None]))))
            features = network.conv4_attention(features)
        features.requires_grad_()
        pooled = network.pool(network.layer4(features))
        scores = (
            (pooled - network.neck.norm.running_mean) / (1 + 1e-5) ** 0.5 @ network.neck.classifier.weight.T
        )
        assert classes[number] == scores.argmax()
        [gradients] = torch.autograd.grad(scores.max(), features)
        expected = grad_cam_plus_plus(features.detach(), gradients)[0]
        assert torch.allclose(maps[number], expected, atol=float(expected.max()) * 1e-9)
    assert maps.shape == (3, 4, 4)


def test_a_layer_that_is_not_there_is_refused_in_words():
    with pytest.raises(UserError, match=r"no layer 'layer9' .* layer3"):
        heat_maps(model({}), "layer9", torch.randn(1, 3, SIDE, SIDE))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    pack = root / "pack"
    pack.mkdir()
    rng = np.random.default_rng(0)
    splits = np.array([0] * 4 + [1] * 6 + [2] * 8, np.uint8)
    count = len(splits)
    np.save(pack / "images.npy", rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8))
    np.save(pack / "pids.npy", np.arange(count) % 3)
    np.save(pack / "camids.npy", np.arange(count) % 2)
    np.save(pack / "splits.npy", splits)
    (pack / MANIFEST).write_text(json.dumps({"height": SIDE, "width": SIDE, "spectra": ["rgb"]}))
    for label, attention in VARIANTS.items():
        _write_run(root / "runs" / label, attention)
    return root


def _write_run(folder, attention):
    folder.mkdir(parents=True)
    config = TrainConfig(
        dataset="veri_uav",
        source="synthetic",
        data="",
        code="",
        seed=0,
        input={"height": SIDE, "width": SIDE},
        model=model_config(attention),
        losses=(),
        sampler={"name": "shuffle", "images": 2},
        optimizer={"name": "adam", "lr": 0.1},
        schedule={"name": "cosine", "epochs": 1},
        augment=(),
    )
    (folder / "config.json").write_text(config.model_dump_json())
    state = {name: value.contiguous() for name, value in model(attention).state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"classes": str(CLASSES)})


def figure_plan(labels, **changes):
    def method(label):
        result = ResultPlan(
            run=label,
            experiment="x",
            dataset="veri_uav",
            protocol="veri_uav",
            pack="pack",
            features="",
            evaluation="",
        )
        return MethodPlan(label=label, experiment="x", status="run", results=(result,))

    spec = {"kind": "heatmaps", "caption": "Heat maps", "layer": "conv4_attention", "images": 3} | changes
    methods = tuple({"label": label, "run": "x"} for label in labels)
    absent = (MethodPlan(label="CA", experiment="ca", status="not in this preset"),)
    return FigurePlan(
        paper="dpa",
        figure="figure4",
        title="Figure 4",
        caption="Heat maps",
        citation="",
        preset="demo",
        preset_label="",
        source="synthetic",
        seeds=(0,),
        spec=HeatMaps(**spec, methods=methods),
        methods=tuple(method(label) for label in labels) + absent,
        datasets={},
    )


def test_all_methods_are_drawn_on_the_same_query_images(world):
    drawing = draw(figure_plan(VARIANTS), world)
    numbers = drawing.numbers
    assert numbers["layer"] == "conv4_attention"
    assert len(set(numbers["rows"])) == 3 and set(numbers["rows"]) <= set(range(4, 10))
    pictures = np.load(world / "pack" / "images.npy")[numbers["rows"]]
    axes = np.array(drawing.figure.axes[:12]).reshape(3, 4)
    assert [axis.get_title() for axis in axes[0]] == ["Query", "None", "SE", "DpA"]
    for line, picture in zip(axes, pictures, strict=True):
        assert np.array_equal(line[0].images[0].get_array(), picture)
        for axis in line[1:]:  # grey below the map, whose colour is then its own
            grey = np.asarray(axis.images[0].get_array())
            assert np.allclose(grey, picture.astype(float).sum(axis=-1) / 3)
    [scale] = drawing.figure.axes[12:]
    assert "hottest place" in scale.get_ylabel()


def test_maps_are_those_of_the_trained_networks_scaled_to_one(world):
    drawing = draw(figure_plan(VARIANTS), world)
    pictures = np.load(world / "pack" / "images.npy")[drawing.numbers["rows"]]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    images = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - mean) / std
    axes = np.array(drawing.figure.axes[:12]).reshape(3, 4)
    for column, (label, attention) in enumerate(VARIANTS.items(), start=1):
        maps, classes = heat_maps(model(attention), "conv4_attention", images)
        said = drawing.numbers["methods"][label]
        assert said["class"] == classes.tolist()
        for line, found in enumerate(maps):
            large = nn.Upsample((SIDE, SIDE), mode="bilinear")(found[None, None])[0, 0]
            expected = (large / large.max()).numpy()
            drawn = np.asarray(axes[line, column].images[1].get_array())
            assert np.allclose(drawn, expected, atol=1e-3)
            assert said["hot"][line] == pytest.approx((expected >= 0.5).mean(), abs=0.01)
            row, column_of_it = (round(part * SIDE - 0.5) for part in said["hottest"][line])
            assert expected[row, column_of_it] == pytest.approx(1.0, abs=1e-3)


def test_the_notes_say_how_much_is_hot(world):
    drawing = draw(figure_plan(VARIANTS), world)
    [share] = drawing.notes
    mean = 100 * np.mean(drawing.numbers["methods"]["DpA"]["hot"])
    assert f"DpA {mean:.0f} %" in share


def test_numbers_can_be_written_and_repeat(world):
    first, second = (draw(figure_plan(["SE"]), world).numbers for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
