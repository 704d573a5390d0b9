"""The concentration curve from the best customer down, and where the classes end on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, refuse
from customer_value._kernels.math import ranking

if TYPE_CHECKING:
    import polars as pl

    from customer_value._typing import FloatArray
    from customer_value.abc.options import AbcOptions

_TOLERANCE = 1e-12
_NOT_ABOVE_ZERO = ArrayRule("values at or below zero", lambda values: values <= 0)


class Curve(NamedTuple):
    """The steps of the curve, the best customers first.

    Attributes:
        steps: Their values, the customers up to each, and in `held` their share of the values
            above zero, NaN where there are none.
        above_zero: How many steps are worth more than nothing.
        counted: Number of customers that shares are taken of.
    """

    steps: ranking.Steps
    above_zero: int
    counted: int

    @property
    def customer_share(self) -> FloatArray:
        """Share of the customers up to each step of value."""
        share: FloatArray = self.steps.reached[: self.above_zero] / self.counted
        return share

    @property
    def value_share(self) -> FloatArray:
        """Share of the value up to each step of value."""
        return self.steps.held[: self.above_zero]


class Points(NamedTuple):
    """Steps up to the three points of computed ABC analysis, 0 being the origin of the curve."""

    pareto: int
    break_even: int
    submarginal: int


def rules_of(options: AbcOptions) -> list[ArrayRule]:
    """What no value may be."""
    return [NOT_FINITE, *([_NOT_ABOVE_ZERO] if options.nonpositive == "refuse" else [])]


def values_of(column: pl.Series, name: str, options: AbcOptions) -> FloatArray:
    """Give the values as an array, NaN where they are null.

    Runs inside of a query: nothing but arrays, and no mask but where there is something to refuse.

    Raises:
        DataError: Values are NaN or infinite, or at or below zero where that is refused.
    """
    rules = rules_of(options)
    values = to_array(column)
    broken = sum(int(np.count_nonzero(rule.broken(values))) for rule in rules)
    if broken > column.null_count():
        known = np.array([value is not None for value in column.to_list()])
        refuse({name: values[known]}, rules, what="customers")
    return values


def curve_of(values: FloatArray, options: AbcOptions) -> Curve:
    """Make the curve of the known values."""
    steps = ranking.steps(values, merge=options.ties == "together")
    above_zero = int(np.count_nonzero(steps.worth > 0))
    with_value = int(steps.reached[above_zero - 1]) if above_zero else 0
    everyone = int(steps.reached[-1]) if steps.reached.size else 0
    steps.held[:] /= steps.held[-1] if above_zero else np.nan
    return Curve(steps, above_zero, with_value if options.nonpositive == "separate" else everyone)


def limits(curve: Curve, options: AbcOptions) -> tuple[int, int, int]:
    """Count the steps of class A, of A and B, and of all who have value."""
    if options.by == "computed":
        pareto, break_even, submarginal = points(curve)
        return min(pareto, break_even), submarginal, curve.above_zero
    share = curve.value_share if options.by == "value" else curve.customer_share
    if options.boundary == "below":
        a, b = (int(np.searchsorted(share, cut + _TOLERANCE, "right")) for cut in options.cutoffs)
    else:  # and the one that crosses
        a, b = (int(np.searchsorted(share, cut - _TOLERANCE)) + 1 for cut in options.cutoffs)
    return min(a, share.size), min(b, share.size), share.size


def points(curve: Curve) -> Points:
    """Find the points of Ultsch & Lötsch (2015); the origin where there is no value."""
    if not curve.above_zero:
        return Points(0, 0, 0)
    x = np.concatenate(([0.0], curve.customer_share))
    y = np.concatenate(([0.0], curve.value_share))
    pareto = _nearest(x, y, 0.0)
    # The slope of a step is its value over the mean of all.
    break_even = int(np.count_nonzero(np.diff(y) >= np.diff(x) * (1 - _TOLERANCE)))
    return Points(pareto, break_even, _nearest(x, y, x[max(pareto, break_even)]))


def _nearest(x: FloatArray, y: FloatArray, at: float) -> int:
    """Give the first point of the curve that is as near to (at, 1) as any."""
    distance = (x - at) ** 2 + (1 - y) ** 2
    return int(np.argmax(distance <= distance.min() + _TOLERANCE))
