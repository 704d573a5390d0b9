"""Loyalty of each customer: an index of many signs, its kind, and engagement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, overload

import polars as pl
from pydantic import BaseModel, Field, field_validator

from customer_value._frames.assemble import array_column, finite_column, with_columns
from customer_value._frames.contracts import ArrayRule, Kind, check_choice, require
from customer_value._frames.door import as_polars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import ArrowStream, Frame


_UNIT = ArrayRule("values outside 0 to 1", lambda values: ~((values >= 0) & (values <= 1)))


class _Weights(BaseModel, frozen=True, extra="forbid", title="weights"):
    weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: dict[str, float]) -> dict[str, float]:
        if not weights:
            raise ValueError("at least one component is needed")
        return weights


@overload
def loyalty_index(
    customers: pl.LazyFrame,
    *,
    weights: Mapping[str, float],
    lower_is_better: Sequence[str] = (),
    scale: Literal["percentile", "unit"] = "percentile",
) -> pl.LazyFrame: ...
@overload
def loyalty_index(
    customers: ArrowStream,
    *,
    weights: Mapping[str, float],
    lower_is_better: Sequence[str] = (),
    scale: Literal["percentile", "unit"] = "percentile",
) -> pl.DataFrame: ...
def loyalty_index(
    customers: Frame,
    *,
    weights: Mapping[str, float],
    lower_is_better: Sequence[str] = (),
    scale: Literal["percentile", "unit"] = "percentile",
) -> pl.DataFrame | pl.LazyFrame:
    """Add one number for loyalty: the weighted mean of many signs of it.

    Behaviour (purchases, tenure, share of wallet), attitude (satisfaction, willingness to
    recommend), advocacy (referrals, reviews) and usage each come as a column. The index is
    100 sum(w c) / sum(w) over the components c that are known of the customer.

    Args:
        customers: Customer frame with the components' columns.
        weights: Weight above 0 of each component, by its column.
        lower_is_better: Components that fall with loyalty, such as `"recency_days"`.
        scale: `"percentile"` puts each component to its mid-rank among the customers of whom it
            is known, (rank - 0.5) / n, equal values at their mean rank; `"unit"` takes columns
            that already run from 0 to 1.

    Returns:
        The frame with `loyalty_index` (Float64, 0 to 100; null where no component is known) and
        `loyalty_coverage` (Float64, weight of the known components over all weights).

    Raises:
        ValidationError: A weight is not above 0, or there is none.
        SchemaError: Columns are missing or no numbers.
        DataError: Components are NaN or infinite, or outside 0 to 1 where they must not be; for a
            LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> names = ["behaviour", "attitude", "advocacy", "usage"]
        >>> signs = pl.DataFrame([(0.8, 0.6, 1.0, 0.5), (0.8, None, 1.0, 0.5)], names, orient="row")
        >>> weights = dict(zip(names, [0.4, 0.2, 0.2, 0.2]))
        >>> rated = cv.loyalty.loyalty_index(signs, weights=weights, scale="unit")
        >>> rated.select(pl.col("loyalty_index", "loyalty_coverage").round(2)).rows()
        [(74.0, 1.0), (77.5, 0.8)]
    """
    check_choice("scale", scale, ("percentile", "unit"))
    shares = _Weights(weights=dict(weights)).weights
    frame = as_polars(customers)
    names: dict[str, Kind] = dict.fromkeys([*shares, *lower_is_better], "number")
    require(frame, names, what="customers")
    parts = {name: _component(name, scale=scale, falls=name in lower_is_better) for name in shares}
    total = math.fsum(shares.values())
    known = pl.sum_horizontal(
        pl.when(part.is_not_null()).then(shares[name]).otherwise(0.0)
        for name, part in parts.items()
    )
    score = pl.sum_horizontal(shares[name] * part for name, part in parts.items())
    return with_columns(
        frame,
        pl.when(known > 0).then(100 * score / known).alias("loyalty_index"),
        (known / total).alias("loyalty_coverage"),
    )


def _component(name: str, *, scale: Literal["percentile", "unit"], falls: bool) -> pl.Expr:
    if scale == "unit":
        value = array_column(lambda values: values, [name], rules=[_UNIT])
        return 1 - value if falls else value
    value = finite_column(name)
    rank = value.rank("average", descending=falls)
    return (rank - 0.5) / (value.count() + 0 * rank)  # polars divides by a scalar inexactly


@overload
def loyalty_type(
    customers: pl.LazyFrame,
    *,
    attitude: str,
    behaviour: str,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.LazyFrame: ...
@overload
def loyalty_type(
    customers: ArrowStream,
    *,
    attitude: str,
    behaviour: str,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.DataFrame: ...
def loyalty_type(
    customers: Frame,
    *,
    attitude: str,
    behaviour: str,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the kind of each customer's loyalty: attitude against behaviour.

    High in both is `"true"` loyalty; a high attitude with little repeat buying is `"latent"`;
    much repeat buying without the attitude is `"spurious"` (habit, or no alternative); the rest is
    `"none"`.

    Args:
        customers: Customer frame with both columns.
        attitude: Column of the attitude, such as a satisfaction score; higher is better.
        behaviour: Column of the behaviour, such as `"purchases"`; higher is better.
        attitude_cut: Value from which the attitude is high; by default the median of the frame.
        behaviour_cut: Value from which the behaviour is high; by default the median of the frame.

    Returns:
        The frame with `loyalty_type` (String; null where either is unknown).

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"score": [9, 9, 2, 2], "purchases": [8, 1, 8, 1]})
        >>> rated = cv.loyalty.loyalty_type(
        ...     customers, attitude="score", behaviour="purchases", attitude_cut=7, behaviour_cut=3
        ... )
        >>> rated["loyalty_type"].to_list()
        ['true', 'latent', 'spurious', 'none']
    """
    frame = as_polars(customers)
    require(frame, {attitude: "number", behaviour: "number"}, what="customers")
    likes, buys = (
        value >= (value.median() if cut is None else cut)
        for value, cut in (
            (finite_column(attitude), attitude_cut),
            (finite_column(behaviour), behaviour_cut),
        )
    )
    return with_columns(
        frame,
        pl.when(likes & buys)
        .then(pl.lit("true"))
        .when(likes & ~buys)
        .then(pl.lit("latent"))
        .when(~likes & buys)
        .then(pl.lit("spurious"))
        .when(~likes & ~buys)
        .then(pl.lit("none"))
        .alias("loyalty_type"),
    )
