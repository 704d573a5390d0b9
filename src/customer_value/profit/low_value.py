"""Customers of low value, and what would be saved without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, overload

import polars as pl
from pydantic import AfterValidator, BaseModel, Field, model_validator

from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import Kind, check_instance, check_names
from customer_value._frames.cuts import Cuts, check_cuts, fit_cuts
from customer_value._frames.derive import AMOUNT, FINITE, MONEY, Rules, derive, number
from customer_value._frames.door import read_frame
from customer_value._frames.time import check_duration, duration_days
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["LowValueOptions", "flag_low_value"]


_KIND = "low_value"


class LowValueOptions(BaseModel, frozen=True, extra="forbid"):
    """When a customer is of low value: all of it must hold.

    Attributes:
        method: `"quantile"`: `purchases` and `revenue` are shares of the customers, so 0.25 is
            the lowest quarter; `"absolute"`: they are numbers of purchases and money.
        purchases: The customer buys this often or less.
        revenue: The customer brings this much or less.
        max_categories: It buys from this many categories or fewer.
        min_tenure: It is at least this old; who is younger is never of low value, and moves no
            quantile.
        high_potential: Quantile of the potential value above which a customer is spared.
        high_influence: Quantile of the influence value above which a customer is spared. Where
            most refer no one, it is 0, and whoever brings others is spared.
    """

    method: Literal["quantile", "absolute"] = "quantile"
    purchases: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.25
    revenue: Annotated[float, Field(allow_inf_nan=False)] = 0.25
    max_categories: Annotated[int, Field(ge=0)] = 1
    min_tenure: Annotated[str, AfterValidator(check_duration)] = "180d"
    high_potential: Annotated[float, Field(gt=0, lt=1)] = 0.8
    high_influence: Annotated[float, Field(gt=0, lt=1)] = 0.8

    @model_validator(mode="after")
    def _shares(self) -> Self:
        cuts = {"purchases": self.purchases, "revenue": self.revenue}
        wrong = [f"{name} {cut:g}" for name, cut in cuts.items() if not 0 < cut < 1]
        if self.method == "quantile" and wrong:
            raise ValueError(f"cuts must be shares between 0 and 1, got {', '.join(wrong)}")
        return self


def fit_low_value(
    customers: Frame,
    *,
    options: LowValueOptions | None = None,
    potential: str | None = None,
    influence: str | None = None,
) -> Cuts:
    """Learn the quantiles by which customers buy often, spend enough or promise more.

    Args:
        customers: Customer frame with `purchases`, `revenue` and `T` (days); a LazyFrame is
            collected.
        options: When a customer is of low value; quantiles are of customers who are not too new.
        potential: Column of `potential_value`, where it counts.
        influence: Column of `influence_value`, where it counts.

    Returns:
        The cuts, for `flag_low_value`.

    Raises:
        OptionError: `options` is something else.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> shop = pl.DataFrame(
        ...     {"purchases": [1, 2, 9], "revenue": [20.0, 30.0, 900.0], "T": [400.0] * 3}
        ... )
        >>> model = cv.profit.fit_low_value(shop)
        >>> one = pl.DataFrame(
        ...     {"purchases": [1], "revenue": [5.0], "T": [500.0], "n_categories": [1]}
        ... )
        >>> cv.profit.flag_low_value(one, model)["low_value"].item()
        True
    """
    options = LowValueOptions() if options is None else options
    check_instance("options", options, LowValueOptions)
    check_names((n for n in (potential, influence) if n is not None), what="customers")
    needed: dict[str, Kind] = dict.fromkeys(("purchases", "revenue", "T"), "number")
    frame = read_frame(customers, needed).lazy()
    settled = frame.filter(pl.col("T") >= duration_days(options.min_tenure))
    shares: dict[str, tuple[str, float]] = {}
    if options.method == "quantile":
        shares = {"purchases": ("purchases", options.purchases)}
        shares["revenue"] = ("revenue", options.revenue)
    cuts = fit_cuts(settled, shares, kind=_KIND).cuts
    promising = {
        name: (column, share)
        for name, column, share in (
            ("potential", potential, options.high_potential),
            ("influence", influence, options.high_influence),
        )
        if column is not None
    }
    model = fit_cuts(frame, promising, kind=_KIND)
    return model.model_copy(update={"cuts": cuts | model.cuts})


@overload
def flag_low_value(
    customers: pl.LazyFrame,
    model: Cuts | None = None,
    *,
    options: LowValueOptions | None = None,
    categories: str = "n_categories",
    potential: str | None = None,
    influence: str | None = None,
    avoidable_cost: str | None = None,
    margin: str | None = None,
) -> pl.LazyFrame: ...
@overload
def flag_low_value(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    options: LowValueOptions | None = None,
    categories: str = "n_categories",
    potential: str | None = None,
    influence: str | None = None,
    avoidable_cost: str | None = None,
    margin: str | None = None,
) -> pl.DataFrame: ...
def flag_low_value(
    customers: Frame,
    model: Cuts | None = None,
    *,
    options: LowValueOptions | None = None,
    categories: str = "n_categories",
    potential: str | None = None,
    influence: str | None = None,
    avoidable_cost: str | None = None,
    margin: str | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Flag customers who buy rarely, little and one kind of thing, and promise no more.

    What ends with them is not their whole cost, but what stops when their service stops, and with
    it ends the margin that they bring: net saving = avoidable cost - margin.

    Args:
        customers: Customer frame with `purchases`, `revenue`, `T` (days) and the categories.
        model: Cuts of `fit_low_value`; a customer then gets the same answer in any batch. Without
            it, quantiles are those of this frame.
        options: When a customer is of low value.
        categories: Column of the number of categories that the customer buys from.
        potential: Column of `potential_value`; who is high in it is spared.
        influence: Column of `influence_value`; who is high in it is spared.
        avoidable_cost: Column of the cost that would stop, money of the window of the margin; no
            share of rents, systems or salaries that would stay.
        margin: Column of the margin before these costs, money, which would be lost with it.

    Returns:
        The frame with `low_value` (Boolean; null where what is unknown would decide) and
        `spared_by` (String, the first reason that holds against the flag: `"too_new"`,
        `"buys_often"`, `"spends_enough"`, `"several_categories"`, `"high_potential"`,
        `"high_influence"`, or `"unknown"`; null for flagged customers); with `avoidable_cost` and
        `margin` also `net_saving` (Float64, money; negative where ending the service would lose
        more than it saves; null for customers who are not flagged).

    Raises:
        OptionError: Only one of `avoidable_cost` and `margin` is given, or the model is of another
            function or other columns.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN, infinite or too large, or counts, ages and costs below zero;
            for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "purchases": [1, 1, 9],
        ...         "revenue": [20.0, 20.0, 900.0],
        ...         "n_categories": [1, 1, 4],
        ...         "T": [400.0, 30.0, 400.0],
        ...         "service": [15.0, 15.0, 60.0],
        ...         "margin": [6.0, 6.0, 270.0],
        ...     }
        ... )
        >>> options = cv.profit.LowValueOptions(method="absolute", purchases=2, revenue=50)
        >>> cv.profit.flag_low_value(
        ...     customers, options=options, avoidable_cost="service", margin="margin"
        ... ).select("low_value", "spared_by", "net_saving").rows()
        [(True, None, 9.0), (False, 'too_new', None), (False, 'buys_often', None)]
    """
    named = (categories, potential, influence, avoidable_cost, margin)
    check_names((name for name in named if name is not None), what="customers")
    if (avoidable_cost is None) != (margin is None):
        raise OptionError("avoidable_cost and margin belong together: give both or neither")
    options = LowValueOptions() if options is None else options
    check_instance("options", options, LowValueOptions)
    if model is not None:
        check_cuts(model, _KIND, _columns(options, potential, influence))
    cuts = {} if model is None else model.literals()
    against = _against(options, categories, potential, influence, cuts)
    flagged = pl.all_horizontal(~held for held in against.values())
    reason: pl.Expr = pl.when(flagged.is_null()).then(pl.lit("unknown"))
    for name, held in reversed(against.items()):
        reason = pl.when(held.fill_null(value=False)).then(pl.lit(name)).otherwise(reason)
    columns = {"low_value": flagged, "spared_by": reason}
    inputs: dict[str, Rules] = dict.fromkeys(("purchases", categories, "T"), AMOUNT)
    inputs |= {"revenue": MONEY}
    inputs |= {name: FINITE for name in (potential, influence) if name is not None}
    if avoidable_cost is not None and margin is not None:
        saving = number(avoidable_cost) - number(margin)
        columns["net_saving"] = pl.when(flagged).then(saving)
        inputs |= {avoidable_cost: AMOUNT, margin: MONEY}
    return derive(customers, inputs, columns)


def _against(
    options: LowValueOptions,
    categories: str,
    potential: str | None,
    influence: str | None,
    cuts: dict[str, pl.Expr],
) -> dict[str, pl.Expr]:
    """What speaks against the flag, in the order in which it is named."""
    young = _young(options)
    found = {"too_new": young}
    for reason, name, cut in (
        ("buys_often", "purchases", options.purchases),
        ("spends_enough", "revenue", options.revenue),
    ):
        threshold = pl.lit(cut)
        if options.method == "quantile":
            threshold = cuts.get(name, quantile(pl.when(~young).then(number(name)), cut))
        found[reason] = number(name) > threshold
    found["several_categories"] = number(categories) > options.max_categories
    for name, column, cut in (
        ("potential", potential, options.high_potential),
        ("influence", influence, options.high_influence),
    ):
        if column is not None:
            high = cuts.get(name, quantile(number(column), cut))
            found[f"high_{name}"] = number(column) > high
    return found


def _columns(
    options: LowValueOptions, potential: str | None, influence: str | None
) -> dict[str, str]:
    """The columns of which a model must know the cuts."""
    ranked = ("purchases", "revenue") if options.method == "quantile" else ()
    named = {"potential": potential, "influence": influence}
    given = {name: column for name, column in named.items() if column is not None}
    return {name: name for name in ranked} | given


def _young(options: LowValueOptions) -> pl.Expr:
    return number("T") < duration_days(options.min_tenure)
