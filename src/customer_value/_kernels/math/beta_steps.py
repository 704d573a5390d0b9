"""Steps of the log beta function, which survival between two times is made of."""

from __future__ import annotations

import math

from customer_value._kernels.math.special import (
    GAUSS_NODES,
    GAUSS_WEIGHTS,
    digamma_rise,
    log_beta,
)
from customer_value._kernels.run._jit import jit

POWER_LAW = 200.0
"""Where ln w is larger, B(alpha, beta + w) is proportional to w^-alpha to all digits."""


@jit
def log_beta_step(log_u: float, log_w: float, alpha: float, beta: float) -> float:
    """Give ln B(alpha, beta + w) - ln B(alpha, beta + u) for 0 <= u <= w, from ln u and ln w.

    The difference of two log betas loses its digits where it is small. It is also minus the
    integral of psi(y + step) - psi(y) over alpha, or of psi(y + alpha) - psi(y) over the step from
    y = beta + u: Gauss-Legendre has all digits where the interval is short beside y.
    """
    if log_u > POWER_LAW:
        return -alpha * (log_w - log_u)
    u = math.exp(log_u)
    top = min(log_w, POWER_LAW)
    step = u * math.expm1(top - log_u) if u > 0.0 else math.exp(top)
    beyond = -alpha * (log_w - top)
    y = beta + u
    if min(alpha, step) > 2.0 * y:
        return log_beta(alpha, y + step) - log_beta(alpha, y) + beyond
    short, other = min(alpha, step), max(alpha, step)
    total = 0.0
    for k in range(GAUSS_NODES.size):
        s = 0.5 * short * (1.0 + GAUSS_NODES[k])
        total -= 0.5 * short * GAUSS_WEIGHTS[k] * digamma_rise(y + s, other)
    return total + beyond
