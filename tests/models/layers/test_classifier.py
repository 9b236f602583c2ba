import pytest
import torch

from vreid.models.layers.classifier import identity_classifier


def test_it_starts_small_and_without_preference():
    torch.manual_seed(0)
    classifier = identity_classifier(400, 500)
    # Of 200,000 draws: 1 % is over six standard deviations of the sample's standard deviation.
    assert classifier.weight.std().item() == pytest.approx(0.001, rel=0.01)
    assert classifier.bias.eq(0).all() and classifier.bias.requires_grad
