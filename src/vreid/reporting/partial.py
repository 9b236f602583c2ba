"""Reports of what is there: after a failure in place of those asked for, at any time beside them."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError
from vreid.params.plan import Plan, recorded_digest
from vreid.reporting.claims import write_claims
from vreid.reporting.collect import write_page
from vreid.reporting.deviations import write_deviations
from vreid.reporting.missing import failures_before_training, read_failure
from vreid.reporting.site.build import write_site
from vreid.reporting.tables import write_table

NOW = "now"
"""The folder below reports/ for a report that was asked for while the pipeline has not come to its end."""

_PICTURES = ("png", "pdf", "json")


def write_now(plan: Plan, reports: Path, root: Path = Path()) -> Path:
    """Write what is there of all reports into the folder `now` below `reports`; return the folder.

    Tables, claims and pages are made anew. Figures and audits, which take longer, are copied where they are
    what the plan asks for, and else left out, which the pages say.
    """
    folder = reports / NOW
    if folder.exists():
        shutil.rmtree(folder)
    names = [*(f"tables/{key}" for key in plan.tables), *(f"claims/{paper}" for paper in plan.claims)]
    pictures = [part for part in plan.site.parts if part.startswith(("figures/", "audits/"))]
    unmade = {name: "pending" for name in pictures if not _copied(plan, name, reports, folder)}
    _write(plan, [*names, *plan.pages, "index"], folder, root, unmade)
    return folder


def write_unmade(plan: Plan, names: Sequence[str], reports: Path, root: Path = Path()) -> list[str]:
    """Write the reports called `names`, which the pipeline could not make, of what is there, into `reports`.

    Returns:
        Those that could not be written even so, each with the reason; they are removed if they were there.
    """
    unmade: dict[str, str] = {}
    _write(plan, names, reports, root, unmade)
    return [f"{name}: {why}" for name, why in unmade.items()]


def _write(plan: Plan, names: Sequence[str], reports: Path, root: Path, unmade: dict[str, str]) -> None:
    """Write reports, pages last; what cannot be written is removed, and its reason added to `unmade`."""
    failures = failures_before_training(plan, root)
    for name in sorted(names, key=_order):
        try:
            _writer(plan, name, reports, root, failures, unmade)()
        except Exception as error:  # whatever it is, the other reports are made
            for file in (reports / name).parent.glob(f"{Path(name).name}.*"):
                file.unlink()
            unmade[name] = _why(name, error, root)


def _writer(
    plan: Plan,
    name: str,
    reports: Path,
    root: Path,
    failures: dict[str, tuple[str, str]],
    unmade: dict[str, str],
) -> Callable[[], object]:
    kind, _, rest = name.partition("/")
    folder = (reports / name).parent
    if kind == "tables":
        return lambda: write_table(plan.tables[rest], folder, root, failures)
    if kind == "claims" and rest:

        def say() -> None:
            write_deviations(plan.claims[rest], reports / "deviations")
            write_claims(plan.claims[rest], folder, root, failures)

        return say
    if kind == "figures":
        from vreid.reporting.figures.draw import draw_figure  # noqa: PLC0415 -- takes a second to import

        return lambda: draw_figure(plan.figures[rest], folder, root, failures)
    if name == "index":
        evaluations = {run.name: run.evaluation for run in plan.present_runs()}
        return lambda: write_site(plan.site, evaluations, reports / "index", root, unmade)
    if name in plan.pages:
        return lambda: write_page(plan.pages[name], reports / name, reports, unmade)
    raise UserError("pending")  # an audit has nothing to show without its run


def _order(name: str) -> int:
    """Parts, then the pages of parts, then the page of everything."""
    return 2 if name == "index" else 0 if "/" in name and not name.startswith("papers/") else 1


def log_of(name: str) -> Path:
    """Return the log that the rule of a report writes, relative to the project's folder."""
    kind, _, rest = name.partition("/")
    if kind in ("tables", "figures", "audits"):
        place = f"{kind.removesuffix('s')}/{rest.removesuffix('/audit').replace('/', '-')}"
    elif name == "index" or (kind == "claims" and rest):
        place = f"{kind}/{rest or name}"
    else:
        place = f"page/{name}"
    return Path("logs") / f"{place}.log"


def _why(name: str, error: Exception, root: Path) -> str:
    """Return why a report cannot be written: as its own rule's log has it, or else as was found now."""
    log = log_of(name)
    reason = read_failure(root / log)
    return f"failed; {reason} ({log.as_posix()})" if reason else str(error)


def _copied(plan: Plan, name: str, reports: Path, folder: Path) -> bool:
    """Copy a figure or an audit if it is what the plan asks for, and tell whether it is."""
    if recorded_digest(reports / f"{name}.json") != plan.report_digest(name):
        return False
    for suffix in _PICTURES:
        with atomic_path(folder / f"{name}.{suffix}") as beside:
            shutil.copyfile(reports / f"{name}.{suffix}", beside)
    return True
