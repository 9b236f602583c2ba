"""Unpacks archives that strangers made: nothing leaves the folder, and nothing fills the disk."""

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from vreid.params.errors import UserError

LARGEST_RATIO = 200
"""Unpacked / packed size above which an archive is taken for a bomb; photographs hardly shrink (ratio 1)."""
SMALL = 64 * 2**20  # bytes that any archive may unpack to, whatever the ratio
CHUNK = 2**20

DECOMPRESSORS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
"""By the first bytes of a file."""

BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error),
    *(EOFError, NotImplementedError),
)


def unpack_into(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive (compressed or not; told by its content) into the existing `folder`.

    Links, devices, absolute names, names that climb out and names with control characters are refused
    together with the archive that has them. After an error `folder` is half filled: give it one that may be
    thrown away.

    Raises:
        UserError: the archive is of another kind, damaged, unsafe, or larger than the disk has room for.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, folder)
        else:
            with _decompressed(archive) as stream, _opened_tar(stream, archive) as opened_tar:
                _unpack_tar(opened_tar, archive, folder)
                _read_to_the_end(stream, archive)
    except BROKEN as error:
        raise UserError(f"{archive} is damaged: {error}.") from None
    except OSError as error:
        raise UserError(f"{archive} cannot be unpacked into {folder}: {error.strerror or error}.") from None
    except RuntimeError as error:  # an encrypted zip
        raise UserError(f"{archive} cannot be unpacked: {error}.") from None


class _ShortReads:
    """The bytes of a tar, of which nobody asks for much at once but a name that is none.

    Files are copied piece by piece; a header that claims gigabytes would be read whole.
    """

    def __init__(self, stream: IO[bytes], archive: Path) -> None:
        self._stream, self._archive = stream, archive
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 2 * CHUNK:
            raise UserError(f"{self._archive} holds a name of {size:,} bytes; it is not unpacked.")
        return self._stream.read(size)


def _decompressed(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        beginning = file.read(max(map(len, DECOMPRESSORS)))
    for magic, opened in DECOMPRESSORS.items():
        if beginning.startswith(magic):
            return cast(IO[bytes], opened(archive))
    return archive.open("rb")


def _opened_tar(stream: IO[bytes], archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=_ShortReads(stream, archive), mode="r:")  # type: ignore[call-overload, no-any-return]
    except (*BROKEN, OSError):  # the very first header
        raise UserError(
            f"{archive} is neither zip nor tar; unpack it with a program that knows it, and name the "
            "resulting folder with `vreid data add`."
        ) from None


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    members = opened.infolist()
    _check_size(archive, folder, sum(member.file_size for member in members))
    for member in members:
        target = _target(archive, folder, member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(
                f"{archive} holds {member.filename!r}, which is a link or a device; it is not unpacked."
            )
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            with opened.open(member) as source:
                _copy(source, target)


def _unpack_tar(opened: tarfile.TarFile, archive: Path, folder: Path) -> None:
    total = 0
    for member in opened:
        target = _target(archive, folder, member.name)
        if member.size < 0:  # the next member would be this one, for ever
            raise UserError(f"{archive} is damaged: {member.name!r} has {member.size:,} bytes.")
        total += member.size
        _check_size(archive, folder, total, written=total - member.size)
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        source = opened.extractfile(member) if member.isreg() else None
        if source is None:
            raise UserError(
                f"{archive} holds {member.name!r}, which is a link or a device; it is not unpacked."
            )
        with source:
            _copy(source, target)


def _read_to_the_end(stream: IO[bytes], archive: Path) -> None:
    """Read what follows the last member, so that the checksum at the end of a compressed file is compared."""
    rest = 0
    while piece := stream.read(CHUNK):
        rest += len(piece)
        _check_ratio(archive, rest)


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Return where a member goes; refuse names that are absolute or climb, or that no list can show."""
    if any(character < " " or character == "\x7f" for character in name):
        raise UserError(f"{archive} holds {name!r}, which has control characters; it is not unpacked.")
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or any(":" in part for part in inside.parts):
        raise UserError(f"{archive} holds {name!r}, which leads out of its folder; it is not unpacked.")
    return folder.joinpath(*inside.parts)


def _check_size(archive: Path, folder: Path, total: int, written: int = 0) -> None:
    _check_ratio(archive, total)
    free = shutil.disk_usage(folder).free
    if total - written > free:
        raise UserError(
            f"{archive} needs {(total - written) / 1e9:,.1f} GB to be unpacked in {folder.parent}, but only "
            f"{free / 1e9:,.1f} GB are free there."
        )


def _check_ratio(archive: Path, total: int) -> None:
    if total > max(SMALL, LARGEST_RATIO * archive.stat().st_size):
        raise UserError(
            f"{archive} would grow to more than {LARGEST_RATIO} times its size, as no archive of "
            "photographs does; it is not unpacked."
        )


def _copy(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
