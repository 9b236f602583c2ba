import hashlib
import re
import subprocess
import sys

import pytest
from tests.bundle.conftest import PROJECT

from vreid.bundle.needs import executed_modules, gather_wheels, locked, needed_libraries
from vreid.params.errors import UserError

LOCK = PROJECT / "requirements.lock"


@pytest.fixture(scope="module")
def modules(demo):
    runs = [run for run in demo.runs.values() if "se_densenet/proposed" in run.same]
    return executed_modules(runs, [demo.datasets["veri776"]])


def test_the_modules_are_those_of_the_runs_and_no_others(modules):
    named = {
        "vreid.models.se_densenet",
        "vreid.losses.focal",
        "vreid.losses.triplet",
        "vreid.datasets.adapters.veri776",
        "vreid.synthetic.writers.veri776",
        "vreid.training.train",
        "vreid.training.extract",
        "vreid.training.server",
        "vreid.evaluation.run",
    }
    assert named <= modules
    apart = r"vreid\.(cli|reporting|models\.(dpa|hamnet)|synthetic\.writers\.(vru|vehicleid)|bundle\.make)\b"
    assert [name for name in modules if re.match(apart, name)] == []


def test_the_libraries_are_what_importing_all_of_them_loads(modules):
    """Beside those of PyTorch; what is loaded is asked of an interpreter, not of the syntax trees."""
    needs = needed_libraries(modules)
    assert {"pydantic", "pydantic-core", "pyarrow", "safetensors", "pillow", "embreex", "pyyaml"} <= set(
        needs
    )
    assert not {"torch", "numpy", "timm", "torchvision", "pandas", "rich", "typer"} & set(needs)
    assert needs["pillow"] == ["PIL"]
    code = (
        "import importlib, sys\n"
        f"for name in {sorted(modules)!r}:\n"
        "    importlib.import_module(name)\n"
        "import pyarrow.parquet, scipy.io\n"  # imported when they are needed
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {"pandas", "snakemake", "mlflow", "matplotlib", "typer"} & loaded
    carried = {module for modules in needs.values() for module in modules}
    assert carried <= loaded | {"threadpoolctl"}


def test_the_lock_gives_versions_and_digests():
    text = locked(LOCK, ["pyyaml", "safetensors"])
    assert re.findall(r"^([\w-]+)==", text, flags=re.MULTILINE) == ["pyyaml", "safetensors"]
    assert text.count("--hash=sha256:") > 20
    assert "#" not in text
    with pytest.raises(UserError, match="pins no no-such"):
        locked(LOCK, ["no-such"])


def requirement(name, content):
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"


def test_wheels_count_by_their_digests(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (tmp_path / "one_a-1.0-py3-none-any.whl").write_bytes(b"right")
    (tmp_path / "other-1.0-py3-none-any.whl").write_bytes(b"another library's")
    text = requirement("one-a", b"right")
    found = gather_wheels(text, tmp_path, [(3, 11), (3, 13)])
    assert [path.name for path in found] == ["one_a-1.0-py3-none-any.whl"]
    (tmp_path / "one_a-1.0-py3-none-any.whl").write_bytes(b"wrong")
    with pytest.raises(
        UserError, match=r"lacks wheels for Python 3\.12 of one-a, and pip could not fetch them"
    ):
        gather_wheels(text, tmp_path, [(3, 12)])
