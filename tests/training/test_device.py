import pytest
import torch

from vreid.params.errors import UserError
from vreid.training.device import computing_on, device_name, job_threads


def test_a_job_has_the_threads_that_it_was_given(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert job_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert job_threads() == 1


@pytest.mark.parametrize("given", ["0", "-2", "two", ""])
def test_threads_that_are_no_number_are_a_sentence(monkeypatch, given):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    with pytest.raises(UserError, match="OMP_NUM_THREADS"):
        job_threads()


def test_the_cpu_computes_deterministically_with_the_jobs_threads_and_all_is_put_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with computing_on("cpu") as device:
        assert device == torch.device("cpu")
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert device_name(device) == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a CUDA device")
def test_without_a_gpu_the_cpu_is_taken_and_cuda_is_a_sentence():
    with computing_on(None) as device:
        assert device.type == "cpu"
    with pytest.raises(UserError, match="no usable CUDA device"), computing_on("cuda"):
        pass
