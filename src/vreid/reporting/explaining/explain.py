"""Walks a number of a report back to the runs behind it, and checks every step on the way.

Nothing is written and nothing is trusted: what a report says is compared with what params/ asks for now, with
the evaluation files that it names, and these with their single queries.
"""

from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.read import suggest
from vreid.reporting.explaining.agreement import Asked, Place
from vreid.reporting.explaining.cell import explain_cell
from vreid.reporting.explaining.records import Check, Explanation, ShownFigure
from vreid.reporting.explaining.report import Planner, freshness, made, planned
from vreid.reporting.explaining.run import explain_run
from vreid.reporting.explaining.scores import claim_again
from vreid.reporting.explaining.target import CellTarget, ClaimTarget, FigureTarget, RunTarget, parse, run_of
from vreid.reporting.records import read_record
from vreid.reporting.statements import Claim, Statements


def explain(text: str, planner: Planner, root: Path = Path()) -> Explanation:
    """Walk back what `text` points at (`vreid.reporting.explaining.target.SYNTAX`).

    Args:
        text: as the command line has it.
        planner: asked for the plan of the preset that a report names.
        root: the project's folder, in which runs/ lies and where relative paths start.

    Raises:
        UserError: `text` points at nothing, or the report cannot be read.
    """
    target = parse(text)
    if isinstance(target, CellTarget):
        return explain_cell(text, target, planner, root)
    if isinstance(target, ClaimTarget):
        return _claim(text, target, planner, root)
    if isinstance(target, FigureTarget):
        return _figure(text, target, planner, root)
    return _run(text, target, planner, root)


def _claim(text: str, target: ClaimTarget, planner: Planner, root: Path) -> Explanation:
    said = read_record((root / target.file).with_suffix(".json"), Statements)
    claim = next((one for one in said.claims if one.id == target.claim), None)
    if claim is None:
        near = suggest(target.claim, [one.id for one in said.claims])
        raise UserError(f"{target.file} has no claim {target.claim!r}{near}.")
    plan, checks = planned(said.preset, planner)
    if plan is not None:
        fresh = freshness(said.digest, plan, f"claims/{said.paper}")
        again = Check(says="the verdict is not reached again, as the report is stale", holds=None)
        if fresh.holds:
            again = claim_again(plan.claims_of(said.paper), claim, root)
        checks += [fresh, again]
    place = Place(plan, root / target.reports, root)
    asked = _asked_of(claim)
    return Explanation(
        target=text,
        kind="claim",
        made=made(target.file, said, caption=claim.says),
        claim=claim,
        checks=tuple(checks),
        runs=tuple(explain_run(run, place, some, said.paper) for run, some in asked.items()),
    )


def _asked_of(claim: Claim) -> dict[str, list[Asked]]:
    """Return the results behind a claim by run, in reading order."""
    asked: dict[str, list[Asked]] = {}
    for pair in claim.comparisons:
        for side in (pair.better, pair.worse):
            for run in side.runs:
                asked.setdefault(run, [])
            for file in side.files:
                one = Asked(f"{Path(file).parent.as_posix()}/evaluation.json", side.protocol, side.metric)
                run_there = run_of(file)
                if run_there is not None and one not in asked.setdefault(run_there, []):
                    asked[run_there].append(one)
    return asked


def _figure(text: str, target: FigureTarget, planner: Planner, root: Path) -> Explanation:
    file = root / target.file
    figure = read_record(file.with_suffix(".json"), ShownFigure)
    plan, checks = planned(figure.preset, planner)
    checks += [
        Check(says=f"{path.relative_to(root).as_posix()} is missing", holds=False)
        for path in (file.with_suffix(".png"), file.with_suffix(".pdf"))
        if not path.is_file()
    ]
    asked: dict[str, list[Asked]] = {run: [] for runs in figure.runs.values() for run in runs}
    if plan is not None:
        checks.append(freshness(figure.digest, plan, f"figures/{figure.paper}/{figure.figure}"))
        drawn = plan.figures.get(f"{figure.paper}/{figure.figure}")
        for method in drawn.methods if drawn else ():
            for result in method.results:
                if result.run in asked:
                    one = Asked(f"{result.evaluation}/evaluation.json", result.protocol, None)
                    asked[result.run].append(one)
    place = Place(plan, root / target.reports, root)
    return Explanation(
        target=text,
        kind="figure",
        made=made(target.file, figure),
        figure=figure,
        checks=tuple(checks),
        runs=tuple(explain_run(run, place, some, figure.paper) for run, some in asked.items()),
    )


def _run(text: str, target: RunTarget, planner: Planner, root: Path) -> Explanation:
    plan, checks = planned(None, planner)
    name = target.run
    if not (root / "runs" / name).is_dir():
        if plan is None:
            raise UserError(f"runs/{name} is not here, and {checks[0].says}")
        name = plan.run(name).name
    place = Place(plan, root / "reports", root)
    return Explanation(target=text, kind="run", checks=tuple(checks), runs=(explain_run(name, place),))
