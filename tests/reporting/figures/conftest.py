"""What the tests of the figures share."""

import pytest
from tests.reporting.figures.small import method, write_dataset, write_run


@pytest.fixture
def world(tmp_path):
    """A pipeline's root with the small dataset."""
    write_dataset(tmp_path)
    return tmp_path


@pytest.fixture
def methods(world):
    """A baseline and a better method, two seeds each."""
    return [
        method("Baseline", *(write_run(world, "baseline", seed, 3.0) for seed in (0, 1))),
        method("Proposed", *(write_run(world, "proposed", seed, 1.5) for seed in (0, 1))),
    ]
