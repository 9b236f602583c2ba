"""What every test shares."""

from pathlib import Path

import pytest
from tests.cli.params import one_paper

from vreid.params.plan import Plan
from vreid.params.resolve import load


@pytest.fixture(autouse=True)
def _environment_of_its_own(monkeypatch: pytest.MonkeyPatch):
    """No test depends on how the person who runs it has set up tracking or weights."""
    for name in ("MLFLOW_TRACKING_URI", "VREID_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of one paper under the preset demo, resolved once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("planned")
    one_paper(Path(__file__).parents[1] / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo")
