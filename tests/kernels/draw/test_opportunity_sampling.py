from __future__ import annotations

import math
import os

import numpy as np
import pytest
from scipy import stats

from customer_value._kernels.draw import sampling
from customer_value._kernels.draw.opportunity_sampling import draw_opportunity_values
from customer_value._kernels.math import keys
from customer_value._kernels.run import parallel
from customer_value._kernels.run.parallel import FloatArray
from oracles import bg_bb as exact
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
    alive: float = 1.0,
    spend: tuple[float, float, float] = (50.0, 40.0, 6.0),
    horizon: float,
    delta: float,
    threads: int | None = None,
) -> FloatArray:
    one = np.ones(n)
    return draw_opportunity_values(
        alive * one,
        (process[0] * one, process[1] * one, process[2] * one, process[3] * one),
        (spend[0] * one, spend[1] * one),
        keys.row_keys(np.arange(n, dtype=np.float64)),
        spend_kind=sampling.GAMMA_SPEND,
        purchase=spend[2],
        horizon=horizon,
        delta=delta,
        seed=1,
        draw=0,
        threads=threads,
    )


@pytest.mark.parametrize("process", [(1.2, 0.75, 0.66, 2.8), (4.0, 9.0, 1.5, 30.0)])
@pytest.mark.parametrize(("horizon", "delta"), [(1, 0.0), (10, 0.1), (60, 0.0), (60, 0.02)])
def test_distribution_is_that_of_the_story_told_opportunity_by_opportunity(
    process: Process, horizon: int, delta: float
) -> None:
    drawn = draw(20_000 // SLOWER, process, horizon=float(horizon), delta=delta)
    spend = (50.0, 40.0, 6.0)
    told = oracle.opportunity_values(
        4_000 // SLOWER, process, spend, horizon=horizon, delta=delta, seed=6
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE
    assert (drawn == 0.0).mean() == pytest.approx((told == 0.0).mean(), abs=0.03 * SLOWER**0.5)


@pytest.mark.parametrize("process", [(60.0, 30.0, 2.0, 2e4), (900.0, 1.0, 2.0, 300.0)])
@pytest.mark.parametrize("delta", [0.0, 0.02])
def test_a_busy_customer_is_drawn_in_parts_to_the_same_distribution(
    process: Process, delta: float
) -> None:
    spend = (50.0, 40.0, 0.5)
    drawn = draw(10_000 // SLOWER, process, spend=spend, horizon=150.0, delta=delta)
    told = oracle.opportunity_values(
        1_500 // SLOWER, process, spend, horizon=150, delta=delta, seed=7
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE


@pytest.mark.parametrize("process", [(1.2, 0.75, 0.66, 2.8), (40.0, 10.0, 1.5, 900.0)])
@pytest.mark.parametrize(
    ("horizon", "rate"), [(1.0, 0.0), (10.0, 0.1), (200.0, 0.01), (math.inf, 0.05)]
)
def test_mean_is_that_of_the_exact_formulas(process: Process, horizon: float, rate: float) -> None:
    """The published sums of equations 13 and 14, in mpmath."""
    expected = 0.6 * float(exact.discounted_purchases(0, 0, 0, horizon, rate, *process))
    n = 40_000 // SLOWER**2
    drawn = draw(n, process, alive=0.6, horizon=horizon, delta=math.log1p(rate))
    assert abs(drawn.mean() - expected * MEAN_SPEND) < 4.0 * drawn.std() / math.sqrt(n)


def test_counts_have_their_exact_probabilities() -> None:
    """Purchases that all cost the same tell their number: against the published distribution."""
    sure = 1e14
    n, process, horizon = 40_000 // SLOWER, (1.2, 0.75, 0.66, 2.8), 8
    drawn = draw(n, process, alive=0.8, spend=(sure, 1.0, sure), horizon=8.0, delta=0.0)
    counts = np.bincount(np.rint(drawn).astype(np.int64), minlength=horizon + 1)
    np.testing.assert_allclose(drawn, np.rint(drawn), atol=1e-5)
    chance = [0.8 * float(exact.purchase_probability(0, 0, 0, 8, k, *process)) for k in range(9)]
    chance[0] += 0.2
    assert stats.chisquare(counts, n * np.array(chance)).pvalue > SURE


def test_a_part_of_many_opportunities_has_their_mean_discount() -> None:
    """Who buys at all of them without fail brings the annuity, drawn in parts or one by one."""
    sure = 1e14
    for horizon in (30.0, 64.0, 65.0, 1000.0):
        drawn = draw(
            3, (1e15, 1e-3, 1e-3, 1e15), spend=(sure, 1.0, sure), horizon=horizon, delta=0.01
        )
        annuity = -math.expm1(-0.01 * horizon) / math.expm1(0.01)
        np.testing.assert_allclose(drawn, annuity, rtol=1e-5)


def test_no_opportunity_and_the_dead_bring_nothing() -> None:
    n = 500 // SLOWER
    assert not draw(n, (50.0, 1.0, 1.0, 50.0), horizon=0.0, delta=0.0).any()
    assert not draw(n, (50.0, 1.0, 1.0, 50.0), alive=0.0, horizon=9.0, delta=0.0).any()


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("horizon", [1.0, 1e4, math.inf])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-310, 100.0])
def test_any_customer_gives_a_finite_value(size: float, horizon: float, delta: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20 // SLOWER + 1):
        first, second, third, fourth = size ** rng.uniform(-1.0, 1.0, 4)
        drawn = draw(10, (first, second, third, fourth), horizon=horizon, delta=delta)
        assert (np.isfinite(drawn) & (drawn >= 0.0)).all()


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    one, many = (
        draw(500, (1.2, 0.75, 0.66, 2.8), horizon=99.0, delta=1e-3, threads=threads)
        for threads in (1, 4)
    )
    np.testing.assert_array_equal(one, many)
