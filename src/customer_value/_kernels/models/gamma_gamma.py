"""Gamma-Gamma: the spend per purchase of a customer and how it varies between customers.

Fader & Hardie (2013), note 025, "The Gamma-Gamma Model of Monetary Value". Spend per purchase is
Gamma(p, rate nu), nu ~ Gamma(q, rate v). Rows are customers: x purchases of mean spend m.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.special import digamma_rise, log_beta, trigamma, trigamma_fall
from customer_value._kernels.math.sums import derivatives
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.models.parameters import GammaGamma


def log_likelihood(
    x: FloatArray, m: FloatArray, parameters: GammaGamma, *, threads: int | None = None
) -> FloatArray:
    """Give each customer's log likelihood (note 025, eq. 1a).

    Args:
        x: Purchases, whole numbers from 1.
        m: Mean spend per purchase, above 0.

    Returns:
        One log likelihood per row.
    """
    x, m = read_only(x, m)
    log_betas = _log_betas(_count(x, np.ones_like(x)), parameters.p, parameters.q)
    out = np.empty(x.size)
    map_rows(_log_likelihood, (x, m, out), log_betas, *parameters, threads=threads)
    return out


def value_gradient_hessian(
    x: FloatArray,
    m: FloatArray,
    weights: FloatArray,
    parameters: GammaGamma,
    *,
    threads: int | None = None,
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in (ln p, ln q, ln v).

    Args:
        x: Purchases, whole numbers from 1.
        m: Mean spend per purchase, above 0.
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (3,) and its Hessian (3, 3).
    """
    x, m, weights = read_only(x, m, weights)
    total = _beta_sums(_count(x, weights), parameters.p, parameters.q)
    for part in map_rows(_spend_sums, (x, m, weights), *parameters, threads=threads):
        total += part
    return derivatives(total, 3)


def _count(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Give the weight of the customers with 0, 1, 2 ... purchases."""
    return np.bincount(x.astype(np.int64), weights).astype(np.float64, copy=False)


@jit
def _log_betas(counts: FloatArray, p: float, q: float) -> FloatArray:
    """Tabulate ln B(px, q) for every x that occurs: far fewer than there are customers."""
    table = np.zeros(counts.size)
    for x in range(1, counts.size):
        if counts[x] != 0.0:
            table[x] = log_beta(p * x, q)
    return table


@jit
def _log_likelihood(
    x: FloatArray,
    m: FloatArray,
    out: FloatArray,
    log_betas: FloatArray,
    p: float,
    q: float,
    v: float,
) -> None:
    """Write each row's px ln(xm/(xm+v)) + q ln(v/(xm+v)) - ln m - ln B(px, q)."""
    for i in range(x.size):
        spend = x[i] * m[i]
        out[i] = -p * x[i] * math.log1p(v / spend) - q * math.log1p(spend / v)
        out[i] -= math.log(m[i]) + log_betas[int(x[i])]


@jit
def _beta_sums(counts: FloatArray, p: float, q: float) -> FloatArray:
    """Sum -ln B(px, q) with its derivatives over the customers, counted by x.

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln p, ln q, ln v): 10 sums.
    """
    sums = np.zeros(10)
    for x in range(1, counts.size):
        w, s = counts[x], p * x
        if w == 0.0:
            continue
        d_p = w * s * digamma_rise(s, q)
        d_q = w * q * digamma_rise(q, s)
        sums[0] -= w * log_beta(s, q)
        sums[1] += d_p
        sums[2] += d_q
        sums[4] += d_p - w * s * s * trigamma_fall(s, q)
        sums[5] += w * s * q * trigamma(s + q)
        sums[7] += d_q - w * q * q * trigamma_fall(q, s)
    return sums


@jit
def _spend_sums(
    x: FloatArray, m: FloatArray, weights: FloatArray, p: float, q: float, v: float
) -> FloatArray:
    """Sum the likelihood's terms in the spend, in the layout of `_beta_sums`."""
    sums = np.zeros(10)
    for i in range(x.size):
        w, spend = weights[i], x[i] * m[i]
        from_p = w * p * x[i]
        own, common = spend / (spend + v), v / (spend + v)
        d_p = from_p * math.log1p(v / spend)
        d_q = w * q * math.log1p(spend / v)
        sums[0] -= d_p + d_q + w * math.log(m[i])
        sums[1] -= d_p
        sums[2] -= d_q
        sums[3] += w * q * own - from_p * common
        sums[4] -= d_p
        sums[6] -= from_p * common
        sums[7] -= d_q
        sums[8] += w * q * own
        sums[9] -= (from_p + w * q) * own * common
    return sums
