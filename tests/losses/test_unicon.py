import math

import pytest
from tests.losses.pairwise import BATCHES, anchors, embeddings_of, loss_of, mean

from vreid.losses.unicon import build
from vreid.params.losses import UniCon as Config


def slowly(embedding, labels, t):
    return mean(
        math.log(1 + sum(math.exp(ag / t) for ag in negatives) * sum(math.exp(-ap / t) for ap in positives))
        for positives, negatives in anchors(embedding, labels)
        if positives and negatives
    )


@pytest.mark.parametrize("t", [0.07, 0.2, 1.0])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_equation_7_number_by_number(labels, t):
    embedding = embeddings_of(labels)
    value = loss_of(build(Config(name="unicon", temperature=t)), embedding, labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, t), rel=1e-8)
