"""MBG/CNBD-k: what is to come of customers with regular gaps.

Reutterer, Platzer & Schröder (2021) approximate the expected purchases; here they are exact. A
customer who is alive at T is in one of k phases, j events after the last purchase; given that, the
rate is Gamma(r + kx + j, alpha + T) and the drop-out probability Beta(a, b + x + 1), whatever t_x.
So what follows is computed for each phase of each distinct (x, T) and mixed by how likely the
phases are. Rows and units as in `mbg_cnbd`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.erlang_counts import (
    count_probability,
    event_probability,
    expected_count,
    reach_probability,
    staying_probability,
)
from customer_value._kernels.math.erlang_values import value_of_horizon, value_of_life
from customer_value._kernels.math.special import expit, incomplete_beta
from customer_value._kernels.math.states import distinct_states
from customer_value._kernels.models.mbg_cnbd import fill_phases, log_odds_of_death, log_silence
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._kernels.models.histories import Histories
    from customer_value._kernels.models.parameters import MbgCnbd

LARGEST_LOG = 709.0
"""Beyond this a time is longer than a float can say."""


def probability_alive_later(
    histories: Histories, parameters: MbgCnbd, ahead: float, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at T + ahead.

    Args:
        ahead: Time after T, finite.

    Returns:
        One probability per row.
    """
    return _by_phase(_fill_staying, histories, parameters, (ahead,), threads)


def expected_purchases(
    histories: Histories, parameters: MbgCnbd, horizon: float, *, threads: int | None = None
) -> FloatArray:
    """Give the purchases expected in (T, T + horizon].

    Args:
        horizon: Length of the future, finite.

    Returns:
        One expected number per row.
    """
    return _by_phase(_fill_counts, histories, parameters, (horizon,), threads)


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
    return _by_phase(_fill_values, histories, parameters, (horizon, delta), threads)


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
    map_rows(_purchase_probability, columns, horizon, n, *parameters, threads=threads)
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
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_at_least_probability, columns, horizon, n, *parameters, threads=threads)
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
    map_rows(_next_purchase_quantile, columns, q, *parameters, threads=threads)
    return out


def _by_phase(
    fill: Callable[..., None],
    histories: Histories,
    parameters: MbgCnbd,
    shared: tuple[float, ...],
    threads: int | None,
) -> FloatArray:
    """Fill in a value for each phase of each distinct (x, T), and mix them for each customer."""
    states, row = distinct_states(histories.x, histories.T)
    table = np.empty((np.size(states[0]), parameters.k))
    map_rows(fill, (*states, table), *shared, *parameters, threads=threads)
    columns = read_only(*histories, np.arange(table.shape[0], dtype=np.float64)[row])
    out = np.empty(histories.size)
    map_rows(_mix, (*columns, out), table, *parameters, threads=threads)
    return out


@jit
def _mix(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    row: FloatArray,
    out: FloatArray,
    table: FloatArray,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write P(alive) times the mean of each row's values over its phases."""
    phase = np.empty(k)
    for i in range(x.size):
        fill_phases(r + k * x[i], (T[i] - t_x[i]) / (alpha + T[i]), phase)
        mean = 0.0
        for j in range(k):
            mean += phase[j] * table[int(row[i]), j]
        out[i] = mean * expit(-log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b))


@jit
def _fill_staying(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write for each row and phase the share of the living who are still alive at the horizon."""
    for i in range(x.size):
        y, n = horizon / (alpha + T[i]), r + k * x[i]
        for j in range(k):
            out[i, j] = staying_probability(y, n + j, j, k, a, b + x[i] + 1.0)


@jit
def _fill_counts(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write for each row and phase the purchases of the living."""
    for i in range(x.size):
        y, n = horizon / (alpha + T[i]), r + k * x[i]
        for j in range(k):
            out[i, j] = expected_count(y, n + j, j, k, a, b + x[i] + 1.0)


@jit
def _fill_values(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    delta: float,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write for each row and phase the present value of the purchases of the living."""
    for i in range(x.size):
        age = alpha + T[i]
        n = r + k * x[i]
        stay = b + x[i] + 1.0
        for j in range(k):
            if horizon < math.inf:
                out[i, j] = value_of_horizon(horizon / age, delta * age, n + j, j, k, a, stay)
            elif delta > 0.0:
                out[i, j] = value_of_life(delta * age, n + j, j, k, a, stay)
            else:
                out[i, j] = (a + stay - 1.0) / (a - 1.0)  # the mean of 1/p


@jit
def _purchase_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    m: int,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's probability of m purchases; the dead make none."""
    phase = np.empty(k)
    for i in range(x.size):
        y, n = horizon / (alpha + T[i]), r + k * x[i]
        fill_phases(n, (T[i] - t_x[i]) / (alpha + T[i]), phase)
        mean = 0.0
        for j in range(k):
            mean += phase[j] * count_probability(y, m, n + j, j, k, a, b + x[i] + 1.0)
        odds = log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b)
        out[i] = expit(-odds) * mean
        if m == 0:
            out[i] += expit(odds)


@jit
def _at_least_probability(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    horizon: float,
    m: int,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's probability of m purchases or more."""
    phase = np.empty(k)
    for i in range(x.size):
        y, n = horizon / (alpha + T[i]), r + k * x[i]
        fill_phases(n, (T[i] - t_x[i]) / (alpha + T[i]), phase)
        mean = 0.0
        for j in range(k):
            mean += phase[j] * reach_probability(y, m, n + j, j, k, a, b + x[i] + 1.0)
        out[i] = mean * expit(-log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b))


@jit
def _next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    q: float,
    k: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    """Write each row's solution t of P(alive) P(k - j events or more by t) = q."""
    phase = np.empty(k)
    for i in range(x.size):
        odds = log_odds_of_death(x[i], t_x[i], T[i], k, r, alpha, a, b)
        alive, dead = expit(-odds), expit(odds)
        left = alive - q if alive < 0.5 else (1.0 - q) - dead
        out[i] = math.inf
        if left > 0.0:
            age = alpha + T[i]
            silent = (T[i] - t_x[i]) / age
            fill_phases(r + k * x[i], silent, phase)
            out[i] = age * _waiting_time(q / alive, left / alive, silent, r + k * x[i], phase)


@jit
def _waiting_time(share: float, rest: float, silent: float, n: float, phase: FloatArray) -> float:
    """Give y with P(k - j events or more by y) = share = 1 - rest, by Newton in v = ln y.

    A step that leaves the range of the solution, or is not half the last one, is a bisection: where
    several phases are likely enough, the logarithm of their mean is neither concave nor convex.
    """
    v, last = math.log(phase.size / (n + phase.size)), math.inf
    low, high = -math.inf, math.inf
    for _ in range(200):
        step = _step_to_share(v, share, rest, silent, n, phase)
        low, high = (v, high) if step > 0.0 else (low, v)
        step = min(max(step, -50.0), 50.0)
        if high - low < math.inf and (abs(step) > 0.5 * last or not low < v + step < high):
            step = 0.5 * (high - v if step > 0.0 else low - v)
        v, last = v + step, abs(step)
        if v > LARGEST_LOG:
            return math.inf
        if last < 1e-13 * max(1.0, abs(v)):
            break
    return math.exp(v)


@jit
def _step_to_share(
    v: float, share: float, rest: float, silent: float, n: float, phase: FloatArray
) -> float:
    """Give Newton's step from v, for the logarithm of the smaller one of the two probabilities."""
    k, y = phase.size, math.exp(v)
    bought = slope = 0.0
    for j in range(k):
        bought += phase[j] * incomplete_beta(float(k - j), n + j, y)
        slope += phase[j] * (k - j) * event_probability(k - j, n + j, y)
    if share < 0.5:
        if bought == 0.0 or slope == 0.0:
            return math.inf
        return (math.log(share) - math.log(bought)) * (bought / slope)
    # The silence since the last purchase goes on until y: unlike 1 - bought, to all digits.
    later = (silent + y) / (1.0 + y)
    log_rest = log_silence(n, later, k) - log_silence(n, silent, k) - n * math.log1p(y)
    return (log_rest - math.log(rest)) * math.exp(log_rest) / slope
