"""A run's process takes one GPU before torch can look for any; the devices here are made up."""

import os
import subprocess
import sys
from itertools import combinations

from vreid.bundle.contents import Bundle

JOB = """
import os, sys, time, types
from pathlib import Path

def train(config, pack, folder):
    begin = time.time()
    print(os.environ["CUDA_VISIBLE_DEVICES"], "torch" in sys.modules, pack, flush=True)
    time.sleep(0.4)
    print(begin, time.time(), flush=True)
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")

def extract(folder, pack, out):
    out.mkdir()
    (out / "rows.npy").touch()

def evaluate_run(features, index, splits, out, test, protocols):
    out.mkdir()
    (out / "evaluation.json").touch()

for name, function in (
    ("training.train", train), ("training.extract", extract), ("evaluation.run", evaluate_run)
):
    sys.modules[f"vreid.{name}"] = types.SimpleNamespace(**{function.__name__: function})

from vreid.bundle.job import main
main(sys.argv[1:])
"""


def test_each_run_gets_a_gpu_of_its_own_before_torch_is_loaded(packed, tmp_path):
    names = list(Bundle.read(packed).runs)[:3]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b", "TMPDIR": str(tmp_path)}
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(packed), name],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    held = []
    for job in jobs:
        shown, times = job.communicate(timeout=60)[0].splitlines()
        device, torch_loaded, pack = shown.split()
        assert (job.returncode, torch_loaded) == (0, "False")
        assert pack.startswith(f"{tmp_path}/data/packed/synthetic/")
        held.append((device, *map(float, times.split())))
    assert {device for device, _, _ in held} == {"GPU-a", "GPU-b"}
    for (one, _, end), (other, later, _) in combinations(sorted(held, key=lambda h: h[1]), 2):
        assert one != other or end <= later


def test_a_mistake_is_a_sentence_and_a_status(packed, tmp_path):
    name = next(iter(Bundle.read(packed).runs))
    code = "import sys; from vreid.bundle.job import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(packed), name],
        cwd=tmp_path,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pack.json is missing" in done.stderr
    assert "Traceback" not in done.stderr
