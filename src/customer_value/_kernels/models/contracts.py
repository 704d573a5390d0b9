"""Contracts that are renewed or not at the end of each period: the beta-discrete-Weibull.

Fader, Hardie, Liu, Davin & Steenburgh (2018), "How to Project Customer Retention" Revisited,
Journal of Interactive Marketing 43. A customer survives t renewals with probability
(1 - theta)^(t^c), theta ~ Beta(alpha, beta), so S(t) = B(alpha, beta + t^c) / B(alpha, beta).
c = 1 is the shifted beta-geometric of Fader & Hardie (2007). Time is counted in periods.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.beta_steps import POWER_LAW, log_beta_step
from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    digamma_rise,
    trigamma,
    trigamma_fall,
)
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, read_only

if TYPE_CHECKING:
    from customer_value._kernels.models.parameters import Contract

SMOOTH = 5e-3
"""Where the logarithm of a term changes less per period, a sum is an integral and a correction."""
NEGLIGIBLE = 45.0
"""exp(-45) is nothing beside 1."""


def log_survival(t: FloatArray, parameters: Contract) -> FloatArray:
    """Give ln S(t), the log probability of surviving t renewals.

    Args:
        t: Renewals, 0 or more.

    Returns:
        One log probability per element.
    """
    (t,) = read_only(t)
    out = np.empty(t.size)
    _log_survival(t, out, *parameters)
    return out


def log_retention(t: FloatArray, parameters: Contract) -> FloatArray:
    """Give ln S(t)/S(t-1), the log probability that the t-th renewal happens once it is due.

    Args:
        t: Number of the renewal, 1 or more.

    Returns:
        One log probability per element.
    """
    (t,) = read_only(t)
    out = np.empty(t.size)
    _log_retention(t, out, *parameters)
    return out


def value_gradient_hessian(
    kept: FloatArray, lost: FloatArray, parameters: Contract
) -> tuple[float, FloatArray, FloatArray]:
    """Give the log likelihood and its derivatives in (ln alpha, ln beta, ln c).

    Args:
        kept: Customers who renewed at renewal 1, 2, 3 ...
        lost: Customers who left there.

    Returns:
        The log likelihood, its gradient (3,) and its Hessian (3, 3).
    """
    kept, lost = read_only(kept, lost)
    gradient = np.zeros(3)
    hessian = np.zeros((3, 3))
    value = _add_renewals(kept, lost, gradient, hessian, *parameters)
    return value, gradient, hessian


def residual_lives(n: FloatArray, parameters: Contract, periods: float, delta: float) -> FloatArray:
    """Give the discounted renewals to come: the sum of S(n+k)/S(n) exp(-k delta) over k >= 1.

    Args:
        n: Renewals survived so far, whole numbers.
        periods: How many renewals count, inf for all.
        delta: Continuous discount rate per period, 0 for no discounting.

    Returns:
        One present value per element, inf where `periods` is, `delta` is 0 and alpha c <= 1.
    """
    if periods == math.inf and delta == 0.0 and parameters.alpha * parameters.c <= 1.0:
        return np.full(n.size, math.inf)
    distinct, row = np.unique(n, return_inverse=True)
    if not distinct.size:
        return np.empty(0)
    (distinct,) = read_only(distinct)
    value = np.empty(distinct.size)
    if periods < math.inf:
        _limited_lives(distinct, value, periods, delta, *parameters)
        return np.asarray(value[row])
    # From fixed starts, so that the bits do not depend on who else is asked about.
    starts = np.exp2(np.ceil(np.log2(np.maximum(distinct, 64.0))))
    for start in np.unique(starts):
        first = int(np.searchsorted(starts, start))
        last = int(np.searchsorted(starts, start, "right"))
        part = slice(first, last)
        _whole_lives(distinct[part], value[part], float(start), delta, *parameters)
    return np.asarray(value[row])


@jit
def retention_step(t: float, alpha: float, beta: float, c: float) -> float:
    """Give ln S(t)/S(t-1)."""
    if c == 1.0:
        return -math.log1p(alpha / (beta + (t - 1.0)))
    log_u = c * math.log(t - 1.0) if t > 1.0 else -math.inf
    return log_beta_step(log_u, c * math.log(t), alpha, beta)


@jit
def log_leaving(log_kept: float) -> float:
    """Give ln(1 - r) from ln r, accurate however near r is to 0 or 1."""
    if log_kept > -0.6931471805599453:
        return math.log(-math.expm1(log_kept))
    return math.log1p(-math.exp(log_kept))


@jit
def _log_survival(t: FloatArray, out: FloatArray, alpha: float, beta: float, c: float) -> None:
    """Write ln S of each element."""
    for i in range(t.size):
        out[i] = 0.0
        if t[i] > 0.0:
            out[i] = log_beta_step(-math.inf, c * math.log(t[i]), alpha, beta)


@jit
def _log_retention(t: FloatArray, out: FloatArray, alpha: float, beta: float, c: float) -> None:
    """Write ln S(t)/S(t-1) of each element."""
    for i in range(t.size):
        out[i] = retention_step(t[i], alpha, beta, c)


@jit
def _add_renewals(
    kept: FloatArray,
    lost: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    alpha: float,
    beta: float,
    c: float,
) -> float:
    """Add the derivatives of kept ln r + lost ln(1 - r) over the renewals; return the value."""
    value = 0.0
    slope, bend = np.empty(3), np.empty((3, 3))
    for i in range(kept.size):
        if kept[i] == 0.0 and lost[i] == 0.0:
            continue
        log_kept = retention_step(i + 1.0, alpha, beta, c)
        _retention_derivatives(i + 1.0, alpha, beta, c, slope, bend)
        value += kept[i] * log_kept
        pull, push = kept[i], 0.0
        if lost[i] > 0.0:
            log_lost = log_leaving(log_kept)
            value += lost[i] * log_lost
            odds = math.exp(log_kept - log_lost)
            pull -= lost[i] * odds
            push = lost[i] * odds * (1.0 + odds)
        for j in range(3):
            gradient[j] += pull * slope[j]
            for k in range(3):
                hessian[j, k] += pull * bend[j, k] - push * (slope[j] * slope[k])
    return value


@jit
def _retention_derivatives(
    t: float, alpha: float, beta: float, c: float, slope: FloatArray, bend: FloatArray
) -> None:
    """Write the gradient and Hessian of ln S(t)/S(t-1) in (ln alpha, ln beta, ln c)."""
    log_u = c * math.log(t - 1.0) if t > 1.0 else -math.inf
    log_w = c * math.log(t)
    bottom, top = min(log_u, POWER_LAW), min(log_w, POWER_LAW)
    u = math.exp(bottom)
    step = u * math.expm1(top - bottom) if u > 0.0 else math.exp(top)
    rise = fall = own_rise = own_fall = 0.0
    if step > 0.0:
        rise = digamma_rise(alpha + beta + u, step)
        fall = trigamma_fall(alpha + beta + u, step)
        own_rise = digamma_rise(beta + u, step)
        own_fall = trigamma_fall(beta + u, step)
    beyond = max(log_w - POWER_LAW, 0.0) - max(log_u - POWER_LAW, 0.0)
    slope[0] = -alpha * (rise + beyond)
    slope[1] = beta * (own_rise - rise)
    bend[0, 0] = slope[0] + alpha * alpha * fall
    bend[0, 1] = bend[1, 0] = alpha * beta * fall
    bend[1, 1] = slope[1] + beta * beta * (fall - own_fall)
    slope[2] = bend[0, 2] = bend[1, 2] = bend[2, 2] = 0.0
    for sign, log_tau, tau in ((-1.0, log_u, u), (1.0, log_w, u + step)):
        if log_tau in (-math.inf, 0.0):
            continue  # neither 0 nor 1 depends on the exponent
        # ln tau = c ln t, so that c d/dc of y = beta + tau is tau ln tau.
        y, speed = beta + tau, tau * log_tau
        first = digamma_rise(y, alpha)
        slope[2] -= sign * first * speed
        bend[0, 2] -= sign * alpha * trigamma(y + alpha) * speed
        bend[1, 2] += sign * beta * trigamma_fall(y, alpha) * speed
        curve = trigamma_fall(y, alpha) * speed * speed - first * speed * log_tau
        bend[2, 2] += sign * (curve - first * speed)
    bend[2, 0], bend[2, 1] = bend[0, 2], bend[1, 2]


@jit
def _whole_lives(
    n: FloatArray,
    out: FloatArray,
    start: float,
    delta: float,
    alpha: float,
    beta: float,
    c: float,
) -> None:
    """Write the discounted renewals to come after each of the sorted n up to `start`, without end.

    V(n) = r(n+1) exp(-delta) (1 + V(n+1)) from a far t backwards: all terms positive.
    """
    t, decay = start, 0.0
    while decay < NEGLIGIBLE and hazard(t, alpha, beta, c) + delta > SMOOTH:
        t += 1.0
        decay += delta - retention_step(t, alpha, beta, c)
    value = 0.0
    if decay < NEGLIGIBLE:
        value = _tail(t, delta, alpha, beta, c)
    i = n.size - 1
    while i >= 0:
        if t == n[i]:
            out[i] = value
            i -= 1
            continue
        value = math.exp(retention_step(t, alpha, beta, c) - delta) * (1.0 + value)
        t -= 1.0


@jit
def _limited_lives(
    n: FloatArray,
    out: FloatArray,
    periods: float,
    delta: float,
    alpha: float,
    beta: float,
    c: float,
) -> None:
    """Write the discounted renewals to come after each n, `periods` of them at most."""
    for i in range(n.size):
        log_term, total = 0.0, 0.0
        for k in range(1, int(periods) + 1):
            log_term += retention_step(n[i] + k, alpha, beta, c) - delta
            total += math.exp(log_term)
            if log_term < math.log(total) - NEGLIGIBLE - math.log(periods):
                break
        out[i] = total


@jit
def hazard(t: float, alpha: float, beta: float, c: float) -> float:
    """Give -d ln S(t)/dt, for t > 0."""
    log_tau = c * math.log(t)
    if log_tau > POWER_LAW:
        return alpha * c / t
    tau = math.exp(log_tau)
    return c * tau / t * digamma_rise(beta + tau, alpha)


@jit
def _tail(t: float, delta: float, alpha: float, beta: float, c: float) -> float:
    """Give the sum of S(t+k)/S(t) exp(-k delta) over k >= 1 where it is smooth.

    Euler and Maclaurin's formula; the integral by Gauss-Legendre over s = ln of time, on panels
    over which the integrand does not fall by more than a factor of e^4.
    """
    log_t, change = math.log(t), hazard(t, alpha, beta, c) + delta
    total = (change - change**3 / 60.0) / 12.0 - 0.5
    left = 0.0
    # Beyond this ln t^c, S is a power law, and the integral without discount a formula.
    power_law = NEGLIGIBLE + 2.0 * math.log1p(alpha + beta)
    while True:
        log_now = log_t + left
        fall = hazard(math.exp(min(log_now, 700.0)), alpha, beta, c) if log_now < 700.0 else 0.0
        steepness = fall * math.exp(log_now) if log_now < 700.0 else alpha * c
        if delta > 0.0:
            steepness += delta * math.exp(log_now)
        half = 0.5 * min(max(1.0, 1.0 / c), 4.0 / (1.0 + steepness))
        part = 0.0
        for k in range(GAUSS_NODES.size):
            s = left + half * (1.0 + GAUSS_NODES[k])
            part += half * GAUSS_WEIGHTS[k] * _density(s, t, delta, alpha, beta, c)
        total += part
        left += 2.0 * half
        if delta > 0.0 and delta * t * math.expm1(left) > NEGLIGIBLE:
            return total
        if steepness > 2.0 and part < 1e-18 * total:
            return total
        if delta == 0.0 and c * (log_t + left) > power_law:
            return total + _density(left, t, 0.0, alpha, beta, c) / (alpha * c - 1.0)


@jit
def _density(s: float, t: float, delta: float, alpha: float, beta: float, c: float) -> float:
    """Give the integrand of `_tail` at time t e^s, by s."""
    log_u = c * math.log(t)
    exponent = s + math.log(t) + log_beta_step(log_u, log_u + c * s, alpha, beta)
    if delta > 0.0:
        exponent -= delta * t * math.expm1(s)
    return math.exp(exponent)
