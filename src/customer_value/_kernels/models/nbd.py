"""NBD: purchases at a gamma distributed Poisson rate, for ever.

Ehrenberg (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41: customers buy
at rate lambda ~ Gamma(r, rate alpha). Rows are customers: x repeat purchases up to age T. All times
are in the unit of the parameters.
"""

from __future__ import annotations

import math

import numpy as np

from customer_value._kernels.math.erlang_counts import event_probability
from customer_value._kernels.math.special import incomplete_beta
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.reach import reach


def log_likelihood(x: FloatArray, T: FloatArray, r: float, alpha: float) -> FloatArray:
    """Give each customer's log likelihood, that of the times of the purchases.

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.

    Returns:
        One log likelihood a row.
    """
    j = np.arange(x.max(initial=0.0))
    log_rises = np.append(0.0, np.cumsum(np.log(r + j)))
    age = np.log1p(T / alpha)
    rows: FloatArray = log_rises[x.astype(np.int64)] - r * age - x * (math.log(alpha) + age)
    return rows


def value_gradient_hessian(
    x: FloatArray, T: FloatArray, weights: FloatArray, r: float, alpha: float
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha).

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        weights: How many customers each row stands for.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.

    Returns:
        The weighted sum of the log likelihood, its gradient (2,) and its Hessian (2, 2).
    """
    beyond = reach(x, weights)[1:]
    j = np.arange(beyond.size)
    age, share = np.log1p(T / alpha), T / (alpha + T)
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
    x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of exactly n purchases in (T, T + horizon].

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        horizon: Length of the future, finite.
        n: Number of purchases, 0 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        threads: Number of threads, by default one per processor.

    Returns:
        One probability a row.
    """
    x, T = read_only(x, T)
    out = np.empty(x.size)
    map_rows(_purchase_probability, (x, T, out), horizon, n, r, alpha, threads=threads)
    return out


def at_least_probability(
    x: FloatArray,
    T: FloatArray,
    horizon: float,
    n: int,
    r: float,
    alpha: float,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        horizon: Length of the future, above 0 and finite.
        n: Number of purchases, 1 or more.
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate, in units of time.
        threads: Number of threads, by default one per processor.

    Returns:
        One probability a row.
    """
    x, T = read_only(x, T)
    out = np.empty(x.size)
    map_rows(_at_least_probability, (x, T, out), horizon, float(n), r, alpha, threads=threads)
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
