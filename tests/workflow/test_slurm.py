"""The documented command through a real SLURM; `make test-slurm` runs it."""

import importlib.util
import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.workflow.project import Project, copy_project
from tests.workflow.slurm import Slurm, cluster, missing

from vreid.params import requests
from vreid.params.plan import Plan

TABLE = "reports/tables/se_densenet/table1.md"
COMMAND = ("snakemake", "--cores", "2", "--resources", "gpu=2", TABLE)
PRESET = "params/presets/micro.yaml"
PROFILE = ("--profile", "workflow/profiles/slurm")
HERE = (
    *("--slurm-status-command", "squeue"),  # a SLURM without accounting
    *("--slurm-init-seconds-before-status-checks", "2"),
    *("--latency-wait", "10"),
)
EPOCHS = 30
"""Of each training: long enough for one to be cancelled."""
SECONDS = 900  # on two busy cores all of it took nine minutes


def _absent() -> str | None:
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "Snakemake's executor for SLURM is not installed: `make setup-cluster` does it"
    return missing()


pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(_absent() is not None, reason=str(_absent())),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory):
    with cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """Two equal copies: one for this machine alone, one for the cluster."""
    both = [copy_project(tmp_path_factory.mktemp(name)) for name in ("here", "cluster")]
    for project in both:
        place = "    leave_out: [gamma_05"
        project.edit(PRESET, place, f"    epochs: {EPOCHS}\n{place}")
    return both[0], both[1]


def test_a_cancelled_training_goes_on_and_the_table_is_that_of_one_machine(
    slurm: Slurm, copies: tuple[Project, Project]
):
    here, there = copies
    first = _begin(there, slurm)
    try:
        _wait_for(lambda: slurm.jobs() != [], first)
        name = next(run for run in _plan(there).runs if run.startswith("se_densenet-baseline-"))
        # What waits in the queue is made by the plan that it was submitted with.
        there.edit(PRESET, f"epochs: {EPOCHS}\n", f"epochs: {EPOCHS + 1}\n")
        events = there.folder / "runs" / name / "events.jsonl"
        _wait_for(lambda: events.exists() and '"metrics"' in events.read_text(), first)
        cancelled = next(job for job in slurm.jobs() if f"_{name}" in job["Comment"])
        slurm.call("scancel", cancelled["JobId"])
        assert first.wait(SECONDS) != 0
    finally:
        _end(first)
    there.edit(PRESET, f"epochs: {EPOCHS + 1}\n", f"epochs: {EPOCHS}\n")
    assert not (there.folder / "runs" / name / "model.safetensors").exists()
    assert _state(slurm, cancelled["JobId"]) == "CANCELLED"

    there.call(*COMMAND, *PROFILE, *HERE, **slurm.environment)
    resumed = {
        run.parent.name: json.loads(run.read_text())["resumed"]
        for run in (there.folder / "runs").glob("*/run.json")
    }
    assert resumed == dict.fromkeys(resumed, 0) | {name: 1}
    here.call(*COMMAND)
    for suffix in (".md", ".tex", ".csv", ".json"):
        table = Path(TABLE).with_suffix(suffix)
        assert (there.folder / table).read_bytes() == (here.folder / table).read_bytes(), suffix


def test_jobs_ask_for_what_the_plan_says(slurm: Slurm, copies: tuple[Project, Project]):
    _, there = copies
    plan = _plan(there)
    asked = {}
    for job in slurm.jobs():
        rule, _, wildcards = job["Comment"].removeprefix("rule_").partition("_wildcards_")
        asked.setdefault(rule, {})[wildcards.rstrip("_")] = job  # extract has an empty one at the end
    trained = asked["train"]
    assert len(trained) == 4
    for name, job in trained.items():
        run = plan.runs[name]
        _check(job, requests.training(run, plan.dataset(run.config.dataset)), gpus=1)
        assert asked["extract"].keys() == trained.keys()
    for name, job in asked["extract"].items():
        run = plan.runs[name]
        _check(job, requests.extraction(run, plan.dataset(run.config.dataset)), gpus=1)
    (version,) = asked["render"]
    _check(asked["render"][version], requests.rendering(plan.dataset(version), 2), gpus=0)
    assert asked["render"][version]["NumCPUs"] == "2"
    (table,) = asked["table"].values()
    _check(table, requests.Request(runtime=60, mem_mb=1000), gpus=0)


def _plan(project: Project) -> Plan:
    """Return the plan of the copy; there must be no other."""
    (file,) = (project.folder / ".vreid" / "plans").glob("*.json")
    return Plan.read(file)


def _check(job: dict[str, str], request: requests.Request, gpus: int) -> None:
    hours, minutes, seconds = map(int, job["TimeLimit"].split(":"))
    assert (60 * hours + minutes, seconds) == (request.runtime, 0)
    assert _megabytes(job["MinMemoryNode"]) == request.mem_mb
    assert job.get("TresPerJob") == (f"gres:gpu:{gpus}" if gpus else None)


def _megabytes(memory: str) -> float:
    units = {"M": 1, "G": 1024}
    return float(memory[:-1]) * units[memory[-1]]


def _begin(project: Project, slurm: Slurm) -> subprocess.Popen[bytes]:
    with (project.folder / "first.log").open("wb") as log:
        return subprocess.Popen(
            [*COMMAND, *PROFILE, *HERE, "--retries", "0"],
            cwd=project.folder,
            env=project.variables() | slurm.environment,
            stdout=log,
            stderr=log,
        )


def _wait_for(condition, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, "the pipeline ended before"
        assert time.monotonic() < end
        time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


def _state(slurm: Slurm, number: str) -> str:
    return next(job["JobState"] for job in slurm.jobs() if job["JobId"] == number)
