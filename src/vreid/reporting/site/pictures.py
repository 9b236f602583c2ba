"""Pictures as data URIs, small enough that the page of all stays one that mail and browsers take."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vreid.params.errors import UserError

LARGEST_PNG = 150_000
"""Bytes up to which a PNG is kept as it is."""

WIDEST = 1600
"""Pixels; what is wider is made smaller."""

QUALITY = 84
"""Of WebP, which takes a fifth of a PNG's room where a figure shows photographs."""


@dataclass(frozen=True)
class Picture:
    """A picture as it stands in the page; `width` and `height` in pixels."""

    uri: str
    width: int
    height: int


def embedded(path: Path) -> Picture:
    """Return a PNG as a data URI: its own bytes if they are few, else encoded again.

    Raises:
        UserError: the file is missing or is no picture.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            picture = image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(
            f"{path} is no PNG that can be read ({error}): run the pipeline to make it"
        ) from error
    if len(content) <= LARGEST_PNG:
        return _picture(content, "png", picture)
    if picture.width > WIDEST:
        height = round(picture.height * WIDEST / picture.width)
        picture = picture.resize((WIDEST, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "webp", quality=QUALITY, method=4)
    return _picture(buffer.getvalue(), "webp", picture)


def _picture(content: bytes, kind: str, image: Image.Image) -> Picture:
    uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Picture(uri, image.width, image.height)
