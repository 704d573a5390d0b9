"""Where the ABC classes end, and what each of them holds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import BaseModel

from customer_value._frames.door import read_frame
from customer_value._frames.money import float_sum
from customer_value.abc._curve import curve_of, limits, points, values_of
from customer_value.abc.options import AbcOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_value._typing import FloatArray, Frame, IntArray
    from customer_value.abc._curve import Curve

__all__ = ["AbcLimits", "AbcPoint", "abc_limits"]


class AbcPoint(BaseModel, frozen=True, extra="forbid"):
    """A point of the curve of cumulative value, largest customers first.

    Attributes:
        customer_share: Share of the customers up to the point.
        value_share: Share of the value that they hold.
    """

    customer_share: float
    value_share: float


class AbcLimits(BaseModel, frozen=True, extra="forbid"):
    """Where the ABC classes of a set of customers end, and what each holds.

    Attributes:
        options: How the classes were drawn.
        customers: Number of customers by class, in the order of the classes.
        values: Sum of their values by class; the sums add up to the total.
        unknown: Customers of unknown value, who are in no class.
        smallest: Smallest value in class A and in class B, by class; null where it is empty.
        pareto: The point of the curve nearest to (0, 1), where no customer brings everything.
        break_even: The point up to which customers are worth the mean of all or more: there the
            slope of the curve falls below 1.
        submarginal: The point of the curve nearest to (x, 1), with x the customer share of the
            break-even or the Pareto point, whichever comes later.
    """

    options: AbcOptions
    customers: dict[str, int]
    values: dict[str, float]
    unknown: int
    smallest: dict[str, float | None]
    pareto: AbcPoint | None
    break_even: AbcPoint | None
    submarginal: AbcPoint | None


def abc_limits(
    customers: Frame, *, value: str = "revenue", options: AbcOptions | None = None
) -> AbcLimits:
    """Find where the ABC classes end, what they hold, and the three points of the curve.

    The ABC curve joins, from the origin on, the points (k / n, share of value of the k largest).
    Computed ABC analysis (Ultsch & Lötsch 2015, PLoS ONE 10(6): e0129767) reads the limits off its
    shape: class A ends at the Pareto or at the break-even point, whichever comes first, class B at
    the submarginal point. The paper's programs interpolate the curve by splines on a grid; here
    the points are customers, and no grid limits them. Where all are worth the same, what is
    brought is what is counted, and all are B.

    Args:
        customers: Frame with the value column; a LazyFrame is collected.
        value: Column to classify by, such as `"revenue"`, `"clv"` or `"profit"`.
        options: Where the classes end, as for `classify_abc`; `by="computed"` for the limits of
            Ultsch & Lötsch.

    Returns:
        The limits and points, as JSON by `model_dump_json()`. The points are None where no value
        is above zero; they are found whatever the classes are cut by.

    Raises:
        SchemaError: The column is missing or no number.
        DataError: Values are NaN or infinite, or at or below zero and refused.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> found = cv.abc.abc_limits(customers, options=cv.AbcOptions(by="computed"))
        >>> found.customers, found.smallest
        ({'A': 2, 'B': 2, 'C': 6}, {'A': 20.0, 'B': 8.0})
        >>> found.pareto
        AbcPoint(customer_share=0.2, value_share=0.7)
    """
    options = options or AbcOptions()
    frame = read_frame(customers, {value: "number"}, what="customers")
    column = frame.lazy().select(pl.col(value).cast(pl.Float64)).collect().to_series()
    curve = curve_of(values_of(column, value, options), options)
    counts, sums, smallest = {}, {}, {}
    for letter, worth, sizes in _classes(curve, options):
        counts[letter] = int(sizes.sum())
        sums[letter] = float_sum(np.repeat(worth, sizes).tolist())
        smallest[letter] = float(worth[-1]) if worth.size else None
    pareto, break_even, submarginal = (_point(curve, steps) for steps in points(curve))
    return AbcLimits(
        options=options,
        customers=counts,
        values=sums,
        unknown=column.null_count(),
        smallest={letter: smallest[letter] for letter in "AB"},
        pareto=pareto,
        break_even=break_even,
        submarginal=submarginal,
    )


def _classes(curve: Curve, options: AbcOptions) -> Iterator[tuple[str, FloatArray, IntArray]]:
    """Give the name of each class, the values in it, and how many customers are worth each."""
    *ends, above_zero = limits(curve, options)
    ends += [above_zero] if options.nonpositive == "separate" else []
    ends.append(curve.steps.worth.size)
    sizes = np.diff(curve.steps.reached, prepend=0)
    for letter, (start, end) in zip("ABCD", pairwise([0, *ends]), strict=False):
        yield letter, curve.steps.worth[start:end], sizes[start:end]


def _point(curve: Curve, steps: int) -> AbcPoint | None:
    if not curve.above_zero:
        return None
    if not steps:
        return AbcPoint(customer_share=0.0, value_share=0.0)
    return AbcPoint(
        customer_share=float(curve.customer_share[steps - 1]),
        value_share=float(curve.value_share[steps - 1]),
    )
