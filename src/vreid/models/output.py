"""What every model returns."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Output:
    """The tensors of one batch of B images, all float32.

    Attributes:
        logits: every classifier's scores, each (B, classes); identity losses are summed over
            them. Empty in eval mode, where no classifier runs.
        embeddings: every vector on which metric losses are computed, each (B, D); summed over too.
        before_neck: (B, D), the image representation.
        after_neck: (B, D), the same after the neck's normalisation.
        streams: scores of each spectrum's own classifier, each (B, classes), where a loss compares
            them; they are among `logits` too.
        penalties: scalars that the model adds to its loss itself.
    """

    logits: tuple[Tensor, ...]
    embeddings: tuple[Tensor, ...]
    before_neck: Tensor
    after_neck: Tensor
    streams: tuple[Tensor, ...] = ()
    penalties: tuple[Tensor, ...] = ()
