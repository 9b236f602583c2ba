"""Which files belong to a crate, and which may not be packed."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.plan import Plan, recorded_digest
from vreid.reporting.tracking.place import DEFAULT_URI

PROJECT = (
    "CITATION.cff",
    "LICENSE",
    "README.md",
    "Snakefile",
    "environment.yml",
    "pyproject.toml",
    "requirements.lock",
)
"""What every crate holds of the project, beside the folders below."""

FOLDERS = {"params": (".yaml",), "workflow": (".smk", ".rst", ".yaml")}
"""Folders of the project, and the files in them that belong to it."""

RUN_FILES = ("config.json", "run.json", "history.parquet")
"""What is packed of a run beside its evaluations; the weights are named apart."""

WEIGHTS = "model.safetensors"
PLAN = "plan.json"
TRACKING = "reports/tracking.json"

TEXT = (
    ".cff",
    ".csv",
    ".html",
    ".json",
    ".lock",
    ".md",
    ".rst",
    ".smk",
    ".tex",
    ".toml",
    ".yaml",
    ".yml",
    "",
)
"""Suffixes of the files that are searched for folders of this machine."""


@dataclass(frozen=True)
class Member:
    """One file of a crate: its name in it, its size in bytes and its SHA-256.

    Its content is that of `path`, or `text` where no such file is on disk.
    """

    name: str
    size: int
    sha256: str
    path: Path | None = None
    text: bytes = b""

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield its content in pieces of at most `size` bytes."""
        with self.path.open("rb") if self.path else BytesIO(self.text) as source:
            while chunk := source.read(size):
                yield chunk


def find_members(plan: Plan, root: Path, *, weights: bool) -> tuple[list[Member], tuple[str, ...]]:
    """Return the files of the plan's crate, sorted by name, and sentences about what was left out.

    Raises:
        UserError: If a report is missing or stale, or a file may not be packed.
    """
    check_reports(plan, root / "reports")
    names = [*_of_project(root), *_of_reports(plan, root), *_of_runs(plan, root, weights=weights)]
    left_out = []
    if _is_private_tracking(root / TRACKING):
        names.remove(TRACKING)
        left_out.append(f"{TRACKING} is left out: it names where MLflow listens")
    text = f"{plan.model_dump_json(indent=1)}\n".encode()
    planned = Member(PLAN, len(text), hashlib.sha256(text).hexdigest(), text=text)
    members = [planned, *(_member(root, name) for name in dict.fromkeys(names))]
    for member in members:
        _refuse_folders_of_this_machine(member, root)
    return sorted(members, key=lambda member: member.name), tuple(left_out)


def planned_reports(plan: Plan) -> list[str]:
    """Return the names below reports/, without suffix, of what the plan's crate must hold."""
    return [
        *(f"tables/{key}" for key in plan.tables),
        *(f"figures/{key}" for key in plan.figures),
        *(f"claims/{paper}" for paper in plan.claims),
        *(f"audits/{run}/audit" for run in plan.audits),
        *plan.pages,
    ]


def check_reports(plan: Plan, reports: Path) -> None:
    """Refuse reports of which one is missing or not what the plan asks for.

    Raises:
        UserError: one is; it names the first few.
    """
    planned = planned_reports(plan)
    wrong = [name for name in planned if recorded_digest(reports / f"{name}.json") is None]
    wrong += [name for name in plan.stale_reports(reports) if name in (*planned, "index")]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(
            f"{', '.join(wrong[:3])}{more} of {reports} are missing or not what preset {plan.preset} asks "
            f"for now: run `make reports PRESET={plan.preset}` first"
        )


def _of_project(root: Path) -> Iterator[str]:
    yield from PROJECT
    for folder, suffixes in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            is_linked_folder = path.is_symlink() and path.is_dir()
            if is_linked_folder or (path.suffix in suffixes and path.is_file()):
                yield path.relative_to(root).as_posix()


def _of_reports(plan: Plan, root: Path) -> Iterator[str]:
    """Every form of the plan's reports; what the plan does not name, as another preset's, stays away."""
    wanted = [*planned_reports(plan), "index", "tracking", *(f"deviations/{paper}" for paper in plan.claims)]
    for name in wanted:
        path = root / "reports" / name
        for form in sorted(path.parent.glob(f"{path.name}.*")):
            yield form.relative_to(root).as_posix()


def _of_runs(plan: Plan, root: Path, *, weights: bool) -> Iterator[str]:
    """What is there of the plan's runs; one that failed has left less."""
    for run in plan.present_runs():
        names = [f"runs/{run.name}/{file}" for file in (*RUN_FILES, *([WEIGHTS] if weights else []))]
        names += [test.results for test in run.tests]
        yield from (name for name in names if (root / name).is_file())


def _is_private_tracking(tracking: Path) -> bool:
    """Tell whether the list of MLflow's runs names a server, or a file elsewhere."""
    try:
        return bool(json.loads(tracking.read_bytes())["uri"] != DEFAULT_URI)
    except (OSError, ValueError, KeyError, TypeError):
        return tracking.exists()


def _member(root: Path, name: str) -> Member:
    """Describe a file below `root`.

    Raises:
        UserError: If it is none, or could be unpacked, or lies, anywhere else.
    """
    path = root / name
    parts = PurePosixPath(name).parts
    if not name.isprintable() or "\\" in name or ":" in name or ".." in parts or name.startswith("/"):
        raise UserError(f"{name!r} cannot be packed: rename it, with letters, digits, `_`, `-` and `.` alone")
    if path.resolve() != root.resolve() / name:
        raise UserError(f"{name} cannot be packed: it is a link, or lies behind one; put a file in its place")
    try:
        digest = file_digest(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}), but belongs into the crate") from None
    return Member(name, path.stat().st_size, digest, path)


def _refuse_folders_of_this_machine(member: Member, root: Path) -> None:
    """Keep what a message of an error may have quoted out of what is handed around.

    A folder of one step, as /data, may be a word of any text and is not looked for.
    """
    if PurePosixPath(member.name).suffix not in TEXT:
        return
    content = b"".join(member.chunks(1 << 20))
    for folder in (root.resolve(), Path.home()):
        found = re.search(re.escape(str(folder)).encode() + rb"(?![\w.-])", content)
        if found and len(folder.parts) > 2:
            raise UserError(
                f"{member.name} names {folder}, a folder of this machine, and is not packed: mend what is "
                "quoted there and make it again"
            )
