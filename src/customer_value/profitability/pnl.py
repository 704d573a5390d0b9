"""The profit and loss account of each customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.time import check_day
from customer_value.exceptions import CustomerValueError
from customer_value.transactions._source import Source

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import ArrowStream, Frame
    from customer_value.transactions.options import Columns, TransactionOptions


class _Terms(BaseModel, frozen=True, extra="forbid", title="customer_pnl"):
    margin: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None


@overload
def customer_pnl(
    transactions: pl.LazyFrame,
    *,
    as_of: date,
    start: date | None = None,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    margin: float | None = None,
) -> pl.LazyFrame: ...
@overload
def customer_pnl(
    transactions: ArrowStream,
    *,
    as_of: date,
    start: date | None = None,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    margin: float | None = None,
) -> pl.DataFrame: ...
def customer_pnl(
    transactions: Frame,
    *,
    as_of: date,
    start: date | None = None,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    margin: float | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Make the profit and loss account of each customer up to a day.

    net_revenue = gross_sales - discounts - returns; cm1 = net_revenue - cogs. The cost of goods
    comes from the log's cost column (negative on the rows of returned goods that go back to
    stock); rows of unknown cost cost 1 - `margin` of their amount where a margin is assumed, and
    otherwise leave the customer's cost and profit unknown. Sums are exact: over all customers
    they equal those of the log.

    Args:
        transactions: A raw or a cleaned log.
        as_of: Last day that counts.
        start: First day that counts; by default the log's first.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.
        margin: Share of the amount, -1 to 1, that is margin on rows of unknown cost.

    Returns:
        One row per customer of the window, money in Float64: `customer_id`, `gross_sales` (before
        discounts), `discounts`, `returns` (at least 0), `net_revenue`, `cogs`, `cm1`, `profit`
        (cm1, as long as no other cost is known; null where a cost is unknown), `margin_pct`
        (profit over net revenue, null unless that is above zero) and `cost_coverage` (share of
        the rows whose cost is known). Sorted by `customer_id`; a LazyFrame gives an unordered
        LazyFrame.

    Raises:
        ValidationError: The margin is out of range.
        CustomerValueError: `start` is after `as_of`.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> pnl = cv.customer_pnl(cv.load_cdnow(), as_of=date(1998, 6, 30), margin=0.3)
        >>> round(pnl["net_revenue"].sum(), 2), round(pnl["profit"].sum(), 2)
        (244091.94, 73227.58)
    """
    end = check_day("as_of", as_of)
    begin = None if start is None else check_day("start", start)
    if begin is not None and begin > end:
        raise CustomerValueError(f"start {begin} must not be after as_of {end}")
    share = _Terms(margin=margin).margin
    source = Source.of(transactions, columns, options)
    return source.per_customer(
        lambda log: _accounts(log, begin, end, share, source.options.money_scale)
    )


def _accounts(
    log: pl.LazyFrame, start: date | None, end: date, margin: float | None, scale: int
) -> pl.LazyFrame:
    names = log.collect_schema().names()
    day, amount, sale = pl.col("ordered_at"), pl.col("amount"), pl.col("kind") == "sale"
    window = log.filter(day <= end)
    if start is not None:
        window = window.filter(day >= start)
    cost = pl.col("cost") if "cost" in names else pl.lit(None, pl.Float64)
    discount = pl.col("discount") if "discount" in names else pl.lit(0.0)
    unknown = cost.is_null()
    sums = {
        "sales": pl.when(sale).then(amount).otherwise(0),
        "returns": pl.when(sale).then(0).otherwise(-amount),
        "discounts": pl.when(sale).then(discount),
        "known_cost": cost,
        "uncosted": pl.when(unknown).then(amount).otherwise(0),
    }
    rows = window.select(
        "customer_id",
        unknown=unknown.cast(pl.Int64),
        **{name: value.cast(pl.Decimal(38, scale)) for name, value in sums.items()},
    )
    totals = rows.group_by("customer_id").agg(
        pl.col(*sums, "unknown").sum(), rows=pl.len().cast(pl.Int64)
    )
    return _finish(totals, margin)


def _finish(totals: pl.LazyFrame, margin: float | None) -> pl.LazyFrame:
    money = {name: pl.col(name).cast(pl.Float64) for name in ("known_cost", "uncosted")}
    net = (pl.col("sales") - pl.col("returns")).cast(pl.Float64)
    if margin is None:
        known = pl.col("unknown") == 0
        cogs = pl.when(known).then(money["known_cost"]).otherwise(None)
    else:
        cogs = money["known_cost"] + (1 - margin) * money["uncosted"]
    profit = pl.col("net_revenue") - pl.col("cogs")
    return totals.select(
        "customer_id",
        gross_sales=(pl.col("sales") + pl.col("discounts")).cast(pl.Float64),
        discounts=pl.col("discounts").cast(pl.Float64),
        returns=pl.col("returns").cast(pl.Float64),
        net_revenue=net,
        cogs=cogs,
        cost_coverage=1 - pl.col("unknown") / pl.col("rows"),
    ).select(
        pl.exclude("cost_coverage"),
        cm1=profit,
        profit=profit,
        margin_pct=pl.when(pl.col("net_revenue") > 0).then(profit / pl.col("net_revenue")),
        cost_coverage="cost_coverage",
    )
