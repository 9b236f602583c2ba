import pytest
import torch

from vreid.models.layers.orthogonality import eigenvalue_gap


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", [(3, 5, 8), (2, 6, 4)])
def test_with_many_steps_it_is_the_gap_of_the_spectrum(shape):
    torch.manual_seed(0)
    matrix = torch.randn(*shape)
    values = torch.linalg.eigvalsh(matrix @ matrix.mT)
    expected = values[:, -1] - values[:, 0]
    assert torch.allclose(eigenvalue_gap(matrix, steps=500), expected)


def test_one_step_never_overestimates_by_more_than_the_smallest_eigenvalue_leaves():
    # A Rayleigh quotient lies between the extreme eigenvalues; so the gap is at most the largest one.
    torch.manual_seed(1)
    matrix = torch.randn(20, 5, 8)
    largest = torch.linalg.eigvalsh(matrix @ matrix.mT)[:, -1]
    gap = eigenvalue_gap(matrix)
    assert (gap <= largest * (1 + 1e-5)).all()


@pytest.mark.usefixtures("float64")
def test_orthogonal_rows_of_one_length_have_no_gap():
    torch.manual_seed(2)
    rows = torch.linalg.qr(torch.randn(8, 8)).Q[None, :5] * 3
    assert eigenvalue_gap(rows).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.usefixtures("float64")
def test_with_many_steps_its_gradient_is_that_of_the_spectrum():
    torch.manual_seed(3)
    matrix = torch.randn(1, 4, 9, requires_grad=True)
    values = torch.linalg.eigvalsh(matrix @ matrix.mT)
    (expected,) = torch.autograd.grad((values[:, -1] - values[:, 0]).sum(), matrix)
    (gradient,) = torch.autograd.grad(eigenvalue_gap(matrix, steps=100).sum(), matrix)
    assert torch.allclose(gradient, expected)


def test_a_matrix_of_zeros_has_a_finite_gradient():
    matrix = torch.zeros(1, 3, 4, requires_grad=True)
    eigenvalue_gap(matrix).sum().backward()
    assert matrix.grad.isfinite().all()


def test_it_depends_on_torchs_generator_alone():
    matrix = torch.arange(12.0).reshape(1, 3, 4)
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(eigenvalue_gap(matrix))
    assert torch.equal(*results)
