"""Self-alignment: a spatial transformer that turns feature maps by a transform it regresses from them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.layers.stripes import averaged_to

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class SelfAlignment(nn.Module):
    """Regresses an affine transform from a feature map and samples the map by it (SANet paper, sec. II-B).

    theta = f_loc(U; W_loc): two 3x3 convolutions, each with batch normalisation and ReLU, and two fully
    connected layers. The text names no sizes. The last layer starts with zero weights and the identity's
    six numbers, as in "Spatial transformer networks" (Jaderberg et al. 2015, ref. [9]): training starts from
    maps as they are. The fully connected layers take a map of `grid` x `grid`; where the convolutions leave
    one of another size, it is averaged to that (or repeated, where it is smaller).

    From the fully connected layers on everything is float32, under autocast too: bfloat16 has too few digits
    for a position.

    Args:
        channels: of the feature map.
        convolutions: channels of the two convolutions.
        strides: of the two convolutions.
        grid: side of the map that the fully connected layers take.
        hidden: numbers between the two fully connected layers.
        padding: `padding_mode` of `torch.nn.functional.grid_sample`.
        align_corners: as there.
    """

    def __init__(
        self,
        channels: int,
        convolutions: tuple[int, int],
        strides: tuple[int, int],
        grid: int,
        hidden: int,
        padding: str,
        align_corners: bool,
    ) -> None:
        super().__init__()
        first, second = convolutions
        self.localisation = nn.Sequential(
            nn.Conv2d(channels, first, 3, strides[0], padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 3, strides[1], padding=1, bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(inplace=True),
        )
        last = nn.Linear(hidden, len(IDENTITY))
        self.regression = nn.Sequential(nn.Linear(second * grid * grid, hidden), nn.ReLU(inplace=True), last)
        nn.init.zeros_(last.weight)
        last.bias.data.copy_(torch.tensor(IDENTITY))
        self.grid = grid
        self.padding = padding
        self.align_corners = align_corners

    def forward(self, features: Tensor) -> Tensor:
        """Return the aligned map, (B, C, H, W) float32, of `features` of that shape."""
        return transformed(
            features, self.theta(features), padding=self.padding, align_corners=self.align_corners
        )

    def theta(self, features: Tensor) -> Tensor:
        """Return the transforms (B, 2, 3), float32, that a map (B, C, H, W) is to be sampled by."""
        found = averaged_to(self.localisation(features), self.grid, self.grid)
        with torch.autocast(features.device.type, enabled=False):
            # Row by row of each channel, whatever the memory format.
            theta: Tensor = self.regression(found.float().flatten(1))
        return theta.view(-1, 2, 3)


def transformed(
    maps: Tensor, theta: Tensor, *, padding: str = "zeros", align_corners: bool = False
) -> Tensor:
    """Return what stands in `maps` at the places that `theta` names (SANet paper, Eq. 1), float32.

    The output at (x, y) is the map at theta (x, y, 1), bilinearly between its points. Positions run from -1
    to 1, from left to right and from top to bottom, over the map's whole extent (with `align_corners` over
    the middles of its outer points). So theta leads from the output back to the input: what `maps` show is
    moved by its inverse.

    Args:
        maps: (B, C, H, W); feature maps or images.
        theta: (B, 2, 3).
        padding: what stands beyond the edge: zeros, border or reflection.
        align_corners: see above.
    """
    with torch.autocast(maps.device.type, enabled=False):
        values = maps.float()
        places = functional.affine_grid(
            theta.float(), [int(size) for size in values.shape], align_corners=align_corners
        )
        return functional.grid_sample(
            values, places, mode="bilinear", padding_mode=padding, align_corners=align_corners
        )
