"""The order, the number at a time and the ends of runs, which a stub of the code makes up."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import vreid
from vreid.bundle.contents import Bundle
from vreid.bundle.results import Results
from vreid.bundle.run import run_bundle
from vreid.params.errors import UserError

STUB = """
import json, os, sys, time
from pathlib import Path

kind, folder, name = sys.argv[1:4]
bundle = json.loads((Path(folder) / "bundle.json").read_text())
log = open("log.txt", "a")

def say(*words):
    log.write(" ".join(map(str, words)) + "\\n")
    log.flush()

if Path(f"wait-{kind}").exists():
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    print("waiting", flush=True)
    time.sleep(60)
say("begin", kind, name, os.environ["OMP_NUM_THREADS"])
if kind == "prepare":
    dataset = bundle["datasets"][name]
    if Path(f"broken-{name}").exists():
        sys.exit("it cannot be rendered")
    for run in bundle["runs"].values():
        if run["config"]["dataset"] == name:
            for pack in [run["pack"], *(test["pack"] for test in run["tests"])]:
                Path(pack).mkdir(parents=True, exist_ok=True)
                (Path(pack) / "pack.json").write_text('{"content": "c"}')
    for path in (dataset["index"], dataset["splits"]):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
else:
    run = bundle["runs"][name]
    if Path(f"broken-{name}").exists():
        sys.exit("first line\\nthe loss became infinite")
    time.sleep(0.5)
    out = Path("runs") / name
    out.mkdir(parents=True)
    for file in ("config.json", "model.safetensors", "history.parquet", "events.jsonl", "run.json"):
        (out / file).write_text(file)
    for test in run["tests"]:
        for folder, files in (
            (test["features"], [f"{one}.npy" for one in (
                "before_neck", "after_neck", "before_neck_mirrored", "after_neck_mirrored", "rows")]),
            (test["evaluation"], ["per_query.parquet", "evaluation.json"]),
        ):
            Path(folder).mkdir(exist_ok=True)
            for file in files:
                (Path(folder) / file).touch()
say("end", kind, name)
"""


@pytest.fixture
def stubbed(packed, tmp_path, monkeypatch):
    """A bundle whose code is the stub, and a folder to work in; no GPUs."""
    folder = tmp_path / "bundle"
    (folder / "vreid/bundle").mkdir(parents=True)
    for name in ("bundle.json", "SHA256SUMS"):
        shutil.copy(packed / name, folder)
    for file in ("vreid/__init__.py", "vreid/bundle/__init__.py"):
        (folder / file).touch()
    (folder / "vreid/bundle/__main__.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "out").mkdir()
    return folder, tmp_path / "out"


def events(out):
    return [line.split()[:3] for line in (out / "log.txt").read_text().splitlines()]


def most_at_a_time(out):
    now = most = 0
    for what, kind, _ in events(out):
        now += (kind == "job") * (1 if what == "begin" else -1)
        most = max(most, now)
    return most


def test_all_runs_are_made_claims_first_and_not_more_at_a_time_than_asked_for(stubbed):
    folder, out = stubbed
    bundle = Bundle.read(folder)
    assert run_bundle(folder, out, jobs=2) == 0
    assert most_at_a_time(out) == 2
    begun = [name for what, kind, name in events(out) if (what, kind) == ("begin", "job")]
    assert sorted(begun) == sorted(bundle.runs)
    assert {bundle.runs[name].experiment for name in begun[:4]} == {"baseline", "proposed"}
    assert {bundle.runs[name].config.dataset for name in begun[:4]} == {"veri776"}
    results = Results.read(out)
    assert {result.state for result in results.runs.values()} == {"done"}
    assert results.complete[0] == "se_densenet (main claim)"
    one = results.runs[begun[0]]
    assert one.files["features/rows.npy"] == hashlib.sha256(b"").hexdigest()
    assert one.files["run.json"] == hashlib.sha256(b"run.json").hexdigest()
    assert set(one.packs.values()) == {"c"}
    before = events(out)
    assert run_bundle(folder, out, jobs=2) == 0
    assert events(out) == before


def test_every_gpu_has_one_run_at_a_time(stubbed, monkeypatch):
    folder, out = stubbed
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c")
    assert run_bundle(folder, out, jobs=1) == 0
    assert most_at_a_time(out) == 3


def test_one_that_fails_does_not_stop_the_others_and_is_tried_again(stubbed, capsys):
    folder, out = stubbed
    broken = next(iter(Bundle.read(folder).runs))
    (out / f"broken-{broken}").touch()
    assert run_bundle(folder, out, jobs=4) == 1
    results = Results.read(out)
    states = {name: result.state for name, result in results.runs.items()}
    assert states.pop(broken) == "failed"
    assert set(states.values()) == {"done"}
    assert results.runs[broken].error == "the loss became infinite"
    assert f"{broken}: the loss became infinite" in capsys.readouterr().out
    (out / f"broken-{broken}").unlink()
    assert run_bundle(folder, out, jobs=4) == 0
    assert Results.read(out).seconds > results.seconds


def test_data_that_cannot_be_made_fails_its_runs_alone(stubbed):
    folder, out = stubbed
    (out / "broken-vehicleid").touch()
    assert run_bundle(folder, out, jobs=4) == 1
    bundle = Bundle.read(folder)
    for name, result in Results.read(out).runs.items():
        rendered = bundle.runs[name].config.dataset == "veri776"
        assert result.state == ("done" if rendered else "failed")
        if not rendered:
            assert result.error == "its data could not be prepared: it cannot be rendered"


def test_when_the_time_is_up_everything_ends_and_goes_on_later(stubbed, capsys):
    folder, out = stubbed
    (out / "wait-job").touch()
    began = time.monotonic()
    assert run_bundle(folder, out, jobs=2, max_minutes=0.04) == 75
    assert time.monotonic() - began < 20
    assert "the time is up" in capsys.readouterr().out
    states = [result.state for result in Results.read(out).runs.values()]
    assert states.count("stopped") == 2
    assert set(states) == {"stopped", "waiting"}
    (out / "wait-job").unlink()
    assert run_bundle(folder, out, jobs=4) == 0


def test_a_signal_is_passed_on_and_another_call_in_the_same_folder_is_refused(stubbed):
    folder, out = stubbed
    (out / "wait-job").touch()
    code = (
        f"import sys; sys.path.insert(0, {str(Path(vreid.__file__).parents[1])!r})\n"
        "from pathlib import Path; from vreid.bundle.run import run_bundle\n"
        "sys.exit(run_bundle(Path(sys.argv[1]), Path(sys.argv[2]), jobs=2))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), str(out)], stdout=subprocess.PIPE)
    while sum("waiting" in log.read_text() for log in (out / "logs/bundle").glob("se_densenet-*.log")) < 2:
        time.sleep(0.05)
    with pytest.raises(UserError, match="another process makes runs in"):
        run_bundle(folder, out)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[0].decode()
    assert process.returncode == 75
    assert "SIGTERM came" in said


def test_results_of_other_bundles_are_not_ours(stubbed):
    folder, out = stubbed
    assert run_bundle(folder, out, jobs=4) == 0
    said = json.loads((out / "results.json").read_text())
    for change in ({"bundle": "0" * 64}, {"format": 2}):
        (out / "results.json").write_text(json.dumps({**said, **change, "seconds": 1e6}))
        assert run_bundle(folder, out, jobs=4) == 0
        assert Results.read(out).seconds < 1000
