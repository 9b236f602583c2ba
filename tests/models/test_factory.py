import torch

from vreid.models.factory import build_model, without_weights
from vreid.models.output import Output
from vreid.models.se_densenet import SeDenseNet
from vreid.params.models.backbone import Backbone
from vreid.params.models.se_densenet import SeDenseNet as Config
from vreid.params.strict import Strict


def config(weights, width=1.0):
    backbone = Backbone(name="densenet121", width=width, weights=weights)
    return Config(name="se_densenet", backbone=backbone, se=True, mid_features=True)


def test_builds_the_named_model():
    model = build_model(config(None, width=0.0625), classes=5)
    assert isinstance(model, SeDenseNet)
    output = model(torch.randn(2, 3, 32, 32))
    assert isinstance(output, Output)
    assert output.logits[0].shape == (2, 5)


def test_a_configuration_loses_its_weights_and_nothing_else():
    assert without_weights(config("imagenet")) == config(None)
    assert without_weights(config("rendered", width=0.125)) == config(None, width=0.125)
    assert without_weights(config(None)) == config(None)


def test_weights_are_found_at_any_depth():
    class Part(Strict):
        weights: str | None
        size: int

    class Whole(Strict):
        weights: str | None
        deep: Config
        part: Part | None
        nothing: Part | None = None

    whole = Whole(weights="a", deep=config("imagenet"), part=Part(weights="b", size=3))
    assert without_weights(whole) == Whole(weights=None, deep=config(None), part=Part(weights=None, size=3))
    assert whole.part.weights == "b"
