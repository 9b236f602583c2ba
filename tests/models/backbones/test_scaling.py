import pytest

from vreid.models.backbones.scaling import repeated, scaled
from vreid.params.errors import UserError


def test_channels_are_a_share_of_the_published_ones():
    assert scaled(64, 1.0) == 64
    assert scaled(64, 0.125) == 8
    assert scaled(48, 0.1875) == 9


def test_half_a_channel_is_refused():
    with pytest.raises(UserError, match=r"width 0\.3 would have layers of 19\.2 channels"):
        scaled(64, 0.3)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(1.0, [3, 4, 6, 3]), (0.5, [2, 2, 3, 2]), (1 / 3, [1, 1, 2, 1]), (0.05, [1, 1, 1, 1])],
)
def test_blocks_are_the_nearest_share_of_the_published_ones_and_at_least_one(depth, expected):
    assert [repeated(blocks, depth) for blocks in (3, 4, 6, 3)] == expected
