"""A plan of one paper, and a bundle of some of its runs; resolved and packed once."""

from pathlib import Path

import pytest
from tests.cli.params import one_paper

from vreid.bundle.make import Wanted, make_bundle
from vreid.params.plan import Plan
from vreid.params.resolve import load

PROJECT = Path(__file__).parents[2]
RUNS = ("se_densenet/baseline", "se_densenet/proposed", "se_densenet/optimized")


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("planned")
    one_paper(PROJECT / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo")


@pytest.fixture(scope="session")
def packed(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle of baseline, proposed (two datasets) and optimized; nobody changes it."""
    out = tmp_path_factory.mktemp("packed") / "bundle"
    make_bundle(plan, Wanted(runs=RUNS), out, lock=PROJECT / "requirements.lock")
    return out
