"""Kinds of loyalty: true, latent, spurious or none, by attitude and behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import polars as pl
from pydantic import Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value._frames.options import build

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

_Cut: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
_ATTITUDE, _BEHAVIOUR = "score", "purchases"


class LoyaltyTypeModel(StoredModel, frozen=True):
    """From which values attitude and behaviour are high; plain JSON.

    Attributes:
        attitude: Column of the attitude.
        behaviour: Column of the behaviour.
        attitude_cut: Value from which the attitude is high; None where none was known.
        behaviour_cut: Value from which the behaviour is high; None where none was known.
    """

    model: Literal["loyalty_type"] = "loyalty_type"
    attitude: str
    behaviour: str
    attitude_cut: _Cut | None
    behaviour_cut: _Cut | None


def fit_loyalty_type(
    customers: Frame,
    *,
    attitude: str = _ATTITUDE,
    behaviour: str = _BEHAVIOUR,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> LoyaltyTypeModel:
    """Learn from which values attitude and behaviour are high, to sort others by the same cuts.

    Args:
        customers: Customer frame with both columns; a LazyFrame is collected.
        attitude: Column of the attitude, such as a satisfaction score; higher is better.
        behaviour: Column of the behaviour; higher is better.
        attitude_cut: Value from which the attitude is high; by default the median.
        behaviour_cut: Value from which the behaviour is high; by default the median.

    Returns:
        The model. Its types of the customers that it was fitted on are those of `loyalty_type`
        without a model.

    Raises:
        OptionError: A cut is NaN or infinite.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"score": [9, 9, 2, 2], "purchases": [8, 1, 8, 1]})
        >>> model = cv.loyalty.fit_loyalty_type(customers)
        >>> model.attitude_cut, model.behaviour_cut
        (5.5, 4.5)
    """
    frame = read_frame(customers, {attitude: "number", behaviour: "number"})
    values = {"__attitude__": finite_column(attitude), "__behaviour__": finite_column(behaviour)}
    table = with_columns(frame, *(value.alias(name) for name, value in values.items()))
    table = table.lazy().collect()
    medians = table.select(pl.col(list(values)).median()).row(0)
    return build(
        LoyaltyTypeModel,
        attitude=attitude,
        behaviour=behaviour,
        attitude_cut=medians[0] if attitude_cut is None else attitude_cut,
        behaviour_cut=medians[1] if behaviour_cut is None else behaviour_cut,
        fitted_on=fitted_on(table),
    )


@overload
def loyalty_type(
    customers: pl.LazyFrame,
    model: LoyaltyTypeModel | None = None,
    *,
    attitude: str | None = None,
    behaviour: str | None = None,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.LazyFrame: ...
@overload
def loyalty_type(
    customers: ArrowStream,
    model: LoyaltyTypeModel | None = None,
    *,
    attitude: str | None = None,
    behaviour: str | None = None,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.DataFrame: ...
def loyalty_type(
    customers: Frame,
    model: LoyaltyTypeModel | None = None,
    *,
    attitude: str | None = None,
    behaviour: str | None = None,
    attitude_cut: float | None = None,
    behaviour_cut: float | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the kind of each customer's loyalty: attitude against behaviour.

    High in both is `"true"` loyalty; a high attitude with little repeat buying is `"latent"`;
    much repeat buying without the attitude is `"spurious"` (habit, or no alternative); the rest is
    `"none"`.

    Args:
        customers: Customer frame with both columns.
        model: Cuts from `fit_loyalty_type`: a customer then gets the same kind in any company.
            Without one, cuts that are not given are medians of these customers, and move with them.
        attitude: Column of the attitude, by default `"score"`; higher is better.
        behaviour: Column of the behaviour, by default `"purchases"`; higher is better.
        attitude_cut: Value from which the attitude is high; by default the median of the frame.
        behaviour_cut: Value from which the behaviour is high; by default the median of the frame.

    Returns:
        The frame with `loyalty_type` (String; null where either is unknown).

    Raises:
        OptionError: Columns or cuts are given beside a model, or a cut is NaN or infinite.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"score": [9, 9, 2, 2], "purchases": [8, 1, 8, 1]})
        >>> rated = cv.loyalty.loyalty_type(customers, attitude_cut=7, behaviour_cut=3)
        >>> rated["loyalty_type"].to_list()
        ['true', 'latent', 'spurious', 'none']
    """
    if model is not None:
        check_instance("model", model, LoyaltyTypeModel)
        refuse_beside_model(
            attitude=attitude,
            behaviour=behaviour,
            attitude_cut=attitude_cut,
            behaviour_cut=behaviour_cut,
        )
    cuts = model or build(
        LoyaltyTypeModel,
        attitude=attitude or _ATTITUDE,
        behaviour=behaviour or _BEHAVIOUR,
        attitude_cut=attitude_cut,
        behaviour_cut=behaviour_cut,
    )
    frame = read_frame(customers, {cuts.attitude: "number", cuts.behaviour: "number"})
    crowd = model is None
    likes = _is_high(cuts.attitude, cuts.attitude_cut, crowd=crowd)
    buys = _is_high(cuts.behaviour, cuts.behaviour_cut, crowd=crowd)
    kind = (
        pl.when(likes & buys)
        .then(pl.lit("true"))
        .when(likes & ~buys)
        .then(pl.lit("latent"))
        .when(~likes & buys)
        .then(pl.lit("spurious"))
        .when(~likes & ~buys)
        .then(pl.lit("none"))
    )
    return with_columns(frame, kind.alias("loyalty_type"))


def _is_high(name: str, cut: float | None, *, crowd: bool) -> pl.Expr:
    """Whether a value reaches the cut; without one, the median of the crowd."""
    value = finite_column(name)
    if cut is None and crowd:
        return value >= value.median()
    return value >= pl.lit(cut, pl.Float64)
