"""What jobs import after they were forked: nothing that costs much. What is recorded of their cost."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workflow.project import ROOT, Project

from vreid.cli.start import SERVERS, modules_for
from vreid.params.plan import Plan

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

MOST = 0.05
"""CPU seconds that one import of a job may take."""

ALONE = {"track sync"}
"""Commands of rules that start an interpreter: MLflow takes seconds to import, and one job needs it."""

OBSERVED = """
import builtins, gc, importlib, json, os, sys, time
from pathlib import Path
from vreid.cli.start import modules_for

answer, preload, *arguments = sys.argv[1:]
for module in modules_for(arguments) if preload == "yes" else ():
    importlib.import_module(module)
gc.freeze()  # as the server does; a collection of all that would count for the import that it falls into
costs, inside = {}, False

def observed(load):
    def load_observed(name, *rest, **options):
        global inside
        if inside:
            return load(name, *rest, **options)
        inside, began = True, time.process_time()
        try:
            return load(name, *rest, **options)
        finally:
            inside = False
            costs[name] = costs.get(name, 0.0) + time.process_time() - began
    return load_observed

builtins.__import__ = observed(builtins.__import__)
importlib.import_module = observed(importlib.import_module)
sys.argv = ["vreid", *arguments]
from vreid.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
Path(answer).write_text(json.dumps(costs))
os._exit(0)
"""
"""Runs a command as a fork of its server would, and writes the CPU seconds of its outermost imports."""


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished pipeline, in which jobs may be run again."""
    folder = tmp_path_factory.mktemp("again") / "project"
    shutil.copytree(finished.folder, folder, ignore=shutil.ignore_patterns(".git", "*.sock"))
    return Project(folder)


@pytest.fixture(scope="module")
def plan(project: Project) -> Plan:
    return Plan.read(next((project.folder / ".vreid" / "plans").glob("*.json")))


def _imports(project: Project, arguments: list[str], preload: str = "yes") -> dict[str, float]:
    answer = project.folder / "imports.json"
    project.call(sys.executable, "-c", OBSERVED, str(answer), preload, *arguments)
    return json.loads(answer.read_text())


def _commands(plan: Plan) -> dict[str, list[str]]:
    """Return a job of each kind that servers run, by its command."""
    dataset = plan.dataset("veri776")
    run = next(run for run in plan.runs.values() if run.config.dataset == "veri776" and len(run.tests) > 1)
    pack = run.pack
    size = Path(pack).name.removeprefix(f"{dataset.version}-")
    return {
        "data acquire": [dataset.version],
        "data verify": [dataset.version],
        "data split": [dataset.version],
        "data darken": [dataset.version],
        "data pack": [dataset.version, size],
        "data show": [dataset.version],
        "baselines": [dataset.version, pack, run.baselines],
        "run train": [run.name],
        "run extract": [run.name, "--images", "darkened"],
        "run evaluate": [run.name],
        "run report": [run.name],
        "audit": [run.name],
        "table": ["se_densenet", "table1"],
        "claims": ["se_densenet"],
        "page": ["papers/se_densenet"],
        "site": [],
    }


@pytest.mark.parametrize("command", sorted(set(SERVERS) - {"figure"}))
def test_a_fork_has_what_its_job_imports(project: Project, plan: Plan, command: str):
    if command == "data acquire":
        shutil.rmtree(project.folder / plan.dataset("veri776").raw)
    arguments = [*command.split(), *_commands(plan)[command]]
    dear = {name: cost for name, cost in _imports(project, arguments).items() if cost > MOST}
    assert dear == {}


def test_a_fork_has_what_figures_import(project: Project, plan: Plan):
    assert plan.figures
    for name in plan.figures:
        imports = _imports(project, ["figure", *name.split("/")])
        assert {module: cost for module, cost in imports.items() if cost > MOST} == {}, name


def test_the_observation_sees_what_is_not_loaded_beforehand(project: Project, plan: Plan):
    run = _commands(plan)["run evaluate"]
    imports = _imports(project, ["run", "evaluate", *run], preload="no")
    assert max(imports.values()) > MOST


def test_loading_beforehand_starts_no_thread_that_a_fork_would_miss():
    code = (
        "import importlib, os, sys, threading\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "tasks = [open(f'/proc/self/task/{t}/comm').read().strip() for t in os.listdir('/proc/self/task')]\n"
        "print(threading.active_count(), *sorted(set(tasks) - {'python', 'jemalloc_bg_thd'}))\n"
    )
    for modules in set(SERVERS.values()):  # jemalloc, which pyarrow brings, forks its own thread's state
        done = subprocess.run(
            [sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True
        )
        assert done.stdout == "1\n"


def test_every_rules_command_is_run_by_a_server():
    rules = "".join(file.read_text() for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    commands = set(re.findall(r'"VREID_RECORD=\{log\.used\} vreid ([a-z]+(?: [a-z]+)?) --plan', rules))
    assert len(commands) > 10
    assert {command for command in commands if modules_for(command.split()) is None} == ALONE


def test_every_job_has_a_log_and_a_record_of_what_it_used(finished: Project):
    logs = finished.folder / "logs"
    records = {
        file.relative_to(logs / "benchmarks").with_suffix(""): json.loads(file.read_text().splitlines()[-1])
        for file in (logs / "benchmarks").rglob("*.jsonl")
    }
    texts = {file.relative_to(logs).with_suffix("") for file in logs.rglob("*.log")}
    assert texts - set(records) <= {Path("track/after"), Path("track/failed"), Path("track/unmade")}
    assert set(records) <= texts
    for name, record in records.items():
        run = finished.folder / "runs" / name.name
        # Other tests let a training fail here.
        assert record["status"] == 0 or (name.parts[0] == "train" and not (run / "run.json").exists())
        if name.parts[0] == "train" and record["status"] == 0:
            trained = json.loads((run / "run.json").read_text())
            # A fork's training is all but its client's own start and the reading of the plan.
            assert record["cpu_seconds"] >= trained["cpu_seconds"] > 0.1
            assert record["seconds"] >= trained["seconds"]
            assert record["peak_mib"] + 0.1 >= trained["peak_memory"] / 2**20 > 50  # rounded
