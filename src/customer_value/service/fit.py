"""Service that fits: is its cost where the value is, and how evenly is it spread?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array, to_arrays
from customer_value._frames.contracts import Kind, check_groups, check_names
from customer_value._frames.derive import (
    AMOUNT,
    FINITE,
    MONEY,
    check_numbers,
)
from customer_value._frames.door import read_frame
from customer_value._frames.money import exact_sum
from customer_value._frames.options import build
from customer_value._kernels.math import concentration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

__all__ = ["service_alignment", "service_fit", "uniformity_index"]

_COLUMNS = (
    "customers",
    "unknown",
    "cost",
    "value",
    "cost_per_value",
    "cost_share",
    "value_share",
    "intensity",
    "fit",
)


class _FitTerms(BaseModel, frozen=True, extra="forbid", title="service_fit"):
    tolerance: Annotated[float, Field(ge=0, lt=1)]


def service_fit(
    customers: Frame,
    *,
    by: str | Sequence[str],
    cost: str = "service",
    value: str = "cm3",
    tolerance: float = 0.25,
) -> pl.DataFrame:
    """Compare the share of service cost that each tier takes with the share of value it brings.

    intensity = (share of cost) / (share of value): 1 is served in proportion.

    Args:
        customers: Frame with one row per customer.
        by: Column of the group, such as `"tier"`, `"stage"` or the customer itself.
        cost: Column of the cost to serve, money, at or above zero; by default that of
            `customer_pnl`.
        value: Column of the value it is spent on, money: margin before the cost to serve, as `cm3`
            of `customer_pnl` is, or lifetime value.
        tolerance: A group is over-served from an intensity above 1 + tolerance on, and
            under-served below 1 - tolerance.

    Returns:
        One row per group, most intensive first, then sorted by group: the group, `customers` and
        `unknown` (Int64; customers of unknown cost or value are in neither sum), `cost` and
        `value` (Float64, money, summed exactly), `cost_per_value` (Float64, null where the value
        is not above zero), `cost_share` and `value_share` (Float64, null where the whole is not
        above zero), `intensity` (Float64, null where a share is unknown or the group's value is
        not above zero) and `fit` (String: `"over_served"`, `"balanced"`, `"under_served"`; a
        group that costs something and brings nothing is over-served; otherwise null where the
        intensity is).

    Raises:
        OptionError: The tolerance is out of range.
        OptionError: `by` has a name of the result.
        SchemaError: Columns are missing or not numbers.
        DataError: Costs are below zero, or values are NaN, infinite or 1e23 and more.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "tier": ["high", "low", "low"],
        ...         "service": [20.0, 50.0, 30.0],
        ...         "cm3": [80.0, 15.0, 5.0],
        ...     }
        ... )
        >>> cv.service.service_fit(customers, by="tier").select("tier", "intensity", "fit").rows()
        [('low', 4.0, 'over_served'), ('high', 0.25, 'under_served')]
    """
    slack = build(_FitTerms, tolerance=tolerance).tolerance
    keys = check_groups(by, _COLUMNS, required=True)
    check_names((cost, value), what="customers")
    inputs = {cost: AMOUNT, value: MONEY}
    needed: dict[str, Kind] = {**dict.fromkeys(keys, "any"), cost: "number", value: "number"}
    table = read_frame(customers, needed).lazy().select(*needed).collect()
    numbers = check_numbers(table, inputs, what="customers")
    rows = pl.DataFrame(
        [
            *(table[name] for name in keys),
            numbers[cost].alias("cost"),
            numbers[value].alias("value"),
        ]
    )
    known = pl.col("cost").is_not_null() & pl.col("value").is_not_null()
    groups = rows.group_by(keys).agg(
        customers=pl.len().cast(pl.Int64),
        unknown=(~known).sum().cast(pl.Int64),
        cost=exact_sum(pl.when(known).then("cost")),
        value=exact_sum(pl.when(known).then("value")),
    )
    whole = rows.select(exact_sum(pl.when(known).then(name)) for name in ("cost", "value"))
    judged = _judged(groups, *whole.row(0), slack=slack)
    falling = [True] + [False] * len(keys)
    ordered = judged.sort("intensity", *keys, descending=falling, nulls_last=True)
    return ordered.select(*keys, *_COLUMNS)


def service_alignment(
    customers: Frame, *, cost: str = "service", value: str = "cm3"
) -> float | None:
    """Measure whether service goes where the value is: the rank correlation of cost and value.

    Spearman's coefficient (1904): Pearson's of the ranks, ties at their mean rank. 1 is all
    in the order of value, 0 is unrelated.

    Args:
        customers: Frame with one row per customer; those of unknown cost or value are left out.
        cost: Column of the cost to serve.
        value: Column of value.

    Returns:
        The coefficient, -1 to 1; None with fewer than two customers, or where all costs, or all
        values, are the same.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"service": [1, 2, 3, 4], "cm3": [10, 30, 20, 40]})
        >>> cv.service.service_alignment(customers)
        0.8
    """
    check_names((cost, value), what="customers")
    frame = read_frame(customers, {cost: "number", value: "number"})
    table = frame.lazy().select(*dict.fromkeys((cost, value))).collect()
    numbers = check_numbers(table, {cost: FINITE, value: FINITE}, what="customers").drop_nulls()
    ranks = numbers.select(pl.all().rank("average") - (numbers.height + 1) / 2)
    first, second = (to_arrays(ranks.select(name))[0] for name in (cost, value))
    # Twice a centred rank is whole: the sums are exact in any order.
    spread = float(np.dot(first, first)) * float(np.dot(second, second))
    return float(np.dot(first, second)) / float(np.sqrt(spread)) if spread > 0 else None


def uniformity_index(accounts: Frame, *, cost: str = "service") -> float | None:
    """Measure how evenly service is spread: 1 gives everyone the same, near 0 one gets it all.

    U = 1 - G, with G the Gini coefficient of the cost per customer. Equal service to unequal
    customers is not a merit: read it beside the concentration of their profit.

    Args:
        accounts: One row per customer, as from `customer_pnl`; a LazyFrame is collected.
        cost: Column of what each customer's service costs.

    Returns:
        The index, 1 / n to 1. Unknown (null) costs are left out; None where no cost is above
        zero.

    Raises:
        SchemaError: The column is missing or no number.
        DataError: Costs are below zero, NaN, infinite or 1e23 and more.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> cv.service.uniformity_index(pl.DataFrame({"service": [10.0, 10.0, 10.0]}))
        1.0
        >>> cv.service.uniformity_index(pl.DataFrame({"service": [30.0, 0.0, 0.0]}))
        0.33333333333333337
    """
    check_names((cost,), what="accounts")
    frame = read_frame(accounts, {cost: "money"}, what="accounts")
    table = frame.lazy().select(pl.col(cost).cast(pl.Float64)).collect()
    known = to_array(check_numbers(table, {cost: AMOUNT}, what="accounts")[cost].drop_nulls())
    gini = concentration.gini(concentration.lorenz(known))
    return None if gini is None else 1 - gini


def _judged(groups: pl.DataFrame, cost: float, value: float, *, slack: float) -> pl.DataFrame:
    """Shares, intensity and fit of each group."""
    spent, brought = pl.col("cost"), pl.col("value")
    # As columns: polars divides by a scalar with its reciprocal, and one of one is not 1.
    whole = {"cost": cost + 0 * spent, "value": value + 0 * brought}
    shared = groups.with_columns(
        cost_per_value=pl.when(brought > 0).then(spent / brought),
        **{f"{n}_share": pl.when(total > 0).then(pl.col(n) / total) for n, total in whole.items()},
    ).with_columns(
        intensity=pl.when(brought > 0).then(pl.col("cost_share") / pl.col("value_share"))
    )
    intensity = pl.col("intensity")
    fit = (
        pl.when((intensity > 1 + slack) | ((brought <= 0) & (spent > 0)))
        .then(pl.lit("over_served"))
        .when(intensity < 1 - slack)
        .then(pl.lit("under_served"))
        .when(intensity.is_not_null())
        .then(pl.lit("balanced"))
    )
    return shared.with_columns(fit=fit)
