from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.models import log_normal
from customer_value._kernels.models.parameters import LogNormal
from customer_value._kernels.run import parallel
from oracles import log_derivatives
from oracles import log_normal as oracle


def log_scale(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda u: float(np.exp(u)))


@settings(max_examples=25, deadline=None)
@given(
    x=st.integers(1, 5000) | st.integers(1, 3),
    m=log_scale(1e-3, 1e5),
    median=log_scale(1e-3, 1e5),
    between=log_scale(1e-3, 10),
    within=log_scale(1e-3, 1e3),
)
def test_any_customer(x: int, m: float, median: float, between: float, within: float) -> None:
    one, parameters = np.ones(1), [median, between, within]
    value, gradient, hessian = log_normal.value_gradient_hessian(
        x * one, np.log(m * one), 2 * one, LogNormal(*parameters)
    )
    expected = float(oracle.log_likelihood(x, m, *parameters))
    assert value == pytest.approx(2 * expected, rel=1e-11, abs=1e-11)
    slope, bend = log_derivatives(lambda *p: 2 * oracle.log_likelihood(x, m, *p), parameters)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-10 * (1 + abs(slope).max()))
    np.testing.assert_allclose(hessian, bend, rtol=1e-9, atol=1e-10 * (1 + abs(bend).max()))


def test_the_likelihood_is_an_integral_over_customers() -> None:
    for x, m in ((1, 20.0), (3, 55.0), (40, 8.0)):
        density, _ = oracle.integrals(x, m, 30.0, 0.5, 0.8)
        got = log_normal.log_likelihood(
            np.array([float(x)]), np.log(np.array([m])), LogNormal(30.0, 0.5, 0.8)
        )[0]
        assert got == pytest.approx(float(np.log(float(density))), rel=1e-12)


def test_weights_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, log_m = np.floor(rng.uniform(1, 6, 100)), rng.normal(3, 1, 100)
    weights = np.floor(rng.uniform(1, 4, 100))
    whole = log_normal.value_gradient_hessian(x, log_m, weights, LogNormal(20.0, 0.5, 0.7))
    repeated = weights.astype(np.int64)
    plain = log_normal.value_gradient_hessian(
        x.repeat(repeated),
        log_m.repeat(repeated),
        np.ones(repeated.sum()),
        LogNormal(20.0, 0.5, 0.7),
    )
    monkeypatch.setattr(parallel, "CHUNK", 7)
    parts = log_normal.value_gradient_hessian(x, log_m, weights, LogNormal(20.0, 0.5, 0.7))
    for other in (plain, parts):
        assert other[0] == pytest.approx(whole[0], rel=1e-13)
        np.testing.assert_allclose(other[1], whole[1], rtol=1e-11)
        np.testing.assert_allclose(other[2], whole[2], rtol=1e-11, atol=1e-12)
