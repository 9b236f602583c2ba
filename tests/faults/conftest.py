"""Options of the long test, which `make test-faults` runs."""

import pytest


def pytest_addoption(parser: pytest.Parser):
    parser.addoption("--kills", type=int, default=30, help="How often the pipeline is killed.")
    parser.addoption("--preset", default="micro", help="micro, or one of params/presets.")
    parser.addoption("--seed", type=int, default=1, help="Draws moments, signals and victims.")
