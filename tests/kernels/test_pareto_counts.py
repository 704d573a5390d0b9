from __future__ import annotations

import math

import pytest

from customer_value._kernels.pareto_counts import chance_of_count


@pytest.mark.parametrize("k", [1, 3, 40, 900])
@pytest.mark.parametrize(("r", "alpha"), [(0.5, 3.0), (60.0, 2.0)])
def test_nobody_dies(k: int, r: float, alpha: float) -> None:
    """Then the counts are negative binomial."""
    t = 5.0
    log_chance = math.lgamma(r + k) - math.lgamma(r) - math.lgamma(k + 1)
    log_chance -= r * math.log1p(t / alpha) + k * math.log1p(alpha / t)
    got = chance_of_count(float(k), t, r, alpha, 1e-200, 1.0)
    assert got == pytest.approx(math.exp(log_chance), rel=1e-9, abs=1e-300)


def test_everyone_dies_long_before_the_end() -> None:
    """Geometric counts: with fixed rates each purchase comes before death with chance 2/5."""
    many = 1e6
    for k in (1, 2, 5):
        got = chance_of_count(float(k), 1e3, 2 * many, many, 3 * many, many)
        assert got == pytest.approx(0.6 * 0.4**k, rel=1e-4)


def test_no_time_no_purchases() -> None:
    assert chance_of_count(1.0, 0.0, 0.5, 1.0, 0.5, 1.0) == 0.0
