import pytest
import torch

from vreid.models import weights
from vreid.params.models.backbone import Backbone


@pytest.fixture
def narrow():
    """Makes a narrow, and if asked a shallow, backbone's configuration."""

    def make(name, width=0.125, depth=1.0):
        return Backbone(name=name, width=width, depth=depth, weights=None)

    return make


@pytest.fixture
def published(monkeypatch):
    """Lets a library's model, with random weights and statistics, be what is published for ImageNet.

    Returns the model in eval mode and a list that fills with the addresses that are asked for.
    """

    def publish(model, state=None):
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.uniform_(-0.1, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
        asked = []
        found = model.state_dict() if state is None else state
        monkeypatch.setattr(weights, "load_weights", lambda url: asked.append(url) or found)
        return model.eval(), asked

    torch.manual_seed(1)
    return publish
