"""The lock, environment.yml and pyproject.toml describe one environment, for pip and conda."""

import importlib.metadata
import re
import tomllib
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
