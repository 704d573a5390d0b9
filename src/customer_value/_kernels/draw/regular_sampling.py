"""Futures drawn of customers with regular gaps, who may stop at each purchase (MBG/CNBD-k).

Given that a customer is alive, j of the k events of the current gap have come, j being as likely as
the silence makes it; given that, the rate of events is Gamma(shape + j, rate), and the chance to
stop at each purchase is p ~ Beta(first, second), so that the number of purchases still to come is
geometric (Reutterer, Platzer & Schröder 2021, International Journal of Research in Marketing 38).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.draw.sampling import (
    BINS,
    BUSY,
    LARGEST_LOG,
    WORTHLESS,
    draw_salt,
    failures,
    log_gamma_variate,
    log_level,
    log_spend,
    mean_discount,
    poisson,
    start,
    uniform,
)
from customer_value._kernels.math.special import softplus
from customer_value._kernels.models.mbg_cnbd import fill_phases
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import Column, FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.math.keys import KeyArray


def draw_regular_values(
    alive: FloatArray,
    process: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    silence: FloatArray,
    spend: tuple[FloatArray, FloatArray],
    keys: KeyArray,
    *,
    gap_shape: int,
    spend_kind: float,
    purchase: float,
    horizon: float,
    delta: float,
    seed: int,
    draw: int,
    threads: int | None = None,
) -> FloatArray:
    """Draw the present value of what each customer spends in the horizon.

    Args:
        alive: Probability of being alive now.
        process: Shape and rate of the rate of events as of the last purchase's number of them and
            of now, and the two parameters of the chance to stop.
        silence: Time since the last purchase over the rate parameter, 0 to 1.
        spend: What each customer's level of spend is drawn from, see `sampling.log_level`.
        keys: What makes the rows draw alike or apart, see `keys.row_keys`.
        gap_shape: Events in a gap, k.
        spend_kind: `sampling.GAMMA_SPEND` or `sampling.LOG_NORMAL_SPEND`.
        purchase: How purchases spread about that level, see `sampling.log_spend`.
        horizon: Length of the future, inf for the whole residual life.
        delta: Continuous discount rate per unit of time.
        seed: Seed of all draws.
        draw: Number of the draw: each has random numbers of its own.
        threads: Number of threads, by default one per processor; the bits do not depend on it.

    Returns:
        One present value per row.
    """
    out = np.empty(alive.size)
    columns: tuple[Column, ...] = (*read_only(alive, *process, silence, *spend), keys, out)
    shared = (gap_shape, spend_kind, purchase, horizon, delta, draw_salt(seed, draw))
    map_rows(_draw_values, columns, *shared, threads=threads)
    return out


@jit
def _draw_values(
    alive: FloatArray,
    shape: FloatArray,
    rate: FloatArray,
    first: FloatArray,
    second: FloatArray,
    silence: FloatArray,
    spend_first: FloatArray,
    spend_second: FloatArray,
    keys: KeyArray,
    out: FloatArray,
    gap_shape: int,
    spend_kind: float,
    purchase: float,
    horizon: float,
    delta: float,
    salt: KeyArray,
) -> None:
    """Write one present value per row."""
    state, phase = np.empty(1, np.uint64), np.empty(gap_shape)
    until = min(horizon, WORTHLESS / delta if delta > 0.0 else math.inf)
    for i in range(alive.size):
        start(state, keys[i], salt[0])
        out[i] = 0.0
        if uniform(state) >= alive[i]:
            continue
        fill_phases(shape[i], silence[i], phase)
        done = _draw_phase(state, phase)
        log_rate = log_gamma_variate(state, shape[i] + done) - math.log(rate[i])
        odds = log_gamma_variate(state, first[i]) - log_gamma_variate(state, second[i])
        count = 1.0 + failures(state, softplus(odds))
        level = log_level(state, spend_kind, spend_first[i], spend_second[i])
        if until == math.inf:
            value = math.exp(min(log_spend(state, count, spend_kind, purchase), LARGEST_LOG))
        else:
            event_rate = math.exp(min(max(log_rate, -LARGEST_LOG), LARGEST_LOG))
            value = _draw_spend(
                state, event_rate, done, gap_shape, count, until, delta, spend_kind, purchase
            )
        if value > 0.0:
            out[i] = math.exp(min(math.log(value) + level, LARGEST_LOG))


@jit
def _draw_phase(state: KeyArray, phase: FloatArray) -> float:
    """Draw an index with these probabilities."""
    left = uniform(state)
    for j in range(phase.size - 1):
        left -= phase[j]
        if left < 0.0:
            return float(j)
    return phase.size - 1.0


@jit
def _draw_spend(
    state: KeyArray,
    rate: float,
    done: float,
    k: float,
    count: float,
    until: float,
    delta: float,
    spend_kind: float,
    purchase: float,
) -> float:
    """Draw what up to `count` purchases before `until` are worth, for a level of spend of 1.

    Many purchases are drawn part of the time by part: the events in it, the purchases that they
    complete, the sum of their spend, and the mean discount of the part.
    """
    value = bought = time = 0.0
    if min(count, rate * until / k) <= BUSY:
        time = math.exp(min(log_gamma_variate(state, k - done), LARGEST_LOG)) / rate
        while time < until and bought < count:
            spent = log_spend(state, 1.0, spend_kind, purchase) - delta * time
            value += math.exp(min(spent, LARGEST_LOG))
            bought += 1.0
            time += math.exp(log_gamma_variate(state, k)) / rate
        return value
    width = min(until, count * k / rate) / BINS
    while time < until and bought < count:
        step = min(width, until - time)
        done += poisson(state, rate * step)
        fresh = min(float(np.floor(done / k)), count) - bought
        if fresh > 0.0:
            spent = log_spend(state, fresh, spend_kind, purchase) - delta * time
            value += math.exp(min(spent, LARGEST_LOG)) * mean_discount(delta * step)
            bought += fresh
        time += width
    return value
