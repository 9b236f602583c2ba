"""The batch-normalisation neck between the metric loss and the classifier."""

import torch
from torch import Tensor, nn


class BatchNormNeck(nn.Module):
    """Normalises a feature and classifies what comes out.

    The metric loss works on the feature before it and the identity loss on the scores after it, so
    that the two do not pull at one vector (Luo et al., "Bag of Tricks and a Strong Baseline for
    Deep Person Re-identification", CVPRW 2019). What papers leave open with "a BN layer" follows
    that work: the normalisation's shift stays 0, which keeps its output centred and fit for the
    cosine distance; the classifier has no bias and starts from a normal distribution with standard
    deviation 0.001.

    Both run in float32 even under autocast: they cost little beside a backbone, and scores in
    bfloat16 keep two to three digits.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.norm.bias.requires_grad_(False)
        self.classifier = nn.Linear(channels, classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, feature: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the normalised feature (B, C) and ((B, classes) scores,), or () in eval mode.

        `feature` is (B, C), float32; in training mode B is at least 2 (batch statistics).
        """
        with torch.autocast(feature.device.type, enabled=False):
            normalised = self.norm(feature)
            return normalised, (self.classifier(normalised),) if self.training else ()
