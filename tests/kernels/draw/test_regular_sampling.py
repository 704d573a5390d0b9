from __future__ import annotations

import math
import os

import numpy as np
import pytest
from scipy import stats

from customer_value._kernels.draw import sampling
from customer_value._kernels.draw.regular_sampling import draw_regular_values
from customer_value._kernels.math import keys
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.mbg_cnbd import probability_alive
from customer_value._kernels.models.mbg_cnbd_future import discounted_expected_purchases
from customer_value._kernels.models.parameters import MbgCnbd
from customer_value._kernels.run import parallel
from customer_value._kernels.run.parallel import FloatArray
from oracles import sampling as oracle

SLOWER = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" else 10
SURE = 1e-4
MEAN_SPEND = 6.0 * 40.0 / 49.0

# Whole numbers wrap in compiled code, and warn without it.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

Process = tuple[float, float, float, float]


def draw(
    n: int,
    process: Process,
    *,
    k: int,
    silence: float = 0.0,
    alive: float = 1.0,
    horizon: float,
    delta: float,
    shape: float = 6.0,
    threads: int | None = None,
) -> FloatArray:
    one = np.ones(n)
    return draw_regular_values(
        alive * one,
        (process[0] * one, process[1] * one, process[2] * one, process[3] * one),
        silence * one,
        (50.0 * one, 40.0 * one),
        keys.row_keys(np.arange(n, dtype=np.float64)),
        gap_shape=k,
        spend_kind=sampling.GAMMA_SPEND,
        purchase=shape,
        horizon=horizon,
        delta=delta,
        seed=1,
        draw=0,
        threads=threads,
    )


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("silence", [0.0, 0.6])
def test_distribution_is_that_of_the_story_told_by_purchase(k: int, silence: float) -> None:
    process = (2.5, 60.0, 1.3, 8.0)
    horizon, delta = 300.0 / k, 3e-3
    n = 20_000 // SLOWER
    drawn = draw(n, process, k=k, silence=silence, horizon=horizon, delta=delta)
    spend = (50.0, 40.0, 6.0)
    told = oracle.regular_values(
        3_000 // SLOWER, process, (k, silence), spend, horizon=horizon, delta=delta, seed=6
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE
    assert (drawn == 0.0).mean() == pytest.approx((told == 0.0).mean(), abs=0.03 * SLOWER**0.5)


@pytest.mark.parametrize("stays", [300.0, 3e4])
def test_a_busy_customer_is_drawn_in_parts_to_the_same_distribution(stays: float) -> None:
    process = (800.0, 200.0, 2.0, stays)
    n, spend = 10_000 // SLOWER, (50.0, 40.0, 0.5)
    drawn = draw(n, process, k=2, shape=0.5, horizon=100.0, delta=1e-2)
    told = oracle.regular_values(
        2_000 // SLOWER, process, (2, 0.0), spend, horizon=100.0, delta=1e-2, seed=7
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE


@pytest.mark.parametrize(
    ("horizon", "delta"), [(273.0, 0.0), (273.0, 1e-2), (math.inf, 1e-3), (math.inf, 0.0)]
)
def test_mean_is_that_of_the_exact_formulas(horizon: float, delta: float) -> None:
    """Customers of three repeat purchases, the last 90 days ago: a mixture over the phases."""
    k, r, alpha, a, b = 3, 2.2, 60.0, 3.0, 4.0
    x, t_x, age = np.full(1, 3.0), np.full(1, 210.0), np.full(1, 300.0)
    expected = discounted_expected_purchases(
        Histories(x, t_x, age), MbgCnbd(k, r, alpha, a, b), horizon, delta
    )[0]
    own = Histories(np.full(1, 3.0), np.full(1, 300.0), np.full(1, 300.0))
    alive_now = discounted_expected_purchases(own, MbgCnbd(k, r, alpha, a, b), horizon, delta)[0]
    assert alive_now != pytest.approx(expected)  # the gap under way matters
    drawn = draw(
        60_000 // SLOWER**2,
        (r + k * 3.0, alpha + 300.0, a, b + 4.0),
        k=k,
        silence=90.0 / (alpha + 300.0),
        alive=float(probability_alive(Histories(x, t_x, age), MbgCnbd(k, r, alpha, a, b))[0]),
        horizon=horizon,
        delta=delta,
    )
    assert abs(drawn.mean() - expected * MEAN_SPEND) < 4.0 * drawn.std() / math.sqrt(drawn.size)


def test_the_dead_bring_nothing() -> None:
    drawn = draw(500 // SLOWER, (50.0, 1.0, 1.0, 1.0), k=2, alive=0.0, horizon=9.0, delta=0.0)
    assert not drawn.any()


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("horizon", [1e-6, 1e4, math.inf])
@pytest.mark.parametrize("delta", [0.0, 1e-5])
def test_any_customer_gives_a_finite_value(size: float, horizon: float, delta: float) -> None:
    rng = np.random.default_rng(1)
    for k, silence in ((2, 0.0), (7, 0.5), (100, 1.0)):
        first, second, third, fourth = size ** rng.uniform(-1.0, 1.0, 4)
        process = (first, second, third, fourth)
        drawn = draw(10, process, k=k, silence=silence, horizon=horizon, delta=delta)
        assert (np.isfinite(drawn) & (drawn >= 0.0)).all()


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    one, many = (
        draw(500, (2.0, 60.0, 1.0, 9.0), k=2, horizon=99.0, delta=1e-3, threads=threads)
        for threads in (1, 4)
    )
    np.testing.assert_array_equal(one, many)
