"""NBD: purchases at a gamma distributed Poisson rate, forever.

Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41: customers buy
at rate lambda ~ Gamma(r, rate alpha). Rows are customers: x repeat purchases up to age T. All times
are in the unit of the parameters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.erlang_counts import event_probability
from customer_value._kernels.math.special import incomplete_beta
from customer_value._kernels.math.sums import reach
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows

if TYPE_CHECKING:
    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import Nbd


def log_likelihood(histories: Histories, parameters: Nbd) -> FloatArray:
    """Give each customer's log likelihood, that of the times of the purchases.

    Returns:
        One log likelihood per row.
    """
    x, _, T = histories
    r, alpha = parameters
    j = np.arange(x.max(initial=0.0))
    log_rises = np.append(0.0, np.cumsum(np.log(r + j)))
    age = np.log1p(T / alpha)
    rows: FloatArray = log_rises[x.astype(np.int64)] - r * age - x * (math.log(alpha) + age)
    return rows


def value_gradient_hessian(
    histories: Histories, weights: FloatArray, parameters: Nbd
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha).

    Args:
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (2,) and its Hessian (2, 2).
    """
    x, _, T = histories
    r, alpha = parameters
    beyond = reach(x, weights)[1:]
    j = np.arange(beyond.size)
    age = np.log1p(T / alpha)
    share = T / (alpha + T)
    left = alpha / (alpha + T)
    value = beyond @ np.log(r + j) - weights @ (r * age + x * (math.log(alpha) + age))
    d_r = beyond @ (r / (r + j)) - weights @ (r * age)
    d_alpha = weights @ (r * share - x * left)
    d_rr = beyond @ (r / (r + j) * (j / (r + j))) - weights @ (r * age)
    d_r_alpha = weights @ (r * share)
    d_alpha_alpha = -(weights @ ((r + x) * share * left))
    hessian = np.array([[d_rr, d_r_alpha], [d_r_alpha, d_alpha_alpha]])
    return float(value), np.array([d_r, d_alpha]), hessian


def purchase_probability(
    histories: Histories, parameters: Nbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of exactly n purchases in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 0 or more.

    Returns:
        One probability per row.
    """
    x, _, T = histories.read_only()
    out = np.empty(x.size)
    map_rows(_purchase_probability, (x, T, out), horizon, n, *parameters, threads=threads)
    return out


def at_least_probability(
    histories: Histories, parameters: Nbd, horizon: float, n: int, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        horizon: Length of the future, above 0 and finite.
        n: Number of purchases, 1 or more.

    Returns:
        One probability per row.
    """
    x, _, T = histories.read_only()
    out = np.empty(x.size)
    map_rows(_at_least_probability, (x, T, out), horizon, float(n), *parameters, threads=threads)
    return out


@jit
def _purchase_probability(
    x: FloatArray, T: FloatArray, out: FloatArray, horizon: float, n: int, r: float, alpha: float
) -> None:
    """Write each row's probability of n purchases."""
    for i in range(x.size):
        out[i] = event_probability(n, r + x[i], horizon / (alpha + T[i]))


@jit
def _at_least_probability(
    x: FloatArray, T: FloatArray, out: FloatArray, horizon: float, n: float, r: float, alpha: float
) -> None:
    """Write each row's probability of n purchases or more."""
    for i in range(x.size):
        out[i] = incomplete_beta(n, r + x[i], horizon / (alpha + T[i]))
