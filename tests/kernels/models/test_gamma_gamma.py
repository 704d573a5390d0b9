from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.models import gamma_gamma
from customer_value._kernels.models.parameters import GammaGamma
from customer_value._kernels.run import parallel
from oracles import gamma_gamma as oracle
from oracles import log_derivatives

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

CDNOW = GammaGamma(6.25, 3.74, 15.44)  # Fader & Hardie, note 025


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(25)
    x = 1.0 + np.floor(rng.gamma(0.5, 4.0, n))
    return x, rng.gamma(3.0, 12.0, n) + 0.01, rng.integers(1, 4, n).astype(np.float64)


def log_scale(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda u: float(np.exp(u)))


@settings(max_examples=100, deadline=None)
@given(
    x=st.integers(1, 5000) | st.integers(1, 3),
    m=log_scale(1e-3, 1e5),
    p=log_scale(1e-3, 1e3),
    q=log_scale(1e-3, 1e3),
    v=log_scale(1e-3, 1e6),
)
def test_log_likelihood_of_any_customer(x: int, m: float, p: float, q: float, v: float) -> None:
    got = gamma_gamma.log_likelihood(np.array([float(x)]), np.array([m]), GammaGamma(p, q, v))[0]
    # Of the terms that are added up: ln Gamma(p), ln Gamma(q), and what grows with x.
    size = np.log(1e3) + (p * x + q) * (1 + abs(np.log(x * m / v)))
    assert got == pytest.approx(
        float(oracle.log_likelihood(x, m, p, q, v)), rel=1e-13, abs=1e-14 * size
    )


@settings(max_examples=25, deadline=None)
@given(
    x=st.integers(1, 5000) | st.integers(1, 3),
    m=log_scale(1e-3, 1e5),
    p=log_scale(1e-3, 1e3),
    q=log_scale(1e-3, 1e3),
    v=log_scale(1e-3, 1e6),
)
def test_derivatives_of_any_customer(x: int, m: float, p: float, q: float, v: float) -> None:
    one = np.ones(1)
    value, gradient, hessian = gamma_gamma.value_gradient_hessian(
        x * one, m * one, one, GammaGamma(p, q, v)
    )
    expected = log_derivatives(
        lambda *parameters: oracle.log_likelihood(x, m, *parameters), [p, q, v]
    )
    size = (p * x + q) * (1 + abs(np.log(x * m / v)))
    assert value == pytest.approx(
        gamma_gamma.log_likelihood(x * one, m * one, GammaGamma(p, q, v))[0]
    )
    np.testing.assert_allclose(gradient, expected[0], rtol=1e-11, atol=1e-13 * size)
    np.testing.assert_allclose(hessian, expected[1], rtol=1e-11, atol=1e-13 * size)


def test_many_purchases_keep_their_digits() -> None:
    """Beyond px = 1e5 lnGamma(px+q) - lnGamma(px) would lose six digits and more."""
    got = gamma_gamma.log_likelihood(np.array([1e6]), np.array([30.0]), CDNOW)[0]
    assert got == pytest.approx(float(oracle.log_likelihood(10**6, 30, *CDNOW)), rel=1e-12)


def test_weights_count_customers() -> None:
    x, m, weights = sample(300)
    repeated = weights.astype(np.int64)
    once = np.ones(repeated.sum())
    weighted = gamma_gamma.value_gradient_hessian(x, m, weights, CDNOW)
    plain = gamma_gamma.value_gradient_hessian(x.repeat(repeated), m.repeat(repeated), once, CDNOW)
    assert weighted[0] == pytest.approx(plain[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], plain[1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weighted[2], plain[2], rtol=1e-12)
    rows = gamma_gamma.log_likelihood(x, m, CDNOW)
    assert weighted[0] == pytest.approx((rows * weights).sum(), rel=1e-13)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    x, m, weights = sample(300)

    def all_bits(threads: int | None) -> bytes:
        value, gradient, hessian = gamma_gamma.value_gradient_hessian(
            x, m, weights, CDNOW, threads=threads
        )
        rows = gamma_gamma.log_likelihood(x, m, CDNOW, threads=threads)
        return np.array(value).tobytes() + gradient.tobytes() + hessian.tobytes() + rows.tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(all_bits, [1, 2, 5, None] * 4)) == {all_bits(1)}


def test_inputs_may_be_read_only_and_stay_as_they_were() -> None:
    columns = sample(50)
    for column in columns:
        column.flags.writeable = False
    value, _, hessian = gamma_gamma.value_gradient_hessian(*columns, CDNOW)
    assert np.isfinite(value)
    assert (hessian == hessian.T).all()


def test_no_rows() -> None:
    none = np.empty(0)
    value, gradient, hessian = gamma_gamma.value_gradient_hessian(none, none, none, CDNOW)
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    assert gamma_gamma.log_likelihood(none, none, CDNOW).size == 0
