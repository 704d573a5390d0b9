"""Intervals that trust no model: how far predictions were off in a holdout, group by group.

Split-conformal prediction: Vovk, Gammerman & Shafer (2005), "Algorithmic Learning in a Random
World", whose Mondrian form has one quantile for each group.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, FiniteFloat, model_validator

from customer_value._common.stored import StoredModel
from customer_value._frames.arrays import to_arrays
from customer_value._frames.assemble import array_columns, with_columns
from customer_value._frames.contracts import ArrayRule, check_instance, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_columns, fitted_on
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame

_FINITE = ArrayRule("NaN or infinite values", lambda *arrays: ~np.isfinite(np.sum(arrays, axis=0)))


class ConformalGroup(BaseModel, frozen=True, extra="forbid"):
    """A group of customers whose errors are compared.

    Attributes:
        upper: Largest value of the grouping column, itself included; None in the last group.
        customers: Customers of the holdout in this group.
        radius: Error that the predictions of the group's other customers keep to with the
            probability of the confidence; None where there are too few customers to tell.
    """

    upper: FiniteFloat | None
    customers: Annotated[int, Field(ge=0)]
    radius: Annotated[FiniteFloat, Field(ge=0)] | None


class ConformalModel(StoredModel, frozen=True):
    """Half-widths of intervals about a prediction, learnt by `fit_conformal`.

    Attributes:
        prediction: Column of predictions.
        group: Column by which customers are grouped.
        confidence: Probability that an interval holds what really comes.
        lowest: Smallest value that can come at all; None if there is none.
        groups: The groups, by rising values of the grouping column.
        left_out: Customers of the holdout without a known value.
    """

    model: Literal["conformal"] = "conformal"
    prediction: str
    group: str
    confidence: Annotated[float, Field(gt=0, lt=1)]
    lowest: FiniteFloat | None
    groups: Annotated[tuple[ConformalGroup, ...], Field(min_length=1)]
    left_out: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        uppers = [group.upper for group in self.groups]
        inner = [upper for upper in uppers[:-1] if upper is not None]
        rise = all(low < high for low, high in pairwise(inner))
        if uppers[-1] is not None or len(inner) < len(uppers) - 1 or not rise:
            raise ValueError(f"breaks must rise, with none after the last group; got {uppers}")
        return self


class _Terms(BaseModel, frozen=True, extra="forbid", title="fit_conformal"):
    breaks: tuple[FiniteFloat, ...]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    lowest: FiniteFloat | None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if any(not low < high for low, high in pairwise(self.breaks)):
            raise ValueError(f"breaks must rise, got {self.breaks}")
        return self


def fit_conformal(
    customers: Frame,
    *,
    prediction: str,
    actual: str,
    group: str = "repeat_purchases",
    breaks: Sequence[float] = (0, 1, 3, 7),
    confidence: float = 0.95,
    lowest: float | None = None,
) -> ConformalModel:
    """Split-conformal intervals: learn from a holdout how wide they must be.

    They trust neither the model nor a distribution.

    In each group of n customers the half-width is the ceil((n + 1) c)-th smallest absolute error,
    with c the confidence. A further customer of the group is then within it with at least that
    probability, in samples of any size and whatever the model and the distribution, **if** the
    customer is exchangeable with those of the holdout: if the coming period is to today's customers
    what the holdout was to those of then. Growth, a crisis or another season break that.

    Args:
        customers: Customers at the end of calibration with predictions made then and what really
            came, as `split_holdout` gives it; the model must not have seen the holdout.
        prediction: Column of predictions over the length of the holdout.
        actual: Column of what came, e.g. `"holdout_purchases"` or `"holdout_revenue"`.
        group: Column to group by.
        breaks: Largest values of all groups but the last.
        confidence: Probability that an interval holds what comes, above 0 and below 1.
        lowest: Smallest value that can come at all, e.g. 0 for purchases: no interval goes below.

    Returns:
        The half-widths, group by group. A group of fewer than c / (1 - c) customers has none.

    Raises:
        OptionError: The confidence is not between 0 and 1, the breaks do not rise, or something is
            below the lowest value.
        SchemaError: Columns are missing or not numbers.
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
        >>> widths = cv.clv.fit_conformal(
        ...     split, prediction="expected_purchases", actual="holdout_purchases", lowest=0
        ... )
        >>> [(group.customers, round(group.radius, 2)) for group in widths.groups]
        [(1411, 1.74), (439, 2.57), (314, 3.83), (152, 8.08), (41, 9.88)]
    """
    terms = build(_Terms, breaks=breaks, confidence=confidence, lowest=lowest)
    columns = dict.fromkeys((prediction, actual, group))
    frame = read_frame(customers, dict.fromkeys(columns, "number")).lazy()
    numbers = [pl.col(name).cast(pl.Float64) for name in columns]
    rows = frame.select(*numbers, *fitted_columns(frame)).collect()
    known = rows.select(*columns).drop_nulls()
    values = dict(zip(known.columns, to_arrays(known), strict=True))
    refuse(values, [_FINITE], what="customers")
    if lowest is not None and known.height and values[actual].min() < lowest:
        raise OptionError(f"'{actual}' is as low as {values[actual].min():g} < {lowest:g}")
    errors = np.abs(values[actual] - values[prediction])
    place = np.searchsorted(np.array(terms.breaks, dtype=np.float64), values[group])
    groups = [
        _group(upper, errors[place == k], terms.confidence)
        for k, upper in enumerate([*terms.breaks, None])
    ]
    return ConformalModel(
        prediction=prediction,
        group=group,
        confidence=terms.confidence,
        lowest=lowest,
        groups=tuple(groups),
        left_out=rows.height - known.height,
        fitted_on=fitted_on(rows),
    )


@overload
def add_conformal_interval(customers: pl.LazyFrame, model: ConformalModel) -> pl.LazyFrame: ...
@overload
def add_conformal_interval(customers: ArrowStream, model: ConformalModel) -> pl.DataFrame: ...
def add_conformal_interval(customers: Frame, model: ConformalModel) -> pl.DataFrame | pl.LazyFrame:
    """Add the conformal interval about each customer's prediction.

    Args:
        customers: Customers with the model's columns of predictions and groups.
        model: What `fit_conformal` made.

    Returns:
        The frame with the prediction's name and `_low` and `_high` (Float64): prediction minus and
        plus the half-width of the customer's group. Null where the prediction or the group's
        half-width is.

    Raises:
        OptionError: The model is not a `ConformalModel`.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> known = pl.DataFrame(
        ...     {"guess": [3.0] * 99, "came": range(99), "repeat_purchases": [1] * 99}
        ... )
        >>> widths = cv.clv.fit_conformal(known, prediction="guess", actual="came", confidence=0.9)
        >>> new = pl.DataFrame({"guess": [5.0, 5.0], "repeat_purchases": [1, 30]})
        >>> cv.clv.add_conformal_interval(new, widths).select("guess_low", "guess_high").rows()
        [(-81.0, 91.0), (None, None)]
    """
    check_instance("model", model, ConformalModel)
    frame = read_frame(customers, dict.fromkeys((model.prediction, model.group), "number"))
    breaks = np.array([group.upper for group in model.groups[:-1]], dtype=np.float64)
    radii = np.array([group.radius for group in model.groups], dtype=np.float64)
    lowest = -math.inf if model.lowest is None else model.lowest

    def ends(*columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        guess = columns[0]
        by = columns[-1]
        radius = radii[np.searchsorted(breaks, by)]
        return np.maximum(guess - radius, lowest), np.maximum(guess + radius, lowest)

    inputs = list(dict.fromkeys((model.prediction, model.group)))
    names = (f"{model.prediction}_low", f"{model.prediction}_high")
    columns = array_columns(ends, inputs, names, rules=[_FINITE])
    return with_columns(frame, columns.struct.unnest())


def _group(upper: float | None, errors: FloatArray, confidence: float) -> ConformalGroup:
    rank = math.ceil((errors.size + 1) * confidence - 1e-9)
    enough = rank <= errors.size
    radius = float(np.partition(errors, rank - 1)[rank - 1]) if enough else None
    return ConformalGroup(upper=upper, customers=errors.size, radius=radius)
