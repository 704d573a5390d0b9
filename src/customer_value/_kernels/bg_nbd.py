"""BG/NBD: purchases until a silent drop-out that only a purchase can trigger.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). While
alive, a customer buys at rate lambda ~ Gamma(r, rate alpha); after each purchase the customer
leaves with probability p ~ Beta(a, b). Rows are customers: x repeat purchases, the last at age t_x,
observed up to age T. All times are in the unit of the parameters.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from customer_value._kernels._jit import jit
from customer_value._kernels.age_tables import over_ages
from customer_value._kernels.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.special import (
    FEW_NODES,
    FEW_WEIGHTS,
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    beta_rule,
    expit,
    scaled_expint,
    softplus,
)


def log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> FloatArray:
    """Give each customer's log likelihood (Fader, Hardie & Lee 2005, eq. 6).

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One log likelihood a row.
    """
    x, t_x, T = read_only(x, t_x, T)
    j = np.arange(x.max(initial=0.0))
    # Gamma(r+x)/Gamma(r) and B(a,b+x)/B(a,b) are products over j < x, since x is a whole number.
    log_products = np.append(0.0, np.cumsum(np.log(r + j) - np.log1p(a / (b + j))))
    out = np.empty(x.size)
    map_rows(_log_likelihood, (x, t_x, T, out), log_products, r, alpha, a, b, threads=threads)
    return out


def value_gradient_hessian(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    weights: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha, ln a, ln b).

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        weights: How many customers each row stands for.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor; the bits do not depend on it.

    Returns:
        The weighted sum of the log likelihood, its gradient (4,) and its Hessian (4, 4).
    """
    x, t_x, T, weights = read_only(x, t_x, T, weights)
    total = _counting_sums(x, weights, r, a, b)
    columns = (x, t_x, T, weights)
    for part in map_rows(_timing_sums, columns, r, alpha, a, b, threads=threads):
        total += part
    hessian = np.empty((4, 4))
    upper = np.triu_indices(4)
    hessian[upper] = hessian.T[upper] = total[5:]
    return float(total[0]), total[1:5], hessian


def probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of being alive at T (Fader, Hardie & Lee 2008, note 021, eq. 1).

    It is 1 where x is 0: in this model only a purchase can end the relation.

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
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
    map_rows(_probability_alive, (x, t_x, T, out), r, alpha, a, b, threads=threads)
    return out


def expected_purchases(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the purchases expected in (T, T + horizon] (Fader, Hardie & Lee 2005, eq. 10).

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        horizon: Length of the future, finite.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One expected number a row.
    """
    shared = (horizon, r, alpha, a, b)
    out = over_ages(_purchases_while_alive, x, T, alpha, shared, threads)
    out *= probability_alive(x, t_x, T, r, alpha, a, b, threads)
    return out


def expected_purchases_new_customer(t: float, r: float, alpha: float, a: float, b: float) -> float:
    """Give E[X(t)], the repeat purchases expected by age t (Fader, Hardie & Lee 2005, eq. 9).

    Args:
        t: Age, 0 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.

    Returns:
        The expected number.
    """
    return purchases_while_alive(t / alpha, r, a, b)


def discounted_expected_purchases(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    delta: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the present value at T of one unit of money at each purchase in (T, T + horizon].

    Args:
        x: Repeat purchases, whole numbers.
        t_x: Age at the last purchase, 0 where x is 0.
        T: Age at the end of observation.
        horizon: Length of the future, inf for the whole residual life.
        delta: Continuous discount rate per unit of time, 0 for no discounting.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
        threads: Number of threads, by default one per processor.

    Returns:
        One present value a row, inf where `horizon` is, `delta` is 0 and a <= 1.
    """
    if horizon == math.inf and delta == 0.0 and a <= 1.0:
        return np.full(x.size, math.inf)
    if horizon < math.inf:
        of_horizon = (horizon, delta, r, alpha, a, b)
        out = over_ages(_values_of_horizon, x, T, alpha, of_horizon, threads)
    else:
        out = over_ages(_values_of_life, x, T, alpha, (delta, r, alpha, a, b), threads)
    out *= probability_alive(x, t_x, T, r, alpha, a, b, threads)
    return out


def distinct_states(
    x: FloatArray, T: FloatArray
) -> tuple[tuple[FloatArray, FloatArray], npt.NDArray[np.intp] | slice]:
    """Find the pairs of x and T among many rows: given alive, t_x says nothing more.

    Ages in whole days, or in days divided by seven, make few pairs; where they do not, all rows
    stand for themselves.

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.

    Returns:
        The pairs, read-only, and for each row which of them is its own.
    """
    x, T = read_only(x, T)
    rows: npt.NDArray[np.intp] | slice = slice(None)
    if x.size == 0 or np.unique(T[:2000]).size > 1500:
        return (x, T), rows
    whole = bool((np.floor(T) == T).all())
    ages, age = (T, T) if whole else np.unique(T, return_inverse=True)
    width = float(age.max()) + 1.0
    cells = (float(x.max()) + 1.0) * width
    if cells > 2.0 * x.size + 1000.0:
        return (x, T), rows
    cell = (x * width + age).astype(np.intp)
    found = np.zeros(int(cells), np.intp)
    found[cell] = 1
    pairs = np.flatnonzero(found)
    rows = (np.cumsum(found) - 1)[cell]
    distinct_age = pairs % int(width)
    distinct_T = distinct_age.astype(np.float64) if whole else ages[distinct_age]
    distinct_x = (pairs // int(width)).astype(np.float64)
    first, second = read_only(distinct_x, distinct_T)
    return (first, second), rows


@jit
def log_odds_of_death(
    x: float, t_x: float, T: float, r: float, alpha: float, a: float, b: float
) -> float:
    """Give the log odds that a customer with x > 0 left at t_x rather than fell silent since.

    The ratio of the two terms of the likelihood: a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x).
    """
    return math.log(a / (b + (x - 1.0))) + (r + x) * math.log1p((T - t_x) / (alpha + t_x))


@jit
def purchases_while_alive(y: float, n: float, a: float, b: float) -> float:
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
def _purchases_while_alive(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write the purchases expected of each row, given that the customer is alive."""
    for i in range(x.size):
        out[i] = purchases_while_alive(horizon / (alpha + T[i]), r + x[i], a, b + x[i])


@jit
def _values_of_horizon(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    delta: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write the present value of each row's purchases in the horizon, given a living customer."""
    for i in range(x.size):
        age = alpha + T[i]
        out[i] = _value_of_horizon(horizon / age, delta * age, r + x[i], a, b + x[i])


@jit
def _values_of_life(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    delta: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write the present value of all of each row's future purchases, given a living customer."""
    for i in range(x.size):
        if delta > 0.0:
            out[i] = _value_of_life(delta * (alpha + T[i]), r + x[i], a, b + x[i])
        else:
            out[i] = (a + b + x[i] - 1.0) / (a - 1.0)  # the mean of 1/p


@jit
def _value_of_life(delta: float, n: float, a: float, b: float) -> float:
    """Give the whole residual life's present value, with time in units of alpha + T.

    Given p the rate of purchase at time s is n (1 + p s)^-(n+1), so the value is
    (n/p) exp(z) E_(n+1)(z) with z = delta/p.
    """
    p, weight = beta_rule(a, b, 1.0 + (1.0 + n) / delta)
    total = 0.0
    for k in range(p.size):
        total += weight[k] * (n / p[k]) * scaled_expint(n + 1.0, delta / p[k])
    return total


@jit
def _value_of_horizon(y: float, delta: float, n: float, a: float, b: float) -> float:
    """Give the present value of the purchases until y, with time in units of alpha + T.

    By parts: exp(-delta y) N(y) plus the integral of delta exp(-delta s) N(s), N the purchases
    expected by s. Gauss-Legendre in ln(1 + s) on panels that halve towards 0, where N bends when n
    is large and the exponential when delta is.
    """
    total = math.exp(-delta * y) * purchases_while_alive(y, n, a, b)
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
            total += half * GAUSS_WEIGHTS[j] * rate * purchases_while_alive(s, n, a, b)
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
    expected = _purchases_by(s, n, a, b)
    total = 0.0
    for k in range(s.size):
        rate = delta * math.exp(-delta * s[k]) * (1.0 + s[k])
        total += half * FEW_WEIGHTS[k % FEW_NODES.size] * rate * expected[k]
    return total


@jit
def _purchases_by(s: FloatArray, n: float, a: float, b: float) -> FloatArray:
    """Give `purchases_while_alive` at rising moments s: one series, its coefficients shared."""
    e, c = a - 1.0, a + b - 1.0
    z, power, total = np.empty(s.size), np.empty(s.size), np.empty(s.size)
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
            out[j] = purchases_while_alive(s[j], n, a, b)
    return out


@jit
def _log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    log_products: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's log likelihood; `log_products` holds the terms that depend on x alone."""
    log_alpha = math.log(alpha)
    for i in range(x.size):
        age = math.log1p(T[i] / alpha)
        out[i] = log_products[int(x[i])] - r * age - x[i] * (log_alpha + age)
        if x[i] > 0.0:
            out[i] += softplus(log_odds_of_death(x[i], t_x[i], T[i], r, alpha, a, b))


@jit
def _probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's probability of being alive."""
    for i in range(x.size):
        out[i] = 1.0
        if x[i] > 0.0:
            out[i] = expit(-log_odds_of_death(x[i], t_x[i], T[i], r, alpha, a, b))


def _counting_sums(x: FloatArray, weights: FloatArray, r: float, a: float, b: float) -> FloatArray:
    """Sum the likelihood's terms in x alone: ln Gamma(r+x)/Gamma(r) and ln B(a,b+x)/B(a,b).

    Both are sums over j < x, so over all customers they are one sum over j, weighted by how many
    customers have x > j.

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, ln alpha, ln a, ln b): 15 sums.
    """
    beyond = np.bincount(x.astype(np.int64), weights)[::-1].cumsum()[::-1][1:]
    j = np.arange(beyond.size)
    rj, bj, abj = r + j, b + j, a + b + j
    d_b = beyond * (a / abj) * (b / bj)
    sums = np.zeros(15)
    sums[0] = (beyond * (np.log(rj) - np.log1p(a / bj))).sum()
    sums[1] = (beyond * (r / rj)).sum()
    sums[3] = -(beyond * (a / abj)).sum()
    sums[4] = d_b.sum()
    sums[5] = (beyond * (r / rj) * (j / rj)).sum()
    sums[12] = -(beyond * (a / abj) * (bj / abj)).sum()
    sums[13] = (beyond * (a / abj) * (b / abj)).sum()
    sums[14] = (d_b * (j / bj - b / abj)).sum()
    return sums


@jit
def _timing_sums(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    weights: FloatArray,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> FloatArray:
    """Sum the likelihood's terms in t_x and T, in the layout of `_counting_sums`.

    With d the log odds of death and s = expit(d): ln(1 + e^d) has the gradient s d' and the Hessian
    s d'' + s (1-s) d' d'^T.
    """
    sums = np.zeros(15)
    log_alpha = math.log(alpha)
    for i in range(x.size):
        w, n = weights[i], r + x[i]
        age = math.log1p(T[i] / alpha)
        share = T[i] / (alpha + T[i])
        sums[0] -= w * (r * age + x[i] * (log_alpha + age))
        sums[1] -= w * r * age
        sums[2] += w * (r * share - x[i] * (alpha / (alpha + T[i])))
        sums[5] -= w * r * age
        sums[6] += w * r * share
        sums[9] -= w * n * share * (alpha / (alpha + T[i]))
        if x[i] > 0.0:
            _add_death_terms(sums, w, x[i], t_x[i], T[i], r, alpha, a, b)
    return sums


@jit
def _add_death_terms(
    sums: FloatArray,
    w: float,
    x: float,
    t_x: float,
    T: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Add w ln(1 + e^d), d the log odds of death, with its gradient and Hessian."""
    d = log_odds_of_death(x, t_x, T, r, alpha, a, b)
    s = expit(d)
    u = w * s  # weighs d' in the gradient and d'' in the Hessian
    c = u * expit(-d)  # weighs d' d'^T
    d_r = r * math.log1p((T - t_x) / (alpha + t_x))
    silence = -(alpha / (alpha + T)) * ((T - t_x) / (alpha + t_x))
    d_alpha = (r + x) * silence
    d_b = -b / (b + (x - 1.0))
    sums[0] += w * softplus(d)
    sums[1] += u * d_r
    sums[2] += u * d_alpha
    sums[3] += u
    sums[4] += u * d_b
    sums[5] += u * d_r + c * d_r * d_r
    sums[6] += u * r * silence + c * d_r * d_alpha
    sums[7] += c * d_r
    sums[8] += c * d_r * d_b
    sums[9] += u * d_alpha * (T / (alpha + T) - alpha / (alpha + t_x)) + c * d_alpha * d_alpha
    sums[10] += c * d_alpha
    sums[11] += c * d_alpha * d_b
    sums[12] += c
    sums[13] += c * d_b
    sums[14] += u * d_b * ((x - 1.0) / (b + (x - 1.0))) + c * d_b * d_b
