"""What customers may bring: their own futures drawn, not only the means.

Given that a customer is alive, the rate of purchase is Gamma(shape, rate), and the end comes either
with a purchase, with probability p ~ Beta(first, second) at each (BG/NBD and its kin), or in time,
at a rate mu ~ Gamma(first, second) (Pareto/NBD). With a chance p to stop at each, the purchases
that are survived and the one that is not come as independent Poisson streams of rates
lambda (1 - p) and lambda p, so both kinds are one: a time of the end, and purchases before it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.keys import FIRST, SECOND, SHIFTS, STEP, mix
from customer_value._kernels.math.special import softplus
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import Column, FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.math.keys import KeyArray

ENDS_AT_PURCHASE, ENDS_IN_TIME, NEVER_ENDS = 0.0, 1.0, 2.0
GAMMA_SPEND, LOG_NORMAL_SPEND = 0.0, 1.0

_11 = np.uint64(11)

BINS = 32
"""Into how many parts the future of a busy customer is cut."""
BUSY = 64.0
"""Purchases from which on they are drawn part by part, not one by one."""
WORTHLESS = 60.0
"""Discounted by exp(-60) a purchase is worth nothing."""
LARGEST_LOG = 700.0


def draw_values(
    alive: FloatArray,
    process: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    spend: tuple[FloatArray, FloatArray],
    keys: KeyArray,
    *,
    end: float,
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
        process: Shape and rate of the purchase rate, and the two parameters of the end.
        spend: What each customer's level of spend is drawn from, see `log_level`.
        keys: What makes the rows draw alike or apart, see `keys.row_keys`.
        end: `ENDS_AT_PURCHASE`, `ENDS_IN_TIME` or `NEVER_ENDS`.
        spend_kind: `GAMMA_SPEND` or `LOG_NORMAL_SPEND`.
        purchase: How purchases spread about that level, see `log_spend`.
        horizon: Length of the future; inf only with delta above 0, or an end.
        delta: Continuous discount rate per unit of time.
        seed: Seed of all draws.
        draw: Number of the draw: each has random numbers of its own.
        threads: Number of threads, by default one per processor; the bits do not depend on it.

    Returns:
        One present value per row.
    """
    out = np.empty(alive.size)
    columns: tuple[Column, ...] = (*read_only(alive, *process, *spend), keys, out)
    shared = (end, spend_kind, purchase, horizon, delta, draw_salt(seed, draw))
    map_rows(_draw_values, columns, *shared, threads=threads)
    return out


def draw_salt(seed: int, draw: int) -> KeyArray:
    """Give what is mixed into the keys of one draw."""
    salt = mix(np.array([seed], np.uint64) + STEP) + np.array([draw], np.uint64) * STEP
    return mix(salt)


@jit
def uniform(state: KeyArray) -> float:
    """Draw from (0, 1) and move the state on, by SplitMix64."""
    state[0] += STEP
    bits = state[0]
    bits = (bits ^ (bits >> SHIFTS[0])) * FIRST
    bits = (bits ^ (bits >> SHIFTS[1])) * SECOND
    bits ^= bits >> SHIFTS[2]
    return (float(bits >> _11) + 0.5) / 9007199254740992.0


@jit
def normal(state: KeyArray) -> float:
    """Draw from the standard normal distribution (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))


@jit
def log_gamma_variate(state: KeyArray, shape: float) -> float:
    """Draw the logarithm of a Gamma(shape, 1) variate, which itself may underflow.

    Marsaglia & Tsang (2000); below a shape of 1, that of shape + 1 times U^(1/shape).
    """
    boost = 0.0
    if shape < 1.0:
        boost = math.log(uniform(state)) / shape
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        z = normal(state)
        v = 1.0 + c * z
        if v > 0.0:
            log_v = 3.0 * math.log(v)
            cube = v * v * v
            if math.log(uniform(state)) < 0.5 * z * z + d * (1.0 - cube + log_v):
                return boost + math.log(d) + log_v


@jit
def poisson(state: KeyArray, mean: float) -> float:
    """Draw from a Poisson distribution, of a mean of any size.

    Multiplication of uniforms below 10; Hoermann's transformed rejection (1993), algorithm PTRS,
    up to 1e9, beyond which the normal distribution gives the same.
    """
    if mean < 10.0:
        limit = math.exp(-mean)
        product = uniform(state)
        count = 0.0
        while product > limit:
            product *= uniform(state)
            count += 1.0
        return count
    if mean > 1e9:
        # math.floor makes a whole number of 64 bits, which has no room for it.
        return max(0.0, float(np.floor(mean + math.sqrt(mean) * normal(state) + 0.5)))
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform(state) - 0.5, uniform(state)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0.0 or (us < 0.013 and v > us):
            continue
        accept = math.log(v * inverse_alpha / (a / (us * us) + b))
        if accept <= k * math.log(mean) - mean - math.lgamma(k + 1.0):
            return k


@jit
def binomial(state: KeyArray, trials: float, p: float) -> float:
    """Draw from a binomial distribution of any number of trials.

    The trials succeed whose uniforms lie below p. One of them by rank, which is a beta variate,
    tells how many lie on its side of p for sure, and how p splits the others (Relles 1972); few
    successes are drawn gap by gap. Whichever is rarer is counted, successes or failures.
    """
    count, sign = 0.0, 1.0
    while True:
        if p > 0.5:
            count += sign * trials
            sign, p = -sign, 1.0 - p
        if trials * p <= 10.0:
            break
        # np.floor: math.floor makes a whole number of 64 bits, which has no room for so many.
        rank = float(np.floor(trials * p))
        odds = log_gamma_variate(state, rank) - log_gamma_variate(state, trials - rank + 1.0)
        split = math.exp(-softplus(-odds))
        if split <= p:
            count += sign * rank
            trials -= rank
            p = (p - split) / (1.0 - split)
        else:
            trials = rank - 1.0
            p /= split
    failing = -math.log1p(-p)
    place = failures(state, failing) + 1.0
    while place <= trials:
        count += sign
        place += failures(state, failing) + 1.0
    return count


@jit
def failures(state: KeyArray, failing: float) -> float:
    """Draw how many trials fail before one succeeds, each failing with probability e^-failing."""
    return float(np.floor(min(-math.log(uniform(state)) / max(failing, 1e-300), 1e300)))


@jit
def start(state: KeyArray, key: np.uint64, salt: np.uint64) -> None:
    """Set the state to where the random numbers of one row and draw begin."""
    state[0] = (key ^ salt) * SECOND


@jit
def log_level(state: KeyArray, kind: float, first: float, second: float) -> float:
    """Draw the logarithm of the scale of one customer's spend.

    Gamma-Gamma: minus that of a rate that is Gamma(first, second). Log-normal: that of the mean
    spend, Normal(first, second^2).
    """
    if kind == LOG_NORMAL_SPEND:
        return first + second * normal(state)
    return math.log(second) - log_gamma_variate(state, first)


@jit
def log_spend(state: KeyArray, count: float, kind: float, purchase: float) -> float:
    """Draw the logarithm of what `count` purchases of a customer of scale 1 bring in all.

    Gamma-Gamma: Gamma(purchase count, 1). Log-normal with mean 1 and the coefficient of variation
    `purchase` each; of many the sum is taken as log-normal with its own mean and variance (Fenton
    1960), as in the likelihood.
    """
    if kind == LOG_NORMAL_SPEND:
        variance = softplus(2.0 * math.log(purchase) - math.log(count))
        return math.log(count) - 0.5 * variance + math.sqrt(variance) * normal(state)
    return log_gamma_variate(state, purchase * count)


@jit
def mean_discount(x: float) -> float:
    """Give the mean of exp(-u) over 0 < u < x."""
    return -math.expm1(-x) / x if x > 0.0 else 1.0


@jit
def _draw_values(
    alive: FloatArray,
    shape: FloatArray,
    rate: FloatArray,
    first: FloatArray,
    second: FloatArray,
    spend_first: FloatArray,
    spend_second: FloatArray,
    keys: KeyArray,
    out: FloatArray,
    end: float,
    spend_kind: float,
    purchase: float,
    horizon: float,
    delta: float,
    salt: KeyArray,
) -> None:
    """Write one present value per row."""
    state = np.empty(1, np.uint64)
    limit = min(horizon, WORTHLESS / delta if delta > 0.0 else math.inf)
    for i in range(alive.size):
        start(state, keys[i], salt[0])
        out[i] = 0.0
        if uniform(state) >= alive[i]:
            continue
        log_rate = log_gamma_variate(state, shape[i]) - math.log(rate[i])
        log_stop = -math.inf
        if end == ENDS_AT_PURCHASE:  # from here on log_rate is that of the survived purchases
            odds = log_gamma_variate(state, first[i]) - log_gamma_variate(state, second[i])
            log_stop = log_rate - softplus(-odds)
            log_rate -= softplus(odds)
        elif end == ENDS_IN_TIME:
            log_stop = log_gamma_variate(state, first[i]) - math.log(second[i])
        stop = math.exp(min(math.log(-math.log(uniform(state))) - log_stop, LARGEST_LOG))
        until = min(stop, limit)
        level = log_level(state, spend_kind, spend_first[i], spend_second[i])
        mean = math.exp(min(log_rate + math.log(until), LARGEST_LOG)) if until > 0.0 else 0.0
        value = _draw_spend(state, mean, until, delta, spend_kind, purchase)
        if end == ENDS_AT_PURCHASE and stop == until:
            last = log_spend(state, 1.0, spend_kind, purchase) - delta * stop
            value += math.exp(min(last, LARGEST_LOG))
        if value > 0.0:
            out[i] = math.exp(min(math.log(value) + level, LARGEST_LOG))


@jit
def _draw_spend(
    state: KeyArray, mean: float, until: float, delta: float, spend_kind: float, purchase: float
) -> float:
    """Draw what purchases at random times before `until` are worth, for a level of spend of 1.

    Many purchases are drawn part of the time by part: their number, the sum of their spend, and the
    mean discount of the part in place of each purchase's own.
    """
    value = 0.0
    if mean <= BUSY:
        for _ in range(int(poisson(state, mean))):
            moment = until * uniform(state) if delta > 0.0 else 0.0
            spent = log_spend(state, 1.0, spend_kind, purchase) - delta * moment
            value += math.exp(min(spent, LARGEST_LOG))
        return value
    width = until / BINS if delta > 0.0 else 0.0
    discount = mean_discount(delta * width)
    for k in range(BINS):
        count = poisson(state, mean / BINS)
        if count > 0.0:
            spent = log_spend(state, count, spend_kind, purchase) - delta * width * k
            value += math.exp(min(spent, LARGEST_LOG)) * discount
    return value
