"""A finished pipeline of one paper in which nothing was trained: every file is written by hand."""

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from tests.cli.params import one_paper
from tests.reporting.conftest import evaluation, write_per_query

from vreid.params.plan import Plan
from vreid.reporting.claims import write_claims
from vreid.reporting.collect import write_page
from vreid.reporting.tables import write_table

PAPER = "se_densenet"
TABLE = "reports/tables/se_densenet/table1"
CLAIMS = "reports/claims/se_densenet"
FIGURE = "reports/figures/se_densenet/figure6"

IDS = (7, 7, 8, 9)
PRECISIONS = {"baseline": ((0.5, 0.5, 0.25, 0.75), (0.5, 0.5, 0.5, 0.75))}
"""Average precision of four queries with each seed: the mAP is 50 and 56.25."""

OTHERS = ((0.75, 0.5, 1.0, 0.75), (0.75, 0.5, 1.0, 0.25))
"""Of every other experiment: the mAP is 75 and 62.5."""


@dataclass(frozen=True)
class World:
    """A project's folder and the plan that everything in it was made by."""

    root: Path
    plan: Plan

    def run(self, experiment: str, seed: int) -> str:
        """Return the name of a run."""
        return self.plan.run(f"{PAPER}-{experiment}-veri776-s{seed}").name

    def edit(self, file: str, change) -> None:
        """Change a JSON file in place."""
        path = self.root / file
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))


@pytest.fixture(scope="session")
def finished_world(demo, tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("explained")
    one_paper(Path(__file__).parents[3] / "params", folder / "params")
    world = World(folder, demo)
    for run in demo.runs.values():
        _write_run(folder, run)
    (folder / "reports").mkdir()
    tracked = [{"run": n, "mlflow_run_id": f"id of {n}", "status": "FINISHED"} for n in demo.runs]
    (folder / "reports/tracking.json").write_text(json.dumps({"uri": "sqlite:///mlflow.db", "runs": tracked}))
    _write_reports(world)
    return world


@pytest.fixture
def world(finished_world, tmp_path) -> World:
    """A copy that a test may tamper with."""
    shutil.copytree(finished_world.root, tmp_path / "project")
    return World(tmp_path / "project", finished_world.plan)


def _write_run(root, run):
    folder = root / "runs" / run.name
    precisions = PRECISIONS.get(run.experiment, OTHERS)[run.config.seed]
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(run.config.model_dump_json())
    about = {"run": run.name, "git_commit": "c0ffee", "python": "3.11.7", "torch": "2.11.0", "device": "cpu"}
    about |= {"seconds": 12.5, "cpu_seconds": 8.25, "epochs": 6, "images": 720, "classes": 60}
    (folder / "model.safetensors").write_bytes(b"weights")
    about["model_sha256"] = sha256(b"weights").hexdigest()
    (folder / "run.json").write_text(json.dumps(about))
    start = {"type": "start", "time": 1.0, "config": run.config.model_dump(mode="json"), "device": "cpu"}
    end = {"type": "end", "time": 13.5, "status": "FINISHED"}
    (folder / "events.jsonl").write_text(f"{json.dumps(start)}\n{json.dumps(end)}\n")
    for test in run.tests:
        digest = Path(test.evaluation).name.removeprefix("eval-")
        (protocol, *others) = test.protocols
        assert not others or run.config.dataset != "veri776"
        write_per_query(root, run.name, precisions, IDS, protocol=protocol, digest=digest)
        mean = sum(precisions) / len(precisions)
        results = evaluation(mAP=mean, mINP=mean, cmc=[1.0] * 50, queries=4, rules={"junk": "nothing"})
        value = {
            "run": run.name,
            "feature": "after_neck",
            "distance": "cosine",
            "protocols": {protocol: results},
        }
        (root / test.results).write_text(json.dumps(value))


def _write_reports(world):
    table = world.plan.tables[f"{PAPER}/table1"]
    for baseline in table.baselines:
        path = world.root / baseline.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"protocols": {baseline.protocol: evaluation()}}))
    reports = world.root / "reports"
    write_table(table, reports / "tables" / PAPER, world.root)
    page = world.plan.pages["all_tables"].model_copy(update={"parts": (f"tables/{PAPER}/table1",)})
    write_page(page, reports / "all_tables", reports)
    write_claims(world.plan.claims[PAPER], reports / "claims", world.root)
    figure = world.plan.figures[f"{PAPER}/figure6"]
    drawn = {
        "kind": figure.spec.kind,
        "runs": {method.label: [result.run for result in method.results] for method in figure.methods},
        "numbers": {},
    }
    shared = figure.model_dump(mode="json", exclude={"spec", "methods", "datasets"})
    path = world.root / f"{FIGURE}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(shared | drawn))
    for suffix in (".png", ".pdf"):
        path.with_suffix(suffix).write_bytes(b"drawn")
