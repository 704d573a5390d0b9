from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from customer_value._kernels.math.states import distinct_states
from customer_value._kernels.models import bg_nbd, bg_nbd_counts
from customer_value._kernels.models import bg_nbd_future as future
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run import parallel
from oracles import bg_nbd as oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customer_value._kernels.run.parallel import FloatArray

PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)  # Fader, Hardie & Lee (2005), CDNOW
WEEKLY_RATE = math.log(1.15) / 52
CUSTOMER = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
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


def parameters(row: oracle.Row) -> BgNbd:
    return BgNbd(row["r"], row["alpha"], row["a"], row["b"])


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(2005)
    T = rng.uniform(27.0, 39.0, n)
    x = np.floor(rng.gamma(0.3, 4.0, n))
    t_x = np.where(x > 0, T * rng.uniform(0.0, 1.0, n), 0.0)
    return x, t_x, T, rng.integers(1, 4, n).astype(np.float64)


def one_of(histories: Histories, i: int) -> Histories:
    return Histories(*(column[i : i + 1] for column in histories))


@pytest.mark.parametrize("t", [0.0, 1e-9, 1.0, 52.0, 1e4])
def test_new_customer_is_one_of_age_zero(t: float) -> None:
    zero = np.zeros(1)
    got = future.expected_purchases_new_customer(PUBLISHED, t)
    of_age_zero = future.expected_purchases(Histories(zero, zero, zero), PUBLISHED, t)[0]
    assert got == pytest.approx(of_age_zero, rel=1e-13, abs=0)
    expected = oracle.expected_purchases(0, 0, 0, t, *PUBLISHED)
    assert got == pytest.approx(float(expected), rel=1e-12, abs=0)


def test_present_values_are_finite_and_ordered_over_the_box() -> None:
    """Discounting lowers the value of a horizon; the whole life is worth more than a part of it."""
    for row in oracle.random_rows(2_000 // SLOWER, seed=2):
        at, given_ = state(row), parameters(row)
        horizon, delta = row["horizon"], row["delta"]
        count = future.expected_purchases(at, given_, horizon)[0]
        part = future.discounted_expected_purchases(at, given_, horizon, delta)[0]
        life = future.discounted_expected_purchases(at, given_, math.inf, delta)[0]
        assert 0.0 <= part <= count * (1 + 1e-10), row
        assert part <= life * (1 + 1e-10) < math.inf, row
        assert part >= math.exp(-delta * horizon) * count * (1 - 1e-10), row


def test_no_discount_is_the_expected_number() -> None:
    x, t_x, T, _ = sample(100)
    got = future.discounted_expected_purchases(Histories(x, t_x, T), PUBLISHED, 52.0, 0.0)
    expected = future.expected_purchases(Histories(x, t_x, T), PUBLISHED, 52.0)
    np.testing.assert_array_equal(got, expected)


def test_whole_life_without_discount() -> None:
    """Each purchase ends the life with probability p, so the mean of 1/p purchases are left."""
    got = future.discounted_expected_purchases(
        CUSTOMER, BgNbd(0.243, 4.414, 1.5, 2.0), math.inf, 0.0
    )
    alive = bg_nbd.probability_alive(CUSTOMER, BgNbd(0.243, 4.414, 1.5, 2.0))
    assert got[0] == pytest.approx(alive[0] * (1.5 + 4.0 - 1.0) / 0.5, rel=1e-14)
    dead = Histories(
        np.array([5000.0]), np.array([1.0]), np.array([1e4])
    )  # P(alive) underflows to 0
    for at in (CUSTOMER, dead):
        forever = future.discounted_expected_purchases(at, PUBLISHED, math.inf, 0.0)
        assert forever.tolist() == [math.inf]


def test_a_long_horizon_reaches_the_whole_life_over_the_box() -> None:
    """The two are computed by unrelated quadratures, over time and over p."""
    for row in oracle.random_rows(1_000 // SLOWER**2, seed=3):
        at, given_, delta = state(row), parameters(row), row["delta"]
        long = future.discounted_expected_purchases(at, given_, 60.0 / delta, delta)[0]
        life = future.discounted_expected_purchases(at, given_, math.inf, delta)[0]
        assert long == pytest.approx(life, rel=1e-9, abs=1e-290), row


@pytest.mark.parametrize("x", [0, 3, 20])
@pytest.mark.parametrize("horizon", [4.0, 156.0])
def test_present_value_of_usual_customers(x: int, horizon: float) -> None:
    """A year's discount is gentle: a shorter quadrature, to the same digits."""
    for given_ in (PUBLISHED, BgNbd(2.0, 1.0, 1.0, 1.5), BgNbd(0.5, 30.0, 6.0, 20.0)):
        at = Histories(np.array([float(x)]), np.array([20.0 if x else 0.0]), np.array([30.0]))
        got = future.discounted_expected_purchases(at, given_, horizon, WEEKLY_RATE)[0]
        expected = oracle.discounted_expected_purchases(
            x, at[1][0], 30.0, horizon, WEEKLY_RATE, *given_
        )
        assert got == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("unit", [1.0, 1 / 7, math.pi / 1000])
def test_rows_that_share_a_value_get_that_of_their_own(unit: float) -> None:
    """In whole days, in weeks, and in any ages at all: as row by row, to the bit."""
    rng = np.random.default_rng(3)
    T = np.floor(rng.uniform(1.0, 30.0, 200)) * unit
    if unit < 0.1:
        T += rng.uniform(0.0, 1.0, 200)
    x = rng.integers(0, 5, 200).astype(np.float64)
    t_x = np.where(x > 0, T / 2, 0.0)
    for name, terms in (
        ("expected_purchases", (52.0,)),
        ("discounted_expected_purchases", (52.0, 0.01)),
    ):
        function = getattr(future, name)
        together = function(Histories(x, t_x, T), PUBLISHED, *terms)
        alone = [
            function(one_of(Histories(x, t_x, T), i), PUBLISHED, *terms)[0]
            for i in range(0, 200, SLOWER)
        ]
        assert together[::SLOWER].tolist() == alone
    (few, *_), _ = distinct_states(x, T)
    assert (np.size(few) < 150) == (unit > 0.1)


def test_no_horizon_no_purchases() -> None:
    assert future.expected_purchases(CUSTOMER, PUBLISHED, 0.0).tolist() == [0.0]
    assert future.discounted_expected_purchases(CUSTOMER, PUBLISHED, 0.0, 0.1).tolist() == [0.0]


def test_unit_of_time_is_free() -> None:
    x, t_x, T, _ = sample(200)
    r, alpha, a, b = PUBLISHED
    weeks = future.discounted_expected_purchases(
        Histories(x, t_x, T), BgNbd(r, alpha, a, b), 52.0, WEEKLY_RATE
    )
    days = future.discounted_expected_purchases(
        Histories(x, 7 * t_x, 7 * T), BgNbd(r, 7 * alpha, a, b), 364.0, WEEKLY_RATE / 7
    )
    np.testing.assert_allclose(weeks, days, rtol=1e-12)


FUNCTIONS: dict[str, tuple[Callable[..., FloatArray], tuple[float, ...]]] = {
    "log_likelihood": (bg_nbd.log_likelihood, ()),
    "probability_alive": (bg_nbd.probability_alive, ()),
    "expected_purchases": (future.expected_purchases, (52.0,)),
    "discounted": (future.discounted_expected_purchases, (52.0, 0.01)),
    "life": (future.discounted_expected_purchases, (math.inf, 0.01)),
    "endless": (future.discounted_expected_purchases, (math.inf, 0.0)),
    "alive_later": (bg_nbd_counts.probability_alive_later, (9.0,)),
    "purchase": (bg_nbd_counts.purchase_probability, (9.0, 2)),
    "at_least": (bg_nbd_counts.at_least_probability, (9.0, 2)),
    "quantile": (bg_nbd_counts.next_purchase_quantile, (0.3,)),
}


# With numbers for all rows these go through polynomials in the ages.
TOLERANCE = {"log_likelihood": 1e-12} | dict.fromkeys(
    ("expected_purchases", "discounted", "life", "endless"), 2e-11
)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kinds", [3, 10_000])
def test_parameters_of_each_row_give_what_they_give_alone(name: str, kinds: int) -> None:
    """A few kinds of customers, or all of them different, over the box and beyond a = 1."""
    rng, n = np.random.default_rng(4), 40 if JIT_IS_ON else 8
    x, t_x, T, _ = sample(n)
    T = np.floor(T)
    t_x = np.minimum(t_x, T)
    x[:2], t_x[:2], T[:2] = (0.0, 5000.0), (0.0, 1.0), (0.0, 1e4)
    kind = rng.integers(0, kinds, n)
    alpha, a, b = np.exp(rng.uniform(math.log(1e-3), math.log(1e3), (3, kinds)))[:, kind]
    a[3:5] = 1.0
    function, terms = FUNCTIONS[name]
    for parameters in ((alpha, a, b), (alpha, 0.793, 2.426), (4.414, a, b)):
        got = function(Histories(x, t_x, T), BgNbd(0.243, *parameters), *terms)
        own = np.broadcast_arrays(*parameters, x)[:3]
        alone = [
            function(one_of(Histories(x, t_x, T), i), BgNbd(0.243, *(p[i] for p in own)), *terms)[0]
            for i in range(n)
        ]
        np.testing.assert_allclose(got, alone, rtol=TOLERANCE.get(name, 0.0))
        assert not np.isnan(got).any()


def bits_of_all(*columns: FloatArray) -> list[bytes]:
    histories, parameters = Histories(*columns[:3]), BgNbd(0.243, *columns[3:])
    return [
        function(histories, parameters, *terms).tobytes() for function, terms in FUNCTIONS.values()
    ]


def test_parameters_of_each_row_go_with_it_to_any_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    x, t_x, T, _ = sample(300 // SLOWER)
    own = np.random.default_rng(5).uniform(0.5, 5.0, (3, x.size))
    expected = bits_of_all(x, t_x, T, *own)
    monkeypatch.setattr(parallel, "CHUNK", 64 // SLOWER)
    assert bits_of_all(x, t_x, T, *own) == expected
