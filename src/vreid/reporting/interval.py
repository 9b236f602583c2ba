"""How far a mean over queries may be trusted: a bootstrap over vehicles."""

import numpy as np
import numpy.typing as npt

DRAWS = 10_000
AT_ONCE = 1 << 22


def mean_interval(
    values: npt.NDArray[np.float64], vehicles: npt.NDArray[np.int64], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return a percentile interval of the mean of `values` (Q,), None if there are fewer than two vehicles.

    Vehicles are drawn with replacement and bring all their queries along: queries of one vehicle depend on
    each other, so drawing queries would make the interval too narrow. NaN (a query without a match) is left
    out. The interval says what other vehicles might have given, not what another training would have.
    """
    valid = ~np.isnan(values)
    _, codes = np.unique(vehicles[valid], return_inverse=True)
    count = np.bincount(codes).astype(np.float64)
    total = np.bincount(codes, weights=values[valid])
    n = len(count)
    if n < 2:
        return None
    rng = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    step = max(1, AT_ONCE // n)
    for start in range(0, DRAWS, step):
        size = min(step, DRAWS - start)
        times = rng.multinomial(n, np.full(n, 1 / n), size=size)
        means[start : start + size] = (times @ total) / (times @ count)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
