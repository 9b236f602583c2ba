"""A bundle of some runs of one paper, packed once."""

from pathlib import Path

import pytest

from vreid.bundle.make import Wanted, make_bundle
from vreid.params.plan import Plan

PROJECT = Path(__file__).parents[2]
RUNS = ("se_densenet/baseline", "se_densenet/proposed", "se_densenet/optimized")


@pytest.fixture(scope="session")
def packed(demo: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle of baseline, proposed (two datasets) and optimized; nobody changes it."""
    out = tmp_path_factory.mktemp("packed") / "bundle"
    make_bundle(demo, Wanted(runs=RUNS), out, lock=PROJECT / "requirements.lock")
    return out
