import pytest

from vreid.models.backbones.width import scaled
from vreid.params.errors import UserError


def test_channels_are_a_share_of_the_published_ones():
    assert scaled(64, 1.0) == 64
    assert scaled(64, 0.125) == 8
    assert scaled(48, 0.1875) == 9


def test_half_a_channel_is_refused():
    with pytest.raises(UserError, match=r"width 0\.3 would have layers of 19\.2 channels"):
        scaled(64, 0.3)
