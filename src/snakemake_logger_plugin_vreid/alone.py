"""One pipeline at a time in a folder; what a killed one left behind is cleared away.

Snakemake notes in .snakemake/locks which files it works on, and takes any note for a Snakemake at work,
also that of one which was killed: then it refuses to start until somebody calls `--unlock`. The
operating system knows better, for a lock on a file ends with the process that holds it. So whoever
executes the workflow holds such a lock, and whoever gets it may remove notes that are left.

Outputs of jobs that had not ended, which Snakemake notes in .snakemake/incomplete, are removed too. Snakemake
9.27 would make them again (`rerun-incomplete`), but of what depends on them through `ancient()` alone it then
makes nothing, and ends as if all were done; for files that are missing it does what it should.
"""

import binascii
import errno
import fcntl
import functools
import os
import platform
import shutil
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snakemake.exceptions import ApiError  # the one that is printed as it is, without lines of code

from snakemake_logger_plugin_vreid import termination

NOTES = Path(".snakemake/locks")
UNFINISHED = Path(".snakemake/incomplete")
_NO_SUCH_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}  # some network file systems


def executed_alone(execute: Callable[..., Any], lock: Path) -> Callable[..., Any]:
    """Return Snakemake's `workflow.execute` such that it works only while it holds the file `lock`.

    A dry run, a job that a cluster or a `run:` block has started, and `--nolock` do without the lock; what
    does not execute anything (`--lint`, `--dag`, `--report`, `--unlock` …) never comes here.

    Raises:
        ApiError: another process holds the lock, or the folder cannot be written to.
    """

    @functools.wraps(execute)
    def execute_alone(*arguments: Any, **options: Any) -> Any:
        workflow = execute.__self__  # type: ignore[attr-defined]
        executor = options["executor_plugin"].common_settings
        if (
            executor.dryrun_exec
            or workflow.exec_mode.name != "DEFAULT"
            or not workflow.execution_settings.lock
        ):
            return execute(*arguments, **options)
        with held(lock) as sure:
            if sure:
                clear_notes(NOTES, submitted=not executor.local_exec)
                clear_unfinished(UNFINISHED)
            termination.install()
            return execute(*arguments, **options)

    return execute_alone


@contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Hold the file `lock` against other processes; yields False where the file system has no such locks.

    Raises:
        ApiError: another process holds it, or it cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise unwritable(error) from None
    try:
        sure = _take(handle)
        if sure:
            os.truncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()} {platform.node()} {time.time():.0f}\n".encode(), 0)
        yield sure
    finally:
        os.close(handle)


def clear_notes(folder: Path, *, submitted: bool) -> None:
    """Remove Snakemake's notes of what it works on, and say so; whoever wrote them is gone.

    Jobs that it had `submitted` to a cluster are not gone with it, and that is said too.
    """
    from snakemake.logging import logger  # noqa: PLC0415 -- not needed to import this package

    left = sorted(folder.glob("*.lock"))
    for note in left:
        note.unlink(missing_ok=True)
    if left:
        said = "The last pipeline in this folder was killed; its locks are removed, and this one goes on."
        jobs = " Jobs that it had submitted may still be running: cancel them, or let them end first."
        logger.warning(said + jobs if submitted else said)


def clear_unfinished(folder: Path) -> None:
    """Remove the outputs that the notes in `folder` name, and the notes: nobody is making them any more."""
    for note in sorted(path for path in folder.rglob("*") if path.is_file()):
        output = _named_by(note.relative_to(folder))
        if output is None:
            continue
        if output.is_dir() and not output.is_symlink():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
        note.unlink()


def unwritable(error: OSError) -> ApiError:
    """Return the sentence about a folder that nothing can be written to."""
    return ApiError(
        f"{Path.cwd()} cannot be written to ({error.strerror}), but data, runs and reports go there. Nothing "
        "was changed: make room or get leave to write, or copy the project elsewhere, and start again."
    )


def _named_by(note: Path) -> Path | None:
    """Decode the name of a note: base64, and if it is long, split into folders that begin with @."""
    name = "".join(part.removeprefix("@") for part in note.parts)
    try:
        output = Path(urlsafe_b64decode(name).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
    inside = not output.is_absolute() and ".." not in output.parts and output != Path()
    return output if inside else None


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ApiError(
            f"Another pipeline is at work in this folder{_told(handle)}. Nothing was changed: wait until it "
            "has ended, or end it, and give the same command again; or work in another copy of the project."
        ) from None
    except OSError as error:
        if error.errno in _NO_SUCH_LOCKS:
            return False
        raise
    return True


def _told(handle: int) -> str:
    """Say who holds the lock, as far as the file tells."""
    words = os.pread(handle, 500, 0).decode(errors="replace").split()
    if len(words) != 3 or not words[0].isdecimal() or not words[2].isdecimal():
        return ""
    since = time.strftime("%d %b %H:%M", time.localtime(int(words[2])))
    where = "" if words[1] == platform.node() else f" on {words[1]}"
    return f" (process {words[0]}{where}, since {since})"
