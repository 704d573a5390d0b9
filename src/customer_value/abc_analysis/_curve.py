"""The concentration curve from the best customer down, and where the classes end on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, refuse
from customer_value._kernels import ranking

if TYPE_CHECKING:
    import polars as pl

    from customer_value._typing import FloatArray
    from customer_value.abc_analysis.options import AbcOptions

_TOLERANCE = 1e-12
_NOT_ABOVE_ZERO = ArrayRule("values at or below zero", lambda values: values <= 0)


class Curve(NamedTuple):
    """Shares of customers and of value up to each step, and who has value at all.

    Attributes:
        worth: The value of the step, falling; one step per distinct value, or per customer.
        reached: Customers up to the step and with it.
        value_share: Their share of the values above zero, NaN where there are none.
        customer_share: Their share of the customers that are counted.
        above_zero: How many steps are worth more than nothing.
    """

    worth: FloatArray
    reached: ranking.IntArray
    value_share: FloatArray
    customer_share: FloatArray
    above_zero: int


class Points(NamedTuple):
    """Steps up to the three points of computed ABC analysis, 0 being the origin of the curve."""

    pareto: int
    break_even: int
    submarginal: int


def values_of(column: pl.Series, name: str, options: AbcOptions) -> FloatArray:
    """Give the values as an array, NaN where they are null.

    Runs inside of a query: nothing but arrays, and no mask but where there is something to refuse.

    Raises:
        DataError: Values are NaN or infinite, or at or below zero where that is refused.
    """
    rules = [NOT_FINITE]
    if options.nonpositive == "refuse":
        rules.append(_NOT_ABOVE_ZERO)
    values = to_array(column)
    broken = sum(int(np.count_nonzero(rule.broken(values))) for rule in rules)
    if broken > column.null_count():
        known = np.array([value is not None for value in column.to_list()])
        refuse({name: values[known]}, rules, what="customers")
    return values


def curve_of(values: FloatArray, options: AbcOptions) -> Curve:
    """Make the curve of the known values."""
    worth, reached, held = ranking.steps(values, merge=options.ties == "together")
    above_zero = int(np.count_nonzero(worth > 0))
    counted = reached[: above_zero if options.nonpositive == "separate" else None]
    customer_share = np.minimum(reached / max(1, counted[-1] if counted.size else 0), 1.0)
    value_share = held / held[-1] if above_zero else np.full(held.size, np.nan)
    return Curve(worth, reached, value_share, customer_share, above_zero)


def limits(curve: Curve, options: AbcOptions) -> tuple[int, int]:
    """Count the steps of class A, and of A and B."""
    if options.by == "computed":
        pareto, break_even, submarginal = points(curve)
        return min(pareto, break_even), submarginal
    share = curve.value_share if options.by == "value" else curve.customer_share
    share = share[: curve.above_zero]
    if options.boundary == "below":
        a, b = (int(np.count_nonzero(share <= cut + _TOLERANCE)) for cut in options.cutoffs)
    else:
        before = np.concatenate(([0.0], share[:-1]))[: share.size]
        a, b = (int(np.count_nonzero(before < cut - _TOLERANCE)) for cut in options.cutoffs)
    return a, b


def points(curve: Curve) -> Points:
    """Find the points of Ultsch & Lötsch (2015); the origin where there is no value."""
    if not curve.above_zero:
        return Points(0, 0, 0)
    x = np.concatenate(([0.0], curve.customer_share))
    y = np.concatenate(([0.0], curve.value_share))
    pareto = _nearest(x, y, 0.0)
    # The slope of a step is its value over the mean of all.
    slope = np.diff(y) >= np.diff(x) * (1 - _TOLERANCE)
    break_even = int(np.count_nonzero(slope[: curve.above_zero]))
    return Points(pareto, break_even, _nearest(x, y, x[max(pareto, break_even)]))


def _nearest(x: FloatArray, y: FloatArray, at: float) -> int:
    """Give the first point of the curve that is as near to (at, 1) as any."""
    distance = (x - at) ** 2 + (1 - y) ** 2
    return int(np.argmax(distance <= distance.min() + _TOLERANCE))
