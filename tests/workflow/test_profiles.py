"""The profiles for clusters: every key is an option of Snakemake's, with the value that was meant."""

import importlib.util
import json
import shlex
import sys

import pytest
import yaml
from snakemake.cli import get_argument_parser, parse_args
from tests.workflow.project import ROOT

from vreid.params.plan import Plan
from vreid.params.requests import decoding, rendering
from vreid.params.resolve import load

PROFILES = ROOT / "workflow" / "profiles"
JOB = PROFILES / "kubernetes" / "job.yaml"


REMEDY = {
    "snakemake_executor_plugin_slurm": "`make setup-cluster` does it",
    "kubernetes": "`pip install kubernetes`; nothing else here needs it",
}


def _needs(module: str):
    absent = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(absent, reason=f"{module} is not installed: {REMEDY[module]}")


def _parsed(monkeypatch: pytest.MonkeyPatch, *arguments: str):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["snakemake", *arguments])
    return parse_args(list(arguments))[1]


@pytest.mark.parametrize(
    "name",
    ["default", pytest.param("slurm", marks=_needs("snakemake_executor_plugin_slurm")), "kubernetes"],
)
def test_every_key_of_a_profile_is_an_option(name: str):
    options = {
        option.removeprefix("--")
        for action in get_argument_parser()._actions
        for option in action.option_strings
    }
    keys = yaml.safe_load((PROFILES / name / "profile.yaml").read_text())
    assert keys
    assert set(keys) <= options


@_needs("snakemake_executor_plugin_slurm")
def test_the_documented_command_takes_slurms_profile_beside_the_default_one(monkeypatch: pytest.MonkeyPatch):
    table = "reports/all_tables.md"
    slurm = ("--profile", "workflow/profiles/slurm")
    args = _parsed(monkeypatch, "--cores", "8", "--resources", "gpu=2", table, *slurm)
    assert list(args.targets) == [table]
    assert (args.executor, args.jobs, args.retries, args.latency_wait) == ("slurm", 100, 2, 60)
    assert dict(args.set_resource_scopes) == {"gpu": "local"}
    assert args.keep_going
    assert args.rerun_incomplete
    assert "vreid" in args.logger


def test_a_pods_profile_leaves_the_default_one_in_force(monkeypatch: pytest.MonkeyPatch):
    args = _parsed(monkeypatch, "--profile", "workflow/profiles/kubernetes", "--cores", "4")
    assert (args.executor, args.cores, args.retries, args.latency_wait) == (None, 4, 1, 60)
    assert args.show_failed_logs
    assert args.keep_going


@_needs("kubernetes")
def test_the_pods_manifest_is_a_job_of_kubernetes_without_unknown_keys():
    from kubernetes.client import ApiClient

    class Answer:
        def __init__(self, text: str) -> None:
            self.data = text

    manifest = yaml.safe_load(JOB.read_text())
    client = ApiClient()
    job = client.deserialize(Answer(json.dumps(manifest)), "V1Job")
    assert client.sanitize_for_serialization(job) == manifest


def test_the_pods_manifest_calls_snakemake_with_the_profile_and_the_cores_that_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
):
    (container,) = yaml.safe_load(JOB.read_text())["spec"]["template"]["spec"]["containers"]
    (line,) = container["args"]
    before, _, options = line.partition(".venv/bin/snakemake ")
    assert before == "make setup && exec "
    words = shlex.split(options)
    args = _parsed(monkeypatch, *words)
    assert ROOT / words[words.index("--profile") + 1] == PROFILES / "kubernetes"
    assert str(args.cores) == container["resources"]["requests"]["cpu"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] in str(args.resources)


@pytest.fixture(scope="module")
def bench() -> Plan:
    return load(ROOT / "params", "bench")


def test_a_node_of_eight_cores_can_do_what_is_asked_of_it(bench: Plan):
    """The profile's `cores` is what rendering and decoding take: less than a day and 16 GB."""
    cores = yaml.safe_load((PROFILES / "slurm" / "profile.yaml").read_text())["cores"]
    for dataset in bench.datasets.values():
        for request in (rendering(dataset, cores), decoding(dataset, cores)):
            assert request.runtime < 24 * 60
            assert request.mem_mb < 16000
