"""Special functions in forms that stay accurate where the textbook form cancels or overflows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

HALF_LOG_TWO_PI = 0.918938533204672741780329736406
LOG_GAMMA_SERIES = (
    0.12550966952474304,
    0.1440498967688461,
    0.1695571769974082,
    0.20738555102867398,
    0.27058080842778454,
    0.40068563438653143,
    0.8224670334241132,
    0.5772156649015329,
)
"""zeta(k)/k from k = 8 down to 2 and Euler's constant: Abramowitz & Stegun 6.1.33."""
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(16)
FEW_NODES, FEW_WEIGHTS = np.polynomial.legendre.leggauss(8)
LARGE = 15.0
"""From here on the asymptotic series below reach full double precision."""


@jit
def expit(u: float) -> float:
    """Give 1 / (1 + exp(-u)) without overflow."""
    if u >= 0.0:
        return 1.0 / (1.0 + math.exp(-u))
    growth = math.exp(u)
    return growth / (1.0 + growth)


@jit
def softplus(u: float) -> float:
    """Give ln(1 + exp(u)) without overflow, and relatively accurate for very negative u."""
    return max(u, 0.0) + math.log1p(math.exp(-abs(u)))


@jit
def log_or_nothing(u: float) -> float:
    """Give ln u, and -inf for 0: CPython's logarithm, without compilation, would raise."""
    return math.log(u) if u > 0.0 else -math.inf


@jit
def stirling_correction(u: float) -> float:
    """Give lnGamma(u) - [(u - 1/2) ln u - u + ln(2 pi)/2] for u >= 15.

    Abramowitz & Stegun (1964), 6.1.41.
    """
    w = 1.0 / (u * u)
    c = -3617.0 / 122400.0 * w + 1.0 / 156.0
    c = c * w - 691.0 / 360360.0
    c = c * w + 1.0 / 1188.0
    c = c * w - 1.0 / 1680.0
    c = c * w + 1.0 / 1260.0
    c = c * w - 1.0 / 360.0
    return (c * w + 1.0 / 12.0) / u


@jit
def log_beta(a: float, b: float) -> float:
    """Give ln B(a, b) for a, b > 0.

    lnGamma(a) + lnGamma(b) - lnGamma(a + b) loses every digit for large arguments, so the large
    parts of Stirling's formula are cancelled on paper, as in Didonato & Morris (1992), TOMS 708.
    """
    small, large = min(a, b), max(a, b)
    if large < LARGE:
        return math.lgamma(small) + math.lgamma(large) - math.lgamma(small + large)
    total = small + large
    if small < LARGE:
        growth = (large - 0.5) * math.log1p(small / large) + small * (math.log(total) - 1.0)
        growth += stirling_correction(total) - stirling_correction(large)
        return math.lgamma(small) - growth
    correction = stirling_correction(small) + stirling_correction(large)
    correction -= stirling_correction(total)
    peak = HALF_LOG_TWO_PI - 0.5 * math.log(large) + correction
    return peak - (small - 0.5) * math.log1p(large / small) - large * math.log1p(small / large)


@jit
def incomplete_beta(a: float, b: float, y: float) -> float:
    """Give the regularized incomplete beta function I_z(a, b) at z = y / (1 + y), for y > 0.

    The continued fraction of DLMF 8.17.22 on the side of the mean where it converges fast. For a
    whole number a it is the probability that a negative binomial count of shape b reaches a.
    """
    if y * (b + 1.0) > a + 1.0:
        return 1.0 - incomplete_beta_fraction(b, a, 1.0 / y)
    return incomplete_beta_fraction(a, b, y)


@jit
def incomplete_beta_fraction(a: float, b: float, y: float) -> float:
    """Give I_z(a, b), z = y / (1 + y), for z not far above its mean, by modified Lentz."""
    z = y / (1.0 + y)
    log_factor = -a * math.log1p(1.0 / y) - b * math.log1p(y) - math.log(a) - log_beta(a, b)
    c, d = 1.0, 1.0 / (1.0 - (a + b) * z / (a + 1.0))
    fraction = d
    for m in range(1, 100_000):
        even = m * (b - m) * z / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 / (1.0 + even * d)
        c = 1.0 + even / c
        fraction *= c * d
        odd = -(a + m) * (a + b + m) * z / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 / (1.0 + odd * d)
        c = 1.0 + odd / c
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return math.exp(log_factor) * fraction


@jit
def trigamma(u: float) -> float:
    """Give psi'(u) for u > 0: the recurrence up to 15, then Abramowitz & Stegun 6.4.12."""
    total = 0.0
    while u < LARGE:
        total += 1.0 / (u * u)
        u += 1.0
    w = 1.0 / (u * u)
    c = -3617.0 / 510.0 * w + 7.0 / 6.0
    c = c * w - 691.0 / 2730.0
    c = c * w + 5.0 / 66.0
    c = c * w - 1.0 / 30.0
    c = c * w + 1.0 / 42.0
    c = c * w - 1.0 / 30.0
    c = c * w + 1.0 / 6.0
    return total + (1.0 + (0.5 + c / u) / u) / u


@jit
def digamma_rise(u: float, step: float) -> float:
    """Give psi(u + step) - psi(u) for u, step > 0, relatively accurate however small it is.

    The recurrence up to 15 and then the difference of Abramowitz & Stegun 6.3.18, term by term.
    """
    total = 0.0
    while u < LARGE:
        total += step / (u * (u + step))
        u += 1.0
    end = u + step
    v, w = 1.0 / (u * u), 1.0 / (end * end)
    # Horner's scheme for (P(v) - P(w)) / (v - w), P(w) = sum B_2k w^k / 2k: no subtraction.
    slope = 0.0
    value = 0.0
    for c in (1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12, 0.0):
        slope = slope * w + value
        value = value * v + c
    v_minus_w = step * (u + end) * v * w
    return total + math.log1p(step / u) + 0.5 * step / (u * end) + slope * v_minus_w


@jit
def trigamma_fall(u: float, step: float) -> float:
    """Give psi'(u) - psi'(u + step) for u, step > 0, relatively accurate however small it is.

    The recurrence up to 15 and then the difference of Abramowitz & Stegun 6.4.12, term by term.
    """
    total = 0.0
    while u < LARGE:
        end = u + step
        total += step * (u + end) / (u * u * end * end)
        u += 1.0
    end = u + step
    v, w = 1.0 / (u * u), 1.0 / (end * end)
    # P(w) = sum B_2k w^k; psi'(u) = 1/u + w/2 + P(w)/u, and Horner's scheme gives P's slope.
    slope = 0.0
    value = 0.0
    for c in (7 / 6, -691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6, 0.0):
        slope = slope * w + value
        value = value * v + c
    v_minus_w = step * (u + end) * v * w
    fall = step / (u * end)
    return total + fall + 0.5 * v_minus_w + value * fall + slope * v_minus_w / end


@jit
def scaled_expint(s: float, z: float) -> float:
    """Give exp(z) E_s(z), the integral of exp(-z t) (1 + t)^-s over t > 0, for s, z > 0.

    The continued fraction of Abramowitz & Stegun 5.1.22 in its even form, and where that is slow
    the power series 5.1.12 at an order near 1, raised by the recurrence 5.1.14.
    """
    if z < 1.0 and s < LARGE:
        return _scaled_expint_series(s, z)
    b = z + s
    c = math.inf
    d = 1.0 / b
    fraction = d
    for k in range(1, 1000):  # modified Lentz, Numerical Recipes 6.3
        step = -k * (s + k - 1.0)
        b += 2.0
        d = 1.0 / (step * d + b)
        c = b + step / c
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return fraction


@jit
def _scaled_expint_series(s: float, z: float) -> float:
    """Give exp(z) E_s(z) for small z.

    At the order 1 + e the terms that are singular in e are (1 - z^e Gamma(1-e)) / e, written so
    that e = 0 is nothing special.
    """
    order = s - math.floor(max(s - 0.5, 0.0))
    e = order - 1.0
    log_term = math.log(z) + _log_gamma_slope(e)
    total = -log_term if e == 0.0 else -math.expm1(e * log_term) / e
    power = 1.0
    for k in range(1, 25):
        power *= -z / k
        total -= power / (k - e)
    total *= math.exp(z)
    while order < s - 0.5:
        total = (1.0 - z * total) / order
        order += 1.0
    return total


@jit
def _log_gamma_slope(e: float) -> float:
    """Give lnGamma(1 - e) / e, whose limit at 0 is Euler's constant, for -1 < e <= 1/2."""
    if abs(e) > 0.01:
        return math.lgamma(1.0 - e) / e
    total = 0.0
    for c in LOG_GAMMA_SERIES:
        total = total * e + c
    return total


@jit
def beta_rule(a: float, b: float, scale: float) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights for the mean over p ~ Beta(a, b) of a function f(p).

    Composite Gauss-Legendre in u = logit p over the bulk, where all is smooth up to a distance of
    pi from the real line, and a two-point Gauss-Jacobi rule for each end, where p^(a-1) or
    (1-p)^(b-1) may be singular and hold most of the mass. All weights are positive, so that the
    mean of a positive f loses nothing to cancellation.

    Args:
        a: First shape.
        b: Second shape.
        scale: f decreases from f(0), no faster than 1/p, and varies on the scale p = 1/scale.

    Returns:
        The nodes p and the weights, which add up to 1.
    """
    peak = math.log(a / b)
    # f may weigh as much as 1/p, which moves the mass left, so a - 1.
    low = max(math.log(1e-3 / (scale + b)), peak - _beta_reach(a - 1.0, b))
    high = min(math.log((1.0 + a) * 1e3), peak + _beta_reach(b, a))
    width = min(2.5, 2.5 * math.sqrt(1.0 / a + 1.0 / b))
    panels = math.ceil((high - low) / width) if high - low > width else 1
    p = np.empty(panels * GAUSS_NODES.size + 4)
    weight = np.empty(p.size)
    half = 0.5 * (high - low) / panels
    reference = -a * softplus(-peak) - b * softplus(peak)
    for i in range(panels):
        for j in range(GAUSS_NODES.size):
            u = low + half * (2 * i + 1 + GAUSS_NODES[j])
            k = i * GAUSS_NODES.size + j
            p[k] = expit(u)
            weight[k] = half * GAUSS_WEIGHTS[j]
            weight[k] *= math.exp(-a * softplus(-u) - b * softplus(u) - reference)
    beta_end(a, b, expit(low), reference, p[-4:-2], weight[-4:-2])
    beta_end(b, a, expit(-high), reference, p[-2:], weight[-2:])
    total = 0.0
    for k in range(p.size):
        total += weight[k]
    for k in range(p.size):
        weight[k] /= total
    p[-2], p[-1] = 1.0 - p[-2], 1.0 - p[-1]
    return p, weight


@jit
def _beta_reach(a: float, b: float) -> float:
    """Find how far left of its peak in logit p p^a (1-p)^b falls to exp(-38) of its maximum."""
    if a <= 0.0:
        return math.inf
    peak = math.log(a / b)
    top = -a * softplus(-peak) - b * softplus(peak)
    reach = math.sqrt(76.0 * (1.0 / a + 1.0 / b))
    while -a * softplus(reach - peak) - b * softplus(peak - reach) > top - 38.0:
        reach *= 1.2
    return reach


@jit
def beta_end(
    a: float, b: float, cut: float, reference: float, q: FloatArray, weight: FloatArray
) -> None:
    """Fill the two-point Gauss rule for q^(a-1) (1-q)^(b-1) over (0, cut), exp(reference) apart."""
    spread = math.sqrt(2.0 * (a + 1.0) / (a + 2.0))
    left, right = (a + 1.0 - spread) / (a + 3.0), (a + 1.0 + spread) / (a + 3.0)
    weight[0] = (right / a - 1.0 / (a + 1.0)) / (right - left)
    weight[1] = (1.0 / (a + 1.0) - left / a) / (right - left)
    q[0], q[1] = cut * left, cut * right
    for k in range(2):
        weight[k] *= math.exp(a * math.log(cut) + (b - 1.0) * math.log1p(-q[k]) - reference)
