"""BG/NBD: how many purchases a horizon brings, when the next one comes, who is alive at its end.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), eq. 8.
Given that a customer is alive at T, all that follows is that of a new customer with the parameters
(r + x, alpha + T, a, b + x). Rows and units as in `bg_nbd`.
"""

from __future__ import annotations

import math

import numpy as np

from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    expit,
    incomplete_beta,
    log_beta,
    softplus,
)
from customer_value._kernels.models.bg_nbd import log_odds_of_death, probability_alive
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.per_row import PerRow, own, per_row


def probability_alive_later(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    ahead: float,
    r: float,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

    Given p a living customer leaves at rate lambda p, so that of the living E[(1 + p y)^-(r+x)]
    stay, y = ahead / (alpha + T), p ~ Beta(a, b + x).

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        ahead: Time after T, finite.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One probability a row.
    """
    out = probability_alive(x, t_x, T, r, alpha, a, b, threads)
    x, T = read_only(x, T)
    columns = (x, T, *per_row(alpha, a, b), out)
    map_rows(_multiply_by_staying, columns, ahead, r, threads=threads)
    return out


def purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of exactly n purchases in (T, T + horizon].

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        horizon: Length of the future, finite.
        n: Number of purchases, 0 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One probability a row.
    """
    x, t_x, T = read_only(x, t_x, T)
    out = np.empty(x.size)
    columns = (x, t_x, T, *per_row(alpha, a, b), out)
    map_rows(_purchase_probability, columns, horizon, float(n), r, threads=threads)
    return out


def at_least_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        horizon: Length of the future, finite.
        n: Number of purchases, 1 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One probability a row.
    """
    out = probability_alive(x, t_x, T, r, alpha, a, b, threads)
    x, T = read_only(x, T)
    columns = (x, T, *per_row(alpha, a, b), out)
    map_rows(_multiply_by_reaching, columns, horizon, float(n), r, threads=threads)
    return out


def new_customer_probability(t: float, n: int, r: float, alpha: float, a: float, b: float) -> float:
    """Give P(X(t) = n) for a new customer (Fader, Hardie & Lee 2005, eq. 8).

    Args:
        t: Age, 0 or more.
        n: Number of repeat purchases, 0 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.

    Returns:
        The probability.
    """
    return count_probability(t / alpha, float(n), r, a, b)


def next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    q: float,
    r: float,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    threads: int | None = None,
) -> FloatArray:
    """Give the time after T by which the next purchase has happened with probability q.

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        q: Probability, above 0 and below 1.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One time a row; inf where the probability never reaches q.
    """
    x, t_x, T = read_only(x, t_x, T)
    out = np.empty(x.size)
    columns = (x, t_x, T, *per_row(alpha, a, b), out)
    map_rows(_next_purchase_quantile, columns, q, r, threads=threads)
    return out


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
    """Give the mean of (1 + p y)^-n over p ~ Beta(a, b): who of the living stays so until y.

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
    return min(1.0, total * math.exp(top - log_beta(a, b)))


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


@jit
def _multiply_by_staying(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    ahead: float,
    r: float,
) -> None:
    """Multiply each row's probability of being alive by that of staying so."""
    for i in range(x.size):
        y = ahead / (own(alpha, i) + T[i])
        out[i] *= staying_probability(y, r + x[i], own(a, i), own(b, i) + x[i])


@jit
def _multiply_by_reaching(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
) -> None:
    """Multiply each row's probability of being alive by that of n purchases or more."""
    for i in range(x.size):
        y = horizon / (own(alpha, i) + T[i])
        out[i] *= reach_probability(y, n, r + x[i], own(a, i), own(b, i) + x[i])


@jit
def _purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
) -> None:
    """Write each row's probability of n purchases; the dead make none."""
    for i in range(x.size):
        rate, first, second = own(alpha, i), own(a, i), own(b, i)
        dead, alive = 0.0, 1.0
        if x[i] > 0.0:
            odds = log_odds_of_death(x[i], t_x[i], T[i], r, rate, first, second)
            dead, alive = expit(odds), expit(-odds)
        y = horizon / (rate + T[i])
        out[i] = alive * count_probability(y, n, r + x[i], first, second + x[i])
        if n == 0.0:
            out[i] += dead


@jit
def _next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    q: float,
    r: float,
) -> None:
    """Write each row's solution t of P(alive) (1 - ((alpha+T)/(alpha+T+t))^(r+x)) = q."""
    for i in range(x.size):
        rate = own(alpha, i)
        alive, dead = 1.0, 0.0
        if x[i] > 0.0:
            odds = log_odds_of_death(x[i], t_x[i], T[i], r, rate, own(a, i), own(b, i))
            alive, dead = expit(-odds), expit(odds)
        left = alive - q if alive < 0.5 else (1.0 - q) - dead
        out[i] = math.inf
        if left > 0.0:
            wait = softplus(math.log(q) - math.log(left)) / (r + x[i])  # -ln(1 - q/alive) / (r + x)
            if wait < 700.0:
                out[i] = (rate + T[i]) * math.expm1(wait)
