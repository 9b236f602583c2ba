"""Channel-pooling, spatial-pooling and dual-pooling attention: CpA, SpA and DpA."""

import torch
from torch import Tensor, nn

from vreid.models.layers.gem import GeM
from vreid.models.layers.omni_dimensional import OmniDimensionalConv2d
from vreid.models.layers.soft_pooling import SoftPool2d
from vreid.params.errors import UserError
from vreid.params.models.dpa import DualPooling

SQUEEZE = 16  # from C to C / 16 channels between the two OBR; unprinted, taken from the released code


class ChannelPoolingAttention(nn.Module):
    """CpA's attention map, X' = sigmoid(OBR(OBR(C*)) + X) (Eq. 5 to 8 of the DpA paper).

        a1 = AvgP(X) + SoftP(X),  a2 = GeMP(X) - MinP(X),  C* = a1 * a2

    The paper leaves open how a1 (C x H x W) and a2 (C x 1 x 1) meet in a "dot product", and over which
    regions SoftP goes so that it keeps C x H x W; resolved as in the released code: element by element, a2
    the same at every place, and regions of one number. For X >= 0, as after a ReLU, the map is in [0.5, 1].
    """

    def __init__(self, channels: int, config: DualPooling) -> None:
        super().__init__()
        self.pools = FourPools(config)
        self.obr = _two_obr(channels, config)

    def forward(self, features: Tensor) -> Tensor:
        """Return the attention map (B, C, H, W) of `features` (B, C, H, W)."""
        first, second = self.pools(features)
        return torch.sigmoid(self.obr(first * second) + features)


class SpatialPoolingAttention(nn.Module):
    """SpA's attention map, X'' = sigmoid(OBR(OBR(Conv(S*))) + X) (Eq. 9 to 12 of the DpA paper).

        b1 = Conv(AvgP(X^T) + SoftP(X^T)),  b2 = GeMP(X^T) - MinP(X^T),  S* = [b1, b2]

    The text gives X^T and the poolings shapes that do not fit one another. Resolved as in the released
    code: X^T is (HW, C, 1), the poolings go over its C numbers, SoftP again over regions of one and keeping
    all C; the first Conv takes them to one, the second the 2HW numbers of S* to C, both 1 x 1 and without
    bias. That second one has weights for every place, so the module works at the map's size that it was made
    for; the released one is made for 16 x 16 alone.
    """

    def __init__(self, channels: int, size: tuple[int, int], config: DualPooling) -> None:
        """Make the module for maps of `size` (height, width)."""
        super().__init__()
        self.size = size
        self.pools = FourPools(config)
        self.merge = nn.Conv2d(channels, 1, 1, bias=False)
        self.expand = nn.Conv2d(2 * size[0] * size[1], channels, 1, bias=False)
        self.obr = _two_obr(channels, config)

    def forward(self, features: Tensor) -> Tensor:
        """Return the attention map (B, C, H, W) of `features` (B, C, H, W).

        Raises:
            UserError: H x W is not the size that the module was made for.
        """
        if features.shape[2:] != self.size:
            made, given = (f"{height} x {width}" for height, width in (self.size, features.shape[2:]))
            raise UserError(
                f"Spatial-pooling attention was made for maps of {made} and is given one of {given}: set "
                "model.input_size to the height and width of the input"
            )
        places = features.flatten(2).transpose(1, 2).unsqueeze(3)  # X^T: (B, HW, C, 1)
        first, second = self.pools(places)
        merged = self.merge(first.transpose(1, 2)).transpose(1, 2)  # Conv takes C for its channels
        spatial = torch.cat([merged, second], dim=1)  # S*: (B, 2HW, 1, 1)
        return torch.sigmoid(self.obr(self.expand(spatial)) + features)


class DualPoolingAttention(nn.Module):
    """Weights features by CpA's map, by SpA's, or by both (DpA).

    The paper says neither how a map and the features meet nor how the two halves do ("fused", "in parallel",
    "concatenate"). `product` is what the released code does, S(X) C(X) X for both. `concatenate` takes the
    features under either map, [S(X) X, C(X) X], back to C channels by a 1 x 1 convolution, normalisation and
    ReLU.
    """

    def __init__(self, kind: str, channels: int, size: tuple[int, int], config: DualPooling) -> None:
        """Make the module: `kind` is cpa, spa or dpa, `size` (height, width) of the map of `channels`."""
        super().__init__()
        self.channel = ChannelPoolingAttention(channels, config) if kind != "spa" else None
        self.spatial = SpatialPoolingAttention(channels, size, config) if kind != "cpa" else None
        self.fuse = None
        if kind == "dpa" and config.fusion == "concatenate":
            self.fuse = nn.Sequential(
                nn.Conv2d(2 * channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
            )

    def forward(self, features: Tensor) -> Tensor:
        """Return the weighted `features`, (B, C, H, W)."""
        maps = [attention(features) for attention in (self.spatial, self.channel) if attention is not None]
        if self.fuse is not None:
            fused: Tensor = self.fuse(torch.cat([weights * features for weights in maps], dim=1))
            return fused
        for weights in maps:
            features = features * weights
        return features


class FourPools(nn.Module):
    """The four poolings over (H, W): AvgP(X) + SoftP(X) and GeMP(X) - MinP(X)."""

    def __init__(self, config: DualPooling) -> None:
        super().__init__()
        self.soft = SoftPool2d(window=1)
        self.gem = GeM(config.gem_p, config.gem_learnable)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two, (B, C, H, W) and (B, C, 1, 1), of `features` (B, C, H, W)."""
        average, least = features.mean(dim=(2, 3), keepdim=True), features.amin(dim=(2, 3), keepdim=True)
        return average + self.soft(features), self.gem(features)[:, :, None, None] - least


def _two_obr(channels: int, config: DualPooling) -> nn.Sequential:
    """Return two of the paper's OBR: omni-dimensional dynamic convolution of 3 x 3, normalisation, ReLU."""
    hidden = max(1, channels // SQUEEZE)
    return nn.Sequential(
        OmniDimensionalConv2d(channels, hidden, 3, config.kernels),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        OmniDimensionalConv2d(hidden, channels, 3, config.kernels),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
