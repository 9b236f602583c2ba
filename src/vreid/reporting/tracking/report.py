"""reports/tracking.json: which run is which in MLflow, and what has been told of it."""

import json
from dataclasses import asdict
from pathlib import Path

from vreid.params.atomic import write_json
from vreid.params.errors import UserError
from vreid.params.plan import Plan, RunPlan
from vreid.reporting.history import Evaluations
from vreid.reporting.tracking.place import public_uri, tracking_uri
from vreid.reporting.tracking.sync import read_histories, sync


def write_tracking(plan: Plan, runs: Path, out: Path, *, lenient: bool) -> str:
    """Tell MLflow about the runs in `runs`, list them in the JSON file `out`, and return a sentence about it.

    `out` holds {"digest", "uri", "runs": [{"run", "mlflow_run_id", "status", "told"}]}. The digest is the
    plan's only if every evaluation that the plan asks for was there to be told; else it is empty, and `out`
    stays stale. If MLflow does not take the runs and `lenient` is set, the sentence says so, and an `out`
    that is there is kept.

    Raises:
        UserError: As `sync`, unless `lenient`.
    """
    uri = tracking_uri()
    whole = all(Path(test.results).is_file() for run in plan.present_runs() for test in run.tests)
    try:
        tracked = sync(runs, uri, _evaluations(plan))
    except UserError as error:
        if not lenient:
            raise
        if not out.exists():
            write_json(out, {"digest": "", "uri": public_uri(uri), "runs": []})
        return f"The runs are not tracked: {error}"
    listed = [asdict(run) for run in tracked]
    write_json(out, {"digest": plan.tracking if whole else "", "uri": public_uri(uri), "runs": listed})
    count = f"{len(tracked)} run{'' if len(tracked) == 1 else 's'}"
    return f"MLflow at {public_uri(uri)} knows {count} of {runs.as_posix()}/"


def untold(plan: Plan, runs: Path, report: Path) -> list[str]:
    """Return the runs in `runs` whose folders say something that MLflow, going by `report`, was not told."""
    try:
        told = {run["run"]: run["told"] for run in json.loads(report.read_bytes())["runs"]}
    except (OSError, ValueError, KeyError, TypeError):
        told = {}
    histories = read_histories(runs, _evaluations(plan))
    return [history.name for history in histories if told.get(history.name) != history.digest()]


def _evaluations(plan: Plan) -> dict[str, Evaluations]:
    return {run.name: _tests(run) for run in plan.runs.values()}


def _tests(run: RunPlan) -> Evaluations:
    """Return the folders of a run's evaluations; a second test is named by what it changes in the first."""
    own = run.tests[0].test.model_dump()
    return {
        " ".join(str(value) for key, value in test.test.model_dump().items() if value != own[key]): Path(
            test.evaluation
        )
        for test in run.tests
    }
