"""Several processes that train one run together, each on its share of every batch.

The loss is that of the whole batch: what the model puts out is gathered, and every process computes the same
loss of it. Its gradient flows back into the process's own part only, so the sum of the processes' gradients
is the gradient; metric losses see all pairs of the batch, and nothing depends on how many processes there are
but for rounding, and for layers that draw numbers (dropout).
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.modules.batchnorm import _BatchNorm

from vreid.models.output import Output
from vreid.training.share import WHOLE, Share


class Processes:
    """All processes of a run, as one of them sees them; a single one by default.

    Attributes:
        share: which of them this one is.
        chief: whether this one writes what the run leaves behind.
    """

    def __init__(self, share: Share = WHOLE, device: torch.device | None = None) -> None:
        self.share = share
        self.chief = share.number == 0
        self._device = device

    def gathered(self, output: Output) -> Output:
        """Return the output of the whole batch; its gradient reaches this process's own part.

        Penalties are means: of the processes', if a model computes them from its batch.
        """
        if self.share.count == 1:
            return output
        return Output(
            logits=tuple(map(self._gather, output.logits)),
            embeddings=tuple(map(self._gather, output.embeddings)),
            before_neck=output.before_neck,
            after_neck=output.after_neck,
            streams=tuple(map(self._gather, output.streams)),
            penalties=tuple(self._gather(penalty[None]).mean() for penalty in output.penalties),
        )

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by its sum over all processes."""
        if self.share.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def any(self, mine: bool) -> bool:
        """Return whether it is so in any process; all of them have to ask."""
        if self.share.count == 1:
            return mine
        flag = torch.tensor(float(mine), device=self._device)
        dist.all_reduce(flag)
        return bool(flag.item())

    def synchronised(self, model: nn.Module) -> nn.Module:
        """Return `model` with batch normalisations over the whole batch in place of its own.

        On CUDA they are torch's, which the CPU cannot run.
        """
        if self.share.count == 1:
            return model
        if self._device is not None and self._device.type == "cuda":
            converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
            return converted
        return _with_common_norms(model, self.share.count)

    def _gather(self, tensor: Tensor) -> Tensor:
        gathered: Tensor = _Gather.apply(tensor, self.share)  # type: ignore[no-untyped-call]
        return gathered


ALONE = Processes()


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the other processes that torchrun has started, if this is one of several, and leave at the end."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(Share(dist.get_rank(), count), device)
    finally:
        dist.destroy_process_group()


class CommonNorm(_BatchNorm):
    """Batch normalisation with mean and variance of all processes' parts of the batch; of any dimension."""

    count: int

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, …), where every process has equally many images."""
        if not self.training:
            return super().forward(input)
        dims = [dim for dim in range(input.dim()) if dim != 1]
        shape = [-1 if dim == 1 else 1 for dim in range(input.dim())]
        values = input.float()
        mean = _mean(values.mean(dim=dims), self.count)
        centred = values - mean.view(shape)
        variance = _mean(centred.square().mean(dim=dims), self.count)
        self._remember(mean.detach(), variance.detach(), self.count * input.numel() // len(mean))
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        normalised = centred * scale.view(shape)
        if self.bias is not None:
            normalised = normalised + self.bias.view(shape)
        return normalised.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, number: int) -> None:
        """Update the running statistics, of which the variance is the unbiased one of `number` values."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        part = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance * (number / (number - 1)), part)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any dimension."""


class _Gather(torch.autograd.Function):
    """All processes' tensors, one after the other; the gradient is cut out again."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, share: Share) -> Tensor:
        ctx.place = slice(share.first(len(tensor)), share.first(len(tensor)) + len(tensor))
        parts = [torch.empty_like(tensor) for _ in range(share.count)]
        dist.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient[ctx.place], None


class _Sum(torch.autograd.Function):
    """The sum of all processes' tensors; all compute from it, so their gradients add up as well."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _mean(tensor: Tensor, count: int) -> Tensor:
    total: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
    return total / count


def _with_common_norms(model: nn.Module, count: int) -> nn.Module:
    if isinstance(model, _BatchNorm):
        common = CommonNorm(
            model.num_features,
            model.eps,
            model.momentum,
            affine=model.affine,
            track_running_stats=model.track_running_stats,
        )
        common.count = count
        common.weight, common.bias = model.weight, model.bias
        common.running_mean, common.running_var = model.running_mean, model.running_var
        common.num_batches_tracked = model.num_batches_tracked
        return common.train(model.training)
    for name, child in model.named_children():
        setattr(model, name, _with_common_norms(child, count))
    return model
