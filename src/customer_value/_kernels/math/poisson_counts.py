"""How often a living customer who buys at random buys, and who stays: means over Beta(a, b).

Purchases come at a Poisson rate that is Gamma(n, rate 1); after each one the customer leaves with
probability p ~ Beta(a, b). Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way,
Marketing Science 24(2), eq. 8. The same with regular gaps is in `erlang_counts`.
"""

from __future__ import annotations

import math

from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    expit,
    incomplete_beta,
    log_beta,
)
from customer_value._kernels.run._jit import jit


@jit
def count_probability(y: float, n: float, r: float, a: float, b: float) -> float:
    """Give the probability that a living customer buys exactly n times.

    Either n purchases came and all were survived, or n or more would have come and the n-th was
    the last: all terms are positive.

    Args:
        y: Length of the future over alpha.
        n: Number of purchases.
        r: Shape of the purchase rate.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.

    Returns:
        The probability.
    """
    if n == 0.0:
        return math.exp(-r * math.log1p(y))
    if y == 0.0:
        return 0.0
    log_arrivals = -n * math.log1p(1.0 / y) - r * math.log1p(y) - math.log(n) - log_beta(r, n)
    log_total = log_beta(a, b)
    survived = math.exp(log_beta(a, b + n) - log_total + log_arrivals)
    stopped = math.exp(log_beta(a + 1.0, b + (n - 1.0)) - log_total)
    return survived + stopped * incomplete_beta(n, r, y)


@jit
def reach_probability(y: float, n: float, r: float, a: float, b: float) -> float:
    """Give the probability that a living customer buys n >= 1 times or more.

    All purchases before the n-th are survived and n would have come; arguments as above.
    """
    if y == 0.0:
        return 0.0
    if n == 1.0:
        return -math.expm1(-r * math.log1p(y))
    survived = math.exp(log_beta(a, b + (n - 1.0)) - log_beta(a, b))
    return survived * incomplete_beta(n, r, y)


@jit
def staying_probability(y: float, n: float, a: float, b: float) -> float:
    """Give the share of the living who are still alive at y.

    The mean of (1 + p y)^-n over p ~ Beta(a, b).

    It is 2F1(n, a; a+b; -y), by Pfaff's transformation (1-z)^a 2F1(a, c-n; c; z) with c = a+b and
    z = y/(1+y); by quadrature where that series is slow or cancels.
    """
    z, c = y / (1.0 + y), a + b
    term = 1.0
    total, size = term, term
    for k in range(500):
        term *= (a + k) * (c - n + k) / ((c + k) * (k + 1.0)) * z
        total += term
        size += abs(term)
        if abs(term) <= 1e-14 * (1.0 - z) * size:
            if size < 1e4 * total:
                return math.exp(-a * math.log1p(y)) * total
            break
    return _staying_integral(y, n, a, b)


@jit
def _staying_density(p: float, q: float, y: float, n: float, a: float, b: float) -> float:
    """Give the logarithm of p^a q^b (1 + p y)^-n, q = 1 - p."""
    return a * math.log(p) + b * math.log(q) - n * math.log1p(p * y)


@jit
def _staying_integral(y: float, n: float, a: float, b: float) -> float:
    """Give the same mean by the quadrature of `special.beta_rule`, about the peak of the integrand.

    In u = logit p the integrand has one peak, the root in (0, 1) of a quadratic in p.
    """
    c = a + b
    square, linear = y * (n - c), c + (n - a) * y
    root = math.sqrt(max(linear * linear - 4.0 * square * a, 0.0))
    p = 2.0 * a / (linear + root) if linear > 0.0 else 0.5 * (linear - root) / square
    p = min(max(p, 1e-300), 1.0 - 1e-15)
    top = _staying_density(p, 1.0 - p, y, n, a, b)
    peak, kept = math.log(p) - math.log1p(-p), 1.0 / (1.0 + p * y)
    sharpness = (c - n) * p * (1.0 - p) + n * (p * (1.0 + y) * kept) * ((1.0 - p) * kept)
    low = _staying_end(peak, -1.0, math.log(1e-3 / (1.0 + (1.0 + n) * y + b)), top, y, n, a, b)
    high = _staying_end(peak, 1.0, math.log((1.0 + a + n) * 1e3), top, y, n, a, b)
    panels = math.ceil((high - low) / (2.5 / math.sqrt(max(sharpness, 1.0))))
    half = 0.5 * (high - low) / panels
    total = _staying_tail(a, b, expit(low), True, top, y, n)
    total += _staying_tail(b, a, expit(-high), False, top, y, n)
    for i in range(panels):
        for j in range(GAUSS_NODES.size):
            u = low + half * (2 * i + 1 + GAUSS_NODES[j])
            height = _staying_density(expit(u), expit(-u), y, n, a, b) - top
            total += half * GAUSS_WEIGHTS[j] * math.exp(height)
    return min(total * math.exp(top - log_beta(a, b)), 1.0)  # and NaN stays NaN


@jit
def _staying_end(
    peak: float, sign: float, limit: float, top: float, y: float, n: float, a: float, b: float
) -> float:
    """Walk from the peak to where the integrand has fallen to exp(-38) of it, or to the limit."""
    if sign * (limit - peak) <= 0.0:
        return limit
    step = 1e-3
    u = peak
    while sign * (limit - u) > 0.0:
        if _staying_density(expit(u), expit(-u), y, n, a, b) < top - 38.0:
            return u
        u = peak + sign * step
        step *= 1.5
    return limit


@jit
def _staying_tail(
    a: float, b: float, cut: float, left: bool, top: float, y: float, n: float
) -> float:
    """Integrate an end of the range, where s^(a-1) may be singular, by a two-point Gauss rule."""
    spread = math.sqrt(2.0 * (a + 1.0) / (a + 2.0))
    near, far = (a + 1.0 - spread) / (a + 3.0), (a + 1.0 + spread) / (a + 3.0)
    total = 0.0
    for k in range(2):
        s, other = (near, far) if k == 0 else (far, near)
        weight = (other / a - 1.0 / (a + 1.0)) / (other - s)
        p = cut * s if left else 1.0 - cut * s
        height = a * math.log(cut) + (b - 1.0) * math.log1p(-cut * s) - n * math.log1p(p * y)
        total += weight * math.exp(height - top)
    return total
