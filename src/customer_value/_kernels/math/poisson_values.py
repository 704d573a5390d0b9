"""What the purchases of a living customer who buys at random amount to and are worth today.

Purchases come at a Poisson rate that is Gamma(n, rate 1), with time in units of alpha + T; after
each one the customer leaves with probability p ~ Beta(a, b). The same with regular gaps is in
`erlang_counts` and `erlang_values`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.special import (
    FEW_NODES,
    FEW_WEIGHTS,
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    beta_rule,
    scaled_expint,
)
from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray


@jit
def expected_count(y: float, n: float, a: float, b: float) -> float:
    """Give the purchases expected of a customer who is alive now.

    It is the mean of (1 - (1 + p y)^-n) / p over p ~ Beta(a, b). Fader, Hardie & Lee (2005) write
    it in eq. 10 as a difference over a - 1 that fails at a = 1; after Euler's transformation of its
    2F1 that factor cancels on paper.

    Args:
        y: Length of the future over alpha + T.
        n: r + x.
        a: First shape of the drop-out probability.
        b: Its second shape after x purchases, b + x.

    Returns:
        The expected number; by quadrature where the series is slow or cancels.
    """
    e, c = a - 1.0, a + b - 1.0
    log_growth = math.log1p(y)
    z = y / (1.0 + y)
    first = log_growth if e == 0.0 else -math.expm1(-e * log_growth) / e
    term = (c - n) * z
    total, size = term, abs(term)
    for k in range(1, 500):
        term *= (c - n + k) * (a + k - 1.0) / ((c + k) * (k + 1.0)) * z
        total += term
        size += abs(term)
        if abs(term) <= 1e-14 * (1.0 - z) * size:
            shrink = math.exp(-e * log_growth)
            result = c * first - shrink * total
            if abs(c * first) + shrink * size < 1e4 * result:
                return result
            break
    p, weight = beta_rule(a, b, 1.0 + (1.0 + n) * y)
    result = 0.0
    for k in range(p.size):
        result -= weight[k] * math.expm1(-n * math.log1p(p[k] * y)) / p[k]
    return result


@jit
def value_of_life(delta: float, n: float, a: float, b: float) -> float:
    """Give the whole residual life's present value, with time in units of alpha + T.

    Given p the rate of purchase at time s is n (1 + p s)^-(n+1), so the value is
    (n/p) exp(z) E_(n+1)(z) with z = delta/p.
    """
    p, weight = beta_rule(a, b, 1.0 + (1.0 + n) / delta)
    total = 0.0
    for k in range(p.size):
        if p[k] > 0.0:
            total += weight[k] * (n / p[k]) * scaled_expint(n + 1.0, delta / p[k])
        else:  # the first node where a is next to nothing: those who never stop
            total += weight[k] * (n / delta)
    return total


@jit
def value_of_horizon(y: float, delta: float, n: float, a: float, b: float) -> float:
    """Give the present value of the purchases until y, with time in units of alpha + T.

    By parts: exp(-delta y) N(y) plus the integral of delta exp(-delta s) N(s), N the purchases
    expected by s. Gauss-Legendre in ln(1 + s) on panels that halve towards 0, where N bends when n
    is large and the exponential when delta is.
    """
    total = math.exp(-delta * y) * expected_count(y, n, a, b)
    if delta == 0.0:
        return total
    if delta * (1.0 + y) <= 1.0 and (n <= 8.0 or (n <= a + b and a <= 8.0)):
        return total + _gentle_integral(y, delta, n, a, b)
    right = math.log1p(min(y, 40.0 / delta))
    while right > 0.0:
        left = max(right - 1.4, 0.5 * right)
        if right < min(1.4, 4.0 / n, 4.0 / delta):
            left = 0.0
        half = 0.5 * (right - left)
        for j in range(GAUSS_NODES.size):
            s = math.expm1(left + half * (1.0 + GAUSS_NODES[j]))
            rate = delta * math.exp(-delta * s) * (1.0 + s)
            total += half * GAUSS_WEIGHTS[j] * rate * expected_count(s, n, a, b)
        right = left
    return total


@jit
def _gentle_integral(y: float, delta: float, n: float, a: float, b: float) -> float:
    """Integrate delta exp(-delta s) N(s) until y where nothing in it is sharp.

    In ln(1 + s) eight nodes on panels of 0.6 shrink by 6.8^-16 what the integrand grows by on an
    ellipse about the panel. It reaches 0.74 to the left of 0, where the mean of (1 + p s)^-n is at
    most exp(0.74 n), and exp(0.74 a) for n <= a + b: below 400 where this is called.
    """
    panels = max(1, math.ceil(math.log1p(y) / 0.6))
    half = 0.5 * math.log1p(y) / panels
    s = np.empty(panels * FEW_NODES.size)
    for i in range(panels):
        for j in range(FEW_NODES.size):
            s[i * FEW_NODES.size + j] = math.expm1(half * (2 * i + 1 + FEW_NODES[j]))
    expected = _expected_counts(s, n, a, b)
    total = 0.0
    for k in range(s.size):
        rate = delta * math.exp(-delta * s[k]) * (1.0 + s[k])
        total += half * FEW_WEIGHTS[k % FEW_NODES.size] * rate * expected[k]
    return total


@jit
def _expected_counts(s: FloatArray, n: float, a: float, b: float) -> FloatArray:
    """Give `expected_count` at rising moments s: one series, its coefficients shared."""
    e, c = a - 1.0, a + b - 1.0
    z = np.empty(s.size)
    power = np.empty(s.size)
    total = np.empty(s.size)
    size = np.empty(s.size)
    for j in range(s.size):
        z[j] = power[j] = s[j] / (1.0 + s[j])
        total[j], size[j] = (c - n) * z[j], abs(c - n) * z[j]
    coefficient, converged = c - n, False
    for k in range(1, 500):
        coefficient *= (c - n + k) * (a + k - 1.0) / ((c + k) * (k + 1.0))
        for j in range(s.size):
            power[j] *= z[j]
            total[j] += coefficient * power[j]
            size[j] += abs(coefficient) * power[j]
        if abs(coefficient) * power[-1] <= 1e-14 * (1.0 - z[-1]) * size[-1]:
            converged = size[-1] < 1e280  # and nothing has overflown
            break
    out = np.empty(s.size)
    for j in range(s.size):
        log_growth = math.log1p(s[j])
        first = log_growth if e == 0.0 else -math.expm1(-e * log_growth) / e
        shrink = math.exp(-e * log_growth)
        out[j] = c * first - shrink * total[j]
        if not (converged and abs(c * first) + shrink * size[j] < 1e4 * out[j]):  # or NaN
            out[j] = expected_count(s[j], n, a, b)
    return out
