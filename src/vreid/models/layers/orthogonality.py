"""How far the rows of a matrix are from being orthogonal to each other and equally long."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def eigenvalue_gap(matrix: Tensor, steps: int = 1) -> Tensor:
    """Return the largest less the smallest eigenvalue of F F^T, (B,), for `matrix` F (B, n, k).

    It is 0 where the rows of F are orthogonal and equally long (Chen et al., "ABD-Net: Attentive but
    Diverse Person Re-Identification", ICCV 2019). Both are estimated by power iteration from vectors drawn
    from torch's generator: `steps` multiplications, then the Rayleigh quotient. One step, as in the code
    released with that paper, is cheap and underestimates. float32.
    """
    matrix = matrix.float()
    start = torch.randn(2, matrix.shape[0], matrix.shape[1], 1, device=matrix.device)

    def gram(x: Tensor) -> Tensor:
        return matrix @ (matrix.mT @ x)

    largest = _dominant(gram, start[0], steps)
    # All eigenvalues of F F^T - largest I lie at or below 0, and the smallest one's is the farthest from it.
    return -_dominant(lambda x: gram(x) - largest[:, None, None] * x, start[1], steps)


def _dominant(multiply: Callable[[Tensor], Tensor], x: Tensor, steps: int) -> Tensor:
    for _ in range(steps):
        x = functional.normalize(multiply(x), dim=1)
    return (x * multiply(x)).sum(dim=(1, 2))
