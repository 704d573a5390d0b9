"""Values of many customers from few: polynomials in the logarithm of their ages.

What a living customer brings in a horizon is, given x, a smooth function of A = alpha + T: a mean
of the integral of exp(-delta s) (n/A) (1 + p s/A)^-(n+1) over the horizon. In w = ln A it is
analytic where |Im w| < pi, and as |1 + p s/A| >= 1 where |Im w| <= pi/2, bounded there by a small
multiple of itself. So on panels of fixed width a polynomial through Chebyshev's points is exact to
rounding (Trefethen, "Approximation Theory and Approximation Practice", theorem 8.2): with 14 points
and half a width of 1/4 the error falls by a factor of 10 and more with each. A million customers
whose ages all differ cost no more than the few panels that they lie on.

The panels do not depend on the customers, so that equal ones get equal values in any company.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 0.5
"""Of a panel, in ln(alpha + T)."""
POINTS = 14
LARGEST_COUNT = 100
"""Customers of more purchases are few, and computed one by one."""

NODES = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
_TO_COEFFICIENTS = 2.0 / POINTS * np.cos(np.outer(np.arange(POINTS), np.arccos(NODES)))
_TO_COEFFICIENTS[0] /= 2.0


def over_ages(
    kernel: Callable[..., None],
    x: FloatArray,
    T: FloatArray,
    parameters: tuple[float, ...],
    shared: tuple[float, ...],
    threads: int | None = None,
) -> FloatArray:
    """Give the values of a kernel that depends on x and, smoothly, on ln(alpha + T).

    Args:
        kernel: Takes x, T, the parameters, an array to write to, and the shared arguments.
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        parameters: Of all rows; the first is alpha, the rate parameter of the purchase rate.
        shared: What else the kernel takes.
        threads: Number of threads, by default one per processor; the bits do not depend on it.

    Returns:
        One value per row.
    """
    x, T = read_only(x, T)
    alpha = parameters[0]
    out = np.empty(x.size)
    if x.size == 0:
        return out
    width = int(min(x.max(), LARGEST_COUNT)) + 1
    used = np.zeros((width, int(_place(float(T.max()), alpha)) + 1))
    map_rows(_mark, (x, T), used, alpha, threads=threads)
    count, panel = np.nonzero(used)
    ages = alpha * np.expm1(WIDTH * (panel[:, None] + 0.5 * (1.0 + NODES)))
    table = np.empty(ages.size)
    nodes = read_only(np.repeat(count, POINTS), ages.ravel())
    map_rows(kernel, (*nodes, *parameters, table), *shared, threads=threads)
    used[count, panel] = np.arange(count.size)
    polynomials = np.empty((count.size, POINTS))
    _fit(table.reshape(polynomials.shape), _TO_COEFFICIENTS, polynomials)
    map_rows(_evaluate, (x, T, out), used, polynomials, alpha, threads=threads)
    many = np.flatnonzero(x > LARGEST_COUNT)
    if many.size:
        alone = np.empty(many.size)
        rare = read_only(x[many], T[many])
        map_rows(kernel, (*rare, *parameters, alone), *shared, threads=threads)
        out[many] = alone
    return out


@jit
def _place(T: float, alpha: float) -> float:
    """Give ln((alpha + T) / alpha) in widths of a panel."""
    return math.log1p(min(T / alpha, 1e300)) / WIDTH


@jit
def _mark(x: FloatArray, T: FloatArray, used: FloatArray, alpha: float) -> None:
    """Mark the panels on which rows lie, for each number of purchases."""
    for i in range(x.size):
        if x[i] <= LARGEST_COUNT:
            used[int(x[i]), int(_place(T[i], alpha))] = 1.0


@jit
def _fit(values: FloatArray, to_coefficients: FloatArray, polynomials: FloatArray) -> None:
    """Write the coefficients of Chebyshev's polynomials through the values of each panel."""
    for i in range(values.shape[0]):
        for k in range(POINTS):
            total = 0.0
            for j in range(POINTS):
                total += to_coefficients[k, j] * values[i, j]
            polynomials[i, k] = total


@jit
def _evaluate(
    x: FloatArray,
    T: FloatArray,
    out: FloatArray,
    row: FloatArray,
    polynomials: FloatArray,
    alpha: float,
) -> None:
    """Write each row's value of its polynomial, by Clenshaw's recurrence."""
    for i in range(x.size):
        if x[i] > LARGEST_COUNT:
            continue
        place = _place(T[i], alpha)
        panel = int(place)
        k = int(row[int(x[i]), panel])
        u = 2.0 * (place - panel) - 1.0
        later = last = 0.0
        for j in range(POINTS - 1, 0, -1):
            later, last = polynomials[k, j] + 2.0 * u * later - last, later
        out[i] = polynomials[k, 0] + u * later - last
