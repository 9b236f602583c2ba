"""What is told of a run."""

import json

import pytest
from tests.reporting.site.conftest import BASELINE, PROPOSED

from vreid.reporting.site.runs import NOTHING_LEFT, Tracked, run_details, together


def details(made, name, *, evaluated=True):
    evaluation = made.root / f"runs/{name}/eval-0123abcd" if evaluated else None
    tracked = Tracked(made.root / "reports/tracking.json")
    return run_details(made.root / "runs" / name, evaluation, tracked)


def facts(run):
    return {head: dict(entries) for head, entries in run.facts}


def test_a_run_tells_configuration_costs_machine_identity_and_loss(made):
    run = details(made, BASELINE[0])
    assert (run.paper, run.experiment, run.dataset, run.seed) == ("se_densenet", "baseline", "veri776", "0")
    assert (run.status, run.duration, run.result) == ("finished", ("2.5 s", "2.5"), ("60.3", "0.6025"))
    assert run.protocol == "veri776"
    assert run.loss == ((1, 4.5), (2, 2.25))
    told = facts(run)
    assert told["Training"] == {
        "seed": "0",
        "began": "2023-11-14 22:13:20 UTC",
        "duration": "2.5 s",
        "peak memory": "3 MiB",
        "parameters": "1,234,567",
    }
    assert told["Made on"] == {"device": "cpu", "torch": "2.11.0"}
    assert told["Results under veri776, in %"]["R1"] == "70.00"
    assert told["Identity"] == {
        "configuration, data and code": "aaaaaaaaa0",
        "git commit": "c0ffee",
        "MLflow run": f"{'0f' * 16} (in sqlite:///mlflow.db)",
    }


def test_a_run_that_failed_says_how_and_one_that_is_gone_says_so(made):
    failed = details(made, PROPOSED[1])
    assert failed.status == "failed: loss is not finite"
    assert failed.result == ("--", "")
    gone = details(made, "dpa-dpa-veri_uav-s3-0123456789")
    assert (gone.status, gone.seed, gone.facts, gone.loss) == (NOTHING_LEFT, "3", (), ())


@pytest.mark.parametrize("uri", ["https://mlflow.example.org", "sqlite:////home/somebody/mlflow.db"])
def test_where_a_private_mlflow_listens_is_not_told(site, uri):
    file = site.root / "reports/tracking.json"
    file.write_text(file.read_text().replace("sqlite:///mlflow.db", uri))
    named = facts(details(site, BASELINE[0]))["Identity"]["MLflow run"]
    assert named == f"{'0f' * 16} (in the MLflow of reports/tracking.json)"


def test_without_tracking_a_run_is_not_tracked(site):
    (site.root / "reports/tracking.json").unlink()
    assert facts(details(site, BASELINE[0]))["Identity"]["MLflow run"] == "not tracked"


def test_what_runs_share_is_told_once(made):
    run = details(made, BASELINE[0])
    told = dict(together([run, run]))
    assert told["runs"] == "2"
    assert told["training, one after the other"] == "0.1 min"  # 5 s
    assert told["torch"] == "2.11.0"


def test_details_are_json(made):
    run = details(made, BASELINE[0])
    assert json.loads(json.dumps(run.as_json()))["loss"] == [[1, 4.5], [2, 2.25]]
