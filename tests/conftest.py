"""What every test shares."""

import pytest


@pytest.fixture(autouse=True)
def _environment_of_its_own(monkeypatch: pytest.MonkeyPatch):
    """No test depends on how the person who runs it has set up tracking or weights."""
    for name in ("MLFLOW_TRACKING_URI", "VREID_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
