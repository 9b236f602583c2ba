"""IAT, the illumination-adaptive transformer: a local branch per pixel, a global one for colour and gamma."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import StochasticDepth

from vreid.models.backbones.scaling import scaled

LOCAL, GLOBAL, HEADS = 16, 64, 4
DROPPED = (0.01, 0.05, 0.1)
"""How often each of the three local blocks is left out in training."""
QUERIES = 10
"""One for gamma, nine for the colour matrix."""


class ChannelNorm(nn.Module):
    """A trained mix, scale and shift of the channels, in place of a normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, channels))
        self.color = nn.Parameter(torch.eye(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of the same shape."""
        # alpha * (color x) + beta, as one 1x1 convolution.
        filters = self.alpha[0, 0, :, None] * self.color
        return functional.conv2d(x, filters[:, :, None, None], self.beta[0, 0])


class Mlp(nn.Module):
    """Two layers with a GELU between them, on places (`Linear`) or on maps (1x1 convolutions)."""

    def __init__(self, channels: int, *, maps: bool) -> None:
        super().__init__()
        hidden = 4 * channels
        self.fc1: nn.Module = nn.Conv2d(channels, hidden, 1) if maps else nn.Linear(channels, hidden)
        self.act = nn.GELU()
        self.fc2: nn.Module = nn.Conv2d(hidden, channels, 1) if maps else nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class LocalBlock(nn.Module):
    """A transformer's block with a depthwise convolution where attention would be (IAT paper, Fig. 3)."""

    def __init__(self, channels: int, dropped: float) -> None:
        super().__init__()
        self.pos_embed = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1 = ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, channels, 1)
        self.attn = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.drop_path = StochasticDepth(dropped, "row")
        self.norm2 = ChannelNorm(channels)
        self.gamma_1 = nn.Parameter(torch.full((1, channels, 1, 1), 1e-4))
        self.gamma_2 = nn.Parameter(torch.full((1, channels, 1, 1), 1e-4))
        self.mlp = Mlp(channels, maps=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of the same shape."""
        x = x + self.pos_embed(x)
        x = x + self.drop_path(self.gamma_1 * self.conv2(self.attn(self.conv1(self.norm1(x)))))
        y: Tensor = x + self.drop_path(self.gamma_2 * self.mlp(self.norm2(x)))
        return y


class LocalBranch(nn.Module):
    """Predicts what every pixel is multiplied with and what is added to it, each (B, 3, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1)
        self.relu = nn.LeakyReLU(0.2, inplace=True)
        self.mul_blocks = nn.Sequential(*(LocalBlock(channels, dropped) for dropped in DROPPED))
        self.add_blocks = nn.Sequential(*(LocalBlock(channels, dropped) for dropped in DROPPED))
        self.mul_end = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1), nn.ReLU())
        self.add_end = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # all have one

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return factor and summand for `images` (B, 3, H, W)."""
        x = self.relu(self.conv1(images))
        return self.mul_end(self.mul_blocks(x) + x), self.add_end(self.add_blocks(x) + x)


class QueryAttention(nn.Module):
    """Ten trained queries that look at every place; keys and values have no bias."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Parameter(torch.ones(1, QUERIES, channels))
        self.k = nn.Linear(channels, channels, bias=False)
        self.v = nn.Linear(channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, places: Tensor) -> Tensor:
        """Return (B, 10, C) of `places` (B, N, C)."""
        query, key, value = (
            x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (self.q, self.k(places), self.v(places))
        )
        attention = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(dim=-1)
        found: Tensor = self.proj((attention @ value).transpose(1, 2).flatten(2))
        return found


class QueryBlock(nn.Module):
    """A transformer's block around `QueryAttention`, without a connection past it."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.pos_embed = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1 = nn.LayerNorm(channels)
        self.attn = QueryAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, maps=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 10, C) of a map (B, C, H, W)."""
        x = x + self.pos_embed(x)
        found = self.attn(self.norm1(x.flatten(2).transpose(1, 2)))
        y: Tensor = found + self.mlp(self.norm2(found))
        return y


class Embedding(nn.Module):
    """A quarter of the size in two steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.Conv2d(3, channels // 2, 3, stride=2, padding=1),
            nn.BatchNorm2d(channels // 2),
            nn.GELU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, C, H / 4, W / 4) of `images` (B, 3, H, W)."""
        x: Tensor = self.proj(images)
        return x


class GlobalBranch(nn.Module):
    """Predicts an image's gamma (B, 1) and colour matrix (B, 3, 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma_base = nn.Parameter(torch.ones(1))
        self.color_base = nn.Parameter(torch.eye(3))
        self.conv_large = Embedding(channels)
        self.generator = QueryBlock(channels, HEADS)
        self.gamma_linear = nn.Linear(channels, 1)
        self.color_linear = nn.Linear(channels, 1)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # At first the branch changes nothing.
        nn.init.zeros_(self.generator.attn.v.weight)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return gamma and colour matrix for `images` (B, 3, H, W)."""
        found = self.generator(self.conv_large(images))
        gamma = self.gamma_linear(found[:, 0]) + self.gamma_base
        colour = self.color_linear(found[:, 1:]).view(-1, 3, 3) + self.color_base
        return gamma, colour


class Iat(nn.Module):
    """Cui et al., "You Only Need 90K Parameters to Adapt Light" (BMVC 2022).

        output = max(W (M * image + A), 1e-8)^gamma

    with M and A of the local branch, the colour matrix W and gamma of the global one. Names and 91,154
    parameters are those of the released network in its form for low light.
    """

    def __init__(self, width: float = 1.0) -> None:
        """Make a network with `width` times the published channels."""
        super().__init__()
        self.local_net = LocalBranch(scaled(LOCAL, width))
        self.global_net = GlobalBranch(scaled(GLOBAL, width))

    def forward(self, images: Tensor) -> Tensor:
        """Return `images` (B, 3, H, W) in [0, 1] brightened, in [0, 1]."""
        factor, summand = self.local_net(images)
        gamma, colour = self.global_net(images)
        pixels = (images * factor + summand).flatten(2)
        coloured = (colour @ pixels).view_as(images).clamp(1e-8, 1)
        brightened: Tensor = coloured ** gamma[:, :, None, None]
        return brightened
