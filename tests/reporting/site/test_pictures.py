"""Pictures in the page: few bytes, the right picture."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from vreid.params.errors import UserError
from vreid.reporting.site.pictures import LARGEST_PNG, WIDEST, embedded


def decoded(picture):
    head, _, content = picture.uri.partition(",")
    content = base64.b64decode(content, validate=True)
    return head, content, Image.open(io.BytesIO(content)).convert("RGB")


def photograph(width, height):
    """Smooth, with noise that a PNG cannot compress."""
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([120 + 80 * np.sin(x / 50), 120 + 80 * np.cos(y / 70), 60 + x * 0.05], axis=2)
    noise = np.random.default_rng(3).normal(0, 4, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def test_a_small_png_is_embedded_as_it_is(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (30, 20), (1, 2, 3, 255)).save(path)
    picture = embedded(path)
    head, content, _ = decoded(picture)
    assert head == "data:image/png;base64"
    assert content == path.read_bytes()
    assert (picture.width, picture.height) == (30, 20)


def test_a_large_one_is_encoded_again_and_looks_the_same(tmp_path):
    path, pixels = tmp_path / "a.png", photograph(700, 400)
    Image.fromarray(pixels).save(path)
    assert path.stat().st_size > LARGEST_PNG
    picture = embedded(path)
    head, content, image = decoded(picture)
    assert head == "data:image/webp;base64"
    assert len(content) < path.stat().st_size / 4
    assert image.size == (picture.width, picture.height) == (700, 400)
    assert np.abs(np.asarray(image, np.float64) - pixels).mean() < 6


def test_a_wide_one_is_made_as_wide_as_pages_are(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(photograph(2 * WIDEST, 300)).save(path)
    picture = embedded(path)
    assert decoded(picture)[2].size == (picture.width, picture.height) == (WIDEST, 150)


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n", b"<svg onload='alert(1)'/>"])
def test_what_is_no_png_is_one_sentence(tmp_path, content):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png is no PNG that can be read"):
        embedded(path)
