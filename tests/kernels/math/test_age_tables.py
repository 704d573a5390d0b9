from __future__ import annotations

import math
import os

import numpy as np
import pytest

from customer_value._kernels.math import age_tables
from customer_value._kernels.math.age_tables import LARGEST_COUNT, over_ages
from customer_value._kernels.models import bg_nbd, bg_nbd_future, living
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run import parallel
from customer_value._kernels.run.parallel import FloatArray

SLOWER = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" else 20


def customers(n: int, seed: int, largest: int = LARGEST_COUNT) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, largest, n, endpoint=True).astype(np.float64)
    T = np.exp(rng.uniform(math.log(1e-3), math.log(1e4), n))
    T[:2] = 0.0, 1e4
    return x, T


def each(x: FloatArray, T: FloatArray, horizon: float, delta: float, *own: float) -> FloatArray:
    """What the kernels give row by row."""
    r, alpha, a, b = own
    out = np.empty(x.size)
    if horizon < math.inf:
        living.values_of_horizon(x, T, alpha, a, b, out, horizon, delta, r)
    else:
        living.values_of_life(x, T, alpha, a, b, out, delta, r)
    return out


def test_values_are_those_of_each_row_over_the_box() -> None:
    """Parameters over six decades, horizons over seven."""
    rng = np.random.default_rng(1)
    for i in range(60 // SLOWER + 1):
        r, alpha, a, b = np.exp(rng.uniform(math.log(1e-3), math.log(1e3), 4)).tolist()
        horizon, delta = math.exp(rng.uniform(-7.0, 9.2)), math.exp(rng.uniform(-11.5, 0.0))
        x, T = customers(40 // SLOWER + 2, seed=i)
        zero = np.where(x > 0, T, 0.0)  # bought today: certainly alive but for what b says
        alive = bg_nbd.probability_alive(Histories(x, zero, T), BgNbd(r, alpha, a, b))
        for end in (horizon, math.inf):
            got = bg_nbd_future.discounted_expected_purchases(
                Histories(x, zero, T), BgNbd(r, alpha, a, b), end, delta
            )
            expected = alive * each(x, T, end, delta, r, alpha, a, b)
            np.testing.assert_allclose(got, expected, rtol=2e-11, atol=1e-300)


def test_a_customer_has_the_same_bits_in_any_company() -> None:
    x, T = customers(400, seed=2, largest=3 * LARGEST_COUNT // 2)
    own, shared = (4.414, 0.793, 2.426), (52.0, 0.02, 0.243)
    together = over_ages(living.values_of_horizon, x, T, own, shared)
    for i in range(0, 400, 7 * SLOWER):
        one = slice(i, i + 1)
        alone = over_ages(living.values_of_horizon, x[one], T[one], own, shared)
        assert alone[0] == together[i]
    order = np.random.default_rng(3).permutation(x.size)
    shuffled = over_ages(living.values_of_horizon, x[order], T[order], own, shared)
    np.testing.assert_array_equal(shuffled, together[order])


def test_many_purchases_are_computed_one_by_one() -> None:
    x, T = np.array([LARGEST_COUNT + 1.0, 5000.0, 2.0]), np.array([30.0, 300.0, 30.0])
    r, *own = 0.243, 4.414, 0.793, 2.426
    got = over_ages(living.values_of_horizon, x, T, tuple(own), (52.0, 0.02, r))
    expected = each(x, T, 52.0, 0.02, r, *own)
    assert got[:2].tolist() == expected[:2].tolist()
    assert got[2] == pytest.approx(expected[2], rel=1e-13)


def test_few_evaluations_for_many_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "n_threads", lambda: 1)
    asked: list[int] = []

    def kernel(x: FloatArray, T: FloatArray, alpha: float, out: FloatArray) -> None:
        asked.append(x.size)
        out[:] = (1.0 + x) / (alpha + T)

    rng = np.random.default_rng(4)
    n = 20_000 // SLOWER
    x, T = rng.integers(0, 4, n).astype(np.float64), rng.uniform(90.0, 700.0, n)
    got = over_ages(kernel, x, T, (2.0,), ())
    np.testing.assert_allclose(got, (1.0 + x) / (2.0 + T), rtol=1e-14)
    assert sum(asked) <= 4 * 6 * age_tables.POINTS


def test_edges_of_the_panels_belong_together() -> None:
    """On both sides of an edge, and on it, the same value but for rounding."""
    alpha, a, b = 4.414, 0.793, 2.426
    for panel in (1, 4, 9):
        edge = alpha * math.expm1(panel * age_tables.WIDTH)
        T = np.array([np.nextafter(edge, 0.0), edge, np.nextafter(edge, np.inf)])
        kernel, x = living.values_of_horizon, np.full(3, 2.0)
        got = over_ages(kernel, x, T, (alpha, a, b), (52.0, 0.02, 0.243))
        np.testing.assert_allclose(got, got[0], rtol=1e-13)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    x, T = customers(300 // SLOWER, seed=5)
    own, shared = (4.414, 0.793, 2.426), (52.0, 0.02, 0.243)
    one, many = (
        over_ages(living.values_of_horizon, x, T, own, shared, threads) for threads in (1, 4)
    )
    np.testing.assert_array_equal(one, many)


def test_no_rows() -> None:
    none, kernel = np.empty(0), living.values_of_horizon
    assert over_ages(kernel, none, none, (1.0, 1.0, 1.0), (1.0, 0.0, 1.0)).size == 0
