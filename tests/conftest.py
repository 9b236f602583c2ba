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


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch):
    """Two ways to one number are compared in double precision, where rounding is no part of the question.

    In single precision processors round apart, and a network can make a thousandfold of that. Ours asks for
    single precision in two ways, under autocast above all; here both give double.
    """
    import torch

    mean, usual = torch.Tensor.mean, torch.get_default_dtype()

    def double_mean(tensor, *dims, dtype=None, **options):
        return mean(tensor, *dims, dtype=torch.float64 if dtype == torch.float32 else dtype, **options)

    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    monkeypatch.setattr(torch.Tensor, "mean", double_mean)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of one paper under the preset demo, resolved once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("planned")
    one_paper(Path(__file__).parents[1] / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo")
