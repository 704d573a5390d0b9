"""How often a living customer with Erlang-k gaps buys: every k-th event of a Poisson process.

The customer is in phase j: j events have come since the last purchase, 0 <= j < k. In the coming
y units of time M ~ NB(n, y) events would come, the rate being Gamma(n, rate 1), and with them
m = floor((M + j)/k) purchases, if the customer did not leave with probability p ~ Beta(a, b) after
each. With D the purchase that would be the last, min(m, D) are made.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    beta_end,
    beta_rule,
    expit,
    incomplete_beta,
    log_beta,
    softplus,
)
from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

LONGEST = 20_000.0
"""Events over which a sum is faster than the quadrature."""
LARGEST_LOG = 680.0
"""Numbers up to the exponential of this may be added up without overflow."""
SHORT = 16
"""Purchases that count where hardly anyone survives the first few."""


@jit
def expected_count(y: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give E[min(m, D)], the purchases expected of a living customer.

    Args:
        y: Length of the future over alpha + T.
        n: r + kx + j.
        j: Events since the last purchase.
        k: Events from purchase to purchase.
        a: First shape of the drop-out probability.
        b: Its second shape after x + 1 purchases, b + x + 1.

    Returns:
        The expected number.
    """
    if _is_short(y, n):
        return _by_events(y, n, j, k, a, b)[0]
    return _count_by_roots(y, n, j, k, a, b)


@jit
def staying_probability(y: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give P(D > m): the share of the living who are still alive at y; arguments as above."""
    if _is_short(y, n):
        return _by_events(y, n, j, k, a, b)[1]
    return _survival_by_roots(y, n, j, k, a, b)


@jit
def count_probability(y: float, m: int, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give the probability that a living customer buys exactly m times.

    Either m purchases came and all were survived, or m or more would have come and the m-th was
    the last: all terms are positive. Arguments as above.
    """
    first = max(0, m * k - j)
    term = event_probability(first, n, y)
    among = 0.0
    for events in range(first, (m + 1) * k - j):
        among += term
        term *= (n + events) / (events + 1.0) * (y / (1.0 + y))
    if m == 0:
        return among
    log_total = log_beta(a, b)
    survived = math.exp(log_beta(a, b + m) - log_total) * among
    if y == 0.0:
        return survived
    stopped = math.exp(log_beta(a + 1.0, b + (m - 1.0)) - log_total)
    return survived + stopped * incomplete_beta(float(first), n, y)


@jit
def reach_probability(y: float, m: int, n: float, j: int, k: int, a: float, b: float) -> float:
    """Give the probability that a living customer buys m >= 1 times or more; arguments as above."""
    if y == 0.0:
        return 0.0
    survived = math.exp(log_beta(a, b + (m - 1.0)) - log_beta(a, b)) if m > 1 else 1.0
    return survived * incomplete_beta(float(m * k - j), n, y)


@jit
def event_probability(m: int, n: float, y: float) -> float:
    """Give P(M = m) = Gamma(n+m)/(Gamma(n) m!) (1+y)^-n (y/(1+y))^m."""
    if m == 0:
        return math.exp(-n * math.log1p(y))
    if y == 0.0:
        return 0.0
    return math.exp(-n * math.log1p(y) - m * math.log1p(1.0 / y) - log_beta(n, float(m))) / m


@jit
def _is_short(y: float, n: float) -> bool:
    """Tell whether nearly all of the distribution of M lies below LONGEST."""
    return n * y + 10.0 * math.sqrt(n * y * (1.0 + y)) + 40.0 * (1.0 + y) < LONGEST


@jit
def _by_events(y: float, n: float, j: int, k: int, a: float, b: float) -> tuple[float, float]:
    """Sum over the number of events, all terms positive.

    Given m, E[min(m, D)] is the sum of S_i over i < m and P(D > m) = S_m, S_i = (b)_i / (a+b)_i.
    """
    z = y / (1.0 + y)
    weight = 1.0
    total = count = survival = 0.0
    purchases = 0
    survived = 1.0
    made = 0.0
    phase = j
    events, size = 0.0, 1.0
    while events < n * y or weight * size > 1e-18 * (1.0 - z) * count:
        total += weight
        count += weight * made
        survival += weight * survived
        weight *= (n + events) / (events + 1.0) * z
        events += 1.0
        phase += 1
        if phase == k:
            phase = 0
            made += survived
            survived *= (b + purchases) / (a + b + purchases)
            purchases += 1
            size = 1.0 + made
        if total > 1e200:
            weight, total = weight * 1e-200, total * 1e-200
            count, survival = count * 1e-200, survival * 1e-200
        if weight == 0.0:
            break
    return count / total, survival / total


@jit
def _count_by_roots(y: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Integrate (1 - E[t^m])/p, t = 1 - p, over p."""
    among = _first_counts(y, n, j, k)
    p, weight = beta_rule(a, b, 1.0 + (1.0 + n) * y)
    count = 0.0
    for i in range(p.size):
        count += weight[i] * _given_leaving(p[i], 1.0 - p[i], y, n, j, k, among)[0]
    return count


@jit
def _survival_by_roots(y: float, n: float, j: int, k: int, a: float, b: float) -> float:
    """Integrate E[t^m], t = 1 - p, over p, about the peak of the integrand in u = logit p."""
    among = _first_counts(y, n, j, k)
    left = math.log(1e-3 / (1.0 + (1.0 + n) * y + b))
    right = math.log((1.0 + a + n) * 1e3)
    low, peak, high = _staying_range(left, right, y, n, k, a, b)
    reference = _log_prior(peak, a, b)
    # Where hardly anyone stays, the prior may exceed that at the peak by more than a float holds.
    mode = min(max(math.log(a / b), low), high)
    reference = max(reference, _log_prior(mode, a, b) - LARGEST_LOG)
    wide = (high - low) * 1e-3
    bend = 2.0 * _log_staying(peak, y, n, k, a, b)
    bend -= _log_staying(peak - wide, y, n, k, a, b) + _log_staying(peak + wide, y, n, k, a, b)
    width = 2.5 / math.sqrt(max(1.0, bend / (wide * wide)))
    panels = math.ceil((high - low) / width)
    half = 0.5 * (high - low) / panels
    total = 0.0
    for i in range(panels * GAUSS_NODES.size):
        node = i % GAUSS_NODES.size
        u = low + half * (2 * (i // GAUSS_NODES.size) + 1 + GAUSS_NODES[node])
        stayed = _given_leaving(expit(u), expit(-u), y, n, j, k, among)[1]
        prior = math.exp(_log_prior(u, a, b) - reference)
        total += half * GAUSS_WEIGHTS[node] * prior * stayed
    q, weight = np.empty(2), np.empty(2)
    # An end counts unless the integrand has fallen before it: there the rule would not hold.
    if low == left:
        beta_end(a, b, expit(low), reference, q, weight)
        for i in range(2):
            total += weight[i] * _given_leaving(q[i], 1.0 - q[i], y, n, j, k, among)[1]
    if high == right:
        beta_end(b, a, expit(-high), reference, q, weight)
        for i in range(2):
            total += weight[i] * _given_leaving(1.0 - q[i], q[i], y, n, j, k, among)[1]
    return min(total * math.exp(reference - log_beta(a, b)), 1.0)  # and NaN stays NaN


@jit
def _log_prior(u: float, a: float, b: float) -> float:
    """Give the logarithm of p^a (1-p)^b, p = expit(u)."""
    return -a * softplus(-u) - b * softplus(u)


@jit
def _log_staying(u: float, y: float, n: float, k: int, a: float, b: float) -> float:
    """Give the logarithm of p^a t^b (1 + (1-w) y)^-n, w the real k-th root of t, p = expit(u)."""
    step = softplus(u) / k
    return -a * softplus(-u) - b * softplus(u) - n * math.log1p(-math.expm1(-step) * y)


@jit
def _staying_range(
    low: float, high: float, y: float, n: float, k: int, a: float, b: float
) -> tuple[float, float, float]:
    """Find the peak of that, and where it has fallen by 40 on either side, within limits."""
    left, right = low, high
    while right - left > 1e-3:
        third = (right - left) / 3.0
        at_left = _log_staying(left + third, y, n, k, a, b)
        if at_left < _log_staying(right - third, y, n, k, a, b):
            left += third
        else:
            right -= third
    peak = 0.5 * (left + right)
    enough = _log_staying(peak, y, n, k, a, b) - 40.0
    step = 1e-3
    while peak - step > low and _log_staying(peak - step, y, n, k, a, b) > enough:
        step *= 1.3
    low = max(low, peak - step)
    step = 1e-3
    while peak + step < high and _log_staying(peak + step, y, n, k, a, b) > enough:
        step *= 1.3
    return low, peak, min(high, peak + step)


@jit
def _first_counts(y: float, n: float, j: int, k: int) -> FloatArray:
    """Give P(m = i) for i below SHORT."""
    among = np.zeros(SHORT)
    term = math.exp(-n * math.log1p(y))
    for events in range(SHORT * k - j):
        among[(events + j) // k] += term
        term *= (n + events) / (events + 1.0) * (y / (1.0 + y))
    return among


@jit
def _given_leaving(
    p: float, t: float, y: float, n: float, j: int, k: int, among: FloatArray
) -> tuple[float, float]:
    """Give (1 - E[t^m])/p and E[t^m] for one p = 1 - t."""
    if t > 1e-12:
        made, stayed, lost = _of_roots(p, t, y, n, j, k)
        if t > 0.02 or lost < 1e3 * stayed:
            return made, stayed
    more = power = 1.0
    count = survival = 0.0
    for i in range(among.size):  # hardly anyone survives the first few purchases
        survival += power * among[i]
        more -= among[i]
        count += power * max(more, 0.0)
        power *= t
    return count, survival


@jit
def _of_roots(p: float, t: float, y: float, n: float, j: int, k: int) -> tuple[float, float, float]:
    """Give (1 - E[t^m])/p, E[t^m] and the size of the terms that cancel in it, for p = 1 - t.

    With w the k-th roots of t, E[t^m] is the sum of p/(kt) w^(j+1)/(1-w) (1 + (1-w) y)^-n: a finite
    Fourier series in M mod k. The real root gives the bulk, the others what is left of the phase.
    """
    step = -(math.log(t) if p > 0.5 else math.log1p(-p)) / k
    log_real = _log_mean_power(k * step) - _log_mean_power(step) + (k - (j + 1.0)) * step
    log_real -= n * math.log1p(-math.expm1(-step) * y)
    others = size = 0.0
    for turn in range(1, k):
        root = cmath.exp(complex(-step, 2.0 * math.pi * turn / k))
        waiting = cmath.exp(-n * cmath.log(1.0 + (1.0 - root) * y))
        term = root ** (j + 1) / (1.0 - root) * waiting / (k * t)
        others += term.real
        size += abs(term)
    return -math.expm1(log_real) / p - others, math.exp(log_real) + p * others, p * size


@jit
def _log_mean_power(u: float) -> float:
    """Give ln((1 - e^-u) / u), whose terms of first order cancel in the difference of two."""
    if u > 0.1:
        return math.log(-math.expm1(-u) / u)
    square = u * u
    return -0.5 * u + square / 24.0 * (1.0 - square / 120.0 * (1.0 - square / 63.0))
