"""Omni-dimensional dynamic convolution."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class OmniDimensionalConv2d(nn.Module):
    """A convolution whose kernel is made anew for every input by attentions over all of its dimensions.

        Y = a_filter * (sum_k a_kernel[k] (a_spatial * W_k)) (*) (a_channel * X)

    Li et al., "Omni-Dimensional Dynamic Convolution" (ICLR 2022), Eq. 2. The attentions come from the means
    of all channels of the input through one hidden layer with batch normalisation and ReLU: sigmoids for
    those over input channels, output channels (filters) and the places of the kernel, a softmax for that over
    the `kernels` kernels. Following the authors' code, a kernel of one place has no spatial attention and
    a single kernel no attention over kernels; the softmax has temperature 1, and what is annealed there from
    a higher one in training is not.

    The stride is 1 and the padding keeps the size. There is no bias. In training mode there must be at least
    2 images (batch statistics).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        kernels: int,
        reduction: int = 16,
        least_hidden: int = 16,
    ) -> None:
        """Make `kernels` kernels of odd side `kernel_size`.

        The hidden layer has in_channels // reduction units, at least `least_hidden`.
        """
        super().__init__()
        self.kernel_size = kernel_size
        hidden = max(in_channels // reduction, least_hidden)
        self.reduce = nn.Linear(in_channels, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.channel = nn.Linear(hidden, in_channels)
        self.filter = nn.Linear(hidden, out_channels)
        self.spatial = nn.Linear(hidden, kernel_size**2) if kernel_size > 1 else None
        self.kernel = nn.Linear(hidden, kernels) if kernels > 1 else None
        # Kernel after kernel in one tensor of four dimensions: those of five have no channels-last layout.
        self.kernels = kernels
        self.weight = nn.Parameter(torch.empty(kernels * out_channels, in_channels, kernel_size, kernel_size))
        self._start()

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, out_channels, H, W) of `features` (B, in_channels, H, W)."""
        hidden = torch.relu(self.norm(self.reduce(features.mean(dim=(2, 3)))))
        weighted = features * torch.sigmoid(self.channel(hidden))[:, :, None, None]
        convolved = _each_with_its_own(weighted, self._kernels(hidden))
        return convolved * torch.sigmoid(self.filter(hidden))[:, :, None, None]

    def _kernels(self, hidden: Tensor) -> Tensor:
        """Return each image's kernel, (B, out, in, k, k), of the hidden layer (B, hidden)."""
        mixed: Tensor = self.weight.view(self.kernels, -1, *self.weight.shape[1:])
        if self.kernel is not None:
            mixed = torch.einsum("bk,koihw->boihw", self.kernel(hidden).softmax(dim=1), mixed)
        if self.spatial is None:
            return mixed.expand(len(hidden), *mixed.shape[1:])
        size = self.kernel_size
        return mixed * torch.sigmoid(self.spatial(hidden)).view(-1, 1, 1, size, size)

    def _start(self) -> None:
        for layer in (self.reduce, self.channel, self.filter, self.spatial, self.kernel):
            if layer is not None:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for kernel in self.weight.chunk(self.kernels):
            nn.init.kaiming_normal_(kernel, mode="fan_out", nonlinearity="relu")


def _each_with_its_own(features: Tensor, kernels: Tensor) -> Tensor:
    """Convolve the images (B, in, H, W) with the kernels (B, out, in, k, k), the first with the first, ..."""
    batch, out_channels, _, size, _ = kernels.shape
    height, width = features.shape[2:]
    # The images become groups of channels of a single one.
    joined = functional.conv2d(
        features.reshape(1, -1, height, width), kernels.flatten(0, 1), padding=size // 2, groups=batch
    )
    return joined.view(batch, out_channels, height, width)
