"""BG/NBD: what the purchases to come amount to, and what they are worth today.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), eq. 9
and 10. Given that a customer is alive at T, all that follows is that of a new customer with the
parameters (r + x, alpha + T, a, b + x). Rows and units as in `bg_nbd`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.age_tables import over_ages
from customer_value._kernels.math.poisson_values import expected_count
from customer_value._kernels.math.states import distinct_states
from customer_value._kernels.models.bg_nbd import probability_alive
from customer_value._kernels.models.living import (
    expected_counts,
    values_of_horizon,
    values_of_life,
)
from customer_value._kernels.run.parallel import FloatArray, map_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import BgNbd


def expected_purchases(
    histories: Histories, parameters: BgNbd, horizon: float, *, threads: int | None = None
) -> FloatArray:
    """Give the purchases expected in (T, T + horizon] (Fader, Hardie & Lee 2005, eq. 10).

    Args:
        horizon: Length of the future, finite.

    Returns:
        One expected number per row.
    """
    out = _while_alive(expected_counts, histories, parameters, (horizon,), threads)
    out *= probability_alive(histories, parameters, threads=threads)
    return out


def expected_purchases_new_customer(parameters: BgNbd, t: float) -> float:
    """Give E[X(t)], the repeat purchases expected by age t (Fader, Hardie & Lee 2005, eq. 9).

    Args:
        t: Age, 0 or more.

    Returns:
        The expected number.
    """
    r, alpha, a, b = (float(parameter) for parameter in parameters)
    return expected_count(t / alpha, r, a, b)


def discounted_expected_purchases(
    histories: Histories,
    parameters: BgNbd,
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
    endless = horizon == math.inf and delta == 0.0
    without_limit = np.less_equal(parameters.a, 1.0)
    if endless and np.all(without_limit):
        return np.full(histories.size, math.inf)
    if horizon < math.inf:
        out = _while_alive(values_of_horizon, histories, parameters, (horizon, delta), threads)
    else:
        out = _while_alive(values_of_life, histories, parameters, (delta,), threads)
    out *= probability_alive(histories, parameters, threads=threads)
    return np.where(without_limit, math.inf, out) if endless else out


def _while_alive(
    kernel: Callable[..., None],
    histories: Histories,
    parameters: BgNbd,
    shared: tuple[float, ...],
    threads: int | None,
) -> FloatArray:
    """Give what a kernel says of customers who are alive, each different one asked once at most."""
    x, _, T = histories
    rows = parameters.per_row()
    shared = (*shared, parameters.r)
    numbers = tuple(parameter for parameter in rows if isinstance(parameter, float))
    if len(numbers) == len(rows):
        return over_ages(kernel, x, T, numbers, shared, threads)
    states, row = distinct_states(x, T, *rows)
    value = np.empty(np.size(states[0]))
    map_rows(kernel, (*states, value), *shared, threads=threads)
    return value[row]
