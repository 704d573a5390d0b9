from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from customer_value._kernels.models import mbg_cnbd
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import MbgCnbd
from customer_value._kernels.run import parallel
from oracles import log_derivatives
from oracles import mbg_cnbd as oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_value._kernels.run.parallel import FloatArray

GROCERY = (1.329197, 2.812600, 0.424716, 0.790040)  # BTYDplus, groceryElog, k = 2
JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
SLOWER = 1 if JIT_IS_ON else 20
SHAPES = (1, 2, 3, 12)


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def state(row: oracle.Row) -> Histories:
    return Histories(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["T"]]))


def parameters(row: oracle.Row) -> tuple[float, float, float, float]:
    return row["r"], row["alpha"], row["a"], row["b"]


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(2021)
    T = rng.uniform(27.0, 39.0, n)
    x = np.floor(rng.gamma(0.3, 4.0, n))
    t_x = np.where(x > 0, T * rng.uniform(0.0, 1.0, n), 0.0)
    return x, t_x, T, rng.integers(1, 4, n).astype(np.float64)


def test_published_probabilities_alive() -> None:
    """BTYDplus, at its maximum on groceryElog as printed, hence to few digits."""
    x = np.arange(1.0, 6.0)
    got = mbg_cnbd.probability_alive(
        Histories(x, np.full(5, 12.0), np.full(5, 52.0)), MbgCnbd(2, *GROCERY)
    )
    np.testing.assert_allclose(got, [0.156425, 0.029211, 0.003861, 0.000440, 0.0000461], rtol=2e-3)


@pytest.mark.parametrize("k", SHAPES)
@pytest.mark.parametrize("row", oracle.random_rows(12, seed=8))
def test_any_customer(row: oracle.Row, k: int) -> None:
    at, given_ = state(row), parameters(row)
    truth = (row["x"], row["t_x"], row["T"], k)
    alive = mbg_cnbd.probability_alive(at, MbgCnbd(k, *given_))[0]
    assert alive == pytest.approx(
        float(oracle.probability_alive(*truth, *given_)), rel=1e-9, abs=1e-290
    )
    got = mbg_cnbd.log_likelihood(at, MbgCnbd(k, *given_))[0]
    size = (row["r"] + k * row["x"]) * (1 + abs(math.log(row["alpha"] + row["T"])))
    expected = float(oracle.log_likelihood(*truth, *given_))
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-13 * size)
    value, gradient, hessian = mbg_cnbd.value_gradient_hessian(at, np.ones(1), MbgCnbd(k, *given_))
    assert value == pytest.approx(got, rel=1e-11, abs=1e-13 * size)
    derivatives = log_derivatives(
        lambda r, alpha, a, b: oracle.log_likelihood(*truth, r, alpha, a, b), list(given_)
    )
    size = sum(given_) + k * row["x"]
    np.testing.assert_allclose(gradient, derivatives[0], rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(hessian, derivatives[1], rtol=1e-9, atol=1e-12 * size)


@pytest.mark.parametrize("k", [*SHAPES, 200])
def test_all_is_finite_over_the_box(k: int) -> None:
    for row in oracle.random_rows(2_000 // SLOWER**2, seed=1):
        at, given_ = state(row), parameters(row)
        value, gradient, hessian = mbg_cnbd.value_gradient_hessian(
            at, np.ones(1), MbgCnbd(k, *given_)
        )
        assert np.isfinite([value, *gradient, *hessian.ravel()]).all(), row
        assert math.isfinite(mbg_cnbd.log_likelihood(at, MbgCnbd(k, *given_))[0]), row
        assert 0.0 <= mbg_cnbd.probability_alive(at, MbgCnbd(k, *given_))[0] <= 1.0, row


def test_phases_are_a_distribution_that_silence_moves_up() -> None:
    phase = np.empty(5)
    mbg_cnbd.fill_phases(7.5, 0.0, phase)
    assert phase.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    means = []
    for q in (0.01, 0.1, 0.5, 0.99):
        mbg_cnbd.fill_phases(7.5, q, phase)
        assert phase.sum() == pytest.approx(1.0, rel=1e-15)
        means.append((phase * np.arange(5)).sum())
    assert means == sorted(means)
    huge = np.empty(200)
    mbg_cnbd.fill_phases(1e6, 0.9, huge)  # its terms overflow before they are scaled
    assert huge.sum() == pytest.approx(1.0, rel=1e-14)
    assert huge[-1] > 0.99


@pytest.mark.parametrize("k", SHAPES)
def test_weights_count_customers(k: int) -> None:
    x, t_x, T, weights = sample(300)
    times = weights.astype(np.int64)
    weighted = mbg_cnbd.value_gradient_hessian(Histories(x, t_x, T), weights, MbgCnbd(k, *GROCERY))
    plain = mbg_cnbd.value_gradient_hessian(
        Histories(x.repeat(times), t_x.repeat(times), T.repeat(times)),
        np.ones(times.sum()),
        MbgCnbd(k, *GROCERY),
    )
    assert weighted[0] == pytest.approx(plain[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], plain[1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weighted[2], plain[2], rtol=1e-10, atol=1e-10)
    rows = mbg_cnbd.log_likelihood(Histories(x, t_x, T), MbgCnbd(k, *GROCERY))
    assert weighted[0] == pytest.approx((rows * weights).sum(), rel=1e-13)


def all_bits(threads: int | None) -> bytes:
    x, t_x, T, weights = sample(300)
    arrays = mbg_cnbd.value_gradient_hessian(
        Histories(x, t_x, T), weights, MbgCnbd(3, *GROCERY), threads=threads
    )
    rows = [
        mbg_cnbd.log_likelihood(Histories(x, t_x, T), MbgCnbd(3, *GROCERY), threads=threads),
        mbg_cnbd.probability_alive(Histories(x, t_x, T), MbgCnbd(3, *GROCERY), threads=threads),
    ]
    return b"".join(np.asarray(array).tobytes() for array in (*arrays, *rows))


@pytest.mark.parametrize("threads", [2, 5, None])
def test_any_number_of_threads_gives_the_same_bits(
    threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    assert all_bits(threads) == all_bits(1)


def test_many_python_threads_at_once_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(all_bits, [2] * 8)) == {all_bits(1)}


def test_inputs_may_be_read_only_and_compile_nothing_new() -> None:
    columns = sample(50)
    expected = mbg_cnbd.value_gradient_hessian(
        Histories(*columns[:3]), columns[3], MbgCnbd(2, *GROCERY)
    )
    for column in columns:
        column.flags.writeable = False
    got = mbg_cnbd.value_gradient_hessian(Histories(*columns[:3]), columns[3], MbgCnbd(2, *GROCERY))
    assert got[0] == expected[0]
    kernel: Any = mbg_cnbd._timing_sums
    if JIT_IS_ON:
        assert len(kernel.signatures) == 1


def test_no_rows() -> None:
    none = np.empty(0)
    value, gradient, hessian = mbg_cnbd.value_gradient_hessian(
        Histories(none, none, none), none, MbgCnbd(2, *GROCERY)
    )
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    assert mbg_cnbd.log_likelihood(Histories(none, none, none), MbgCnbd(2, *GROCERY)).size == 0
    assert mbg_cnbd.probability_alive(Histories(none, none, none), MbgCnbd(2, *GROCERY)).size == 0
