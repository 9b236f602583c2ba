"""Fetches a file over HTTP: goes on where it was interrupted, and gives out nothing whose digest is wrong."""

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from vreid.params.errors import UserError

Progress = Callable[[int, int | None], None]
"""Called with (bytes there, bytes in all if known)."""

CHUNK = 2**20
TIMEOUT = 60  # seconds without a byte
ATTEMPTS = 5
PAUSE = 2  # seconds before an attempt, times the attempts before it
AGENT = "vreid (research; dataset download)"


def fetch(url: str, out: Path, digest: str | None, *, progress: Progress | None = None) -> None:
    """Download `url` to `out`; `digest` is "sha256:…", "md5:…", or None where the owners publish none.

    What has arrived stands in `<out>.part`; a connection that breaks is taken up again a few times, and the
    next call goes on as well, if the server allows it. A file with a wrong digest is kept as
    `<out>.rejected`. A file that stands at `out` already is checked and not fetched again.

    Raises:
        UserError: the server cannot be reached or refuses, answers with a web page, the disk is full, or the
            digest is wrong.
    """
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f"{out.name}.part")
        _fetch_part(url, part, out, progress)
        part.replace(out)
    check_digest(out, digest, f"It came from {url}")


def check_digest(path: Path, digest: str | None, origin: str) -> None:
    """Refuse a file whose digest is not `digest` (None: any), and put it aside as `<path>.rejected`.

    Raises:
        UserError: it names both digests; `origin` is a clause that says where the file came from.
    """
    if digest is None:
        return
    kind, _, wanted = digest.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != wanted:
        rejected = path.with_name(f"{path.name}.rejected")
        path.replace(rejected)
        raise UserError(
            f"{path} has the {kind} digest {found} instead of {wanted}. {origin}; it is put aside as "
            f"{rejected.name} and not used. Delete it and fetch the file again."
        )


def _fetch_part(url: str, part: Path, out: Path, progress: Progress | None) -> None:
    """Fetch until `part` is whole; a broken connection is taken up again while something arrives."""
    for attempt in range(ATTEMPTS):
        before = _size(part)
        reason: object = "the connection broke"
        try:
            if _go_on(url, part, out, progress):
                return
        except urllib.error.HTTPError as error:
            raise UserError(
                f"{url} cannot be fetched: the server answers {error.code} {error.reason}."
            ) from None
        except urllib.error.URLError as error:
            reason = error.reason
        except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = error
        except OSError as error:
            raise UserError(f"{part} cannot be written: {error.strerror}.") from None
        if _size(part) == before and attempt:
            break
        time.sleep(PAUSE * attempt)
    raise UserError(
        f"{url} cannot be fetched ({reason}). {_size(part):,} bytes are there; the next call goes on."
    )


def _go_on(url: str, part: Path, out: Path, progress: Progress | None) -> bool:
    """Fetch what is missing of `part`; return whether it is whole."""
    there = _size(part)
    tag = part.with_name(f"{part.name}.tag")
    request = urllib.request.Request(url, headers={"User-Agent": AGENT})  # noqa: S310 -- params ask for http(s)
    if there:
        request.add_header("Range", f"bytes={there}-")
        if tag.exists():
            request.add_header("If-Range", tag.read_text(encoding="latin-1"))
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if there and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return _is_whole(error, part, tag)
        raise
    with answer:
        _refuse_pages(url, answer, out)
        if answer.status != http.client.PARTIAL_CONTENT:
            there = 0  # the server knows no ranges, or has another file by now: it sends all of it
            tag.write_text(answer.headers.get("ETag", ""), encoding="latin-1")
        length = answer.headers.get("Content-Length")
        total = there + int(length) if length else None
        _check_space(part, total, there)
        with part.open("ab" if there else "wb") as file:
            while chunk := answer.read1(CHUNK):
                file.write(chunk)
                there += len(chunk)
                if progress is not None:
                    progress(there, total)
    if total is not None and there < total:
        return False
    tag.unlink(missing_ok=True)
    return True


def _is_whole(refusal: urllib.error.HTTPError, part: Path, tag: Path) -> bool:
    """Say whether nothing was left to send; if the part is longer than the file, throw it away."""
    total = refusal.headers.get("Content-Range", "").rpartition("/")[2]
    if total == str(_size(part)):
        tag.unlink(missing_ok=True)
        return True
    part.unlink()
    return False


def _refuse_pages(url: str, answer: http.client.HTTPResponse, out: Path) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise UserError(
            f"{url} answers with a web page instead of a file (a warning, a login, or a limit that is "
            f"used up). Fetch it with a browser, save it as {out}, and call this again."
        )


def _check_space(part: Path, total: int | None, there: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - there > free:
        raise UserError(
            f"The download needs {(total - there) / 1e9:,.1f} GB more in {part.parent}, but only "
            f"{free / 1e9:,.1f} GB are free there."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
