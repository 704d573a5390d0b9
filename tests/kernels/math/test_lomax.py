from __future__ import annotations

import math

import numpy as np
import pytest

from customer_value._kernels.math import lomax


@pytest.mark.parametrize("k", [0.3, 12.0])
@pytest.mark.parametrize("n", [0.7, 40.0])
@pytest.mark.parametrize("b", [0.01, 1.0, 25.0])
def test_one_of_two_events_comes_first_or_none(k: float, n: float, b: float) -> None:
    for y in (1e-3, 1.0, 50.0, math.inf):
        end = math.log1p(y / min(1.0, b))
        none = math.exp(-k * math.log1p(y) - n * math.log1p(y / b))
        first = lomax.chance_to_be_first(k, 1.0, n, b, end)
        second = lomax.chance_to_be_first(n, b, k, 1.0, end)
        assert first + second + none == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize(("k", "a"), [(0.3, 1.0), (40.0, 0.01), (0.002, 100.0)])
def test_without_a_rival_the_wait_is_lomax(k: float, a: float) -> None:
    """A rival that never comes: 1 - (1 + y/a)^-k, and its inverse."""
    for y in (1e-9, 0.1, 7.0, 1e6):
        got = lomax.chance_to_be_first(k, a, 1e-300, 1.0, math.log1p(y / min(a, 1.0)))
        assert got == pytest.approx(-math.expm1(-k * math.log1p(y / a)), rel=1e-13)
    for chance in (1e-9, 0.3, 0.9):
        exponent = -math.log1p(-chance) / k
        got = lomax.time_to_be_first(k, a, 1e-300, 1.0, chance)
        if exponent < 690.0:
            assert got == pytest.approx(a * math.expm1(exponent), rel=1e-9)
        else:
            assert got == math.inf
    assert lomax.time_to_be_first(k, a, 0.5, 1.0, 1.0) == math.inf


@pytest.mark.parametrize("p", [0.7, -0.3, 30.0])
@pytest.mark.parametrize("ratio", [1e-3, 0.4, 1.0])
def test_moments_are_means_over_the_density(p: float, ratio: float) -> None:
    q, end = 5.0, 2.5
    moments = np.empty(15)
    lomax.race_moments(p, q, ratio, end, moments)
    v = (np.arange(200_000) + 0.5) * (end / 200_000)
    growth = np.expm1(v)
    w = np.exp(-p * v - q * np.log1p(ratio * growth))
    features = np.stack(
        [v, growth / (1 + growth), np.log1p(ratio * growth), ratio * growth / (1 + ratio * growth)]
    )
    products = [(features[i] * features[j] * w).sum() for i in range(4) for j in range(i, 4)]
    expected = np.array([*(features * w).sum(axis=1), *products]) / w.sum()
    assert moments[0] == pytest.approx(w.sum() * end / 200_000, rel=1e-7)
    np.testing.assert_allclose(moments[1:], expected, rtol=1e-7)


def test_no_time_no_moments() -> None:
    moments = np.full(15, np.nan)
    lomax.race_moments(0.7, 2.0, 0.5, 0.0, moments)
    assert not moments.any()
