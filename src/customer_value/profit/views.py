"""The account of groups of customers: tiers, stages, channels, cohorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import array_column
from customer_value._frames.contracts import NOT_FINITE, check_groups, require
from customer_value._frames.door import as_polars
from customer_value._frames.money import MONEY_SCALE, TOO_LARGE
from customer_value.exceptions import SchemaError
from customer_value.profit._statement import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

_NEEDED = ("net_revenue", "profit")
_TAKEN = (
    *ACCOUNT,
    "customers",
    "customers_known",
    "profit_known",
    "margin_pct",
    "cost_coverage",
)
_COVERAGE_PLACES = 12


@overload
def pnl_by(accounts: pl.LazyFrame, *, by: str | Sequence[str]) -> pl.LazyFrame: ...
@overload
def pnl_by(accounts: ArrowStream, *, by: str | Sequence[str]) -> pl.DataFrame: ...
def pnl_by(accounts: Frame, *, by: str | Sequence[str]) -> pl.DataFrame | pl.LazyFrame:
    """Add up customers' accounts by tier, stage, channel, cohort or any other attribute.

    Sums are exact to six decimal places, so the groups add up to the whole, and margins are those
    of the sums: a mean of customers' margins would count a small customer like a large one.

    For an account of the sales of each channel or category, whoever bought there, read the log
    with `Columns(customer="channel", ...)` and pass it to `customer_pnl`.

    Args:
        accounts: The accounts of `customer_pnl`, with the attributes joined to them.
        by: The attribute columns; several are crossed. Unknown (null) is a group of its own.

    Returns:
        One row per combination, sorted by it: the attributes; `customers` and `customers_known`
        (Int64: those whose profit is known); every money column of the account that is there
        (Float64, null where it is unknown for one of the customers); `profit_known` (Float64:
        profit of the customers who are known, null where none is); `margin_pct` (profit over net
        revenue, null unless that is above zero); and, where the accounts have it,
        `cost_coverage`, the mean of the customers'. A LazyFrame gives a LazyFrame.

    Raises:
        SchemaError: Columns are missing or of an unusable type, or an attribute is nested.
        DataError: Money is NaN, infinite, or too large to sum exactly; a LazyFrame says so when
            it is collected.
        OptionError: `by` names no column, a column twice, or one of the account.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> accounts = pl.DataFrame(
        ...     {
        ...         "tier": ["high", "low", "low", "low"],
        ...         "net_revenue": [1000.0, 80.0, 20.0, 10.0],
        ...         "profit": [400.0, -30.0, 5.0, None],
        ...     }
        ... )
        >>> view = cv.profit.pnl_by(accounts, by="tier")
        >>> view.select("tier", "customers", "profit", "profit_known", "margin_pct").rows()
        [('high', 1, 400.0, 400.0, 0.4), ('low', 3, None, -25.0, None)]
    """
    keys = check_groups(by, _TAKEN, required=True, clash="names columns of the account")
    frame = as_polars(accounts, what="accounts")
    present = [name for name in ACCOUNT if name in frame.collect_schema().names()]
    money = list(dict.fromkeys((*_NEEDED, *present)))
    covered = "cost_coverage" in frame.collect_schema().names()
    numbers = [*money, "cost_coverage"] if covered else money
    schema = require(
        frame, {**dict.fromkeys(keys, "any"), **dict.fromkeys(numbers, "money")}, what="accounts"
    )
    if nested := [f"'{key}' is {schema[key]}" for key in keys if schema[key].is_nested()]:
        raise SchemaError(f"accounts: attributes are plain columns, but {'; '.join(nested)}")
    groups = (
        frame.lazy()
        .select(*keys, *(_exact(name) for name in numbers))
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("profit").count().cast(pl.Int64).alias("customers_known"),
            _sum_of_known("profit").alias("profit_known"),
            *(_sum_if_known(name) for name in money),
            *([pl.col("cost_coverage").sum(), _rows_known("cost_coverage")] if covered else []),
        )
        .sort(keys, nulls_last=True)
    )
    revenue, profit = pl.col("net_revenue"), pl.col("profit")
    coverage = pl.col("cost_coverage").cast(pl.Float64) / pl.col("rows_known")
    view = groups.select(
        *keys,
        "customers",
        "customers_known",
        *present,
        "profit_known",
        pl.when(revenue > 0).then(profit / revenue).alias("margin_pct"),
        *([pl.when(pl.col("rows_known") > 0).then(coverage).alias("cost_coverage")] * covered),
    )
    return view if isinstance(frame, pl.LazyFrame) else view.collect()


def _exact(name: str) -> pl.Expr:
    places = _COVERAGE_PLACES if name == "cost_coverage" else MONEY_SCALE
    checked = array_column(
        lambda values: values, [name], rules=[NOT_FINITE, TOO_LARGE], what="accounts"
    )
    return checked.cast(pl.Decimal(38, places)).alias(name)


def _sum_if_known(name: str) -> pl.Expr:
    known = pl.col(name).is_not_null().all()
    return pl.when(known).then(pl.col(name).sum()).cast(pl.Float64).alias(name)


def _sum_of_known(name: str) -> pl.Expr:
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).cast(pl.Float64)


def _rows_known(name: str) -> pl.Expr:
    return pl.col(name).count().cast(pl.Int64).alias("rows_known")
