from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

from customer_value._kernels.models import nbd
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import Nbd
from oracles import log_derivatives

HISTORIES = [(0, 0.0), (0, 39.0), (1, 1e-2), (7, 30.0), (5000, 1e4)]
PARAMETERS = [(0.385, 12.07), (1e-3, 1e3), (1e3, 1e-3), (30.0, 1.0)]


def log_likelihood(x: int, T: float, r: float, alpha: float) -> mp.mpf:
    with mp.workdps(60):
        rise = mp.loggamma(mp.mpf(r) + x) - mp.loggamma(r)
        return rise + r * mp.log(alpha) - (mp.mpf(r) + x) * mp.log(mp.mpf(alpha) + T)


@pytest.mark.parametrize(("x", "T"), HISTORIES)
@pytest.mark.parametrize(("r", "alpha"), PARAMETERS)
def test_likelihood_and_derivatives(x: int, T: float, r: float, alpha: float) -> None:
    at = Histories(np.array([float(x)]), np.zeros(1), np.array([T]))
    expected = float(log_likelihood(x, T, r, alpha))
    size = (r + x) * (1 + abs(np.log(alpha + T)))
    got = nbd.log_likelihood(at, Nbd(r, alpha))[0]
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-13 * size)
    value, gradient, hessian = nbd.value_gradient_hessian(at, np.full(1, 3.0), Nbd(r, alpha))
    assert value == pytest.approx(3 * expected, rel=1e-12, abs=1e-12 * size)
    truth = log_derivatives(lambda *p: 3 * log_likelihood(x, T, *p), [r, alpha])
    np.testing.assert_allclose(gradient, truth[0], rtol=1e-10, atol=1e-12 * size)
    np.testing.assert_allclose(hessian, truth[1], rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize(("x", "T"), HISTORIES)
@pytest.mark.parametrize(("r", "alpha"), PARAMETERS)
@pytest.mark.parametrize("n", [0, 1, 12])
def test_probabilities(x: int, T: float, r: float, alpha: float, n: int) -> None:
    with mp.workdps(40):
        shape, y = mp.mpf(r) + x, mp.mpf(52) / (mp.mpf(alpha) + T)
        z = y / (1 + y)
        exactly = mp.binomial(shape + n - 1, n) * (1 - z) ** shape * z**n
        at_least = mp.betainc(n + 1, shape, 0, z, regularized=True)
    at = Histories(np.array([float(x)]), np.zeros(1), np.array([T]))
    got = nbd.purchase_probability(at, Nbd(r, alpha), 52.0, n)[0]
    assert got == pytest.approx(float(exactly), rel=1e-10, abs=1e-290)
    got = nbd.at_least_probability(at, Nbd(r, alpha), 52.0, n + 1)[0]
    assert got == pytest.approx(float(at_least), rel=1e-10, abs=1e-290)


def test_no_rows() -> None:
    none = np.empty(0)
    value, gradient, hessian = nbd.value_gradient_hessian(
        Histories(none, none, none), none, Nbd(0.4, 12.0)
    )
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    assert nbd.log_likelihood(Histories(none, none, none), Nbd(0.4, 12.0)).size == 0
    assert nbd.purchase_probability(Histories(none, none, none), Nbd(0.4, 12.0), 1.0, 0).size == 0
