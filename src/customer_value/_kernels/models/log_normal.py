"""Log-normal spend per purchase, with customers who differ in their mean.

Rows are customers: x purchases of mean spend m. Given a customer's own mean spend e^k, m is
log-normal with that mean and the squared coefficient of variation within^2 / x, so that ln m is
Normal(k - v/2, v) with v = ln(1 + within^2 / x); k ~ Normal(ln median, between^2). Thus ln m is
Normal(ln median - v/2, between^2 + v).
"""

from __future__ import annotations

import math

import numpy as np

from customer_value._kernels.math.special import HALF_LOG_TWO_PI
from customer_value._kernels.models.parameters import LogNormal
from customer_value._kernels.run.parallel import FloatArray, map_rows


def log_likelihood(x: FloatArray, log_m: FloatArray, parameters: LogNormal) -> FloatArray:
    """Give each customer's log likelihood, the log density of m.

    Args:
        x: Purchases, whole numbers from 1.
        log_m: Logarithm of the mean spend per purchase.

    Returns:
        One log likelihood per row.
    """
    median, between, within = parameters
    v = np.log1p(within * within / x)
    variance = between * between + v
    gap = log_m - math.log(median) + v / 2
    return -HALF_LOG_TWO_PI - log_m - (np.log(variance) + gap * gap / variance) / 2


def value_gradient_hessian(
    x: FloatArray, log_m: FloatArray, weights: FloatArray, parameters: LogNormal
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in the logarithms of the parameters.

    Args:
        x: Purchases, whole numbers from 1.
        log_m: Logarithm of the mean spend per purchase.
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (3,) and its Hessian (3, 3).
    """
    total = np.zeros((5, 3))
    for part in map_rows(_sums, (x, log_m, weights), *parameters):
        total += part
    return float(total[0, 0]), total[1], (total[2:] + total[2:].T) / 2


def _sums(x: FloatArray, log_m: FloatArray, weights: FloatArray, *parameters: float) -> FloatArray:
    """Sum the likelihood: the value in row 0, the gradient in row 1, the Hessian in rows 2 to 4."""
    median, between, within = parameters
    v = np.log1p(within * within / x)
    share = within * within / (x + within * within)
    variance = between * between + v
    gap = log_m - math.log(median) + v / 2
    zero = np.zeros_like(v)
    one = np.ones_like(v)
    bend = share * (1 - share)
    # Derivatives of the gap and of the variance by ln median, ln between and ln within.
    d_gap = np.array([-one, zero, share])
    d_variance = np.array([zero, 2 * between * between * one, 2 * share])
    dd_gap, dd_variance = np.zeros((3, 3, v.size)), np.zeros((3, 3, v.size))
    dd_gap[2, 2] = 2 * bend
    dd_variance[1, 1], dd_variance[2, 2] = 4 * between * between, 4 * bend
    # -(ln variance + gap^2 / variance) / 2 by the gap and by the variance, once and twice.
    pull, push = -gap / variance, (gap * gap / variance - 1) / (2 * variance)
    push_push = (1 - 2 * gap * gap / variance) / (2 * variance * variance)
    cross = d_gap[:, None] * d_variance[None]
    hessian = pull * dd_gap + push * dd_variance - d_gap[:, None] * d_gap[None] / variance
    hessian += push_push * d_variance[:, None] * d_variance[None]
    hessian += (cross + cross.swapaxes(0, 1)) * (gap / (variance * variance))
    sums = np.zeros((5, 3))
    sums[0, 0] = (weights * log_likelihood(x, log_m, LogNormal(*parameters))).sum()
    sums[1] = (weights * (pull * d_gap + push * d_variance)).sum(axis=-1)
    sums[2:] = (weights * hessian).sum(axis=-1)
    return sums
