"""BG/NBD: purchases until a silent drop-out that only a purchase can trigger.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). While
alive, a customer buys at rate lambda ~ Gamma(r, rate alpha); after each purchase the customer
leaves with probability p ~ Beta(a, b). Rows are customers: x repeat purchases, the last at age t_x,
observed up to age T. All times are in the unit of the parameters. Where only the mean p may differ
between rows, as with covariates, so may both a and b: `alpha`, `a` and `b` are one number or one a
row. What is to come is in `bg_nbd_future` and `bg_nbd_counts`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.special import expit, softplus
from customer_value._kernels.math.sums import derivatives, reach
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.per_row import PerRow, own

if TYPE_CHECKING:
    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import BgNbd


def log_likelihood(
    histories: Histories, parameters: BgNbd, *, threads: int | None = None
) -> FloatArray:
    """Give each customer's log likelihood (Fader, Hardie & Lee 2005, eq. 6).

    Returns:
        One log likelihood per row.
    """
    x, t_x, T = histories.read_only()
    r = parameters.r
    alpha, a, b = parameters.per_row()
    j = np.arange(x.max(initial=0.0))
    # Gamma(r+x)/Gamma(r) and B(a,b+x)/B(a,b) are products over j < x, since x is a whole number.
    each_own = isinstance(a, np.ndarray)
    factors = np.log(r + j) if each_own else np.log(r + j) - np.log1p(a / (b + j))
    log_products = np.append(0.0, np.cumsum(factors))
    out = np.empty(x.size)
    map_rows(_log_likelihood, (x, t_x, T, alpha, a, b, out), log_products, r, threads=threads)
    if each_own:
        map_rows(_add_survivals, (x, a, b, out), threads=threads)
    return out


def value_gradient_hessian(
    histories: Histories,
    weights: FloatArray,
    parameters: BgNbd,
    reached: FloatArray | None = None,
    *,
    threads: int | None = None,
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha, ln a, ln b).

    Args:
        weights: How many customers each row stands for.
        reached: `reach` of the rows, where it is known from another call.

    Returns:
        The weighted sum of the log likelihood, its gradient (4,) and its Hessian (4, 4).
    """
    columns = read_only(*histories, weights)
    total = _counting_sums(reach(histories.x, weights) if reached is None else reached, parameters)
    for part in map_rows(_timing_sums, columns, *parameters, threads=threads):
        total += part
    return derivatives(total, 4)


def probability_alive(
    histories: Histories, parameters: BgNbd, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T (Fader, Hardie & Lee 2008, note 021, eq. 1).

    It is 1 where x is 0: in this model only a purchase can end the relation.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_probability_alive, columns, parameters.r, threads=threads)
    return out


@jit
def log_odds_of_death(
    x: float, t_x: float, T: float, r: float, alpha: float, a: float, b: float
) -> float:
    """Give the log odds that a customer with x > 0 left at t_x rather than fell silent since.

    The ratio of the two terms of the likelihood: a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x).
    """
    return math.log(a / (b + (x - 1.0))) + (r + x) * math.log1p((T - t_x) / (alpha + t_x))


@jit
def _log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    log_products: FloatArray,
    r: float,
) -> None:
    """Write each row's log likelihood; `log_products` holds the terms that depend on x alone."""
    for i in range(x.size):
        rate = own(alpha, i)
        age = math.log1p(T[i] / rate)
        out[i] = log_products[int(x[i])] - r * age - x[i] * (math.log(rate) + age)
        if x[i] > 0.0:
            odds = log_odds_of_death(x[i], t_x[i], T[i], r, rate, own(a, i), own(b, i))
            out[i] += softplus(odds)


@jit
def _add_survivals(x: FloatArray, a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """Add each row's ln B(a,b+x)/B(a,b), a product over j < x, by its own a and b."""
    for i in range(x.size):
        for j in range(int(x[i])):
            out[i] -= math.log1p(a[i] / (b[i] + j))


@jit
def _probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    r: float,
) -> None:
    """Write each row's probability of being alive."""
    for i in range(x.size):
        out[i] = 1.0
        if x[i] > 0.0:
            odds = log_odds_of_death(x[i], t_x[i], T[i], r, own(alpha, i), own(a, i), own(b, i))
            out[i] = expit(-odds)


def _counting_sums(reached: FloatArray, parameters: BgNbd) -> FloatArray:
    """Sum the likelihood's terms in x alone: ln Gamma(r+x)/Gamma(r) and ln B(a,b+x)/B(a,b).

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, ln alpha, ln a, ln b): 15 sums.
    """
    r, _, a, b = parameters
    beyond = reached[1:]
    j = np.arange(beyond.size)
    rj = r + j
    bj = b + j
    abj = a + b + j
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
            add_death_terms(sums, w, x[i], t_x[i], T[i], r, alpha, a, b)
    return sums


@jit
def add_death_terms(
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
    odds = math.exp(-abs(d))
    s = (1.0 if d >= 0.0 else odds) / (1.0 + odds)
    u = w * s  # weighs d' in the gradient and d'' in the Hessian
    c = w * odds / ((1.0 + odds) * (1.0 + odds))  # weighs d' d'^T: w s (1-s)
    d_r = r * math.log1p((T - t_x) / (alpha + t_x))
    silence = -(alpha / (alpha + T)) * ((T - t_x) / (alpha + t_x))
    d_alpha = (r + x) * silence
    d_b = -b / (b + (x - 1.0))
    sums[0] += w * (max(d, 0.0) + math.log1p(odds))
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
