"""Soft pooling: a mean in which each number weighs as much as its exponential."""

from torch import Tensor, nn


class SoftPool2d(nn.Module):
    """Replaces every window by sum(e^x x) / sum(e^x) over it (Eq. 4 of the DpA paper).

    Stergiou et al., "Refining Activation Downsampling with SoftPool" (ICCV 2021). Windows are squares of
    `window` x `window` numbers of one channel that do not overlap; what is left at the lower and right
    border is dropped, as by `AvgPool2d`. A window of one number is the identity.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, C, H // window, W // window) of `features` (B, C, H, W)."""
        if self.window == 1:
            return features  # the one weight of each window is e^x / e^x
        rows = features.unfold(2, self.window, self.window)
        windows = rows.unfold(3, self.window, self.window).flatten(-2)
        # As a softmax, which does not overflow where e^x does.
        return (windows.softmax(dim=-1) * windows).sum(dim=-1)
