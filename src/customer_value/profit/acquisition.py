"""What a new customer costs: blended, paid and marginal; and what it is worth after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.contracts import Kind, as_names, check_names
from customer_value._frames.derive import AMOUNT, MONEY, check_numbers, derive, number
from customer_value._frames.door import read_frame
from customer_value._frames.money import exact_sum
from customer_value.exceptions import OptionError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

__all__ = ["acquisition_cost", "net_lifetime_value"]

_RESULT = ("spend", "new_customers", "cac", "paid_cac", "marginal_cac")
_SPEND, _NEW, _PAID = "__spend__", "__new__", "__paid__"


def acquisition_cost(
    channels: Frame,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    spend: str | Sequence[str] = "spend",
    new_customers: str = "new_customers",
    paid: str | None = None,
) -> pl.DataFrame:
    """Find what a new customer costs: blended, paid and marginal.

    Blended is all spend over all new customers, those who came by themselves included; paid is
    the spend of paid channels over the customers they won; marginal is the change of spend over
    the change of new customers from one period to the next: what one more cost.

    Args:
        channels: Table of spend and new customers by channel, campaign and period, as fine as it
            is; customers are new once, reactivated ones are not.
        by: Columns to report by, such as `"channel"`. By default all are one.
        period: Column of the period, of a type that sorts, such as the month's first day.
        spend: Column, or columns, of spend, money: media alone, or salaries and tools as well for
            the fully loaded cost.
        new_customers: Column of the number of customers won.
        paid: Boolean column: is the channel paid? By default rows with spend are.

    Returns:
        One row per combination of `by` and period, sorted by them: these columns, `spend`
        (Float64, money, summed exactly), `new_customers` (Float64), `cac` (Float64, blended),
        `paid_cac` (Float64) and, with `period`, `marginal_cac` (Float64, against the period
        before; negative where more spend won fewer customers). Costs of no customers are null,
        the spend is still there.

    Raises:
        OptionError: Columns are named twice, or have names of the result.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Spend or numbers are unknown, below zero, NaN, infinite or 1e23 and more.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> channels = pl.DataFrame(
        ...     {
        ...         "month": [1, 1, 2, 2],
        ...         "channel": ["search", "organic"] * 2,
        ...         "spend": [1000.0, 0.0, 1500.0, 0.0],
        ...         "new_customers": [50, 50, 60, 50],
        ...     }
        ... )
        >>> cv.profit.acquisition_cost(channels, period="month").select(
        ...     "month", "cac", "paid_cac", "marginal_cac"
        ... ).rows()
        [(1, 10.0, 20.0, None), (2, 13.636363636363637, 25.0, 50.0)]
    """
    groups = as_names(by)
    costs = as_names(spend)
    others = [name for name in (period, paid) if name is not None]
    check_names((*others, new_customers), what="channels")
    keys = [*groups, *([] if period is None else [period])]
    rows = _rows(channels, keys, costs, new_customers, paid)
    bought = pl.col(_PAID)
    sums = {
        "spend": exact_sum(pl.col(_SPEND)),
        "new_customers": exact_sum(pl.col(_NEW)),
        "__paid_spend__": exact_sum(pl.when(bought).then(_SPEND)),
        "__paid_new__": exact_sum(pl.when(bought).then(_NEW)),
    }
    table = rows.group_by(keys).agg(**sums).sort(keys) if keys else rows.select(**sums)
    columns = {
        "cac": _ratio("spend", "new_customers"),
        "paid_cac": _ratio("__paid_spend__", "__paid_new__"),
    }
    if period is not None:
        more = {name: _change(name, groups) for name in ("spend", "new_customers")}
        columns["marginal_cac"] = pl.when(more["new_customers"] != 0).then(
            more["spend"] / more["new_customers"]
        )
    return table.select(*keys, "spend", "new_customers", **columns)


@overload
def net_lifetime_value(
    prospects: pl.LazyFrame, *, value: str = "clv", cac: str = "cac"
) -> pl.LazyFrame: ...
@overload
def net_lifetime_value(
    prospects: ArrowStream, *, value: str = "clv", cac: str = "cac"
) -> pl.DataFrame: ...
def net_lifetime_value(
    prospects: Frame, *, value: str = "clv", cac: str = "cac"
) -> pl.DataFrame | pl.LazyFrame:
    """Add lifetime value before and after what it takes to win the customer.

    clv_net = clv_gross - CAC, once: no margin that the value is made of may contain the cost as
    well. It judges customers who are yet to be won, or cohorts over their whole life. Of
    customers who are there already the cost is spent, whatever is decided about them: for these
    take the value itself.

    Args:
        prospects: Frame of customers, channels or segments.
        value: Column of lifetime value from the first purchase on, before the acquisition cost,
            margin basis, money.
        cac: Column of the cost of winning a customer (CAC), money.

    Returns:
        The frame with `clv_gross` (Float64, money, margin basis, the value as it is) and `clv_net`
        (Float64, money, margin basis; null where the cost is unknown).

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Costs are below zero, or values are NaN, infinite or 1e23 and more; for a
            LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> channels = pl.DataFrame({"clv": [600.0, 280.0], "cac": [20.0, 300.0]})
        >>> cv.profit.net_lifetime_value(channels).select("clv_gross", "clv_net").rows()
        [(600.0, 580.0), (280.0, -20.0)]
    """
    check_names((value, cac), what="prospects")
    gross = number(value)
    columns = {"clv_gross": gross, "clv_net": gross - number(cac)}
    return derive(prospects, {value: MONEY, cac: AMOUNT}, columns, what="prospects")


def _rows(
    channels: Frame,
    keys: list[str],
    costs: list[str],
    new_customers: str,
    paid: str | None,
) -> pl.DataFrame:
    names = [*keys, *costs]
    clashes = sorted({name for name in names if names.count(name) > 1} | {*keys} & {*_RESULT})
    if clashes or not costs:
        raise OptionError(
            f"by, period and spend need different columns, free of {', '.join(_RESULT)} in by and "
            f"period; got {', '.join(clashes) or 'no spend'}"
        )
    kinds: dict[str, Kind] = dict.fromkeys([*keys, *([] if paid is None else [paid])], "any")
    kinds.update(dict.fromkeys([*costs, new_customers], "number"))
    frame = read_frame(channels, kinds, what="channels").lazy()
    schema = frame.collect_schema()
    if paid is not None and schema[paid] != pl.Boolean:
        raise SchemaError(f"channels: '{paid}' is {schema[paid]}, must be Boolean")
    table = frame.select(*kinds).collect()
    inputs = dict.fromkeys([*costs, new_customers], AMOUNT)
    numbers = check_numbers(table, inputs, what="channels", needed=tuple(inputs))
    total = numbers.select(pl.sum_horizontal(costs).alias(_SPEND)).to_series()
    bought = (total > 0) if paid is None else table[paid].fill_null(value=False)
    measures = [total, numbers[new_customers].alias(_NEW), bought.alias(_PAID)]
    return pl.DataFrame([*table.select(keys).get_columns(), *measures])


def _ratio(above: str, below: str) -> pl.Expr:
    # As columns: polars divides by a scalar with its reciprocal.
    return pl.when(pl.col(below) > 0).then(pl.col(above) / pl.col(below))


def _change(name: str, groups: list[str]) -> pl.Expr:
    change = pl.col(name).diff()
    return change.over(groups) if groups else change
