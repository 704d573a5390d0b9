"""Two events that race: the integrals of the Pareto/NBD model.

While a customer is alive, the next purchase and the death come at rates that are gamma distributed
between customers, so each waiting time is Lomax (Pareto of the second kind) distributed: it exceeds
y with probability (a / (a + y))^k. All that the model says of a customer's silence is the chance
that one of the two comes first.

Schmittlein, Morrison & Colombo (1987), Counting Your Customers, Management Science 33(1), give
these integrals as differences of Gauss's 2F1, which cancel; here they are quadratures of a positive
function, smooth up to a distance of pi from the real line in v = ln(1 + y/m), m = min(a, b).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
NODES, WEIGHTS = 0.5 * (1.0 + NODES), 0.5 * WEIGHTS
WIDEST = 2.2
"""Panels of this width, on which the integrand falls by less than e^16, reach 1e-13."""
STEEPEST = 12.0


@jit
def race(k: float, a: float, n: float, b: float) -> tuple[float, float, float, float]:
    """Write the density of an event that comes before its rival in v = ln(1 + y / min(a, b)).

    k/(a+y) (a/(a+y))^k (b/(b+y))^n dy is scale exp(-p v - q ln(1 + ratio (e^v - 1))) dv.

    Args:
        k: Shape of the event's rate.
        a: Rate parameter of the event's rate.
        n: Shape of the rival's rate.
        b: Rate parameter of the rival's rate.

    Returns:
        scale, p, q and ratio, the latter in (0, 1].
    """
    if a <= b:
        return k, k, n, a / b
    return k * (b / a), n - 1.0, k + 1.0, b / a


@jit
def chance_to_be_first(k: float, a: float, n: float, b: float, end: float) -> float:
    """Give the chance that an event comes before its rival and before the time `end`.

    Args:
        k: Shape of the event's rate.
        a: Rate parameter of the event's rate.
        n: Shape of the rival's rate.
        b: Rate parameter of the rival's rate.
        end: In v = ln(1 + y / min(a, b)), inf for no limit.

    Returns:
        The chance, relatively accurate however small it is.
    """
    scale, p, q, ratio = race(k, a, n, b)
    left = total = 0.0
    while left < end:
        level = 1.0 + ratio * math.expm1(left)
        rate = p + q * (1.0 - (1.0 - ratio) / level)
        value = math.exp(-p * left - q * math.log(level))
        if 1.0 - ratio <= 1e-16 * level:  # from here on a plain exponential
            total -= value * math.expm1(-rate * (end - left)) / rate
            break
        if value < 1e-17 * rate * total:
            break
        width = panel_width(left, end, p, q, ratio)
        for j in range(NODES.size):
            v = left + width * NODES[j]
            decay = p * v + q * math.log1p(ratio * math.expm1(v))
            total += width * WEIGHTS[j] * math.exp(-decay)
        left += width
    return scale * total


@jit
def panel_width(left: float, end: float, p: float, q: float, ratio: float) -> float:
    """Choose how far a panel reaches to the right of `left`: the decay grows on the way."""
    width = min(WIDEST, end - left)
    while True:
        level = 1.0 + ratio * math.expm1(left + width)
        rate = p + q * (1.0 - (1.0 - ratio) / level)
        if rate * width <= STEEPEST:
            return width
        width = max(0.5 * width, 0.99 * STEEPEST / rate)  # or rounding may never let it go


@jit
def time_to_be_first(k: float, a: float, n: float, b: float, chance: float) -> float:
    """Give the time by which an event has come, before its rival, with the given chance.

    Newton's method within a bracket, in v = ln(1 + y / min(a, b)).

    Args:
        k: Shape of the event's rate.
        a: Rate parameter of the event's rate.
        n: Shape of the rival's rate.
        b: Rate parameter of the rival's rate.
        chance: 0 or more.

    Returns:
        The time, inf where the chance is never reached.
    """
    if chance >= chance_to_be_first(k, a, n, b, math.inf):
        return math.inf
    scale, p, q, ratio = race(k, a, n, b)
    low, high = 0.0, math.inf
    v = 0.0
    for _ in range(200):
        missing = chance - chance_to_be_first(k, a, n, b, v)
        if missing > 0.0:
            low = v
        else:
            high = v
        step = missing / (scale * math.exp(-p * v - q * math.log1p(ratio * math.expm1(v))))
        if abs(step) <= 1e-15 * v:
            break
        # Never more than double, and never out of the bracket.
        v = min(v + step, 2.0 * v + 1.0)
        if not low < v < high:
            v = 0.5 * (low + high)
        if v > 700.0:  # beyond what a float can hold
            return math.inf
    return min(a, b) * math.expm1(v)


@jit
def race_moments(p: float, q: float, ratio: float, end: float, moments: FloatArray) -> None:
    """Integrate exp(-p v - q ln(1 + ratio (e^v - 1))) up to `end`, with what its derivatives need.

    Args:
        p: First exponent of `race`.
        q: Second exponent of `race`.
        ratio: As in `race`.
        end: In v.
        moments: Takes the integral, the means of four features and those of their ten products.
            The features are ln((c+y)/c) and y/(c+y), c = min(a, b) and then c = max(a, b).
    """
    left = mass = 0.0
    f = g = h = k = ff = fg = fh = fk = gg = gh = gk = hh = hk = kk = 0.0
    while left < end:
        width = panel_width(left, end, p, q, ratio)
        for j in range(NODES.size):
            v = left + width * NODES[j]
            growth = math.expm1(v)
            level = 1.0 + ratio * growth
            log_level = math.log1p(ratio * growth)
            near, far = growth / (1.0 + growth), ratio * growth / level
            w = width * WEIGHTS[j] * math.exp(-p * v - q * log_level)
            mass += w
            f += w * v
            g += w * near
            h += w * log_level
            k += w * far
            ff += w * v * v
            fg += w * v * near
            fh += w * v * log_level
            fk += w * v * far
            gg += w * near * near
            gh += w * near * log_level
            gk += w * near * far
            hh, hk = hh + w * log_level * log_level, hk + w * log_level * far
            kk += w * far * far
        left += width
        level = 1.0 + ratio * math.expm1(left)
        rate = p + q * (1.0 - (1.0 - ratio) / level)
        if math.exp(-p * left - q * math.log(level)) < 1e-16 * rate * mass:
            break
    sums = (f, g, h, k, ff, fg, fh, fk, gg, gh, gk, hh, hk, kk)
    moments[0] = mass
    for i in range(14):
        moments[1 + i] = sums[i] / mass if mass > 0.0 else 0.0
