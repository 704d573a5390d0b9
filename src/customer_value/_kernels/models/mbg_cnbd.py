"""MBG/CNBD-k: purchases at regular gaps until a silent drop-out after one of them.

Reutterer, Platzer & Schröder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", International Journal of Research in Marketing 38(1), 194-215. While alive,
a customer's gaps are Erlang-k with rate lambda ~ Gamma(r, rate alpha): each purchase is the k-th
of k Poisson events. After each purchase, the first one included, the customer leaves with
probability p ~ Beta(a, b). With k = 1 it is the MBG/NBD of Batislam, Denizel & Filiztekin (2007),
International Journal of Research in Marketing 24(3), 201-209.

Rows are customers: x repeat purchases, the last at age t_x, observed up to age T. All times are in
the unit of the parameters. The likelihood leaves out what no parameter enters: for k > 1 the factor
(product of the gaps)^(k-1) / (k-1)!^x.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.special import expit, incomplete_beta, softplus
from customer_value._kernels.math.sums import derivatives, reach
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import MbgCnbd

HUGE = 1e200
LOG_HUGE = 460.51701859880913680359829093687


def log_likelihood(
    histories: Histories, parameters: MbgCnbd, *, threads: int | None = None
) -> FloatArray:
    """Give each customer's log likelihood, without the factor of the gaps.

    Returns:
        One log likelihood per row.
    """
    x, t_x, T = histories.read_only()
    k, r, _, a, b = parameters
    purchases = int(x.max(initial=0.0))
    j = np.arange(k * purchases)
    i = np.arange(purchases + 1)
    # Gamma(r+kx)/Gamma(r) is a product over j < kx, B(a,b+x+1)/B(a,b) one over i <= x.
    rises = np.append(0.0, np.cumsum(np.log(r + j)))[::k]
    log_products = rises - np.cumsum(np.log1p(a / (b + i)))
    out = np.empty(x.size)
    map_rows(_log_likelihood, (x, t_x, T, out), log_products, *parameters, threads=threads)
    return out


def value_gradient_hessian(
    histories: Histories, weights: FloatArray, parameters: MbgCnbd, *, threads: int | None = None
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln r, ln alpha, ln a, ln b).

    Args:
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (4,) and its Hessian (4, 4).
    """
    columns = read_only(*histories, weights)
    total = _counting_sums(histories.x, weights, parameters)
    for part in map_rows(_timing_sums, columns, *parameters, threads=threads):
        total += part
    return derivatives(total, 4)


def probability_alive(
    histories: Histories, parameters: MbgCnbd, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T: the share of the living in the likelihood.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_probability_alive, columns, *parameters, threads=threads)
    return out


@jit
def log_odds_of_death(
    x: float, t_x: float, T: float, k: int, r: float, alpha: float, a: float, b: float
) -> float:
    """Give the log odds that a customer left at t_x rather than fell silent since.

    Leaving has the odds a/(b+x); staying and then buying nothing, with lambda ~ Gamma(n, alpha+t_x)
    and n = r + kx, the probability ((alpha+t_x)/(alpha+T))^n S, S as in `log_silence`.
    """
    n, q = r + k * x, (T - t_x) / (alpha + T)
    longer = n * math.log1p((T - t_x) / (alpha + t_x))
    return math.log(a / (b + x)) + longer - log_silence(n, q, k)


@jit
def log_silence(n: float, q: float, k: int) -> float:
    """Give ln S, S the sum over j < k of (n)_j q^j / j!, j the events since the last purchase."""
    if k == 1:
        return 0.0
    term = 1.0
    rest = shift = 0.0
    for j in range(1, k):
        term *= (n + (j - 1.0)) * q / j
        rest += term
        if rest > HUGE:
            term /= HUGE
            rest /= HUGE
            shift += LOG_HUGE
    return shift + math.log(rest) if shift > 0.0 else math.log1p(rest)


@jit
def fill_phases(n: float, q: float, phase: FloatArray) -> None:
    """Fill in how likely j = 0, 1 ... k-1 events since the last purchase are, given silence."""
    phase[0] = total = 1.0
    for j in range(1, phase.size):
        phase[j] = phase[j - 1] * ((n + (j - 1.0)) * q / j)
        total += phase[j]
        if total > HUGE:
            for i in range(j + 1):  # an array expression would take a second to compile
                phase[i] /= HUGE
            total /= HUGE
    for j in range(phase.size):
        phase[j] /= total


@jit
def _log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    log_products: FloatArray,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's log likelihood; `log_products` holds the terms that depend on x alone."""
    log_alpha = math.log(alpha)
    for i in range(x.size):
        if x[i] == 0.0:
            out[i] = _log_no_repeat(T[i], k, r, alpha, a, b)
            continue
        age = math.log1p(T[i] / alpha)
        out[i] = log_products[int(x[i])] - r * age - k * x[i] * (log_alpha + age)
        out[i] += log_silence(r + k * x[i], (T[i] - t_x[i]) / (alpha + T[i]), k)
        out[i] += softplus(log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b))


@jit
def _log_no_repeat(T: float, k: int, r: float, alpha: float, a: float, b: float) -> float:
    """Give the log likelihood without a repeat purchase, which may be next to certain."""
    stays, gone = b / (a + b), a / (a + b)
    bought = stays * incomplete_beta(float(k), r, T / alpha) if T > 0.0 else 0.0
    if bought < 0.5:
        return math.log1p(-bought)
    silent = log_silence(r, T / (alpha + T), k) - r * math.log1p(T / alpha)
    return math.log(gone + stays * math.exp(silent))


@jit
def _probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's probability of being alive."""
    for i in range(x.size):
        out[i] = expit(-log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b))


def _counting_sums(x: FloatArray, weights: FloatArray, parameters: MbgCnbd) -> FloatArray:
    """Sum the likelihood's terms in x alone: ln Gamma(r+kx)/Gamma(r) and ln B(a,b+x+1)/B(a,b).

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, ln alpha, ln a, ln b): 15 sums.
    """
    k, r, _, a, b = parameters
    begun = reach(x, weights)
    beyond = begun[1:].repeat(k)
    j = np.arange(beyond.size)
    i = np.arange(begun.size)
    rj = r + j
    bi = b + i
    abi = a + b + i
    d_b = begun * (a / abi) * (b / bi)
    sums = np.zeros(15)
    sums[0] = (beyond * np.log(rj)).sum() - (begun * np.log1p(a / bi)).sum()
    sums[1] = (beyond * (r / rj)).sum()
    sums[3] = -(begun * (a / abi)).sum()
    sums[4] = d_b.sum()
    sums[5] = (beyond * (r / rj) * (j / rj)).sum()
    sums[12] = -(begun * (a / abi) * (bi / abi)).sum()
    sums[13] = (begun * (a / abi) * (b / abi)).sum()
    sums[14] = (d_b * (i / bi - b / abi)).sum()
    return sums


@jit
def _timing_sums(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    weights: FloatArray,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> FloatArray:
    """Sum the likelihood's terms in t_x and T, in the layout of `_counting_sums`."""
    sums = np.zeros(15)
    phase = np.empty(k)
    silence = np.zeros(6)
    log_alpha = math.log(alpha)
    for i in range(x.size):
        w, events = weights[i], k * x[i]
        age = math.log1p(T[i] / alpha)
        share = T[i] / (alpha + T[i])
        sums[0] -= w * (r * age + events * (log_alpha + age))
        sums[1] -= w * r * age
        sums[2] += w * (r * share - events * (alpha / (alpha + T[i])))
        sums[5] -= w * r * age
        sums[6] += w * r * share
        sums[9] -= w * (r + events) * share * (alpha / (alpha + T[i]))
        if k > 1:
            _fill_silence(events, t_x[i], T[i], r, alpha, phase, silence)
        _add_last_terms(sums, w, x[i], t_x[i], T[i], k, r, alpha, a, b, silence)
    return sums


@jit
def _fill_silence(
    events: float,
    t_x: float,
    T: float,
    r: float,
    alpha: float,
    phase: FloatArray,
    silence: FloatArray,
) -> None:
    """Fill in ln S of `log_silence` and its derivatives by (ln r, ln alpha).

    They are moments of j, the events since t_x, and of h(j), the sum of 1/(n+i) over i < j, over
    the weights of the terms of S: the mean of each, their variances and their covariance.
    """
    n = r + events
    q = (T - t_x) / (alpha + T)
    u = -alpha / (alpha + T)
    fill_phases(n, q, phase)
    mean_j = mean_h = mean_squares = h = squares = 0.0
    for j in range(1, phase.size):
        h += 1.0 / (n + (j - 1.0))
        squares += 1.0 / (n + (j - 1.0)) ** 2
        mean_j += phase[j] * j
        mean_h += phase[j] * h
        mean_squares += phase[j] * squares
    var_j = var_h = cov = h = 0.0
    for j in range(phase.size):
        var_j += phase[j] * (j - mean_j) ** 2
        var_h += phase[j] * (h - mean_h) ** 2
        cov += phase[j] * (j - mean_j) * (h - mean_h)
        h += 1.0 / (n + j)
    silence[0] = log_silence(n, q, phase.size)
    silence[1] = r * mean_h
    silence[2] = u * mean_j
    silence[3] = r * mean_h + r * r * (var_h - mean_squares)
    silence[4] = r * u * cov
    silence[5] = u * u * var_j + u * (T / (alpha + T)) * mean_j


@jit
def _add_last_terms(
    sums: FloatArray,
    w: float,
    x: float,
    t_x: float,
    T: float,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
    silence: FloatArray,
) -> None:
    """Add w ln(S + e^d), d the log odds of death without S, with its gradient and Hessian.

    With s the share of e^d in the sum: the gradient is (1-s) (ln S)' + s d', the Hessian
    (1-s) (ln S)'' + s d'' + s (1-s) e e^T, where e = d' - (ln S)'.
    """
    log_odds = log_odds_of_death(x, t_x, T, k, r, alpha, a, b)
    alive = expit(-log_odds)
    s, stay = w * expit(log_odds), w * alive
    c = s * alive
    d_r = r * math.log1p((T - t_x) / (alpha + t_x))
    quiet = -(alpha / (alpha + T)) * ((T - t_x) / (alpha + t_x))
    d_alpha, d_b = (r + k * x) * quiet, -b / (b + x)
    e_r, e_alpha = d_r - silence[1], d_alpha - silence[2]
    sums[0] += w * (silence[0] + softplus(log_odds))
    sums[1] += stay * silence[1] + s * d_r
    sums[2] += stay * silence[2] + s * d_alpha
    sums[3] += s
    sums[4] += s * d_b
    sums[5] += stay * silence[3] + s * d_r + c * e_r * e_r
    sums[6] += stay * silence[4] + s * r * quiet + c * e_r * e_alpha
    sums[7] += c * e_r
    sums[8] += c * e_r * d_b
    d_alpha_alpha = d_alpha * (T / (alpha + T) - alpha / (alpha + t_x))
    sums[9] += stay * silence[5] + s * d_alpha_alpha + c * e_alpha * e_alpha
    sums[10] += c * e_alpha
    sums[11] += c * e_alpha * d_b
    sums[12] += c
    sums[13] += c * d_b
    sums[14] += s * d_b * (x / (b + x)) + c * d_b * d_b
