"""The losses that a run's configuration may name."""

from typing import Annotated, Literal

from pydantic import Field

from vreid.params.numbers import Count, Positive, Probability
from vreid.params.strict import Strict


class CrossEntropy(Strict):
    """Softmax cross-entropy on every classifier's logits."""

    name: Literal["cross_entropy"]
    weight: float = 1.0
    label_smoothing: Probability = 0.0


class Focal(Strict):
    """Softmax focal loss without alpha (SE-DenseNet paper, Eq. 5)."""

    name: Literal["focal"]
    weight: float = 1.0
    gamma: Annotated[float, Field(ge=0)]


class CircleSoftmax(Strict):
    """Softmax over scaled cosine logits with circle's margins; the model's classifier gives cosines."""

    name: Literal["circle_softmax"]
    weight: float = 1.0
    scale: Positive = 64.0
    margin: Annotated[float, Field(ge=0)] = 0.35
    label_smoothing: Probability = 0.0


class Triplet(Strict):
    """Triplet loss on every embedding.

    `margin` is that of the hinge, or `soft` for softplus(d(a, p) - d(a, n)). `mining` takes the hardest
    positive and negative of each anchor, or all of them `weighted` by the softmax of their distances.
    `distance` is that of the embeddings as they are, or one minus their cosine similarity.
    """

    name: Literal["triplet"]
    weight: float = 1.0
    margin: Annotated[float, Field(ge=0)] | Literal["soft"]
    mining: Literal["hard", "weighted"] = "hard"
    distance: Literal["euclidean", "cosine"] = "euclidean"


class Circle(Strict):
    """Circle loss on pairs (Sun et al. 2020), cosine similarity."""

    name: Literal["circle"]
    weight: float = 1.0
    margin: Annotated[float, Field(ge=0)] = 0.25
    gamma: Positive = 128.0


class MultiSimilarity(Strict):
    """Multi-similarity loss with its miner (Wang et al. 2019), cosine similarity."""

    name: Literal["multi_similarity"]
    weight: float = 1.0
    alpha: Positive = 2.0
    beta: Positive = 40.0
    base: float = 0.5
    epsilon: Annotated[float, Field(ge=0)] = 0.1


class SupCon(Strict):
    """Supervised contrastive loss (Khosla et al. 2020), cosine similarity."""

    name: Literal["supcon"]
    weight: float = 1.0
    temperature: Positive = 0.07


class UniCon(Strict):
    """Unified contrastive loss of UniMoCo within the batch (ALSA paper, Eq. 7), cosine similarity."""

    name: Literal["unicon"]
    weight: float = 1.0
    temperature: Positive = 0.07


class LogTriplet(Strict):
    """The LT-loss (ALSA paper, Eq. 12 and 15), cosine similarity.

    `hinge` cuts it off below 0; as printed it is not, and `margin` has no gradient.
    """

    name: Literal["log_triplet"]
    weight: float = 1.0
    temperature: Positive = 0.07
    margin: float = 0.1
    hinge: bool = False


class RecallAtK(Strict):
    """Surrogate of Recall@k (Patel et al. 2022), cosine similarity.

    `rank_temperature` smooths the ranks, `recall_temperature` the step at each of `ks`.
    """

    name: Literal["recall_at_k"]
    weight: float = 1.0
    ks: tuple[Count, ...] = (1, 2, 4, 8, 16)
    rank_temperature: Positive = 0.01
    recall_temperature: Positive = 1.0


class Heterogeneity(Strict):
    """Heterogeneous score coherence L_hsc over the streams' scores (HAMNet paper, Eq. 5).

    `form` is that of the paper, or of the released code, where it is summed over L2-normalised scores.
    """

    name: Literal["heterogeneity"]
    weight: float = 0.001
    form: Literal["paper", "released"] = "paper"


class Penalties(Strict):
    """The sum of the penalties that the model itself puts out (ABD-Net's orthogonality, for one)."""

    name: Literal["penalties"]
    weight: float = 1.0


LossConfig = Annotated[
    CrossEntropy
    | CircleSoftmax
    | Focal
    | Triplet
    | Circle
    | MultiSimilarity
    | SupCon
    | UniCon
    | LogTriplet
    | RecallAtK
    | Heterogeneity
    | Penalties,
    Field(discriminator="name"),
]
