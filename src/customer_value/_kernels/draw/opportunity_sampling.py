"""Futures drawn of customers who can buy at given opportunities only (BG/BB).

Given that a customer is alive, the probabilities of a purchase at each opportunity to come and of
stopping before it are beta variates. Given those, the number of opportunities still to be met is
geometric and the purchases at them are independent trials (Fader, Hardie & Shang 2010, Marketing
Science 29(6)).
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
    binomial,
    draw_salt,
    failures,
    log_gamma_variate,
    log_level,
    log_spend,
    mean_discount,
    start,
    uniform,
)
from customer_value._kernels.math.special import softplus
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import Column, FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.math.keys import KeyArray


def draw_opportunity_values(
    alive: FloatArray,
    process: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    spend: tuple[FloatArray, FloatArray],
    keys: KeyArray,
    *,
    spend_kind: float,
    purchase: float,
    horizon: float,
    delta: float,
    seed: int,
    draw: int,
    threads: int | None = None,
) -> FloatArray:
    """Draw the present value of what each customer spends at the opportunities of the horizon.

    Args:
        alive: Probability of being alive at the last opportunity so far.
        process: The two shapes of the probability of a purchase given alive, and the two of that of
            stopping.
        spend: What each customer's level of spend is drawn from, see `sampling.log_level`.
        keys: What makes the rows draw alike or apart, see `keys.row_keys`.
        spend_kind: `sampling.GAMMA_SPEND` or `sampling.LOG_NORMAL_SPEND`.
        purchase: How purchases spread about that level, see `sampling.log_spend`.
        horizon: Opportunities to come, a whole number or inf.
        delta: Continuous discount rate from one opportunity to the next.
        seed: Seed of all draws.
        draw: Number of the draw: each has random numbers of its own.
        threads: Number of threads, by default one per processor; the bits do not depend on it.

    Returns:
        One present value per row.
    """
    out = np.empty(alive.size)
    columns: tuple[Column, ...] = (*read_only(alive, *process, *spend), keys, out)
    shared = (spend_kind, purchase, horizon, delta, draw_salt(seed, draw))
    map_rows(_draw_values, columns, *shared, threads=threads)
    return out


@jit
def _draw_values(
    alive: FloatArray,
    buys_first: FloatArray,
    buys_second: FloatArray,
    stops_first: FloatArray,
    stops_second: FloatArray,
    spend_first: FloatArray,
    spend_second: FloatArray,
    keys: KeyArray,
    out: FloatArray,
    spend_kind: float,
    purchase: float,
    horizon: float,
    delta: float,
    salt: KeyArray,
) -> None:
    """Write one present value per row."""
    state = np.empty(1, np.uint64)
    limit = min(horizon, float(np.ceil(WORTHLESS / delta)) if delta > 0.0 else math.inf)
    for i in range(alive.size):
        start(state, keys[i], salt[0])
        out[i] = 0.0
        if uniform(state) >= alive[i]:
            continue
        odds = log_gamma_variate(state, stops_first[i]) - log_gamma_variate(state, stops_second[i])
        until = min(failures(state, softplus(odds)), limit)
        odds = log_gamma_variate(state, buys_first[i]) - log_gamma_variate(state, buys_second[i])
        level = log_level(state, spend_kind, spend_first[i], spend_second[i])
        value = _draw_spend(state, odds, until, delta, spend_kind, purchase)
        if value > 0.0:
            out[i] = math.exp(min(math.log(value) + level, LARGEST_LOG))


@jit
def _draw_spend(
    state: KeyArray, odds: float, until: float, delta: float, spend_kind: float, purchase: float
) -> float:
    """Draw what purchases at `until` opportunities are worth, for a level of spend of 1.

    `odds` is the logarithm of those of a purchase. Many purchases are drawn part of the time by
    part: their number, the sum of their spend, and the mean discount of the part's opportunities.
    """
    value = 0.0
    p, failing = math.exp(-softplus(-odds)), softplus(odds)
    if p * until <= BUSY:
        k = failures(state, failing) + 1.0
        while k <= until:
            spent = log_spend(state, 1.0, spend_kind, purchase) - delta * k
            value += math.exp(min(spent, LARGEST_LOG))
            k += failures(state, failing) + 1.0
        return value
    width, passed = float(np.ceil(until / BINS)), 0.0
    while passed < until:
        size = min(width, until - passed)
        count = binomial(state, size, p)
        if count > 0.0:
            spent = log_spend(state, count, spend_kind, purchase) - delta * (passed + 1.0)
            discount = mean_discount(delta * size) / mean_discount(delta)
            value += math.exp(min(spent, LARGEST_LOG)) * discount
        passed += size
    return value
