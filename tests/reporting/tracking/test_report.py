"""reports/tracking.json: written when MLflow was told, kept when it does not answer."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.reporting.tracking.records import end, evaluate, listed, record, start

from vreid.params import run as params
from vreid.params.errors import UserError
from vreid.reporting.tracking.report import untold, write_tracking

pytestmark = pytest.mark.xdist_group("mlflow")


class Planned:
    """What is asked of a plan: one run, tested as its recipe says and on darkened images."""

    tracking = "d1"

    def __init__(self, name):
        tests = [planned_test(name, "eval-00000000"), planned_test(name, "eval-11111111", images="darkened")]
        self.runs = {name: SimpleNamespace(name=name, tests=tests)}

    def present_runs(self):
        return list(self.runs.values())


def planned_test(name, folder, **changes):
    evaluation = f"runs/{name}/{folder}"
    test = params.Test(feature="after_neck", distance="cosine", **changes)
    return SimpleNamespace(test=test, evaluation=evaluation, results=f"{evaluation}/evaluation.json")


def test_the_report_lists_the_runs_and_is_fresh_once_all_is_told(runs, uri, client, monkeypatch):
    monkeypatch.chdir(runs.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    name, out = "report-a-d-s0-0", Path("reports/tracking.json")
    run = record(Path("runs"), name, start(), end("FAILED", "no disk"))
    write_tracking(Planned(name), Path("runs"), out, lenient=False)
    [mlflow_run] = listed(client, "report")
    report = json.loads(out.read_text())
    assert (report["digest"], report["uri"], len(report["runs"])) == ("", uri, 1)
    listed_run = {"run": name, "mlflow_run_id": mlflow_run.info.run_id, "status": "FAILED"}
    assert listed_run.items() <= report["runs"][0].items()
    record(Path("runs"), name, start(), end())
    evaluate(run, 0.5)
    write_tracking(Planned(name), Path("runs"), out, lenient=False)
    assert json.loads(out.read_text())["digest"] == ""  # the darkened images are still to be tested
    evaluate(run, 0.25, "eval-11111111")
    sentence = write_tracking(Planned(name), Path("runs"), out, lenient=False)
    assert sentence == f"MLflow at {uri} knows 1 run of runs/"
    report = json.loads(out.read_text())
    assert (report["digest"], report["runs"][0]["status"]) == ("d1", "FINISHED")
    [mlflow_run] = listed(client, "report")
    assert mlflow_run.data.tags["folder"] == f"runs/{name}"
    assert (mlflow_run.data.metrics["mAP"], mlflow_run.data.metrics["darkened/mAP"]) == (0.5, 0.25)
    assert mlflow_run.data.tags["file/darkened/evaluation.json"].endswith("eval-11111111/evaluation.json")


def test_what_happens_after_a_sync_is_untold_until_the_next(runs, uri, monkeypatch):
    monkeypatch.chdir(runs.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    name, out = "untold-a-d-s0-0", Path("reports/tracking.json")
    plan = Planned(name)
    assert untold(plan, Path("runs"), out) == []
    run = record(Path("runs"), name, start(), end("FAILED", "no disk"))
    assert untold(plan, Path("runs"), out) == [name]
    write_tracking(plan, Path("runs"), out, lenient=False)
    assert untold(plan, Path("runs"), out) == []
    record(Path("runs"), name, start(), end())
    assert untold(plan, Path("runs"), out) == [name]
    write_tracking(plan, Path("runs"), out, lenient=False)
    evaluate(run, 0.5, "eval-11111111")
    assert untold(plan, Path("runs"), out) == [name]
    out.write_text("no JSON")
    assert untold(plan, Path("runs"), out) == [name]


def test_a_lenient_report_goes_on_without_mlflow(runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://there")
    name, out = "lenient-a-d-s0-0", Path("reports/tracking.json")
    record(runs, name, start(), end())
    with pytest.raises(UserError, match="did not take the runs"):
        write_tracking(Planned(name), runs, out, lenient=False)
    assert not out.exists()
    assert write_tracking(Planned(name), runs, out, lenient=True).startswith(
        "The runs are not tracked: MLflow"
    )
    assert json.loads(out.read_text()) == {"digest": "", "uri": "nonsense://there", "runs": []}
    out.write_text("kept")
    write_tracking(Planned(name), runs, out, lenient=True)
    assert out.read_text() == "kept"
