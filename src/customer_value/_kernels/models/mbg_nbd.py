"""MBG/NBD: what is to come of customers who may have left after any purchase, the first included.

Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for customer
base analysis", International Journal of Research in Marketing 24(3), 201-209. The likelihood is
that of `mbg_cnbd` with k = 1. A customer who is alive has survived x + 1 chances to leave: all that
follows is that of a living BG/NBD customer with the parameters (r + x, alpha + T, a, b + 1 + x).
Rows and units as in `mbg_cnbd`.
"""

from __future__ import annotations

import math

import numpy as np

from customer_value._kernels.math.special import expit, softplus
from customer_value._kernels.models.bg_nbd_counts import (
    _multiply_by_reaching,
    _multiply_by_staying,
    count_probability,
)
from customer_value._kernels.models.bg_nbd_future import (
    _purchases_while_alive,
    _values_of_horizon,
    _values_of_life,
)
from customer_value._kernels.models.mbg_cnbd import log_odds_of_death, probability_alive
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.states import distinct_states


def probability_alive_later(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    ahead: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

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
    out = probability_alive(x, t_x, T, 1, r, alpha, a, b, threads)
    x, T = read_only(x, T)
    map_rows(_multiply_by_staying, (x, T, alpha, a, b + 1.0, out), ahead, r, threads=threads)
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
    """Give the purchases expected in (T, T + horizon].

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
    states, row = distinct_states(x, T, alpha, a, b + 1.0)
    value = np.empty(np.size(states[0]))
    map_rows(_purchases_while_alive, (*states, value), horizon, r, threads=threads)
    out = probability_alive(x, t_x, T, 1, r, alpha, a, b, threads)
    out *= value[row]
    return out


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
    states, row = distinct_states(x, T, alpha, a, b + 1.0)
    value = np.empty(np.size(states[0]))
    if horizon < math.inf:
        map_rows(_values_of_horizon, (*states, value), horizon, delta, r, threads=threads)
    else:
        map_rows(_values_of_life, (*states, value), delta, r, threads=threads)
    out = probability_alive(x, t_x, T, 1, r, alpha, a, b, threads)
    out *= value[row]
    return out


def purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
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
    shared = (horizon, float(n), r, alpha, a, b)
    map_rows(_purchase_probability, (x, t_x, T, out), *shared, threads=threads)
    return out


def at_least_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
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
    out = probability_alive(x, t_x, T, 1, r, alpha, a, b, threads)
    x, T = read_only(x, T)
    columns = (x, T, alpha, a, b + 1.0, out)
    map_rows(_multiply_by_reaching, columns, horizon, float(n), r, threads=threads)
    return out


def next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    q: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
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
    map_rows(_next_purchase_quantile, (x, t_x, T, out), q, r, alpha, a, b, threads=threads)
    return out


@jit
def _purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's probability of n purchases; the dead make none."""
    for i in range(x.size):
        odds = log_odds_of_death(x[i], t_x[i], T[i], 1, r, alpha, a, b)
        y = horizon / (alpha + T[i])
        out[i] = expit(-odds) * count_probability(y, n, r + x[i], a, b + 1.0 + x[i])
        if n == 0.0:
            out[i] += expit(odds)


@jit
def _next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    q: float,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's solution t of P(alive) (1 - ((alpha+T)/(alpha+T+t))^(r+x)) = q."""
    for i in range(x.size):
        odds = log_odds_of_death(x[i], t_x[i], T[i], 1, r, alpha, a, b)
        alive = expit(-odds)
        left = alive - q if alive < 0.5 else (1.0 - q) - expit(odds)
        out[i] = math.inf
        if left > 0.0:
            wait = softplus(math.log(q) - math.log(left)) / (r + x[i])  # -ln(1 - q/alive) / (r + x)
            if wait < 700.0:
                out[i] = (alpha + T[i]) * math.expm1(wait)
