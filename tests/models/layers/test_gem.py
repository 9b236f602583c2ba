import pytest
import torch

from vreid.models.layers.gem import GeM

SIZES = [(2, 5, 8, 8), (3, 4, 6, 3)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("p", [1.0, 3.0, 2.5])
def test_forward_is_the_equation_computed_number_by_number(shape, p):
    torch.manual_seed(0)
    features = torch.rand(shape)
    expected = [
        [(sum(x**p for x in channel) / len(channel)) ** (1 / p) for channel in image]
        for image in features.flatten(2).tolist()
    ]
    for learnable in (True, False):
        assert torch.allclose(GeM(p, learnable)(features), torch.tensor(expected))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("learnable", [True, False])
def test_p_1_is_the_average_and_a_large_p_tends_to_the_maximum(learnable):
    torch.manual_seed(0)
    features = torch.rand(2, 5, 6, 7) + 0.1
    assert torch.allclose(GeM(1.0, learnable)(features), features.mean((2, 3)))
    largest = features.amax((2, 3))
    errors = [(largest - GeM(p, learnable)(features)).abs().max().item() for p in (8.0, 32.0, 128.0)]
    # N equal shares: the mean of x^p is at least max^p / N, so the root misses max by at most its log(N) / p.
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1.1 * 3.74 / 128


@pytest.mark.usefixtures("float64")
def test_values_below_eps_count_as_eps():
    features = torch.tensor([[[[-5.0, 0.0, 2.0, 1.0]]]])
    expected = ((2 * 0.5**3 + 2**3 + 1) / 4) ** (1 / 3)
    assert GeM(3.0, learnable=False, eps=0.5)(features).item() == pytest.approx(expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("p", [1.0, 3.0])
def test_gradient_is_that_of_finite_differences_in_x_and_p(p):
    torch.manual_seed(0)
    pool = GeM(p, learnable=True)
    features = torch.rand(1, 2, 2, 3) + 0.5
    pool(features).sum().backward()
    step = 1e-2
    with torch.no_grad():
        pool.p += step
        above = pool(features).sum()
        pool.p -= 2 * step
        below = pool(features).sum()
    assert pool.p.grad.item() == pytest.approx(((above - below) / (2 * step)).item(), rel=2e-2)


def test_a_map_of_zeros_has_finite_gradients():
    pool = GeM(3.0, learnable=True)
    features = torch.zeros(2, 3, 4, 4, requires_grad=True)
    pool(features).sum().backward()
    assert features.grad.isfinite().all() and pool.p.grad.isfinite().all()


def test_only_a_learnable_exponent_is_a_parameter():
    assert [p.tolist() for p in GeM(3.0, learnable=True).parameters()] == [[3.0]]
    assert not list(GeM(3.0, learnable=False).parameters())


def test_float32_under_autocast():
    features = torch.rand(2, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        pooled = GeM(3.0, learnable=True)(features)
    assert pooled.dtype == torch.float32
    assert torch.equal(pooled, GeM(3.0, learnable=True)(features))
