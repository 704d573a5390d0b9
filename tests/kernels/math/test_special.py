from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp

from customer_value._kernels.math import special

GRID = [1e-300, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 0.75, 1.0, 1.5, 2.0, 3.7, 14.999, 15.0, 31.4]
GRID += [1e2, 1e3, 1e5, 1e8, 1e12]
PAIRS = [(a, b) for a in GRID[2:] for b in GRID[2:]]


@pytest.mark.parametrize("u", [-800.0, -40.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 40.0, 800.0])
def test_expit_and_softplus(u: float) -> None:
    with mp.workdps(400):
        expit, softplus = 1 / (1 + mp.exp(-mp.mpf(u))), mp.log1p(mp.exp(mp.mpf(u)))
    assert special.expit(u) == pytest.approx(float(expit), rel=1e-15, abs=1e-307)
    assert special.softplus(u) == pytest.approx(float(softplus), rel=1e-15, abs=1e-307)


def test_log_or_nothing() -> None:
    assert special.log_or_nothing(0.0) == -math.inf
    assert special.log_or_nothing(2.0) == math.log(2.0)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_log_beta(a: float, b: float) -> None:
    with mp.workdps(60):
        expected = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(mp.mpf(a) + b)
    # B crosses 1 near a = b = 1, where only the absolute error can be small.
    assert special.log_beta(a, b) == pytest.approx(float(expected), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("u", GRID[1:])
def test_trigamma(u: float) -> None:
    with mp.workdps(40):
        expected = mpmath.psi(1, mp.mpf(u))
    assert special.trigamma(u) == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize(("u", "step"), PAIRS)
def test_digamma_rise_and_trigamma_fall(u: float, step: float) -> None:
    with mp.workdps(70):
        end = mp.mpf(u) + step
        rise = mpmath.psi(0, end) - mpmath.psi(0, mp.mpf(u))
        fall = mpmath.psi(1, mp.mpf(u)) - mpmath.psi(1, end)
    assert special.digamma_rise(u, step) == pytest.approx(float(rise), rel=1e-13)
    assert special.trigamma_fall(u, step) == pytest.approx(float(fall), rel=1e-13)


@pytest.mark.parametrize("z", [1e-30, 1e-9, 1e-3, 0.1, 0.9, 0.999, 1.0, 1.5, 10.0, 1e3, 1e9, 1e30])
@pytest.mark.parametrize(
    "s",
    [
        1e-3,
        0.25,
        0.5 - 1e-12,
        0.5,
        0.999,
        1.0,
        1.0 + 1e-12,
        1.001,
        1.25,
        1.5,
        2.0,
        2.5,
        7.3,
        14.9,
        15.0,
        40.0,
        6001.0,
    ],
)
def test_scaled_expint(s: float, z: float) -> None:
    with mp.workdps(60):
        expected = mpmath.expint(mp.mpf(s), mp.mpf(z)) * mp.exp(mp.mpf(z)) if z < 1e4 else None
        if expected is None:  # six terms of the asymptotic series, A & S 5.1.51
            expected = sum((-1) ** k * mp.rf(mp.mpf(s), k) / mp.mpf(z) ** (k + 1) for k in range(9))
    assert special.scaled_expint(s, z) == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 2.5, 40.0, 1e3])
@pytest.mark.parametrize("b", [1e-3, 0.7, 1.0, 3.0, 200.0, 6e3])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e9])
def test_beta_rule(a: float, b: float, scale: float) -> None:
    p, weight = special.beta_rule(a, b, 1.0 + scale)
    with mp.workdps(40):
        mean = mp.mpf(a) / (mp.mpf(a) + b)
        # E 1/(1 + p scale), a function that falls from 1 on the scale given
        falling = mpmath.hyp2f1(1, a, mp.mpf(a) + b, -scale)
    assert weight.sum() == pytest.approx(1.0, rel=1e-14)
    assert (weight >= 0).all()
    assert (weight * p).sum() == pytest.approx(float(mean), rel=1e-11)
    assert (weight / (1 + p * scale)).sum() == pytest.approx(float(falling), rel=1e-11)


def test_beta_rule_of_extreme_shapes_is_finite_and_small() -> None:
    for a in (1e-6, 1e6):
        for b in (1e-6, 1e6):
            p, weight = special.beta_rule(a, b, 1e12)
            assert np.isfinite(p).all()
            assert np.isfinite(weight).all()
            assert p.size < 1000


def test_nan_passes_through() -> None:
    assert math.isnan(special.expit(math.nan))
    assert np.isnan(special.beta_rule(math.nan, 1.0, 1.0)[1]).all()


@pytest.mark.parametrize("a", [1.0, 2.0, 7.0, 1869.0])
@pytest.mark.parametrize("b", [1e-3, 0.243, 1.0, 35.4, 6000.0])
@pytest.mark.parametrize("y", [1e-6, 0.3, 1.0, 8.05, 1e6])
def test_incomplete_beta(a: float, b: float, y: float) -> None:
    """By Euler's form of the 2F1, all terms positive: mpmath's betainc fails at (1869, 35.4)."""
    with mp.workdps(60):
        z = mp.mpf(y) / (1 + mp.mpf(y))
        front = z**a * (1 - z) ** mp.mpf(b) / (a * mpmath.beta(a, mp.mpf(b)))
        expected = front * mpmath.hyp2f1(1, a + mp.mpf(b), a + 1, z, maxprec=100_000)
    got = special.incomplete_beta(a, b, y)
    assert got == pytest.approx(float(expected), rel=1e-10, abs=1e-290)
