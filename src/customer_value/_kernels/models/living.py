"""Kernels over living customers who buy at random and may leave after a purchase.

BG/NBD and MBG/NBD differ in who is alive, not in what the living do next: the rate of purchase is
Gamma(r + x, alpha + T) and the chance to leave Beta(a, b + x), with b + 1 for b in the MBG/NBD,
whose first purchase may be the last. Rows and units as in `bg_nbd`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_value._kernels.math.poisson_counts import reach_probability, staying_probability
from customer_value._kernels.math.poisson_values import (
    expected_count,
    value_of_horizon,
    value_of_life,
)
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.per_row import own

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray
    from customer_value._kernels.run.per_row import PerRow


@jit
def expected_counts(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    horizon: float,
    r: float,
) -> None:
    """Write the purchases expected of each row, given that the customer is alive."""
    for i in range(x.size):
        y = horizon / (own(alpha, i) + T[i])
        out[i] = expected_count(y, r + x[i], own(a, i), own(b, i) + x[i])


@jit
def values_of_horizon(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    horizon: float,
    delta: float,
    r: float,
) -> None:
    """Write the present value of each row's purchases in the horizon, given a living customer."""
    for i in range(x.size):
        age, second = own(alpha, i) + T[i], own(b, i) + x[i]
        out[i] = value_of_horizon(horizon / age, delta * age, r + x[i], own(a, i), second)


@jit
def values_of_life(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    delta: float,
    r: float,
) -> None:
    """Write the present value of all of each row's future purchases, given a living customer."""
    for i in range(x.size):
        first, second = own(a, i), own(b, i) + x[i]
        if delta > 0.0:
            out[i] = value_of_life(delta * (own(alpha, i) + T[i]), r + x[i], first, second)
        else:
            out[i] = (first + second - 1.0) / (first - 1.0)  # the mean of 1/p


@jit
def multiply_by_staying(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    ahead: float,
    r: float,
) -> None:
    """Multiply each row's probability of being alive by that of staying so."""
    for i in range(x.size):
        y = ahead / (own(alpha, i) + T[i])
        out[i] *= staying_probability(y, r + x[i], own(a, i), own(b, i) + x[i])


@jit
def multiply_by_reaching(
    x: FloatArray,
    T: FloatArray,
    alpha: PerRow,
    a: PerRow,
    b: PerRow,
    out: FloatArray,
    horizon: float,
    n: float,
    r: float,
) -> None:
    """Multiply each row's probability of being alive by that of n purchases or more."""
    for i in range(x.size):
        y = horizon / (own(alpha, i) + T[i])
        out[i] *= reach_probability(y, n, r + x[i], own(a, i), own(b, i) + x[i])
