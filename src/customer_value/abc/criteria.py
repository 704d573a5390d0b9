"""One score of several criteria, to be classified like any other value."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["CriteriaModel", "fit_criteria", "score_criteria"]

Weight: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Method: TypeAlias = Literal["weighted", "ng"]


class Criterion(BaseModel, frozen=True, extra="forbid"):
    """One criterion, and the range that it is scaled by.

    Attributes:
        column: The column.
        weight: Its weight; negative where less is better.
        lowest: Smallest value that was seen; None where none was known.
        highest: Largest value that was seen.
    """

    column: str
    weight: Weight
    lowest: Weight | None
    highest: Weight | None


class CriteriaModel(StoredModel, frozen=True):
    """Ranges and weights of criteria, learnt from one set of customers; plain JSON.

    Attributes:
        criteria: The criteria, as they were given.
        method: How the scaled criteria become one score.
    """

    model: Literal["criteria"] = "criteria"
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    method: Method


class _Terms(BaseModel, frozen=True, extra="forbid", title="score_criteria"):
    criteria: Annotated[dict[str, Weight], Field(min_length=1)]
    method: Method

    @classmethod
    def checked(cls, criteria: Mapping[str, float], method: Method) -> _Terms:
        check_instance("criteria", criteria, Mapping)
        terms = build(cls, criteria=dict(criteria), method=method)
        if nothing := [name for name, weight in terms.criteria.items() if weight == 0]:
            raise OptionError(f"weights of zero, leave them out: {', '.join(nothing)}")
        return terms


def fit_criteria(
    customers: Frame, *, criteria: Mapping[str, float], method: Method = "weighted"
) -> CriteriaModel:
    """Learn the ranges of several criteria, to score other customers by them.

    Args:
        customers: Frame with the criteria; a LazyFrame is collected.
        criteria: Columns and their weights, as for `score_criteria`.
        method: `"weighted"` or `"ng"`.

    Returns:
        The model.

    Raises:
        OptionError: There is no criterion, or a weight is not finite; a weight is zero.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"revenue": [100, 60, 0], "recency_days": [90, 0, 30]})
        >>> model = cv.abc.fit_criteria(monday, criteria={"revenue": 3, "recency_days": -1})
        >>> round(cv.abc.score_criteria(monday[1], model)["criteria_score"].item(), 3)
        0.7
    """
    terms = _Terms.checked(criteria, method)
    frame = read_frame(customers, dict.fromkeys(terms.criteria, "number"))
    columns = frame.lazy().select(finite_column(name).alias(name) for name in terms.criteria)
    seen = columns.collect()
    lowest = seen.min().row(0, named=True)
    highest = seen.max().row(0, named=True)
    return CriteriaModel(
        criteria=tuple(
            Criterion(column=c, weight=w, lowest=lowest[c], highest=highest[c])
            for c, w in terms.criteria.items()
        ),
        method=terms.method,
        fitted_on=fitted_on(frame),
    )


@overload
def score_criteria(
    customers: pl.LazyFrame,
    model: CriteriaModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    method: Method = "weighted",
) -> pl.LazyFrame: ...
@overload
def score_criteria(
    customers: ArrowStream,
    model: CriteriaModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    method: Method = "weighted",
) -> pl.DataFrame: ...
def score_criteria(
    customers: Frame,
    model: CriteriaModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    method: Method = "weighted",
) -> pl.DataFrame | pl.LazyFrame:
    """Add one score of several criteria, to be classified like any other value.

    Each criterion is scaled to y = (x - min) / (max - min), 0 the worst customer and 1 the best;
    where less is better, as of `recency_days`, give a negative weight and y is 1 less that. With
    weights w, the score is

    - `"weighted"`: sum_j |w_j| y_j / sum_j |w_j|, the weighted linear score;
    - `"ng"`: with the criteria in the order of their weights, largest first (equal ones as given),
      the largest of the means of y_1, of y_1 and y_2, and so on (Ng 2007, European Journal of
      Operational Research 177: 344-353). Only the order of the weights matters.

    Args:
        customers: Frame with the criteria.
        model: Ranges and weights from `fit_criteria`, which then says all that follows; values
            beyond a range count as its end. Without one the ranges are learnt from these customers,
            and move with them.
        criteria: Columns and their weights, such as
            `{"revenue": 3, "purchases": 2, "recency_days": -1}`.
        method: `"weighted"` or `"ng"`.

    Returns:
        The frame with `criteria_score` (Float64, 0 to 1). A customer with an unknown (null)
        criterion has no score. Customers who are all alike in a criterion get 0 for it.

    Raises:
        OptionError: There is no criterion, or a weight is not finite; a weight is zero; or criteria
            are given neither by the call nor by a model, or
            by both.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [100, 60, 0], "recency_days": [90, 0, 30]})
        >>> scored = cv.abc.score_criteria(customers, criteria={"revenue": 3, "recency_days": -1})
        >>> scored["criteria_score"].round(3).to_list()
        [0.75, 0.7, 0.167]
        >>> "".join(cv.classify_abc(scored, value="criteria_score")["abc_class"])
        'ABC'
    """
    if model is not None:
        check_instance("model", model, CriteriaModel)
        refuse_beside_model(criteria=criteria)
        seen = {one.column: (one.lowest, one.highest) for one in model.criteria}
        terms = _Terms.checked({one.column: one.weight for one in model.criteria}, model.method)
    elif criteria is None:
        raise OptionError("criteria must name columns and their weights, or give a model")
    else:
        seen = {}
        terms = _Terms.checked(criteria, method)
    frame = read_frame(customers, dict.fromkeys(terms.criteria, "number"))
    ordered = sorted(terms.criteria.items(), key=lambda item: -abs(item[1]))
    scaled = {
        f"__criteria_{k}__": _scaled(name, weight, seen.get(name))
        for k, (name, weight) in enumerate(ordered)
    }
    staged = with_columns(frame, *(y.alias(name) for name, y in scaled.items()))
    if terms.method == "ng":
        sums = accumulate(map(pl.col, scaled))
        score = pl.max_horizontal(_ratio(total, count) for count, total in enumerate(sums, 1))
    else:
        shares = [abs(weight / ordered[0][1]) for _, weight in ordered]  # no sum overflows
        *_, most = accumulate(shares)
        *_, total = accumulate(
            pl.col(name) * share for name, share in zip(scaled, shares, strict=True)
        )
        score = _ratio(total, most)
    complete = pl.all_horizontal(pl.col(name).is_not_null() for name in scaled)
    scored = with_columns(staged, pl.when(complete).then(score).alias("criteria_score"))
    return scored.drop(scaled)


def _ratio(part: pl.Expr, whole: float | pl.Expr) -> pl.Expr:
    """Divide by a column: by a scalar polars takes the reciprocal, and all of all is not 1."""
    return part / (whole + 0 * part)


def _scaled(name: str, weight: float, seen: tuple[float | None, float | None] | None) -> pl.Expr:
    """Scale a criterion to 0 for the worst customer and 1 for the best."""
    half = finite_column(name) * 0.5  # the width of any range is finite
    low, high = half.min(), half.max()
    if seen is not None:
        low, high = (pl.lit(end, pl.Float64) * 0.5 for end in seen)
        half = half.clip(low, high)
    distance = high - half if weight < 0 else half - low
    width = high - low
    alike = pl.when(half.is_not_null()).then(0.0)
    return pl.when(width > 0).then(_ratio(distance, width)).otherwise(alike)
