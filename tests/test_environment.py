"""The lock, environment.yml and pyproject.toml describe one environment, for pip and conda."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.markers import Marker
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PINS = re.findall(r"^([a-zA-Z0-9._-]+)==(\S+)( ; .+?)? \\$", LOCK, flags=re.MULTILINE)


def conda() -> dict:
    return YAML(typ="safe").load(ROOT / "environment.yml")


def test_every_pin_of_the_lock_has_a_hash():
    blocks = re.split(
        r"^(?=[a-zA-Z0-9])", re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE), flags=re.MULTILINE
    )
    blocks = [block for block in blocks if block.strip()]
    assert len(blocks) == len(PINS) > 100
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_host_and_no_folder():
    options = re.findall(r"^\s*--(?!hash=)\S+", LOCK, flags=re.MULTILINE)
    assert options == []
    assert re.search(r"https?://|file:|@ ", LOCK) is None
    assert re.search(r"(?<![\w.-])/(?:\w+/)+", LOCK) is None


def test_the_lock_pins_every_name_that_requirements_in_asks_for():
    asked = re.findall(r"^([a-z][a-z0-9._-]*)", (ROOT / "requirements.in").read_text(), flags=re.MULTILINE)
    pinned = {name.lower() for name, _, _ in PINS}
    assert [name for name in asked if re.sub(r"[-_.]+", "-", name) not in pinned] == []


def test_torch_and_torchvision_are_the_pair_that_fits():
    assert ("torch", "2.11.0", "") in PINS
    assert ("torchvision", "0.26.0", "") in PINS


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_all_pythons_get_the_same_versions(python: str):
    """NumPy's version is part of the names of runs: with another, nothing that was trained would be found."""
    assert versions_for(python) == versions_for("3.11")


def versions_for(python: str) -> dict[str, str]:
    asked = {"python_version": python, "python_full_version": f"{python}.0"}
    return {name: pin for name, pin, marker in PINS if not marker or Marker(marker[3:]).evaluate(asked)}


def test_environment_yml_is_valid_and_installs_this_very_lock():
    environment = conda()
    assert set(environment) <= {"name", "channels", "dependencies", "variables"}
    packages = [d for d in environment["dependencies"] if isinstance(d, str)]
    assert all(re.fullmatch(r"[a-z0-9_.-]+([=<>!~].+)?", package) for package in packages)
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert "pip" in packages
    assert pip == ["-r requirements.lock"]


def test_the_python_of_environment_yml_is_one_that_the_project_supports():
    python = next(d for d in conda()["dependencies"] if isinstance(d, str) and d.startswith("python="))
    version = tuple(int(part) for part in python.removeprefix("python=").split("."))
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == ">=3.11,<3.14"
    assert (3, 11) <= version < (3, 14)


@pytest.mark.parametrize(
    "name", ["torch", "torchvision", "snakemake", "dvc", "mlflow", "pandas", "pydantic", "embreex"]
)
def test_what_is_installed_is_what_is_locked(name: str):
    versions = [version for pinned, version, _ in PINS if pinned == name]
    assert importlib.metadata.version(name) in versions


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that seems just installed: two modules of its own, a package with a file that is no Python."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for file, text in (
        ("requirements.lock", ""),
        ("pyproject.toml", ""),
        (".venv/.ready", ""),
        ("src/mine/a.py", "A = 1\n"),
        ("src/mine/b.py", "B = 1\n"),
        (".venv/lib/theirs/c.py", "C = 1\n"),
        (".venv/lib/theirs/template.py", "{{ no Python }}\n"),
    ):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return tmp_path


def make_setup(checkout: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "setup", "CORES=2"],
        cwd=checkout,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        check=check,
    )


def compiled(checkout: Path) -> dict[str, int]:
    """When each module was compiled, by its name."""
    modules = {path.stem: Path(cache_from_source(path)) for path in checkout.rglob("*.py")}
    return {name: cache.stat().st_mtime_ns for name, cache in modules.items() if cache.exists()}


def test_setup_compiles_packages_and_sources_even_where_python_is_to_write_no_bytecode(checkout: Path):
    make_setup(checkout)
    assert compiled(checkout).keys() == {"a", "b", "c"}


def test_after_an_edit_setup_compiles_that_file_alone(checkout: Path):
    make_setup(checkout)
    before = compiled(checkout)
    (checkout / "src/mine/a.py").write_text("A = 1000\n")
    # compileall tells edits by whole seconds, and these two are closer.
    stamp = checkout / ".venv/.compiled"
    done = stamp.stat().st_mtime_ns
    os.utime(stamp, ns=(done - 20 * 10**9,) * 2)
    os.utime(checkout / "src/mine/a.py", ns=(done - 10 * 10**9,) * 2)
    make_setup(checkout)
    after = compiled(checkout)
    assert {name for name in before if before[name] != after[name]} == {"a"}
    assert "Nothing to be done" in make_setup(checkout).stdout


def test_a_source_that_is_no_python_is_said(checkout: Path):
    (checkout / "src/mine/a.py").write_text("def\n")
    done = make_setup(checkout, check=False)
    assert done.returncode != 0
    assert "src/mine/a.py" in done.stdout
