"""Small workflows run by the real Snakemake, each start of which costs two seconds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SNAKEFILE = """
rule all_tables:
    input: expand("out/{run}.txt", run=["good-s0", "good-s1"])
    output: "reports/all_tables.md"
    log: "logs/all_tables.log"
    shell: "cat {input} > {output}"

rule train:
    output: "out/{run}.txt"
    log: "logs/{run}.log", events="logs/{run}.jsonl",
    resources: gpu=1
    shell:
        '''
        echo begun > {log[0]}
        if [ {wildcards.run} = bad ]; then
            for i in $(seq 30); do echo "line $i"; done >> {log[0]}; exit 3
        fi
        if [ {wildcards.run} != silent ]; then echo {wildcards.run} > {output}; fi
        '''

onsuccess: print("hook: all is well")
"""
PROFILE = "logger: [vreid]\nresources:\n  gpu: 1\nlatency-wait: 0\n"
LINE = ["--cores", "8", "--resources", "gpu=2", "reports/all_tables.md"]


@pytest.fixture
def workflow(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    profile = tmp_path / "profiles" / "default" / "profile.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(PROFILE)
    return tmp_path


def test_the_line_of_the_readme_runs_and_a_pipe_gets_plain_lines(workflow):
    done = _snakemake(workflow, *LINE)
    assert done.returncode == 0, done.stderr
    assert (workflow / "reports/all_tables.md").read_text().split() == ["good-s0", "good-s1"]
    assert "3 jobs to do: 2 train, 1 all_tables" in done.stderr
    for words in ("start  1/3  train good-s", "done   2/3  train good-s", "done   3/3  all_tables"):
        assert words in done.stderr
    assert done.stderr.splitlines()[-1].startswith("3 of 3 jobs done, in ")
    assert "\x1b" not in done.stderr
    assert "hook: all is well" in done.stdout
    (log,) = (workflow / ".snakemake" / "log").glob("*.log")
    assert "Finished jobid" in log.read_text()  # Snakemake's own file log is complete
    assert re.search(r"Provided resources: gpu=.*\b2\b", log.read_text())


def test_a_dry_run_looks_as_ever(workflow):
    done = _snakemake(workflow, "-n", *LINE)
    assert done.returncode == 0, done.stderr
    for words in ("Job stats:", "reason: Missing output files", "This was a dry-run"):
        assert words in done.stdout
    assert not (workflow / "out").exists()


def test_failed_jobs_show_their_logs(workflow):
    done = _snakemake(workflow, "--cores", "1", "--keep-going", "--", *_outputs("bad", "silent"))
    assert done.returncode == 1
    text = done.stderr
    assert "FAILED train bad after " in text
    assert "(exit status 3)" in text
    assert "    log: logs/bad.log, its last 20 lines:\n    | line 11\n" in text
    assert "    | line 30\n    log: logs/bad.jsonl\n    To do: mend" in text
    assert "| line 10\n" not in text
    assert "CalledProcessError" not in text
    assert "FAILED train silent after " in text
    assert "MissingOutputException" in text
    assert "0 of 2 jobs done, 2 failed, in " in text
    assert "failed: train bad (log: logs/bad.log)" in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_live_display_and_is_given_back(workflow):
    status, text = _in_terminal(workflow, *LINE)
    assert status == 0, text
    for words in ("0/3 jobs", "1 running, 0 failed", "done   3/3  all_tables", "3 of 3 jobs done"):
        assert words in text
    assert "hook: all is well" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0


def _outputs(*runs):
    return [f"out/{run}.txt" for run in runs]


def _snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _in_terminal(folder: Path, *arguments: str) -> tuple[int, str]:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(timeout=120), written.decode()
