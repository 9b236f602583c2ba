"""What became of a run whose results are not there, from what it left behind."""

import json
import re
from pathlib import Path

import pytest

from vreid.reporting.missing import Absent, by_run, find_absent, read_failure, why_absent
from vreid.reporting.partial import log_of

RUN = "p-a-d-s0-0123456789"
FILE = f"runs/{RUN}/eval-01234567/evaluation.json"
REFUSED = "vreid: the loss is not a finite number"
TRACEBACK = "Traceback (most recent call last):\n  File x, line 1\nValueError: no such\n"


def left(root, *, events=(), trained=False, **logs):
    folder = root / "runs" / RUN
    folder.mkdir(parents=True)
    if events:
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    if trained:
        (folder / "model.safetensors").touch()
    for rule, text in logs.items():
        name = f"{RUN}-01234567" if rule == "evaluate" else RUN
        log = root / "logs" / rule / f"{name}.log"
        log.parent.mkdir(parents=True)
        log.write_text(text)


START = {"type": "start", "time": 0}
FAILED = {"type": "end", "time": 1, "status": "FAILED", "error": "FloatingPointError: loss"}
FINISHED = {"type": "end", "time": 1, "status": "FINISHED", "error": None}


@pytest.mark.parametrize(
    ("what", "state", "reason", "log"),
    [
        ({}, "pending", "not run yet", None),
        ({"events": [START, FAILED]}, "failed", "FloatingPointError: loss", f"runs/{RUN}/events.jsonl"),
        (
            {"events": [START, FAILED], "train": REFUSED},
            "failed",
            "FloatingPointError: loss",
            f"logs/train/{RUN}.log",
        ),
        (
            {"events": [START, FAILED, START], "train": ""},  # tried again
            "pending",
            "its training has not come to its end",
            f"runs/{RUN}/events.jsonl",
        ),
        (
            {"events": [START], "train": "vreid: r was stopped by SIGINT after step 1 of 2"},
            "pending",
            "its training has not come to its end",
            f"runs/{RUN}/events.jsonl",
        ),
        (
            {"events": [START], "train": "vreid: the fork server was stopped, and the job with it"},
            "pending",
            "its training has not come to its end",
            f"runs/{RUN}/events.jsonl",
        ),
        ({"train": REFUSED}, "failed", "the loss is not a finite number", f"logs/train/{RUN}.log"),
        ({"events": [START, FINISHED], "trained": True}, "pending", "trained, not evaluated yet", None),
        (
            {"events": [START, FINISHED], "trained": True, "extract": TRACEBACK},
            "failed",
            "ValueError: no such",
            f"logs/extract/{RUN}.log",
        ),
        (
            {"trained": True, "evaluate": TRACEBACK},
            "failed",
            "ValueError: no such",
            f"logs/evaluate/{RUN}-01234567.log",
        ),
    ],
)
def test_what_became_of_a_run(tmp_path, what, state, reason, log):
    left(tmp_path, **what)
    assert find_absent([FILE], tmp_path) == {FILE: Absent(run=RUN, state=state, reason=reason, log=log)}


def test_a_run_whose_data_failed_has_failed(tmp_path):
    failures = {RUN: ("a damaged image", "logs/pack/real/d.log")}
    assert find_absent([FILE], tmp_path, failures)[FILE].state == "failed"


def test_what_is_there_is_not_absent(tmp_path):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).touch()
    assert find_absent([FILE], tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch 1: loss 2.0\n", None),
        ("", None),
        (f"a warning\n{REFUSED}\nlower it\n", "the loss is not a finite number lower it"),
        (TRACEBACK, "ValueError: no such"),
        (TRACEBACK.replace("ValueError: no such", "KeyboardInterrupt"), None),
    ],
)
def test_the_error_at_the_end_of_a_log(tmp_path, text, reason):
    (tmp_path / "log").write_text(text)
    assert read_failure(tmp_path / "log") == reason


def test_seeds_are_counted_by_state_and_a_run_is_counted_once():
    failed = Absent(run="a", state="failed", reason="loss", log="l")
    pending = Absent(run="b", state="pending", reason="not run yet")
    assert (
        why_absent([failed, pending], 3) == "1 of 3 seeds failed; loss (l); 1 of 3 seeds pending; not run yet"
    )
    again = failed.model_copy(update={"state": "pending"})
    assert by_run([again, pending, failed]) == (failed, pending)


@pytest.mark.parametrize(
    ("name", "rule", "wildcards"),
    [
        ("tables/dpa/table3", "table", {"paper": "dpa", "table": "table3"}),
        ("figures/sanet/figure5", "figure", {"paper": "sanet", "figure": "figure5"}),
        (f"audits/{RUN}/audit", "audit", {"run": RUN}),
        ("claims/dpa", "claims", {"paper": "dpa"}),
        ("claims", "page", {"page": "claims"}),
        ("papers/dpa", "page", {"page": "papers/dpa"}),
        ("all_tables", "page", {"page": "all_tables"}),
        ("index", "index", {}),
    ],
)
def test_a_reports_log_is_where_its_rule_writes_it(name, rule, wildcards):
    rules = Path("workflow/rules/reports.smk").read_text(encoding="utf-8")
    pattern = re.search(rf"^rule {rule}:\n.*?text=\"(.*?)\"", rules, re.DOTALL | re.MULTILINE)[1]
    assert log_of(name).as_posix() == pattern.format(**wildcards)
