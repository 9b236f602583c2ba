"""A project to give commands in."""

from pathlib import Path

import pytest
from tests.cli.params import one_paper


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the params/ of one paper; commands are given in there."""
    one_paper(Path(__file__).parents[2] / "params", tmp_path / "params")
    monkeypatch.chdir(tmp_path)
    return tmp_path
