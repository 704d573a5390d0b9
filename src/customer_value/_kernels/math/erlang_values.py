"""What the purchases of a living customer with Erlang-k gaps are worth today.

Terms as in `erlang_counts`; time is in units of alpha + T, so that the rate is Gamma(n, rate 1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.erlang_counts import expected_count
from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    HALF_LOG_TWO_PI,
    LARGE,
    beta_rule,
    stirling_correction,
)
from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray


@jit
def value_of_life(delta: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give the present value of one unit of money at each purchase of the residual life.

    With u = lambda/(lambda+delta) what an event is worth when the one before it happens, and p the
    chance to leave, it is the mean of u^(k-j) / (1 - (1-p) u^k) over lambda and p.

    Args:
        delta: Discount rate per unit of time, above 0.
        n: r + kx + j.
        j: Events since the last purchase.
        k: Events from purchase to purchase.
        a: First shape of the drop-out probability.
        b: Its second shape after x + 1 purchases, b + x + 1.

    Returns:
        The present value.
    """
    rate, density = _gamma_rule(n, delta, k)
    p, weight = beta_rule(a, b, 1.0 + (2.0 * n + 50.0) / delta)
    total = 0.0
    for i in range(rate.size):
        log_worth = -math.log1p(delta / rate[i])
        lost = -math.expm1(k * log_worth)
        lives = 0.0
        for q in range(p.size):
            lives += weight[q] / (p[q] + (1.0 - p[q]) * lost)
        total += density[i] * math.exp((k - j) * log_worth) * lives
    return total


@jit
def value_of_horizon(y: float, delta: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give the present value of the purchases until y.

    By parts: exp(-delta y) N(y) plus the integral of delta exp(-delta s) N(s), N the purchases
    expected by s, over panels that see each of the first gaps and then grow. Arguments as above.
    """
    total = math.exp(-delta * y) * expected_count(y, n, j, k, a, b)
    if delta == 0.0:
        return total
    gap, end = k / n, min(y, 40.0 / delta)
    left = 0.0
    while left < end:
        width = min(0.7 * (1.0 + left), 4.0 / delta, max(1.5 * gap, 0.3 * left))
        right = min(left + width, end)
        half = 0.5 * (right - left)
        for i in range(GAUSS_NODES.size):
            s = left + half * (1.0 + GAUSS_NODES[i])
            worth = half * GAUSS_WEIGHTS[i] * delta * math.exp(-delta * s)
            total += worth * expected_count(s, n, j, k, a, b)
        left = right
    return total


@jit
def _gamma_rule(n: float, delta: float, k: int) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights for the mean of f(lambda), lambda ~ Gamma(n, 1).

    Composite Gauss-Legendre in w = ln lambda. f rises, below delta at least as fast as lambda, and
    varies on the scale of 1 in w; the range holds all but exp(-42) of the integrand.
    """
    top = n + k
    high = math.log(top + 10.0 * math.sqrt(top) + 50.0)
    low = math.log(min(delta, n)) - 42.0 / (n + 1.0)
    if n > 1.0:
        fall = math.sqrt(84.0 / n)
        while n * (math.expm1(-fall) + fall) < 42.0:
            fall *= 1.2
        low = math.log(n) - fall
    panels = math.ceil((high - low) / min(1.2, 2.5 / math.sqrt(top)))
    half = 0.5 * (high - low) / panels
    rate, weight = np.empty(panels * GAUSS_NODES.size), np.empty(panels * GAUSS_NODES.size)
    for i in range(panels):
        for q in range(GAUSS_NODES.size):
            w = low + half * (2 * i + 1 + GAUSS_NODES[q])
            rate[i * GAUSS_NODES.size + q] = math.exp(w)
            density = half * GAUSS_WEIGHTS[q] * math.exp(_log_gamma_density(w, n))
            weight[i * GAUSS_NODES.size + q] = density
    return rate, weight


@jit
def _log_gamma_density(w: float, n: float) -> float:
    """Give the log density of w = ln lambda, lambda ~ Gamma(n, 1): n w - e^w - lnGamma(n)."""
    if n < LARGE:
        return n * w - math.exp(w) - math.lgamma(n)
    v = w - math.log(n)
    peak = 0.5 * math.log(n) - HALF_LOG_TWO_PI - stirling_correction(n)
    return peak - n * (math.expm1(v) - v)
