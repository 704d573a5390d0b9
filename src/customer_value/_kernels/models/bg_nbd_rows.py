"""BG/NBD with parameters that differ between customers: the likelihood of a fit with covariates.

As in `bg_nbd`, but the drop-out probability p ~ Beta(a, b) has its mean a/(a+b) and its precision
a+b for parameters: only the mean depends on the customer, so that no direction is left in which
both grow and nothing changes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.models.bg_nbd import add_death_terms
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows

if TYPE_CHECKING:
    from customer_value._kernels.models.histories import Histories


def row_derivatives(
    histories: Histories,
    r: float,
    alpha: FloatArray,
    precision: float,
    logit: FloatArray,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Give each row's log likelihood without ln Gamma(r+x)/Gamma(r), and its derivatives.

    Args:
        r: Shape of the purchase rate.
        alpha: Each row's rate parameter of the purchase rate, in units of time.
        precision: a + b.
        logit: Each row's ln(a/b).

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, ln alpha, ln precision,
        ln(b/a)): 15 columns.
    """
    p = 1.0 / (1.0 + np.exp(-logit))
    q = 1.0 / (1.0 + np.exp(logit))
    out = np.zeros((histories.size, 15))
    parameters = BgNbd(r, alpha, precision * p, precision * q)
    columns = (*histories.read_only(), *parameters.per_row(), out)
    map_rows(_rows, columns, r, threads=threads)
    return _by_precision_and_mean(out, p, q)


def _by_precision_and_mean(h: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Change derivatives by (ln a, ln b) to those by (ln(a+b), ln(b/a)); p = a/(a+b), q = 1-p.

    ln a has the derivatives 1 and -q by them and ln b 1 and p; the second ones by ln(b/a) are -pq.
    """
    out = h.copy()
    g_a = h[:, 3]
    g_b = h[:, 4]
    aa = h[:, 12]
    ab = h[:, 13]
    bb = h[:, 14]
    out[:, 3], out[:, 4] = g_a + g_b, p * g_b - q * g_a
    for to_a, to_b in ((7, 8), (10, 11)):  # with ln r, with ln alpha
        out[:, to_a], out[:, to_b] = h[:, to_a] + h[:, to_b], p * h[:, to_b] - q * h[:, to_a]
    out[:, 12] = aa + 2.0 * ab + bb
    out[:, 13] = p * (ab + bb) - q * (aa + ab)
    out[:, 14] = q * q * aa - 2.0 * p * q * ab + p * p * bb - p * q * (g_a + g_b)
    return out


@jit
def _rows(
    x: FloatArray,
    t_x: FloatArray,
    T: FloatArray,
    alpha: FloatArray,
    a: FloatArray,
    b: FloatArray,
    out: FloatArray,
    r: float,
) -> None:
    """Write each row's terms, in the layout of `bg_nbd` and by ln a and ln b."""
    for i in range(x.size):
        row, n = out[i], r + x[i]
        age, share = math.log1p(T[i] / alpha[i]), T[i] / (alpha[i] + T[i])
        row[0] = -r * age - x[i] * (math.log(alpha[i]) + age)
        row[1] = row[5] = -r * age
        row[2] = r * share - x[i] * (alpha[i] / (alpha[i] + T[i]))
        row[6] = r * share
        row[9] = -n * share * (alpha[i] / (alpha[i] + T[i]))
        for j in range(int(x[i])):  # ln B(a, b+x)/B(a, b), a product over j < x
            both, right = a[i] + b[i] + j, b[i] + j
            row[0] -= math.log1p(a[i] / right)
            row[3] -= a[i] / both
            row[4] += (a[i] / both) * (b[i] / right)
            row[12] -= (a[i] / both) * (right / both)
            row[13] += (a[i] / both) * (b[i] / both)
            row[14] += (a[i] / both) * (b[i] / right) * (j / right - b[i] / both)
        if x[i] > 0.0:
            add_death_terms(row, 1.0, x[i], t_x[i], T[i], r, alpha[i], a[i], b[i])
