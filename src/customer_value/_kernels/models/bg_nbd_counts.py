"""BG/NBD: how many purchases a horizon brings, when the next one comes, who is alive at its end.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), eq. 8.
Given that a customer is alive at T, all that follows is that of a new customer with the parameters
(r + x, alpha + T, a, b + x). Rows and units as in `bg_nbd`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.poisson_counts import count_probability
from customer_value._kernels.math.special import expit, softplus
from customer_value._kernels.models.bg_nbd import log_odds_of_death, probability_alive
from customer_value._kernels.models.living import multiply_by_reaching, multiply_by_staying
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.per_row import PerRow, own

if TYPE_CHECKING:
    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import BgNbd


def probability_alive_later(
    histories: Histories, parameters: BgNbd, ahead: float, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

    Given p a living customer leaves at rate lambda p, so that of the living E[(1 + p y)^-(r+x)]
    stay, y = ahead / (alpha + T), p ~ Beta(a, b + x).

    Args:
        ahead: Time after T, finite.

    Returns:
        One probability per row.
    """
    out = probability_alive(histories, parameters, threads=threads)
    columns = (*read_only(histories.x, histories.T), *parameters.per_row(), out)
    map_rows(multiply_by_staying, columns, ahead, parameters.r, threads=threads)
    return out


def purchase_probability(
    histories: Histories, parameters: BgNbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of exactly n purchases in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 0 or more.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    shared = (horizon, float(n), parameters.r)
    map_rows(_purchase_probability, columns, *shared, threads=threads)
    return out


def at_least_probability(
    histories: Histories, parameters: BgNbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 1 or more.

    Returns:
        One probability per row.
    """
    out = probability_alive(histories, parameters, threads=threads)
    columns = (*read_only(histories.x, histories.T), *parameters.per_row(), out)
    shared = (horizon, float(n), parameters.r)
    map_rows(multiply_by_reaching, columns, *shared, threads=threads)
    return out


def new_customer_probability(parameters: BgNbd, t: float, n: int) -> float:
    """Give P(X(t) = n) for a new customer (Fader, Hardie & Lee 2005, eq. 8).

    Args:
        t: Age, 0 or more.
        n: Number of repeat purchases, 0 or more.

    Returns:
        The probability.
    """
    r, alpha, a, b = (float(parameter) for parameter in parameters)
    return count_probability(t / alpha, float(n), r, a, b)


def next_purchase_quantile(
    histories: Histories, parameters: BgNbd, q: float, *, threads: int | None = None
) -> FloatArray:
    """Give the time after T by which the next purchase has happened with probability q.

    Args:
        q: Probability, above 0 and below 1.

    Returns:
        One time per row; inf where the probability never reaches q.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_next_purchase_quantile, columns, q, parameters.r, threads=threads)
    return out


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
        rate = own(alpha, i)
        first = own(a, i)
        second = own(b, i)
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
