import pytest
import torch

from vreid.models.layers.neck import BatchNormNeck


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("batch", [2, 9])
def test_training_normalises_by_the_batch_and_classifies_the_result(batch):
    torch.manual_seed(0)
    neck = BatchNormNeck(5, classes=3)
    feature = torch.randn(batch, 5) * 3 + 2
    normalised, (scores,) = neck(feature)
    mean = feature.mean(0)
    variance = (feature - mean).square().mean(0)
    expected = (feature - mean) / (variance + 1e-5).sqrt()
    assert torch.allclose(normalised, expected)
    assert torch.allclose(scores, expected @ neck.classifier.weight.T)


@pytest.mark.usefixtures("float64")
def test_eval_mode_uses_running_statistics_and_gives_no_scores():
    neck = BatchNormNeck(4, classes=3).eval()
    neck.norm.running_mean.fill_(2.0)
    neck.norm.running_var.fill_(9.0)
    feature = torch.full((1, 4), 5.0)
    normalised, scores = neck(feature)
    assert scores == ()
    assert torch.allclose(normalised, torch.ones(1, 4))


def test_shift_is_frozen_at_zero_and_the_classifier_starts_small_without_bias():
    torch.manual_seed(0)
    neck = BatchNormNeck(400, classes=500)
    assert not neck.norm.bias.requires_grad and neck.norm.bias.eq(0).all()
    assert neck.norm.weight.requires_grad
    assert neck.classifier.bias is None
    # Of 200,000 draws: 1 % is over six standard deviations of the sample's standard deviation.
    assert neck.classifier.weight.std().item() == pytest.approx(0.001, rel=0.01)


def test_float32_under_autocast():
    neck = BatchNormNeck(4, classes=3)
    feature = torch.randn(6, 4)
    with torch.autocast("cpu", torch.bfloat16):
        normalised, (scores,) = neck(feature)
    assert normalised.dtype == scores.dtype == torch.float32
