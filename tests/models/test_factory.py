import torch

from vreid.models.factory import build_model
from vreid.models.output import Output
from vreid.models.se_densenet import SeDenseNet
from vreid.params.run import SeDenseNet as Config


def test_builds_the_named_model():
    config = Config(
        name="se_densenet",
        se=True,
        mid_features=True,
        blocks=(1, 1, 1, 1),
        growth_rate=4,
        stem_channels=8,
        weights=None,
    )
    model = build_model(config, classes=5)
    assert isinstance(model, SeDenseNet)
    output = model(torch.randn(2, 3, 32, 32))
    assert isinstance(output, Output)
    assert output.logits[0].shape == (2, 5)
