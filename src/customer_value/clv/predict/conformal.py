"""Intervals that trust no model: how far predictions were off in a holdout, group by group.

Split-conformal prediction: Vovk, Gammerman & Shafer (2005), "Algorithmic Learning in a Random
World", whose Mondrian form has one quantile for each group.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, TypeAdapter

from customer_value._frames.arrays import to_arrays
from customer_value._frames.assemble import array_columns, with_columns
from customer_value._frames.contracts import ArrayRule, refuse, require
from customer_value._frames.door import as_polars
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame

_FINITE = ArrayRule("NaN or infinite values", lambda *arrays: ~np.isfinite(np.sum(arrays, axis=0)))
_LEVEL = TypeAdapter(Annotated[float, Field(gt=0, lt=1)])


class ConformalGroup(BaseModel, frozen=True, extra="forbid"):
    """Customers among whom errors are compared.

    Attributes:
        upper: Largest value of the grouping column, itself included; None in the last group.
        customers: Customers of the holdout in this group.
        radius: Error that the predictions of the group's other customers keep to with the level's
            probability; None where there are too few customers to tell.
    """

    upper: float | None
    customers: int
    radius: float | None


class ConformalInterval(BaseModel, frozen=True, extra="forbid"):
    """Half-widths of intervals about a prediction, made by `fit_conformal_interval`.

    Attributes:
        prediction: Column of predictions.
        group: Column by which customers are grouped.
        level: Probability that an interval holds what really comes.
        lowest: Smallest value that can come at all; None if there is none.
        groups: The groups, by rising values of the grouping column.
        left_out: Customers of the holdout of whom a value is not known.
    """

    prediction: str
    group: str
    level: Annotated[float, Field(gt=0, lt=1)]
    lowest: float | None
    groups: tuple[ConformalGroup, ...]
    left_out: int


def fit_conformal_interval(
    customers: Frame,
    *,
    prediction: str,
    actual: str,
    group: str = "repeat_purchases",
    breaks: Sequence[float] = (0, 1, 3, 7),
    level: float = 0.95,
    lowest: float | None = None,
) -> ConformalInterval:
    """Learn from a holdout how wide intervals about a prediction must be.

    In each group of n customers the half-width is the ceil((n + 1) level)-th smallest absolute
    error. A further customer of the group is then within it with at least that probability, in
    samples of any size and whatever the model and the distribution, **if** the customer is
    exchangeable with those of the holdout: if the coming period is to today's customers what the
    holdout was to those of then. Growth, a crisis or another season break that.

    Args:
        customers: Customers at the end of calibration with predictions made then and what really
            came, as `split_holdout` gives it; the model must not have seen the holdout.
        prediction: Column of predictions over the length of the holdout.
        actual: Column of what came, e.g. `"holdout_purchases"` or `"holdout_revenue"`.
        group: Column to group by.
        breaks: Largest values of all groups but the last.
        level: Probability that an interval holds what comes, above 0 and below 1.
        lowest: Smallest value that can come at all, e.g. 0 for purchases: no interval goes below.

    Returns:
        The half-widths, group by group. A group of fewer than level / (1 - level) customers has
        none.

    Raises:
        ValidationError: The level is not between 0 and 1.
        OptionError: The breaks do not rise, or something is below the lowest value.
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> split = cv.split_holdout(
        ...     cv.load_cdnow(),
        ...     calibration_end=date(1997, 9, 30),
        ...     holdout_end=date(1998, 6, 30),
        ... )
        >>> split = cv.expected_purchases(split, cv.fit_bg_nbd(split), horizon="39w")
        >>> widths = cv.clv.fit_conformal_interval(
        ...     split, prediction="expected_purchases", actual="holdout_purchases", lowest=0
        ... )
        >>> [(group.customers, round(group.radius, 2)) for group in widths.groups]
        [(1411, 1.74), (439, 2.57), (314, 3.83), (152, 8.08), (41, 9.88)]
    """
    if any(not low < high for low, high in pairwise(breaks)):
        raise OptionError(f"breaks must rise, got {tuple(breaks)}")
    level = _LEVEL.validate_python(level)
    columns = (prediction, actual, group)
    frame = as_polars(customers).lazy()
    require(frame, dict.fromkeys(columns, "number"), what="customers")
    rows = frame.select(pl.col(name).cast(pl.Float64) for name in dict.fromkeys(columns)).collect()
    known = rows.drop_nulls()
    values = dict(zip(known.columns, to_arrays(known), strict=True))
    refuse(values, [_FINITE], what="customers")
    if lowest is not None and known.height and values[actual].min() < lowest:
        raise OptionError(f"'{actual}' is as low as {values[actual].min():g} < {lowest:g}")
    errors = np.abs(values[actual] - values[prediction])
    place = np.searchsorted(np.array(breaks, dtype=np.float64), values[group])
    groups = [_group(upper, errors[place == k], level) for k, upper in enumerate([*breaks, None])]
    return ConformalInterval(
        prediction=prediction,
        group=group,
        level=level,
        lowest=lowest,
        groups=tuple(groups),
        left_out=rows.height - known.height,
    )


@overload
def conformal_interval(customers: pl.LazyFrame, model: ConformalInterval) -> pl.LazyFrame: ...
@overload
def conformal_interval(customers: ArrowStream, model: ConformalInterval) -> pl.DataFrame: ...
def conformal_interval(customers: Frame, model: ConformalInterval) -> pl.DataFrame | pl.LazyFrame:
    """Add the interval about each customer's prediction that a holdout has taught.

    Args:
        customers: Customers with the model's columns of predictions and groups.
        model: What `fit_conformal_interval` made.

    Returns:
        The frame with the prediction's name and `_low` and `_high` (Float64): prediction minus and
        plus the half-width of the customer's group. Null where the prediction or the group's
        half-width is.

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> known = pl.DataFrame(
        ...     {"guess": [3.0] * 99, "came": range(99), "repeat_purchases": [1] * 99}
        ... )
        >>> widths = cv.clv.fit_conformal_interval(
        ...     known, prediction="guess", actual="came", level=0.9
        ... )
        >>> new = pl.DataFrame({"guess": [5.0, 5.0], "repeat_purchases": [1, 30]})
        >>> cv.clv.conformal_interval(new, widths).select("guess_low", "guess_high").rows()
        [(-81.0, 91.0), (None, None)]
    """
    frame = as_polars(customers)
    require(frame, dict.fromkeys((model.prediction, model.group), "number"), what="customers")
    breaks = np.array([group.upper for group in model.groups[:-1]], dtype=np.float64)
    radii = np.array([group.radius for group in model.groups], dtype=np.float64)
    lowest = -math.inf if model.lowest is None else model.lowest

    def ends(*columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        guess, by = columns[0], columns[-1]
        radius = radii[np.searchsorted(breaks, by)]
        return np.maximum(guess - radius, lowest), np.maximum(guess + radius, lowest)

    inputs = list(dict.fromkeys((model.prediction, model.group)))
    names = (f"{model.prediction}_low", f"{model.prediction}_high")
    columns = array_columns(ends, inputs, names, rules=[_FINITE])
    return with_columns(frame, columns.struct.unnest())


def _group(upper: float | None, errors: FloatArray, level: float) -> ConformalGroup:
    rank = math.ceil((errors.size + 1) * level - 1e-9)
    enough = rank <= errors.size
    radius = float(np.partition(errors, rank - 1)[rank - 1]) if enough else None
    return ConformalGroup(upper=upper, customers=errors.size, radius=radius)
