from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math import lomax
from customer_value._kernels.models import pareto_nbd as kernels
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import ParetoNbd
from customer_value._kernels.run import parallel
from oracles import log_derivatives
from oracles import pareto_nbd as oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_value._kernels.run.parallel import FloatArray

PUBLISHED = ParetoNbd(0.553, 10.578, 0.606, 11.669)  # Fader, Hardie & Lee (2005), CDNOW
WEEKLY_RATE = math.log(1.15) / 52
CUSTOMER = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
NEW = Histories(np.zeros(1), np.zeros(1), np.zeros(1))
GOLDEN = json.loads(oracle.GOLDEN.read_text())["rows"]
JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
SLOWER = 1 if JIT_IS_ON else 20


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def state(row: oracle.Row) -> Histories:
    return Histories(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["T"]]))


def parameters(row: oracle.Row) -> ParetoNbd:
    return ParetoNbd(row["r"], row["alpha"], row["s"], row["beta"])


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(1987)
    T = rng.uniform(27.0, 39.0, n)
    x = np.floor(rng.gamma(0.3, 4.0, n))
    t_x = np.where(x > 0, T * rng.uniform(0.0, 1.0, n), 0.0)
    return x, t_x, T, rng.integers(1, 4, n).astype(np.float64)


@pytest.mark.parametrize("row", GOLDEN)
def test_golden_grid_over_the_box(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    horizon, delta = row["horizon"], row["delta"]
    present = kernels.discounted_expected_purchases
    values = {
        "log_likelihood": kernels.log_likelihood(at, given_),
        "probability_alive": kernels.probability_alive(at, given_, 0.0),
        "alive_ahead": kernels.probability_alive(at, given_, horizon),
        "expected_purchases": present(at, given_, horizon, 0.0),
        "discounted": present(at, given_, horizon, delta),
        "discounted_life": present(at, given_, math.inf, delta),
        "purchase_probability": kernels.purchase_probability(at, given_, horizon, int(row["n"])),
    }
    for name, value in values.items():
        assert value[0] == pytest.approx(row[name], rel=1e-10, abs=1e-290), name


@pytest.mark.parametrize("row", oracle.random_rows(10, seed=6))
def test_derivatives_of_any_customer(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    truth = (row["x"], row["t_x"], row["T"])
    value, gradient, hessian = kernels.value_gradient_hessian(at, np.ones(1), given_)
    numbers = [row[name] for name in ("r", "alpha", "s", "beta")]
    expected = log_derivatives(lambda *p: oracle.log_likelihood(*truth, *p), numbers)
    size = sum(numbers) + row["x"]
    assert value == pytest.approx(kernels.log_likelihood(at, given_)[0], rel=1e-10, abs=1e-14)
    np.testing.assert_allclose(gradient, expected[0], rtol=1e-10, atol=1e-13 * size)
    np.testing.assert_allclose(hessian, expected[1], rtol=1e-10, atol=1e-11 * size)


SHAPE = st.floats(math.log(1e-3), math.log(1e3)).map(math.exp)


@settings(max_examples=200 // SLOWER, deadline=None)
@given(
    x=st.integers(0, 5000) | st.integers(0, 3),
    age=st.just(0.0) | st.floats(1e-3, 1e4),
    last=st.just(1.0) | st.floats(0.0, 1.0),
    horizon=st.floats(1e-6, 1e4),
    n=st.integers(0, 3) | st.integers(0, 5000),
    r=SHAPE,
    alpha=SHAPE,
    s=SHAPE | st.sampled_from([1.0, 1.0 + 1e-9, 2.0]),
    ratio=SHAPE | st.sampled_from([1.0, 1.0 + 1e-12, 1.0 - 1e-9]),
)
def test_all_is_finite_and_consistent(
    x: int, age: float, last: float, horizon: float, n: int, r: float, alpha: float, s: float,
    ratio: float,
) -> None:  # fmt: skip
    at = Histories(np.array([float(x)]), np.array([age * last if x else 0.0]), np.array([age]))
    p = ParetoNbd(r, alpha, s, alpha * ratio)
    alive = kernels.probability_alive(at, p, 0.0)[0]
    assert 0.0 <= kernels.probability_alive(at, p, horizon)[0] <= alive <= 1.0
    assert math.isfinite(kernels.log_likelihood(at, p)[0])
    value, gradient, hessian = kernels.value_gradient_hessian(at, np.ones(1), p)
    assert np.isfinite([value, *gradient, *hessian.ravel()]).all()
    count = kernels.discounted_expected_purchases(at, p, horizon, 0.0)[0]
    part = kernels.discounted_expected_purchases(at, p, horizon, 0.01)[0]
    life = kernels.discounted_expected_purchases(at, p, math.inf, 0.01)[0]
    assert 0.0 <= part <= count * (1 + 1e-10) < math.inf
    assert part <= life * (1 + 1e-10) < math.inf
    assert part >= math.exp(-0.01 * horizon) * count * (1 - 1e-10)
    assert 0.0 <= kernels.purchase_probability(at, p, horizon, n)[0] <= 1.0 + 1e-12
    silence = kernels.purchase_probability(at, p, horizon, 0)[0]
    wait = kernels.next_purchase_quantile(at, p, 1.0 - silence)[0]
    if 1e-3 < 1.0 - silence < 0.9 * alive and not math.isinf(wait):
        back = kernels.purchase_probability(at, p, wait, 0)[0]
        assert back == pytest.approx(silence, rel=1e-12)


@pytest.mark.parametrize(
    "given_", [PUBLISHED, ParetoNbd(2.0, 4.0, 1.0, 4.0), ParetoNbd(0.1, 30.0, 3.0, 0.5)]
)
def test_counts_add_up_to_one_and_to_their_mean(
    given_: ParetoNbd,
) -> None:
    counts = range(150)
    chance = [kernels.purchase_probability(CUSTOMER, given_, 5.0, n)[0] for n in counts]
    mean = kernels.discounted_expected_purchases(CUSTOMER, given_, 5.0, 0.0)[0]
    assert sum(chance) == pytest.approx(1.0, rel=1e-12)
    assert sum(n * p for n, p in zip(counts, chance, strict=True)) == pytest.approx(mean, rel=1e-11)


def test_quantiles_invert_small_and_large_chances() -> None:
    """A small chance is linear in time; one that death forestalls is never reached."""
    r, alpha, s, beta = (float(own) for own in PUBLISHED)
    tiny = kernels.next_purchase_quantile(NEW, PUBLISHED, 1e-12)[0]
    assert tiny == pytest.approx(1e-12 * alpha / r, rel=1e-11)
    assert kernels.next_purchase_quantile(NEW, PUBLISHED, 0.0)[0] == 0.0
    ever = lomax.chance_to_be_first(r, alpha, s, beta, math.inf)
    assert kernels.next_purchase_quantile(NEW, PUBLISHED, ever * (1 + 1e-9))[0] == math.inf
    waits = [kernels.next_purchase_quantile(NEW, PUBLISHED, ever * q)[0] for q in (0.3, 0.9, 0.99)]
    for q, wait in zip((0.3, 0.9, 0.99), waits, strict=True):
        silence = kernels.purchase_probability(NEW, PUBLISHED, wait, 0)[0]
        assert 1.0 - silence == pytest.approx(ever * q, rel=1e-13)


def test_equal_rate_given_of_steep_decay() -> None:
    """With alpha = beta the decay has one rate only, which once kept the panels from ending."""
    at = Histories(np.array([40.0]), np.array([0.2]), np.array([1.5]))
    for own in ((0.55, 0.4, 0.6, 0.4), (1e3, 1e-3, 1e3, 1e-3)):
        expected = oracle.log_likelihood(40, 0.2, 1.5, *own)
        got, _, _ = kernels.value_gradient_hessian(at, np.ones(1), ParetoNbd(*own))
        assert got == pytest.approx(float(expected), rel=1e-12)


def test_whole_life_without_discount() -> None:
    """E[lambda / mu | alive], the mean of a gamma times that of an inverse gamma."""
    got = kernels.discounted_expected_purchases(
        CUSTOMER, ParetoNbd(0.5, 10.0, 1.5, 12.0), math.inf, 0.0
    )
    alive = kernels.probability_alive(CUSTOMER, ParetoNbd(0.5, 10.0, 1.5, 12.0), 0.0)
    expected = alive[0] * (2.5 / 48.86) * (50.86 / 0.5)
    assert got[0] == pytest.approx(expected, rel=1e-14)
    dead = Histories(
        np.array([5000.0]), np.array([1.0]), np.array([1e4])
    )  # P(alive) underflows to 0
    for at in (CUSTOMER, dead):
        forever = kernels.discounted_expected_purchases(at, PUBLISHED, math.inf, 0.0)
        assert forever.tolist() == [math.inf]


def test_no_horizon_no_purchases() -> None:
    assert kernels.discounted_expected_purchases(CUSTOMER, PUBLISHED, 0.0, 0.1).tolist() == [0.0]
    assert kernels.purchase_probability(CUSTOMER, PUBLISHED, 0.0, 0).tolist() == [1.0]
    assert kernels.purchase_probability(CUSTOMER, PUBLISHED, 0.0, 1).tolist() == [0.0]


def test_unit_of_time_is_free() -> None:
    x, t_x, T, _ = sample(100)
    r, alpha, s, beta = PUBLISHED
    weeks = kernels.discounted_expected_purchases(
        Histories(x, t_x, T), ParetoNbd(r, alpha, s, beta), 52.0, WEEKLY_RATE
    )
    days = kernels.discounted_expected_purchases(
        Histories(x, 7 * t_x, 7 * T), ParetoNbd(r, 7 * alpha, s, 7 * beta), 364.0, WEEKLY_RATE / 7
    )
    np.testing.assert_allclose(weeks, days, rtol=1e-12)


def test_given_may_differ_between_rows() -> None:
    x, t_x, T, _ = sample(60)
    alpha, beta = np.linspace(5.0, 15.0, 60), np.linspace(20.0, 3.0, 60)
    got = kernels.log_likelihood(Histories(x, t_x, T), ParetoNbd(0.5, alpha, 0.6, beta))
    for i in (0, 31, 59):
        at = Histories(x[i : i + 1], t_x[i : i + 1], T[i : i + 1])
        one = kernels.log_likelihood(at, ParetoNbd(0.5, float(alpha[i]), 0.6, float(beta[i])))[0]
        assert got[i] == pytest.approx(one, rel=1e-14)


def test_weights_count_customers() -> None:
    x, t_x, T, weights = sample(100)
    times = weights.astype(np.int64)
    weighted = kernels.value_gradient_hessian(Histories(x, t_x, T), weights, PUBLISHED)
    plain = kernels.value_gradient_hessian(
        Histories(x.repeat(times), t_x.repeat(times), T.repeat(times)),
        np.ones(times.sum()),
        PUBLISHED,
    )
    assert weighted[0] == pytest.approx(plain[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], plain[1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weighted[2], plain[2], rtol=1e-10, atol=1e-10)
    rows = kernels.log_likelihood(Histories(x, t_x, T), PUBLISHED)
    assert weighted[0] == pytest.approx((rows * weights).sum(), rel=1e-13)


def all_bits(threads: int | None) -> bytes:
    x, t_x, T, weights = sample(200)
    value, gradient, hessian = kernels.value_gradient_hessian(
        Histories(x, t_x, T), weights, PUBLISHED, threads=threads
    )
    at = Histories(x, t_x, T)
    rows = [
        kernels.log_likelihood(at, PUBLISHED, threads=threads),
        kernels.probability_alive(at, PUBLISHED, 1.0, threads=threads),
        kernels.discounted_expected_purchases(at, PUBLISHED, 4.0, 0.01, threads=threads),
        kernels.purchase_probability(at, PUBLISHED, 4.0, 1, threads=threads),
        kernels.next_purchase_quantile(at, PUBLISHED, 0.1, threads=threads),
    ]
    return b"".join(array.tobytes() for array in (np.array(value), gradient, hessian, *rows))


@pytest.mark.parametrize("threads", [2, None])
def test_any_number_of_threads_gives_the_same_bits(
    threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    assert all_bits(threads) == all_bits(1)


def test_inputs_may_be_read_only_and_compile_nothing_new() -> None:
    columns = sample(20)
    expected = kernels.value_gradient_hessian(Histories(*columns[:3]), columns[3], PUBLISHED)
    for column in columns:
        column.flags.writeable = False
    got = kernels.value_gradient_hessian(Histories(*columns[:3]), columns[3], PUBLISHED)
    assert got[0] == expected[0]
    assert (got[2] == expected[2].T).all()
    kernel: Any = kernels._timing_sums
    if JIT_IS_ON:
        assert len(kernel.signatures) == 1


def test_no_rows() -> None:
    none = np.empty(0)
    value, gradient, hessian = kernels.value_gradient_hessian(
        Histories(none, none, none), none, PUBLISHED
    )
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    at = Histories(none, none, none)
    assert kernels.log_likelihood(at, PUBLISHED).size == 0
    assert kernels.probability_alive(at, PUBLISHED, 0.0).size == 0
    assert kernels.discounted_expected_purchases(at, PUBLISHED, 1.0, 0.1).size == 0
    assert kernels.purchase_probability(at, PUBLISHED, 1.0, 1).size == 0
    assert kernels.next_purchase_quantile(at, PUBLISHED, 0.5).size == 0
