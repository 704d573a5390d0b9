"""Pareto/NBD: how likely each number of purchases is.

Fader & Hardie (2006), note 012, "Deriving an Expression for P(X(t) = x) Under the Pareto/NBD
Model", derive it as a difference of Gauss's 2F1, which cancels; here it is a quadrature of a
positive function.
"""

from __future__ import annotations

import math

from customer_value._kernels.math.lomax import NODES, WEIGHTS
from customer_value._kernels.math.special import expit, log_beta, softplus
from customer_value._kernels.run._jit import jit


@jit
def chance_of_count(k: float, t: float, r: float, alpha: float, s: float, beta: float) -> float:
    """Give the probability of k > 0 repeat purchases by age t.

    They were made by someone alive at t, or by someone who died at an age y < t.

    Args:
        k: Number of purchases.
        t: Age.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        s: Shape of the death rate.
        beta: Rate parameter of the death rate, in units of time.

    Returns:
        The probability.
    """
    if t == 0.0:
        return 0.0
    dead = math.log(s) + _log_integral(k, 1.0, t, r, alpha, s, beta)
    alive = -k * math.log1p(alpha / t) - r * math.log1p(t / alpha) - s * math.log1p(t / beta)
    return math.exp(alive + softplus(dead - alive) - math.log(k) - log_beta(r, k))


@jit
def chance_of_reaching(n: float, t: float, r: float, alpha: float, s: float, beta: float) -> float:
    """Give the probability of n > 0 repeat purchases or more by age t.

    The n-th came at an age y < t, in a life that had not ended: relatively accurate however small.

    Args:
        n: Number of purchases.
        t: Age.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        s: Shape of the death rate.
        beta: Rate parameter of the death rate, in units of time.

    Returns:
        The probability.
    """
    if t == 0.0:
        return 0.0
    log_chance = _log_integral(n, 0.0, t, r, alpha, s, beta) - log_beta(r, n)
    return math.exp(min(log_chance, 0.0))


@jit
def _log_integral(
    k: float, died: float, t: float, r: float, alpha: float, s: float, beta: float
) -> float:
    """Give the log of the integral of `_log_density` up to t, in panels to both sides of its peak.

    The peak is where the slope is 0: (r+s) y^2 - 2 half y - (k+died) alpha beta = 0.
    """
    log_a, log_b = math.log(alpha), math.log(beta)
    half = 0.5 * ((died - r) * beta + (k - s) * alpha)
    root = math.hypot(half, math.sqrt((r + s) * (k + died)) * math.sqrt(alpha * beta))
    peak = (half + root) / (r + s) if half > 0.0 else (k + died) * alpha * beta / (root - half)
    end = math.log(t)
    peak = min(end, math.log(peak))
    top = _log_density(peak, k, died, r, log_a, s, log_b)[0]
    mass = _mass(peak, math.inf, -1.0, top, k, died, r, log_a, s, log_b)
    mass += _mass(peak, end - peak, 1.0, top, k, died, r, log_a, s, log_b)
    return math.log(mass) + top


@jit
def _mass(
    u: float,
    left_to_go: float,
    step: float,
    top: float,
    k: float,
    died: float,
    r: float,
    log_a: float,
    s: float,
    log_b: float,
) -> float:
    """Integrate exp(density - top) from u over a length, to the left (step -1) or right (1)."""
    total = 0.0
    while left_to_go > 0.0:
        value, slope, bend = _log_density(u, k, died, r, log_a, s, log_b)
        if math.exp(value - top) < 1e-17 * abs(slope) * total:
            break
        width = min(1.5, left_to_go)
        while (abs(slope) + bend * width) * width > 12.0:
            width *= 0.5
        for j in range(NODES.size):
            at = _log_density(u + step * width * NODES[j], k, died, r, log_a, s, log_b)[0]
            total += width * WEIGHTS[j] * math.exp(at - top)
        u += step * width
        left_to_go -= width
    return total


@jit
def _log_density(
    u: float, k: float, died: float, r: float, log_a: float, s: float, log_b: float
) -> tuple[float, float, float]:
    """Give the log of (y/(alpha+y))^k (alpha/(alpha+y))^r (beta/(beta+y))^s, y = e^u.

    It is log-concave in u; where y is the age at death, `died` is 1 and y/(beta+y) a factor more.

    Returns:
        The value, its slope and its bend, minus the second derivative.
    """
    early, young = expit(log_a - u), expit(log_b - u)  # alpha/(alpha+y) and beta/(beta+y)
    value = -(r + k) * softplus(log_a - u) - (s + died) * softplus(log_b - u)
    value -= r * (u - log_a) + s * (u - log_b)
    slope = (r + k) * early + (s + died) * young - r - s
    bend = (r + k) * early * (1.0 - early) + (s + died) * young * (1.0 - young)
    return value, slope, bend
