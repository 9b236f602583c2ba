"""Opens pictures: one place that decides what a readable image is. Light to import: worker processes do."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from vreid.params.errors import UserError

EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})

KINDS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
"""What a picture may be, whatever its name says. Pillow would hand others to programs: EPS to Ghostscript."""


class UnreadableError(UserError):
    """An image that cannot be decoded; the text says why, without the path."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding said about one image: size in pixels, SHA-256 (32 bytes), what is wrong, if anything."""

    width: int
    height: int
    digest: bytes
    problem: str = ""


def decode_block(root: Path, paths: list[str]) -> list[Decoded]:
    """Decode the images `paths` (relative to `root`); what is wrong with one is said in its result."""
    return [_decode(root / path) for path in paths]


def decode_rgb(content: bytes) -> Image.Image:
    """Return the picture in `content` (an encoded file) as 8-bit RGB, turned as its EXIF tag asks.

    Grey pictures get three equal channels; transparency is dropped.

    Raises:
        UnreadableError: it is empty, truncated, no image, too large, or has more than 8 bits per channel.
    """
    if not content:
        raise UnreadableError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=KINDS) as image:
                if image.mode not in EIGHT_BIT_MODES:
                    raise UnreadableError(
                        f"mode {image.mode}: only 8 bits per channel are read, convert it first"
                    )
                image.load()
                return ImageOps.exif_transpose(image).convert("RGB")
    except UnreadableError:
        raise
    except Exception as error:  # decoders raise whatever they like on broken input
        raise UnreadableError(_reason(error)) from None


def read_rgb(path: Path) -> Image.Image:
    """Return the image file at `path` as 8-bit RGB; see `decode_rgb`.

    Raises:
        UnreadableError: the file cannot be read or decoded.
    """
    return decode_rgb(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """Return the content of the file at `path`.

    Raises:
        UnreadableError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"it cannot be read ({error.strerror or error})") from None


def _decode(path: Path) -> Decoded:
    try:
        content = read_bytes(path)
    except UnreadableError as problem:
        return Decoded(0, 0, b"", str(problem))
    digest = hashlib.sha256(content).digest()
    try:
        width, height = decode_rgb(content).size
    except UnreadableError as problem:
        return Decoded(0, 0, digest, str(problem))
    return Decoded(width, height, digest)


def _reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text:
        return "the image is truncated"
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known kind"
    if isinstance(error, Image.DecompressionBombError):
        return "it has too many pixels to be trusted"
    return f"it is damaged ({type(error).__name__})"
