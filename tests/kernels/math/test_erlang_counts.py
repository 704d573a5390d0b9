from __future__ import annotations

import os

import numpy as np
import pytest
from mpmath import mp

from customer_value._kernels.math import erlang_counts, poisson_values

JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


@pytest.mark.parametrize("k", [1, 2, 3, 12])
def test_two_ways_agree_where_both_work(k: int) -> None:
    """A sum over events, and a quadrature over p with a Fourier series in the phase."""
    rng = np.random.default_rng(k)
    tried = 0
    while tried < 8:
        y, n = log_uniform(rng, 1e-2, 100.0), log_uniform(rng, 1e-3, 1e3)
        a, b = log_uniform(rng, 1e-3, 1e3), 1.0 + log_uniform(rng, 1e-3, 1e3)
        if n * y > 2_000.0:
            continue
        j = int(rng.integers(k))
        count, survival = erlang_counts._by_events(y, n + j, j, k, a, b)
        other = erlang_counts._count_by_roots(y, n + j, j, k, a, b)
        stayed = erlang_counts._survival_by_roots(y, n + j, j, k, a, b)
        if count > 1e-2:  # the quadratures are only called for where much happens
            tried += 1
            assert other == pytest.approx(count, rel=1e-10)
            assert stayed == pytest.approx(survival, rel=1e-9, abs=1e-250)


@pytest.mark.skipif(not JIT_IS_ON, reason="half a million terms")
@pytest.mark.parametrize("k", [2, 12])
@pytest.mark.parametrize(
    ("y", "n", "a", "b"),
    [
        (900.0, 40.0, 0.4, 3.0),
        (5_000.0, 0.01, 0.9, 1.5),
        (0.8, 6e4, 0.01, 5_000.0),
        (600.0, 30.0, 800.0, 1.1),
    ],
)
def test_long_sums_are_reached_by_quadrature(
    k: int, y: float, n: float, a: float, b: float
) -> None:
    """Among them one of a survival of 1e-87 or less, which only those who hardly bought have."""
    count, survival = erlang_counts._by_events(y, n, k - 1, k, a, b)
    assert not erlang_counts._is_short(y, n)
    got = erlang_counts.expected_count(y, n, k - 1, k, a, b)
    assert got == pytest.approx(count, rel=1e-10)
    got = erlang_counts.staying_probability(y, n, k - 1, k, a, b)
    assert got == pytest.approx(survival, rel=1e-9, abs=1e-250)


@pytest.mark.parametrize(("y", "n"), [(1e7, 0.3), (5e3, 40.0), (0.5, 3e5), (1e9, 1e-3)])
def test_counts_beyond_any_sum(y: float, n: float) -> None:
    """With k = 1 there is a closed form, given p."""
    got = erlang_counts.expected_count(y, n, 0, 1, 0.6, 4.0)
    assert got == pytest.approx(poisson_values.expected_count(y, n, 0.6, 4.0), rel=1e-10)


@pytest.mark.parametrize("u", [1e-8, 1e-3, 0.099, 0.101, 5.0])
def test_log_mean_power(u: float) -> None:
    with mp.workdps(40):
        expected = float(mp.log((1 - mp.exp(-mp.mpf(u))) / u))
    assert erlang_counts._log_mean_power(u) == pytest.approx(expected, rel=3e-14)


@pytest.mark.parametrize("k", [2, 5])
def test_probabilities_of_all_counts_add_up(k: int) -> None:
    for j in range(k):
        given = (6.0 + j, j, k, 0.8, 3.0)
        counts = [erlang_counts.count_probability(1.5, m, *given) for m in range(80)]
        assert sum(counts) == pytest.approx(1.0, rel=1e-13)
        mean = sum(m * p for m, p in enumerate(counts))
        assert erlang_counts.expected_count(1.5, *given) == pytest.approx(mean, rel=1e-12)
        for m in (1, 2, 4):
            reached = erlang_counts.reach_probability(1.5, m, *given)
            assert reached == pytest.approx(sum(counts[m:]), rel=1e-12)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(30.0, 7.85971040543692e-152), (365.0, 5.43932293870717e-290), (36_525.0, 0.0)],
)
def test_who_stays_down_to_the_smallest_numbers(days: float, expected: float) -> None:
    """mpmath's quadrature to 60 digits; the last one is below 1e-550."""
    y, n = days / (0.73319 + 1.28215), 0.0034098 + 3 * 4528
    got = erlang_counts.staying_probability(y, n, 0, 3, 130.79, 449.88 + 4529)
    assert got == pytest.approx(expected, rel=1e-10, abs=0)
