from __future__ import annotations

import math
import os

import numpy as np
import pytest
from scipy import stats

from customer_value._kernels.draw import sampling
from customer_value._kernels.math import keys
from customer_value._kernels.models.bg_nbd_future import discounted_expected_purchases
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run import parallel
from customer_value._kernels.run.parallel import FloatArray
from oracles import sampling as oracle

SLOWER = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" else 10
SURE = 1e-4  # a correct sampler fails a test once in ten thousand seeds, and the seeds are fixed


# Whole numbers wrap in compiled code, and warn without it.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


def new_state(seed: int) -> keys.KeyArray:
    return np.array([seed], np.uint64)


def test_splitmix64() -> None:
    """The first numbers from the seed 1234567 as Rosetta Code's task "Splitmix64" prints them."""
    state = new_state(1234567)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    got = [sampling.uniform(state) for _ in expected]
    assert got == [((n >> 11) + 0.5) / 2.0**53 for n in expected]


def test_uniform_and_normal() -> None:
    state, n = new_state(1), 20_000 // SLOWER
    uniforms = [sampling.uniform(state) for _ in range(n)]
    normals = [sampling.normal(state) for _ in range(n)]
    assert stats.kstest(uniforms, "uniform").pvalue > SURE
    assert stats.kstest(normals, "norm").pvalue > SURE
    assert 0.0 < min(uniforms) < max(uniforms) < 1.0


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 1.1, 2.5, 40.0, 1e6])
def test_gamma(shape: float) -> None:
    state = new_state(2)
    drawn = [sampling.log_gamma_variate(state, shape) for _ in range(20_000 // SLOWER)]
    assert stats.kstest(np.exp(drawn), stats.gamma(shape).cdf).pvalue > SURE


def test_gamma_of_a_tiny_shape_does_not_underflow() -> None:
    """The logarithm, shape times it, is all but exponential."""
    state = new_state(3)
    drawn = np.array([sampling.log_gamma_variate(state, 1e-3) for _ in range(5_000 // SLOWER)])
    assert np.isfinite(drawn).all()
    assert stats.kstest(-1e-3 * drawn, "expon").pvalue > SURE


@pytest.mark.parametrize("mean", [1e-3, 0.5, 3.0, 9.99, 10.0, 13.0, 40.0, 1e3, 1e6])
def test_poisson(mean: float) -> None:
    """A chi-squared test over bins of at least 10, and the moments."""
    state, n = new_state(4), 20_000 // SLOWER
    drawn = np.array([sampling.poisson(state, mean) for _ in range(n)])
    edges = np.unique(stats.poisson(mean).ppf(np.linspace(0.05, 0.95, 15)))
    cumulative = np.concatenate([[0.0], stats.poisson(mean).cdf(edges), [1.0]])
    counts = np.diff(np.searchsorted(np.sort(drawn), edges, side="right"), prepend=0, append=n)
    expected = n * np.diff(cumulative)
    kept = expected > 1.0
    if kept.sum() > 1:
        statistic = ((counts - expected) ** 2 / np.maximum(expected, 1e-9))[kept].sum()
        assert stats.chi2(kept.sum() - 1).sf(statistic) > SURE
    assert abs(drawn.mean() - mean) < 4.5 * math.sqrt(mean / n)
    assert (drawn == np.floor(drawn)).all()


def test_poisson_of_a_huge_mean() -> None:
    state = new_state(5)
    drawn = np.array([sampling.poisson(state, 1e12) for _ in range(2_000 // SLOWER)])
    assert stats.kstest((drawn - 1e12) / 1e6, "norm").pvalue > SURE


@pytest.mark.parametrize(
    ("trials", "p"),
    [
        (0.0, 0.5),
        (1.0, 0.3),
        (12.0, 0.5),
        (30.0, 0.9),
        (64.0, 1.0 - 1e-12),
        (365.0, 0.2),
        (365.0, 1e-3),
        (1e6, 0.7),
    ],
)
def test_binomial(trials: float, p: float) -> None:
    """A chi-squared test over bins of equal probability, the bounds, and the mean."""
    state, n = new_state(10), 20_000 // SLOWER
    drawn = np.array([sampling.binomial(state, trials, p) for _ in range(n)])
    exact = stats.binom(int(trials), p)
    edges = np.unique(exact.ppf(np.linspace(0.05, 0.95, 15)))
    cumulative = np.concatenate([[0.0], exact.cdf(edges), [1.0]])
    counts = np.diff(np.searchsorted(np.sort(drawn), edges, side="right"), prepend=0, append=n)
    expected = n * np.diff(cumulative)
    kept = expected > 1.0
    if kept.sum() > 1:
        statistic = ((counts - expected) ** 2 / np.maximum(expected, 1e-9))[kept].sum()
        assert stats.chi2(kept.sum() - 1).sf(statistic) > SURE
    assert abs(drawn.mean() - trials * p) <= 4.5 * exact.std() / math.sqrt(n) + 1e-9
    assert ((drawn >= 0.0) & (drawn <= trials) & (drawn == np.floor(drawn))).all()


@pytest.mark.parametrize("p", [0.0, 1e-300, 1.0])
@pytest.mark.parametrize("trials", [1.0, 40.0, 1e9])
def test_binomial_of_what_is_sure(trials: float, p: float) -> None:
    state = new_state(11)
    assert {sampling.binomial(state, trials, p) for _ in range(50)} == {p * trials // 1.0}


def test_binomial_of_a_huge_number_of_trials() -> None:
    """More than whole numbers of 64 bits can count: the normal distribution."""
    state, trials, p = new_state(12), 1e22, 0.3
    drawn = np.array([sampling.binomial(state, trials, p) for _ in range(2_000 // SLOWER)])
    error = math.sqrt(trials * p * (1.0 - p))
    assert stats.kstest((drawn - trials * p) / error, "norm").pvalue > SURE
    assert 0.0 < sampling.binomial(state, 1e300, 0.5) < 1e300


@pytest.mark.parametrize("p", [1e-6, 0.2, 0.9])
def test_failures_before_a_success_are_geometric(p: float) -> None:
    state, n = new_state(13), 20_000 // SLOWER
    drawn = np.array([sampling.failures(state, -math.log1p(-p)) for _ in range(n)])
    assert abs((drawn == 0.0).mean() - p) < 4.5 * math.sqrt(p / n)
    assert abs(drawn.mean() - (1.0 - p) / p) < 4.5 * math.sqrt(1.0 - p) / p / math.sqrt(n)
    assert (drawn == np.floor(drawn)).all()
    assert sampling.failures(state, math.inf) == 0.0
    assert math.isfinite(sampling.failures(state, 0.0))


Process = tuple[float, float, float, float]


def draw(
    n: int,
    process: Process,
    *,
    alive: float = 1.0,
    end: float,
    horizon: float,
    delta: float,
    shape: float = 6.0,
    draw: int = 0,
    threads: int | None = None,
) -> FloatArray:
    one = np.ones(n)
    return sampling.draw_values(
        alive * one,
        (process[0] * one, process[1] * one, process[2] * one, process[3] * one),
        (50.0 * one, 40.0 * one),
        keys.row_keys(np.arange(n, dtype=np.float64)),
        end=end,
        spend_kind=sampling.GAMMA_SPEND,
        purchase=shape,
        horizon=horizon,
        delta=delta,
        seed=1,
        draw=draw,
        threads=threads,
    )


MEAN_SPEND = 6.0 * 40.0 / 49.0


def assert_mean(drawn: FloatArray, expected: float) -> None:
    error = drawn.std() / math.sqrt(drawn.size)
    assert abs(drawn.mean() - expected) < 4.0 * error


@pytest.mark.parametrize(
    ("horizon", "delta"), [(273.0, 0.0), (273.0, 1e-2), (3650.0, 1e-3), (math.inf, 1e-3)]
)
def test_mean_of_a_customer_who_may_leave_with_a_purchase(horizon: float, delta: float) -> None:
    """The kernel of expected purchases is computed by a series and quadrature, not by draws."""
    r, alpha, a, b = 2.243, 300.0, 0.793, 4.426
    drawn = draw(
        100_000 // SLOWER**2, (r, alpha, a, b), end=0.0, horizon=horizon, delta=delta, alive=0.7
    )
    new = Histories(np.zeros(1), np.zeros(1), np.zeros(1))
    value = discounted_expected_purchases(new, BgNbd(r, alpha, a, b), horizon, delta)[0]
    assert_mean(drawn, 0.7 * value * MEAN_SPEND)


def test_mean_of_a_customer_whose_end_comes_in_time() -> None:
    """Pareto/NBD: E = r beta / (alpha (s-1)) (1 - (beta / (beta + t))^(s-1))."""
    r, alpha, s, beta, t = 2.2, 300.0, 1.7, 200.0, 365.0
    drawn = draw(100_000 // SLOWER**2, (r, alpha, s, beta), end=1.0, horizon=t, delta=0.0)
    expected = r * beta / (alpha * (s - 1.0)) * (1.0 - (beta / (beta + t)) ** (s - 1.0))
    assert_mean(drawn, expected * MEAN_SPEND)


def test_mean_of_a_customer_who_never_leaves() -> None:
    drawn = draw(50_000 // SLOWER**2, (2.2, 300.0, 1.0, 1.0), end=2.0, horizon=365.0, delta=1e-2)
    assert_mean(drawn, 2.2 / 300.0 * -math.expm1(-3.65) / 1e-2 * MEAN_SPEND)


@pytest.mark.parametrize("end", [sampling.ENDS_AT_PURCHASE, sampling.ENDS_IN_TIME])
@pytest.mark.parametrize("delta", [0.0, 3e-3])
def test_distribution_is_that_of_the_story_told_purchase_by_purchase(
    end: float, delta: float
) -> None:
    process = (2.5, 60.0, 1.3, 8.0 if end == sampling.ENDS_AT_PURCHASE else 300.0)
    drawn = draw(20_000 // SLOWER, process, end=end, horizon=300.0, delta=delta)
    told = oracle.values(
        4_000 // SLOWER, process, (50.0, 40.0, 6.0), end=end, horizon=300.0, delta=delta, seed=6
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE
    assert (drawn == 0.0).mean() == pytest.approx((told == 0.0).mean(), abs=0.03 * SLOWER**0.5)


@pytest.mark.parametrize("end", [sampling.ENDS_AT_PURCHASE, sampling.ENDS_IN_TIME])
def test_a_busy_customer_is_drawn_in_parts_to_the_same_distribution(end: float) -> None:
    process = (400.0, 200.0, 2.0, 300.0 if end == sampling.ENDS_AT_PURCHASE else 200.0)
    drawn = draw(10_000 // SLOWER, process, shape=0.5, end=end, horizon=100.0, delta=1e-2)
    told = oracle.values(
        2_000 // SLOWER, process, (50.0, 40.0, 0.5), end=end, horizon=100.0, delta=1e-2, seed=7
    )
    assert stats.ks_2samp(drawn, told).pvalue > SURE


@pytest.mark.parametrize(("median", "spread", "within"), [(3.0, 0.4, 0.8), (3.0, 0.0, 1.7)])
def test_log_normal_purchases(median: float, spread: float, within: float) -> None:
    """One purchase: log-normal about a mean that is log-normal among customers."""
    state, n = new_state(8), 20_000 // SLOWER
    kind = sampling.LOG_NORMAL_SPEND
    drawn = [
        sampling.log_level(state, kind, math.log(median), spread)
        + sampling.log_spend(state, 1.0, kind, within)
        for _ in range(n)
    ]
    own = math.log1p(within * within)
    expected = stats.norm(math.log(median) - own / 2.0, math.hypot(spread, math.sqrt(own)))
    assert stats.kstest(drawn, expected.cdf).pvalue > SURE


def test_the_sum_of_many_log_normal_purchases() -> None:
    """Its mean and variance are those of a sum, and its shape close to that of real sums."""
    state, n, count, within = new_state(9), 20_000 // SLOWER, 30, 0.8
    drawn = np.exp(
        [sampling.log_spend(state, count, sampling.LOG_NORMAL_SPEND, within) for _ in range(n)]
    )
    own = math.log1p(within * within)
    single = np.random.default_rng(1).lognormal(-own / 2.0, math.sqrt(own), (n, count))
    assert abs(drawn.mean() - count) < 4.0 * within * math.sqrt(count / n)
    assert drawn.std() == pytest.approx(within * math.sqrt(count), rel=0.05 * SLOWER**0.5)
    assert stats.ks_2samp(drawn, single.sum(axis=1)).statistic < 0.03 * SLOWER**0.5


def test_the_dead_bring_nothing() -> None:
    drawn = draw(1_000 // SLOWER, (50.0, 1.0, 1.0, 1.0), alive=0.0, end=2.0, horizon=9.0, delta=0.0)
    assert not drawn.any()


@pytest.mark.parametrize("end", [0.0, 1.0])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("horizon", [1e-6, 1e4, math.inf])
@pytest.mark.parametrize("delta", [0.0, 1e-5])
def test_any_customer_gives_a_finite_value(
    end: float, size: float, horizon: float, delta: float
) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20 // SLOWER + 1):
        first, second, third, fourth = size ** rng.uniform(-1.0, 1.0, 4)
        drawn = draw(20, (first, second, third, fourth), end=end, horizon=horizon, delta=delta)
        assert (np.isfinite(drawn) & (drawn >= 0.0)).all()


def test_equal_rows_draw_alike_and_distinct_keys_draw_apart() -> None:
    found = keys.row_keys(np.array([1.0, 1.0, 2.0, -0.0, 0.0]), np.array([5.0, 5.0, 5.0, 5.0, 5.0]))
    assert found[0] == found[1]
    assert found[3] == found[4]
    assert len(set(found.tolist())) == 3
    apart = keys.distinct_keys(np.sort(found))
    assert len(set(apart.tolist())) == 5
    assert keys.distinct_keys(found[:0]).size == 0
    swapped = keys.row_keys(np.array([5.0]), np.array([1.0]))
    assert swapped[0] != found[0]


def test_draws_are_apart_from_each_other() -> None:
    first, second = (
        draw(5_000 // SLOWER, (9.0, 10.0, 1.0, 9.0), end=2.0, horizon=9.0, delta=0.0, draw=k)
        for k in (0, 1)
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / math.sqrt(first.size)
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4.0 / math.sqrt(first.size)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    one, many = (
        draw(500, (2.0, 60.0, 1.0, 9.0), end=0.0, horizon=99.0, delta=1e-3, threads=threads)
        for threads in (1, 4)
    )
    np.testing.assert_array_equal(one, many)
