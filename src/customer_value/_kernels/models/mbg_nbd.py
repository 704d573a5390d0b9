"""MBG/NBD: what is to come of customers who may have left after any purchase, the first included.

Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for customer
base analysis", International Journal of Research in Marketing 24(3), 201-209. Likelihood and
parameters are those of `mbg_cnbd` with k = 1. A customer who is alive has survived x + 1 chances to
leave: all that follows is that of a living BG/NBD customer with the parameters (r + x, alpha + T,
a, b + 1 + x).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.poisson_counts import count_probability
from customer_value._kernels.math.special import expit, softplus
from customer_value._kernels.math.states import distinct_states
from customer_value._kernels.models.living import (
    expected_counts,
    multiply_by_reaching,
    multiply_by_staying,
    values_of_horizon,
    values_of_life,
)
from customer_value._kernels.models.mbg_cnbd import log_odds_of_death, probability_alive
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.per_row import PerRow, per_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import MbgCnbd


def probability_alive_later(
    histories: Histories, parameters: MbgCnbd, ahead: float, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

    Args:
        ahead: Time after T, finite.

    Returns:
        One probability per row.
    """
    out = probability_alive(histories, parameters, threads=threads)
    columns = (*read_only(histories.x, histories.T), *_of_the_living(parameters), out)
    map_rows(multiply_by_staying, columns, ahead, parameters.r, threads=threads)
    return out


def expected_purchases(
    histories: Histories, parameters: MbgCnbd, horizon: float, *, threads: int | None = None
) -> FloatArray:
    """Give the purchases expected in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.

    Returns:
        One expected number per row.
    """
    return _while_alive(expected_counts, histories, parameters, (horizon,), threads)


def discounted_expected_purchases(
    histories: Histories,
    parameters: MbgCnbd,
    horizon: float,
    delta: float,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Give the present value at T of one unit of money at each purchase in (T, T + horizon].

    Args:
        horizon: Length of the future, inf for the whole residual life.
        delta: Continuous discount rate per unit of time, 0 for no discounting.

    Returns:
        One present value per row, inf where `horizon` is, `delta` is 0 and a <= 1.
    """
    if horizon == math.inf and delta == 0.0 and parameters.a <= 1.0:
        return np.full(histories.size, math.inf)
    if horizon < math.inf:
        return _while_alive(values_of_horizon, histories, parameters, (horizon, delta), threads)
    return _while_alive(values_of_life, histories, parameters, (delta,), threads)


def purchase_probability(
    histories: Histories, parameters: MbgCnbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of exactly n purchases in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 0 or more.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    shared = (horizon, float(n), *parameters[1:])
    map_rows(_purchase_probability, columns, *shared, threads=threads)
    return out


def at_least_probability(
    histories: Histories, parameters: MbgCnbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 1 or more.

    Returns:
        One probability per row.
    """
    out = probability_alive(histories, parameters, threads=threads)
    columns = (*read_only(histories.x, histories.T), *_of_the_living(parameters), out)
    shared = (horizon, float(n), parameters.r)
    map_rows(multiply_by_reaching, columns, *shared, threads=threads)
    return out


def next_purchase_quantile(
    histories: Histories, parameters: MbgCnbd, q: float, *, threads: int | None = None
) -> FloatArray:
    """Give the time after T by which the next purchase has happened with probability q.

    Args:
        q: Probability, above 0 and below 1.

    Returns:
        One time per row; inf where the probability never reaches q.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_next_purchase_quantile, columns, q, *parameters[1:], threads=threads)
    return out


def _of_the_living(parameters: MbgCnbd) -> tuple[PerRow, ...]:
    """Give alpha, a and b of the BG/NBD customers that the living resemble from now on."""
    return per_row(parameters.alpha, parameters.a, parameters.b + 1.0)


def _while_alive(
    kernel: Callable[..., None],
    histories: Histories,
    parameters: MbgCnbd,
    shared: tuple[float, ...],
    threads: int | None,
) -> FloatArray:
    """Give P(alive) times what a kernel says of the living, each different one asked once."""
    states, row = distinct_states(histories.x, histories.T, *_of_the_living(parameters))
    value = np.empty(np.size(states[0]))
    map_rows(kernel, (*states, value), *shared, parameters.r, threads=threads)
    out = probability_alive(histories, parameters, threads=threads)
    out *= value[row]
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
