"""The plain classifier of identities."""

from torch import nn


def identity_classifier(channels: int, classes: int) -> nn.Linear:
    """Return a linear classifier that starts small, std 0.001, and without preference.

    Papers say no more than "randomly initialized"; the start is that of the usual baselines (Luo et al., "Bag
    of Tricks and a Strong Baseline for Deep Person Re-identification", CVPRW 2019).
    """
    classifier = nn.Linear(channels, classes)
    nn.init.normal_(classifier.weight, std=0.001)
    nn.init.zeros_(classifier.bias)
    return classifier
