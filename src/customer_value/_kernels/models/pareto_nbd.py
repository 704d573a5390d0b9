"""Pareto/NBD: purchases at random until a silent death at any time.

Schmittlein, Morrison & Colombo (1987), Counting Your Customers, Management Science 33(1). While
alive, a customer buys at rate lambda ~ Gamma(r, rate alpha) and dies at rate mu ~ Gamma(s, rate
beta). Rows are customers: x repeat purchases, the last at age t_x, observed up to age T. All times
are in the unit of the parameters. `alpha` and `beta` are one number or one per row.

What an alive customer with x purchases by age T does next is what a new customer does whose rates
are Gamma(r + x, alpha + T) and Gamma(s, beta + T).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.lomax import (
    NODES,
    WEIGHTS,
    chance_to_be_first,
    race,
    race_moments,
    time_to_be_first,
)
from customer_value._kernels.math.special import expit, log_or_nothing, scaled_expint, softplus
from customer_value._kernels.math.sums import counting_sums, derivatives
from customer_value._kernels.models.pareto_counts import chance_of_count, chance_of_reaching
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only
from customer_value._kernels.run.per_row import PerRow, own

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import ParetoNbd


def log_likelihood(
    histories: Histories, parameters: ParetoNbd, *, threads: int | None = None
) -> FloatArray:
    """Give each customer's log likelihood (Fader & Hardie 2005, note 009, eq. 18).

    Returns:
        One log likelihood per row.
    """
    r, _, s, _ = parameters
    j = np.arange(histories.x.max(initial=0.0))
    # Gamma(r+x)/Gamma(r) is a product over j < x, since x is a whole number.
    log_products = np.append(0.0, np.cumsum(np.log(r + j)))
    out = np.empty(histories.size)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_log_likelihood, columns, log_products, r, s, threads=threads)
    return out


def value_gradient_hessian(
    histories: Histories, weights: FloatArray, parameters: ParetoNbd, *, threads: int | None = None
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha, ln s, ln beta).

    Args:
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (4,) and its Hessian (4, 4).
    """
    columns = read_only(*histories, weights)
    total = counting_sums(histories.x, weights, parameters.r)
    for part in map_rows(_timing_sums, columns, *parameters, threads=threads):
        total += part
    return derivatives(total, 4)


def row_derivatives(
    histories: Histories, parameters: ParetoNbd, *, threads: int | None = None
) -> FloatArray:
    """Give each row's log likelihood without ln Gamma(r+x)/Gamma(r), and its derivatives.

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, ln alpha, ln s, ln beta): 15
        columns.
    """
    out = np.empty((histories.size, 15))
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_timing_rows, columns, parameters.r, parameters.s, threads=threads)
    return out


def probability_alive(
    histories: Histories, parameters: ParetoNbd, ahead: float, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

    Args:
        ahead: Time after T, 0 or more.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_probability_alive, columns, ahead, parameters.r, parameters.s, threads=threads)
    return out


def discounted_expected_purchases(
    histories: Histories,
    parameters: ParetoNbd,
    horizon: float,
    delta: float,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Give the present value at T of one unit of money at each purchase in (T, T + horizon].

    Without discount these are the purchases expected (Fader & Hardie 2005, note 009, eq. 41).

    Args:
        horizon: Length of the future, inf for the whole residual life.
        delta: Continuous discount rate per unit of time, 0 for no discounting.

    Returns:
        One present value per row, inf where `horizon` is, `delta` is 0 and s <= 1.
    """
    if horizon == math.inf and delta == 0.0 and parameters.s <= 1.0:
        return np.full(histories.size, math.inf)
    return _while_alive(_multiply_by_value, histories, parameters, (horizon, delta), threads)


def purchase_probability(
    histories: Histories,
    parameters: ParetoNbd,
    horizon: float,
    n: int,
    *,
    threads: int | None = None,
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
    shared = (horizon, float(n), parameters.r, parameters.s)
    map_rows(_purchase_probability, columns, *shared, threads=threads)
    return out


def at_least_probability(
    histories: Histories,
    parameters: ParetoNbd,
    horizon: float,
    n: int,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of n purchases or more in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.
        n: Number of purchases, 1 or more.

    Returns:
        One probability per row, relatively accurate however small it is.
    """
    return _while_alive(_multiply_by_reaching, histories, parameters, (horizon, float(n)), threads)


def next_purchase_quantile(
    histories: Histories, parameters: ParetoNbd, q: float, *, threads: int | None = None
) -> FloatArray:
    """Give the time after T by which the next purchase has come with probability q.

    Args:
        q: Probability, 0 or more.

    Returns:
        One time per row, inf where death may come first with a probability above 1 - q.
    """
    return _while_alive(_next_purchase, histories, parameters, (q,), threads)


def _while_alive(
    kernel: Callable[..., None],
    histories: Histories,
    parameters: ParetoNbd,
    shared: tuple[float, ...],
    threads: int | None,
) -> FloatArray:
    """Give what a kernel makes of each row's probability of being alive, in place."""
    out = probability_alive(histories, parameters, 0.0, threads=threads)
    columns = (*read_only(histories.x, histories.T), *parameters.per_row(), out)
    map_rows(kernel, columns, *shared, parameters.r, parameters.s, threads=threads)
    return out


@jit
def log_odds_of_death(
    x: float, t_x: float, T: float, r: float, alpha: float, s: float, beta: float
) -> float:
    """Give the log odds that a customer died since t_x rather than fell silent, -inf if T = t_x."""
    a = alpha + t_x
    b = beta + t_x
    silence = T - t_x
    end = math.log1p(silence / min(a, b))
    log_dead = log_or_nothing(chance_to_be_first(s, b, r + x, a, end))
    return log_dead + (r + x) * math.log1p(silence / a) + s * math.log1p(silence / b)


@jit
def log_chance_of_silence(time: float, n: float, a: float, s: float, b: float) -> float:
    """Give the log of the chance that no purchase comes within a time, alive at its end or dead."""
    end = math.log1p(time / min(a, b))
    dead = log_or_nothing(chance_to_be_first(s, b, n, a, end))
    alive = -n * math.log1p(time / a) - s * math.log1p(time / b)
    silence = alive + softplus(dead - alive)
    if silence > -0.5:  # near 0 its complement is more accurate
        return math.log1p(-chance_to_be_first(n, a, s, b, end))
    return silence


@jit
def _log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    log_products: FloatArray,
    r: float,
    s: float,
) -> None:
    """Write each row's log likelihood; `log_products` holds the term that depends on x alone."""
    for i in range(x.size):
        first, second = own(alpha, i), own(beta, i)
        a, b = first + t_x[i], second + t_x[i]
        out[i] = log_products[int(x[i])] - x[i] * math.log(a)
        out[i] -= r * math.log1p(t_x[i] / first) + s * math.log1p(t_x[i] / second)
        out[i] += log_chance_of_silence(T[i] - t_x[i], r + x[i], a, s, b)


@jit
def _probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    ahead: float,
    r: float,
    s: float,
) -> None:
    """Write each row's probability of being alive at T, and of living on until T + ahead."""
    for i in range(x.size):
        odds = log_odds_of_death(x[i], t_x[i], T[i], r, own(alpha, i), s, own(beta, i))
        out[i] = expit(-odds) * math.exp(-s * math.log1p(ahead / (own(beta, i) + T[i])))


@jit
def _multiply_by_value(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    horizon: float,
    delta: float,
    r: float,
    s: float,
) -> None:
    """Multiply each row's probability of being alive by the present value of its purchases."""
    for i in range(x.size):
        a, b = own(alpha, i) + T[i], own(beta, i) + T[i]
        out[i] *= (r + x[i]) * (b / a) * discounted_survival(s, delta * b, horizon / b)


@jit
def discounted_survival(s: float, z: float, end: float) -> float:
    """Integrate exp(-z t) (1 + t)^-s over 0 < t < end; with z = 0 and s <= 1, end is finite.

    For the whole life it is exp(z) E_s(z), else Gauss-Legendre in ln(1 + t).
    """
    if z == 0.0:
        growth = math.log1p(end)
        return growth if s == 1.0 else -math.expm1((1.0 - s) * growth) / (s - 1.0)
    if end == math.inf:
        return scaled_expint(s, z)
    left, right = 0.0, math.log1p(end)
    total = 0.0
    while left < right:
        width = min(1.4, right - left)
        while (s - 1.0 + z * math.exp(left + width)) * width > 12.0:
            width *= 0.5
        for j in range(NODES.size):
            v = left + width * NODES[j]
            total += width * WEIGHTS[j] * math.exp((1.0 - s) * v - z * math.expm1(v))
        left += width
        rate = s - 1.0 + z * math.exp(left)
        if math.exp((1.0 - s) * left - z * math.expm1(left)) < 1e-17 * rate * total:
            break
    return total


@jit
def _purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
    s: float,
) -> None:
    """Write the probability that each row buys n times within the horizon."""
    for i in range(x.size):
        odds = log_odds_of_death(x[i], t_x[i], T[i], r, own(alpha, i), s, own(beta, i))
        a, b = own(alpha, i) + T[i], own(beta, i) + T[i]
        if n == 0.0:
            silence = math.exp(log_chance_of_silence(horizon, r + x[i], a, s, b))
            out[i] = expit(odds) + expit(-odds) * silence
        else:
            out[i] = expit(-odds) * chance_of_count(n, horizon, r + x[i], a, s, b)


@jit
def _multiply_by_reaching(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
    s: float,
) -> None:
    """Multiply each row's probability of being alive by that of n purchases or more."""
    for i in range(x.size):
        a, b = own(alpha, i) + T[i], own(beta, i) + T[i]
        out[i] *= chance_of_reaching(n, horizon, r + x[i], a, s, b)


@jit
def _next_purchase(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    q: float,
    r: float,
    s: float,
) -> None:
    """Put the quantile of each row's next purchase in place of its probability of being alive."""
    for i in range(x.size):
        alive = out[i]
        a = own(alpha, i) + T[i]
        b = own(beta, i) + T[i]
        out[i] = time_to_be_first(r + x[i], a, s, b, q / alive) if q <= alive else math.inf


@jit
def _timing_sums(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    weights: FloatArray,
    r: float,
    alpha: float,
    s: float,
    beta: float,
) -> FloatArray:
    """Sum the likelihood's terms in t_x and T, in the layout of `counting_sums`."""
    sums = np.zeros(15)
    row = np.empty(15)
    work = np.empty((4, 15))
    for i in range(x.size):
        timing_terms(x[i], t_x[i], T[i], r, alpha, s, beta, row, work)
        for k in range(15):
            sums[k] += weights[i] * row[k]
    return sums


@jit
def _timing_rows(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    beta: PerRow,
    out: FloatArray,
    r: float,
    s: float,
) -> None:
    """Write each row's terms in t_x and T, in the layout of `counting_sums`."""
    work = np.empty((4, 15))
    for i in range(x.size):
        first, second = own(alpha, i), own(beta, i)
        timing_terms(x[i], t_x[i], T[i], r, first, s, second, out[i], work)


@jit
def timing_terms(
    x: float,
    t_x: float,
    T: float,
    r: float,
    alpha: float,
    s: float,
    beta: float,
    row: FloatArray,
    work: FloatArray,
) -> None:
    """Write one customer's terms in t_x and T, in the layout of `counting_sums`.

    The likelihood is a mean over what is not seen, being alive at T or dead since an age y. So its
    gradient is the mean of the gradients given that, and its Hessian the mean of the Hessians plus
    the covariance of the gradients (Louis 1982, Journal of the Royal Statistical Society B 44).
    """
    n = r + x
    a = alpha + t_x
    b = beta + t_x
    silence = T - t_x
    m = work[0]
    alive = work[1]
    dead = work[2]
    slope = work[3]
    scale, p, q, ratio = race(s, b, n, a)
    race_moments(p, q, ratio, math.log1p(silence / min(a, b)), m)
    if b <= a:  # the features of alpha first
        _swap_features(m)
    log_a, log_b = math.log1p(silence / a), math.log1p(silence / b)
    log_alive = -n * log_a - s * log_b
    odds = log_or_nothing(scale * m[0]) - log_alive
    p_dead, p_alive = expit(odds), expit(-odds)
    for k in range(15):
        row[k] = 0.0
    row[0] = softplus(odds) + log_alive - x * math.log(a)
    row[0] -= r * math.log1p(t_x / alpha) + s * math.log1p(t_x / beta)
    fixed = x, t_x, r, alpha, s, beta
    _add_state(p_dead, 1.0, m[1], m[2], m[9], m[3], m[4], m[14], *fixed, row, dead)
    at, bt = silence / (a + silence), silence / (b + silence)
    _add_state(p_alive, 0.0, log_a, at, at * at, log_b, bt, bt * bt, *fixed, row, alive)
    slope[0] = -r
    slope[1] = n * alpha / a
    slope[2] = -s
    slope[3] = (s + 1.0) * beta / b
    k = 5
    for i in range(4):
        for j in range(i, 4):
            spread = slope[i] * slope[j] * (m[k] - m[1 + i] * m[1 + j])
            spread += p_alive * (alive[i] - dead[i]) * (alive[j] - dead[j])
            row[k] += p_dead * spread
            k += 1


@jit
def _swap_features(m: FloatArray) -> None:
    """Change the two pairs of features of `race_moments` over."""
    for i, j in ((1, 3), (2, 4), (5, 12), (6, 13), (9, 14), (8, 10)):
        m[i], m[j] = m[j], m[i]


@jit
def _add_state(
    chance: float,
    died: float,
    log_a: float,
    share_a: float,
    square_a: float,
    log_b: float,
    share_b: float,
    square_b: float,
    x: float,
    t_x: float,
    r: float,
    alpha: float,
    s: float,
    beta: float,
    row: FloatArray,
    gradient: FloatArray,
) -> None:
    """Add the gradient and Hessian given being alive or dead, times its chance.

    With y the age at death or T: the means of ln((alpha+y)/(alpha+t_x)), (y-t_x)/(alpha+y) and its
    square, and the same of beta.
    """
    n = r + x
    a = alpha + t_x
    b = beta + t_x
    keep_a, keep_b = alpha / a, beta / b
    gradient[0] = -r * (math.log1p(t_x / alpha) + log_a)
    gradient[1] = (r * t_x - x * alpha) / a + n * keep_a * share_a
    gradient[2] = died - s * (math.log1p(t_x / beta) + log_b)
    gradient[3] = (s * t_x - died * beta) / b + (s + died) * keep_b * share_b
    for i in range(4):
        row[1 + i] += chance * gradient[i]
    mean_a, mean_b = keep_a * (1.0 - share_a), keep_b * (1.0 - share_b)  # of alpha/(alpha+y) ...
    row[5] += chance * gradient[0]
    row[6] += chance * r * (t_x / a + keep_a * share_a)
    row[9] -= chance * n * (mean_a - keep_a * keep_a * (1.0 - 2.0 * share_a + square_a))
    row[12] += chance * (gradient[2] - died)
    row[13] += chance * s * (t_x / b + keep_b * share_b)
    row[14] -= chance * (s + died) * (mean_b - keep_b * keep_b * (1.0 - 2.0 * share_b + square_b))
