from __future__ import annotations

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.models import bg_nbd
from customer_value._kernels.models import bg_nbd_future as future
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run import parallel
from oracles import bg_nbd as oracle
from oracles import log_derivatives

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_published_log_likelihoods() -> None:
    """pymc-marketing's and CLVTools' rows (4 digits and 10), with mpmath's digits."""
    x, t_x = np.array([0.0, 200.0, 1000.0, 5000.0]), np.array([0.0, 38.0, 300.0, 3000.0])
    T = np.array([40.0, 40.0, 365.0, 3650.0])
    expected = [-0.5994738182, 100.7956931, 175.5907571, -2471.540203]
    got = bg_nbd.log_likelihood(Histories(x, t_x, T), BgNbd(0.25, 4.0, 0.8, 2.5))
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_published_predictions() -> None:
    """The spreadsheet's customer (1.226), with mpmath's digits, and BTYD's walkthrough."""
    alive = bg_nbd.probability_alive(CUSTOMER, PUBLISHED)
    assert alive[0] == pytest.approx(0.726578570081, rel=1e-11)
    purchases = future.expected_purchases(CUSTOMER, PUBLISHED, 39.0)
    assert purchases[0] == pytest.approx(1.22602817477, rel=1e-11)
    new = future.expected_purchases_new_customer(PUBLISHED, 52.0)
    assert new == pytest.approx(1.446050595, rel=1e-9)
    value = future.discounted_expected_purchases(CUSTOMER, PUBLISHED, math.inf, WEEKLY_RATE)
    assert value[0] == pytest.approx(5.169554, rel=1e-7)


def test_published_probabilities_alive() -> None:
    """BTYD's manual, bgnbd.PAlive, with mpmath's digits."""
    x = np.array([23.0, 5.0, 10.0, 15.0, 20.0])
    t_x = np.array([39.0, 30.0, 30.0, 30.0, 30.0])
    got = bg_nbd.probability_alive(Histories(x, t_x, np.full(5, 39.0)), PUBLISHED)
    expected = [0.968555454221, 0.705626847, 0.571551734, 0.375091893, 0.196820444]
    np.testing.assert_allclose(got, expected, rtol=3e-9)


@pytest.mark.parametrize("row", GOLDEN)
def test_golden_grid_over_the_box(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    horizon, delta = row["horizon"], row["delta"]
    values = {
        "log_likelihood": bg_nbd.log_likelihood(at, given_),
        "probability_alive": bg_nbd.probability_alive(at, given_),
        "expected_purchases": future.expected_purchases(at, given_, horizon),
        "discounted": future.discounted_expected_purchases(at, given_, horizon, delta),
        "discounted_life": future.discounted_expected_purchases(at, given_, math.inf, delta),
    }
    for name, value in values.items():
        assert value[0] == pytest.approx(row[name], rel=1e-10, abs=1e-290), name


SHAPE = st.floats(math.log(1e-3), math.log(1e3)).map(math.exp)


@settings(max_examples=150, deadline=None)
@given(
    x=st.integers(0, 5000) | st.integers(0, 3),
    age=st.just(0.0) | st.floats(1e-3, 1e4),
    last=st.just(1.0) | st.floats(0.0, 1.0),
    horizon=st.floats(1e-6, 1e4),
    r=SHAPE,
    alpha=SHAPE,
    a=SHAPE | st.sampled_from([0.25, 1.0, 1.0 + 1e-9, 1.0 - 1e-9, 2.0]),
    b=SHAPE | st.sampled_from([0.5, 0.75, 1.0]),
)
def test_any_customer(
    x: int, age: float, last: float, horizon: float, r: float, alpha: float, a: float, b: float
) -> None:
    t_x = age * last if x else 0.0
    at = Histories(np.array([float(x)]), np.array([t_x]), np.array([age]))
    truth = (x, t_x, age)
    alive = bg_nbd.probability_alive(at, BgNbd(r, alpha, a, b))[0]
    assert alive == pytest.approx(
        float(oracle.probability_alive(*truth, r, alpha, a, b)), rel=1e-10, abs=1e-290
    )
    likelihood = bg_nbd.log_likelihood(at, BgNbd(r, alpha, a, b))[0]
    size = (r + x) * (1 + abs(math.log(alpha + age)))  # of the terms that are added up
    assert likelihood == pytest.approx(
        float(oracle.log_likelihood(*truth, r, alpha, a, b)), rel=1e-12, abs=1e-13 * size
    )
    purchases = future.expected_purchases(at, BgNbd(r, alpha, a, b), horizon)[0]
    assert purchases == pytest.approx(
        float(oracle.expected_purchases(*truth, horizon, r, alpha, a, b)), rel=1e-9, abs=1e-290
    )


@pytest.mark.parametrize("row", oracle.random_rows(40, seed=6))
def test_derivatives_of_any_customer(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    truth = (row["x"], row["t_x"], row["T"])
    value, gradient, hessian = bg_nbd.value_gradient_hessian(at, np.ones(1), given_)
    numbers = [row[name] for name in ("r", "alpha", "a", "b")]
    expected = log_derivatives(lambda *p: oracle.log_likelihood(*truth, *p), numbers)
    size = sum(numbers) + row["x"]
    assert value == pytest.approx(bg_nbd.log_likelihood(at, given_)[0], rel=1e-11)
    np.testing.assert_allclose(gradient, expected[0], rtol=1e-10, atol=1e-13 * size)
    np.testing.assert_allclose(hessian, expected[1], rtol=1e-10, atol=1e-13 * size)


@pytest.mark.parametrize("shape", [1e-6, 1.0, 1e6])
def test_a_million_purchases_and_extreme_parameters(shape: float) -> None:
    x, t_x, T = 1e6, 9.0e3, 1.0e4
    at = Histories(np.array([x]), np.array([t_x]), np.array([T]))
    numbers = [shape, 1.0 / shape, shape, 1.0]
    given_ = BgNbd(*numbers)
    value, gradient, hessian = bg_nbd.value_gradient_hessian(at, np.ones(1), given_)
    expected = log_derivatives(lambda *p: oracle.log_likelihood(int(x), t_x, T, *p), numbers)
    assert value == pytest.approx(
        float(oracle.log_likelihood(int(x), t_x, T, *given_)), rel=1e-12, abs=1e-6
    )
    assert value == pytest.approx(bg_nbd.log_likelihood(at, given_)[0], rel=1e-11)
    np.testing.assert_allclose(gradient, expected[0], rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(hessian, expected[1], rtol=1e-9, atol=1e-8)


def test_all_is_finite_over_the_box() -> None:
    for row in oracle.random_rows(20_000 // SLOWER**2, seed=1):
        at, given_ = state(row), parameters(row)
        value, gradient, hessian = bg_nbd.value_gradient_hessian(at, np.ones(1), given_)
        assert np.isfinite([value, *gradient, *hessian.ravel()]).all(), row
        assert 0.0 <= bg_nbd.probability_alive(at, given_)[0] <= 1.0, row
        purchases = future.expected_purchases(at, given_, row["horizon"])[0]
        assert 0.0 <= purchases < math.inf, row


def test_weights_count_customers() -> None:
    x, t_x, T, weights = sample(300)
    times = weights.astype(np.int64)
    once = np.ones(times.sum())
    weighted = bg_nbd.value_gradient_hessian(Histories(x, t_x, T), weights, PUBLISHED)
    plain = bg_nbd.value_gradient_hessian(
        Histories(x.repeat(times), t_x.repeat(times), T.repeat(times)), once, PUBLISHED
    )
    assert weighted[0] == pytest.approx(plain[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], plain[1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weighted[2], plain[2], rtol=1e-10, atol=1e-10)
    rows = bg_nbd.log_likelihood(Histories(x, t_x, T), PUBLISHED)
    assert weighted[0] == pytest.approx((rows * weights).sum(), rel=1e-13)


def all_bits(threads: int | None) -> bytes:
    x, t_x, T, weights = sample(300)
    value, gradient, hessian = bg_nbd.value_gradient_hessian(
        Histories(x, t_x, T), weights, PUBLISHED, threads=threads
    )
    rows = [
        bg_nbd.log_likelihood(Histories(x, t_x, T), PUBLISHED, threads=threads),
        bg_nbd.probability_alive(Histories(x, t_x, T), PUBLISHED, threads=threads),
        future.expected_purchases(Histories(x, t_x, T), PUBLISHED, 39.0, threads=threads),
        future.discounted_expected_purchases(
            Histories(x, t_x, T), PUBLISHED, 4.0, 0.01, threads=threads
        ),
    ]
    return b"".join(array.tobytes() for array in (np.array(value), gradient, hessian, *rows))


@pytest.mark.parametrize("threads", [2, 5, None])
def test_any_number_of_threads_gives_the_same_bits(
    threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    assert all_bits(threads) == all_bits(1)


def test_many_python_threads_at_once_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(all_bits, [2] * 16)) == {all_bits(1)}


def test_inputs_may_be_read_only_and_compile_nothing_new() -> None:
    columns = sample(50)
    expected = bg_nbd.value_gradient_hessian(Histories(*columns[:3]), columns[3], PUBLISHED)
    for column in columns:
        column.flags.writeable = False
    got = bg_nbd.value_gradient_hessian(Histories(*columns[:3]), columns[3], PUBLISHED)
    assert got[0] == expected[0]
    assert (got[2] == expected[2].T).all()
    kernel: Any = bg_nbd._timing_sums
    if JIT_IS_ON:
        assert len(kernel.signatures) == 1


def test_no_rows() -> None:
    none = np.empty(0)
    value, gradient, hessian = bg_nbd.value_gradient_hessian(
        Histories(none, none, none), none, PUBLISHED
    )
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    assert bg_nbd.log_likelihood(Histories(none, none, none), PUBLISHED).size == 0
    assert bg_nbd.probability_alive(Histories(none, none, none), PUBLISHED).size == 0
    assert future.expected_purchases(Histories(none, none, none), PUBLISHED, 1.0).size == 0
    assert (
        future.discounted_expected_purchases(Histories(none, none, none), PUBLISHED, 1.0, 0.1).size
        == 0
    )
