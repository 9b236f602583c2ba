"""Files that appear whole or not at all: written beside their place, then renamed onto it."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vreid.params.errors import UserError

_REMEDIES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room, for your share of that disk is used up",
    errno.EFBIG: "allow larger files (ulimit -f)",
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "get leave to write there, or work in a copy"),
}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it onto `path` when the block succeeds.

    The folder is made if it is missing. After an exception the temporary file is removed and
    whatever stood at `path` before is untouched.

    Raises:
        UserError: the disk is full or must not be written to; what else the block raises is not changed.
    """
    try:
        with _written_beside(path) as temporary:
            yield temporary
    except OSError as error:
        refused = unwritable(error, path)
        if refused is None:
            raise
        raise refused from error


def unwritable(error: OSError, path: Path | None = None) -> UserError | None:
    """Return the sentence for somebody whose disk did not take a file; None if `error` is another one.

    `path` is the file that was to be written; None takes the one that `error` names. With a `path`, errors
    without a number count too: numpy and pyarrow raise them when less was written than they wanted.
    """
    remedy = _REMEDIES.get(error.errno or 0)
    if path is not None and remedy is None and error.errno is None and type(error) is OSError:
        remedy = "see that there is room on that disk"
    if remedy is None:
        return None
    return not_written(path or error.filename or "A file", error.strerror or str(error), remedy)


def not_written(
    path: Path | str, reason: str, remedy: str = "see that there is room on that disk"
) -> UserError:
    """Return the sentence about a file that could not be written, whatever it was written with."""
    return UserError(
        f"{path} cannot be written ({reason}). Nothing that stood there is lost: {remedy}, and give the same "
        "command again."
    )


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with a final newline; NaN and infinity are refused (ValueError)."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
