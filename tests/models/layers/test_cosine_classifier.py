import pytest
import torch

from vreid.models.layers.cosine_classifier import CosineClassifier


@pytest.mark.usefixtures("float64")
def test_scores_are_cosines():
    torch.manual_seed(0)
    classifier = CosineClassifier(5, 3)
    features = torch.randn(4, 5)
    expected = [[(x @ w / (x.norm() * w.norm())).item() for w in classifier.weight] for x in features]
    assert torch.allclose(classifier(features), torch.tensor(expected))


@pytest.mark.usefixtures("float64")
def test_length_of_the_feature_does_not_count():
    torch.manual_seed(0)
    classifier, features = CosineClassifier(5, 3), torch.randn(4, 5)
    assert torch.allclose(classifier(7 * features), classifier(features))


def test_weights_start_small():
    torch.manual_seed(0)
    # Of 200,000 draws: 1 % is over six standard deviations of the sample's standard deviation.
    assert CosineClassifier(400, 500).weight.std().item() == pytest.approx(0.01, rel=0.01)
