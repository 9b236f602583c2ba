"""What is said about a failed job: its log's last lines, and what to do."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL = 20
_BYTES_READ = 1 << 16
_LONGEST_LINE = 400
_ROOM = 1 << 18  # bytes; with less, nothing that a job does comes to a good end
_COMMAND_FAILED = re.compile(
    r"Command '(?P<command>.*)' "
    r"(?:returned non-zero exit status (?P<status>\d+)|died with <Signals\.(?P<signal>\w+): \d+>)",
    re.DOTALL,
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_KILLED = {"exit status 137", "SIGKILL"}


@dataclass(frozen=True)
class Cause:
    """How a job's shell command ended, as `exit status 3` or `SIGKILL`."""

    command: str
    ended: str


def read_cause(message: str) -> Cause | None:
    """The end of a shell command, from the text in which Snakemake reports it, or None."""
    found = _COMMAND_FAILED.search(message)
    if found is None:
        return None
    return Cause(found["command"], found["signal"] or f"exit status {found['status']}")


def explain(
    rule: str,
    command: str | None,
    logs: Sequence[str],
    ended: str | None,
    *,
    whole_logs: bool = False,
) -> list[str]:
    """Lines about a failed job: rule, command, the end of each log, and what to do.

    Args:
        rule: name of the rule.
        command: the shell command, if the rule has one.
        logs: paths of the job's logs; of machine-readable ones (`.jsonl`) only the name is given.
        ended: how the command ended, if that is known.
        whole_logs: show logs whole (`--show-failed-logs`), not their last 20 lines.
    """
    lines = [f"rule: {rule}"]
    if command:
        lines.append(f"command: {command.strip()}")
    wrote = False
    for path in logs:
        if path.endswith(".jsonl"):
            lines.append(f"log: {path}")
            continue
        text, note = read_tail(Path(path), None if whole_logs else TAIL)
        wrote = wrote or bool(text)
        lines.append(f"log: {path}, {note}")
        lines.extend(f"| {line}" for line in text)
    full = not wrote and any(no_room_for(Path(path)) for path in logs)
    return [*lines, advice(ended, wrote=wrote, command=command, full=full)]


def advice(ended: str | None, *, wrote: bool, command: str | None, full: bool = False) -> str:
    """One sentence: what to do about the failure; `full` if the disk has no room for a message."""
    again = "then give the same snakemake command again; what is finished stays"
    if full:
        return f"To do: the disk is full, so not even a message could be written. Make room, {again}."
    if ended in _KILLED:
        return (
            "To do: the job was killed, most often because memory ran out. "
            f"Let fewer jobs run at a time (--cores, --resources), {again}."
        )
    if not wrote and command:
        return f"To do: run the command above by hand to see its message, mend that, {again}."
    return f"To do: mend what the lines above name, {again}."


def read_tail(path: Path, count: int | None) -> tuple[list[str], str]:
    """The last `count` lines of a log (None: all), and a note on them.

    Bytes that are no text are replaced, terminal escapes and control characters removed, and of a
    line that a progress bar wrote over and over the last state is kept. At most the last 64 KiB
    are read unless all is asked for.
    """
    try:
        if not path.is_file():
            return [], "which was not written"
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = 0 if count is None else max(size - _BYTES_READ, 0)
            file.seek(start)
            raw = file.read()
    except OSError as error:
        return [], f"which cannot be read ({error.strerror})"
    lines = [printable(line.rstrip("\r").rpartition("\r")[2]) for line in _split(raw)]
    if start and len(lines) > 1:
        lines = lines[1:]  # begins in the middle
    if not lines:
        return [], "which is empty"
    if count is None or (not start and len(lines) <= count):
        return lines, "all of it:"
    return lines[-count:], f"its last {min(count, len(lines))} lines:"


def no_room_for(path: Path) -> bool:
    """Whether the disk of the folder that `path` is in is full; no if it cannot be told."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM
    except OSError:
        return False


def printable(text: str) -> str:
    """The text without escapes and control characters, cut at 400 characters."""
    plain = "".join(c for c in _ESCAPES.sub("", text) if c == "\t" or c.isprintable())
    return plain if len(plain) <= _LONGEST_LINE else f"{plain[:_LONGEST_LINE]}…"


def _split(raw: bytes) -> list[str]:
    text = raw.decode("utf-8", errors="replace").rstrip()
    return text.split("\n") if text else []
