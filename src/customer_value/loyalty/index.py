"""Loyalty index: one number from many signs of loyalty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import array_column, finite_column, with_columns
from customer_value._frames.contracts import (
    NOT_FINITE,
    ArrayRule,
    as_names,
    check_choice,
    check_instance,
)
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame

Scale: TypeAlias = Literal["percentile", "unit"]

_UNIT = ArrayRule("values outside 0 to 1", lambda values: ~((values >= 0) & (values <= 1)))
_STEPS = 1000
"""Places between which a model keeps values; it is exact to one part of these."""


class LoyaltyCriterion(BaseModel, frozen=True, extra="forbid"):
    """One sign of loyalty, and where its values stand among the customers of the fit.

    Attributes:
        column: Column of the sign.
        weight: Its weight in the index.
        lower_is_better: Whether it falls with loyalty.
        values: Known values, ascending; empty for the scale `"unit"`, and where none was known.
        places: Mid-rank of each of these values, from 0 to 1.
    """

    column: str
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    lower_is_better: bool = False
    values: tuple[float, ...] = ()
    places: tuple[float, ...] = ()

    def place(self, scale: Scale) -> pl.Expr:
        """Where each customer stands, from 0 to 1, by what the fit has seen."""
        if scale == "unit":
            return _unit(self)
        if not self.values:
            return pl.lit(None, pl.Float64)
        xs, ys = np.array(self.values), np.array(self.places)

        def interpolate(values: FloatArray) -> FloatArray:
            place: FloatArray = np.interp(values, xs, ys)
            return 1 - place if self.lower_is_better else place

        return array_column(interpolate, [self.column], rules=[NOT_FINITE])


class LoyaltyIndexModel(StoredModel, frozen=True):
    """A loyalty index that gives a customer the same number in any company; plain JSON.

    A percentile keeps every value of the customers of the fit and its mid-rank, or, of more than
    1,000 different values, so many that a place is exact to 0.001. Values between two of them are
    interpolated; values beyond the ends stand where the end stands.

    Attributes:
        scale: How a sign is put to 0 to 1.
        criteria: The signs.
    """

    model: Literal["loyalty_index"] = "loyalty_index"
    scale: Scale
    criteria: Annotated[tuple[LoyaltyCriterion, ...], Field(min_length=1)]


def fit_loyalty_index(
    customers: Frame,
    *,
    criteria: Mapping[str, float],
    lower_is_better: str | Sequence[str] = (),
    scale: Scale = "percentile",
) -> LoyaltyIndexModel:
    """Learn a loyalty index from these customers, to rate others by the same measure.

    Args:
        customers: Customer frame with the criteria's columns; a LazyFrame is collected.
        criteria: Weight above 0 of each sign, by its column.
        lower_is_better: Signs that fall with loyalty, such as `"recency_days"`.
        scale: As in `loyalty_index`. `"unit"` learns nothing from the customers.

    Returns:
        The model. Its index of the customers that it was fitted on is that of `loyalty_index`
        without a model (to 0.1 of 100, where a sign has more than 1,000 different values).

    Raises:
        OptionError: A weight is not above 0, there is none, or a name or the scale is unknown.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Values are NaN or infinite, or outside 0 to 1 where they must not be.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"purchases": [1, 2, 3, 4]})
        >>> model = cv.loyalty.fit_loyalty_index(monday, criteria={"purchases": 1})
        >>> cv.loyalty.loyalty_index(monday.head(1), model)["loyalty_index"].item()
        12.5
    """
    signs = _criteria(criteria, lower_is_better, scale)
    frame = read_frame(customers, dict.fromkeys((sign.column for sign in signs), "number"))
    # All at once, so that a lazy source is read once; the rules are checked here, too.
    checked = {sign.column: _unit(sign) if scale == "unit" else _finite(sign) for sign in signs}
    table = with_columns(frame, *(value.alias(name) for name, value in checked.items()))
    table = table.lazy().collect()
    if scale == "percentile":
        signs = tuple(_learn(sign, table[sign.column]) for sign in signs)
    return LoyaltyIndexModel(scale=scale, criteria=signs, fitted_on=fitted_on(table))


@overload
def loyalty_index(
    customers: pl.LazyFrame,
    model: LoyaltyIndexModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    lower_is_better: str | Sequence[str] | None = None,
    scale: Scale | None = None,
) -> pl.LazyFrame: ...
@overload
def loyalty_index(
    customers: ArrowStream,
    model: LoyaltyIndexModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    lower_is_better: str | Sequence[str] | None = None,
    scale: Scale | None = None,
) -> pl.DataFrame: ...
def loyalty_index(
    customers: Frame,
    model: LoyaltyIndexModel | None = None,
    *,
    criteria: Mapping[str, float] | None = None,
    lower_is_better: str | Sequence[str] | None = None,
    scale: Scale | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add a loyalty index: the weighted mean of many signs of loyalty.

    Behaviour (purchases, tenure, share of wallet), attitude (satisfaction, willingness to
    recommend), advocacy (referrals, reviews) and usage each come as a column. The index is
    100 sum(w c) / sum(w) over the signs c that are known for the customer.

    Args:
        customers: Customer frame with the criteria's columns.
        model: A model from `fit_loyalty_index`: a customer then gets the same index in any
            company. Without one, percentiles are those among these customers, and move with them.
        criteria: Weight above 0 of each sign, by its column. Needed without a model.
        lower_is_better: Signs that fall with loyalty, such as `"recency_days"`; none by default.
        scale: `"percentile"` (the default) puts each sign to its mid-rank among the customers for
            whom it is known, (rank - 0.5) / n, equal values at their mean rank; `"unit"` takes
            columns that already run from 0 to 1.

    Returns:
        The frame with `loyalty_index` (Float64, 0 to 100; null where no sign is known) and
        `loyalty_coverage` (Float64, weight of the known signs over all weights).

    Raises:
        OptionError: A weight is not above 0, there is none, a name or the scale is unknown, or
            criteria are given beside a model.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Values are NaN or infinite, or outside 0 to 1 where they must not be; for a
            LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> names = ["behaviour", "attitude", "advocacy", "usage"]
        >>> signs = pl.DataFrame([(0.8, 0.6, 1.0, 0.5), (0.8, None, 1.0, 0.5)], names, orient="row")
        >>> weights = dict(zip(names, [0.4, 0.2, 0.2, 0.2]))
        >>> rated = cv.loyalty.loyalty_index(signs, criteria=weights, scale="unit")
        >>> rated.select(pl.col("loyalty_index", "loyalty_coverage").round(2)).rows()
        [(74.0, 1.0), (77.5, 0.8)]
    """
    if model is not None:
        check_instance("model", model, LoyaltyIndexModel)
        refuse_beside_model(criteria=criteria, lower_is_better=lower_is_better, scale=scale)
        places = [(sign, sign.place(model.scale)) for sign in model.criteria]
    else:
        scale = "percentile" if scale is None else scale
        signs = _criteria(criteria, lower_is_better or (), scale)
        places = [(sign, _unit(sign) if scale == "unit" else _rank(sign)) for sign in signs]
    frame = read_frame(customers, dict.fromkeys((sign.column for sign, _ in places), "number"))
    known = pl.sum_horizontal(
        pl.when(place.is_not_null()).then(sign.weight).otherwise(0.0) for sign, place in places
    )
    score = pl.sum_horizontal(sign.weight * place for sign, place in places)
    total = math.fsum(sign.weight for sign, _ in places)
    # Divided as arrays: polars divides a frame of one row by another rounding.
    sums = {"score": score, "known": pl.when(known > 0).then(known)}
    return with_columns(
        frame,
        array_column(lambda score, known: 100 * score / known, sums).alias("loyalty_index"),
        array_column(lambda known: known / total, {"known": known}).alias("loyalty_coverage"),
    )


def _criteria(
    criteria: Mapping[str, float] | None, lower_is_better: str | Sequence[str], scale: Scale
) -> tuple[LoyaltyCriterion, ...]:
    check_choice("scale", scale, get_args(Scale))
    if not criteria:
        raise OptionError("criteria: at least one sign of loyalty is needed, or a fitted model")
    falling = as_names(lower_is_better)
    if unknown := [name for name in falling if name not in criteria]:
        raise OptionError(f"lower_is_better names what is not in criteria: {', '.join(unknown)}")
    return tuple(
        build(LoyaltyCriterion, column=name, weight=weight, lower_is_better=name in falling)
        for name, weight in criteria.items()
    )


def _unit(sign: LoyaltyCriterion) -> pl.Expr:
    value = array_column(lambda values: values, [sign.column], rules=[_UNIT])
    return 1 - value if sign.lower_is_better else value


def _finite(sign: LoyaltyCriterion) -> pl.Expr:
    return finite_column(sign.column)


def _rank(sign: LoyaltyCriterion) -> pl.Expr:
    """Mid-rank among the customers of the frame."""
    value = finite_column(sign.column)
    rank = value.rank("average", descending=sign.lower_is_better)
    return (rank - 0.5) / (value.count() + 0 * rank)  # polars divides by a scalar inexactly


def _learn(sign: LoyaltyCriterion, values: pl.Series) -> LoyaltyCriterion:
    """The criterion with the values and mid-ranks that it is to remember."""
    distinct, counts = np.unique(values.drop_nulls().to_numpy() + 0.0, return_counts=True)
    if not distinct.size:
        return sign
    places = (np.cumsum(counts) - counts / 2) / counts.sum()
    kept = _kept(places)
    learnt = {"values": distinct[kept].tolist(), "places": places[kept].tolist()}
    return LoyaltyCriterion(**sign.model_dump(exclude=set(learnt)), **learnt)


def _kept(places: FloatArray) -> slice | FloatArray:
    """Which places to keep: on both sides of each step, so that those between are within one."""
    if places.size <= _STEPS:
        return slice(None)
    steps = np.linspace(places[0], places[-1], _STEPS + 1)
    after = np.searchsorted(places, steps)
    both = np.concatenate([after, after - 1]).clip(0, places.size - 1)
    return np.unique(both)
