"""A classifier whose scores are cosines."""

from torch import Tensor, nn
from torch.nn import functional


class CosineClassifier(nn.Linear):
    """Scores each class by the cosine between the feature and the class's weight vector, in [-1, 1].

    What circle softmax and its kin scale and shift. The weights start from a normal distribution with
    standard deviation 0.01, as in fast-reid.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, classes, bias=False)
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, feature: Tensor) -> Tensor:
        """Return (B, classes) of `feature` (B, C)."""
        return functional.linear(functional.normalize(feature), functional.normalize(self.weight))
