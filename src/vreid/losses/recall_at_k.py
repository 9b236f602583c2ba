"""Differentiable surrogate of Recall@k."""

import torch
from torch import Tensor, nn

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import cosine_similarities, mean_over, pairs_of
from vreid.params.losses import RecallAtK as RecallAtKConfig


class RecallAtK(nn.Module):
    """Mean over queries and over `ks` of 1 - recall, where both steps of recall at k are sigmoids.

    Patel et al., "Recall@k Surrogate Loss with Large Batches and Similarity Mixup", CVPR 2022, without the
    mixup. Every image of the batch is a query for the rest of it. With the cosine similarities s of a
    query, a positive x has the rank r(x) = 1 + sum over other z of sigmoid((s_z - s_x) / rank_temperature).
    Recall is min(k, sum over positives of sigmoid((k - r(x)) / recall_temperature)) / min(k, positives): as
    in the authors' code, it does not count against a list that k places cannot hold all positives. That code
    also leaves the query in its own list, which moves every rank down by one; here it is left out.
    Summed over the model's embeddings.

    Queries without a positive in the batch do not count; if none counts, the loss and its gradient are 0.
    """

    def __init__(self, ks: tuple[int, ...], rank_temperature: float, recall_temperature: float) -> None:
        super().__init__()
        self.ks = ks
        self.rank_temperature = rank_temperature
        self.recall_temperature = recall_temperature

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64; memory grows with the cube of B."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        positive = pairs_of(labels).positive
        number = positive.sum(dim=1)
        ranks = self._ranks(cosine_similarities(embedding))
        losses = []
        for k in self.ks:
            found = torch.sigmoid((k - ranks) / self.recall_temperature) * positive
            recall = found.sum(dim=1).clamp_max(k) / number.clamp(1, k)
            losses.append(mean_over(1 - recall, number > 0))
        return torch.stack(losses).mean()

    def _ranks(self, similarity: Tensor) -> Tensor:
        """Return the smooth rank (B, B) of each image, by column, in the list of each query, by row."""
        above = torch.sigmoid((similarity[:, None, :] - similarity[:, :, None]) / self.rank_temperature)
        other = ~torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
        # Neither the query nor the image itself stands above the image.
        return 1 + (above * (other[:, None, :] & other[None, :, :])).sum(dim=2)


def build(config: RecallAtKConfig) -> RecallAtK:
    """Return the loss that `config` describes."""
    return RecallAtK(config.ks, config.rank_temperature, config.recall_temperature)
