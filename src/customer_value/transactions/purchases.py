"""The days on which customers bought: what all questions about a log begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value.transactions.in_memory import days_in_memory

if TYPE_CHECKING:
    from customer_value.transactions.log import AnyLog
    from customer_value.transactions.options import TransactionOptions


def purchase_days(log: pl.LazyFrame, source: AnyLog, *, ordered: bool = False) -> pl.LazyFrame:
    """Money and occasions by customer and day; `purchase_day` is null where nothing was bought.

    Args:
        log: The canonical log; its `ordered_at` may also be the number of a longer period.
        source: Where it comes from.
        ordered: Whether the days must be sorted by customer and `ordered_at`.

    Returns:
        `customer_id`, `ordered_at`, `orders`, `spend` (of orders, net of their returns), `loose`
        (returns that find no order, and orders refunded in full), `returned` (a positive number),
        `purchase_day` and `occasions`; money in decimals.
    """
    added = days_in_memory(log, source.options) if source.in_memory else None
    if added is not None:
        return added.lazy().with_columns(**_occasions(source.options))
    days = purchase_days_by_polars(log, source.options)
    return days.sort("customer_id", "ordered_at") if ordered else days


def purchase_days_by_polars(log: pl.LazyFrame, options: TransactionOptions) -> pl.LazyFrame:
    """The same of any log, in no order."""
    return _days(log, options.money_scale).with_columns(**_occasions(options))


def _occasions(options: TransactionOptions) -> dict[str, pl.Expr]:
    bought, by_day = pl.col("orders") > 0, options.occasion == "day"
    return {
        "purchase_day": pl.when(bought).then("ordered_at"),
        "occasions": bought.cast(pl.Int64) if by_day else pl.col("orders"),
    }


def _days(log: pl.LazyFrame, scale: int) -> pl.LazyFrame:
    sale, amount = pl.col("kind") == "sale", pl.col("amount").cast(pl.Decimal(38, scale))
    rows = log.with_columns(
        orders=sale.cast(pl.Int64),
        spend=pl.when(sale).then(amount).otherwise(0),
        loose=pl.when(sale).then(0).otherwise(amount),
    )
    by_day = rows.group_by("customer_id", "ordered_at")
    if "order_id" in log.collect_schema():
        by_day = _orders(rows).group_by("customer_id", "ordered_at")
        return by_day.agg(pl.col("orders", "spend", "loose", "returned").sum())
    sums = by_day.agg(pl.col("orders", "spend", "loose").sum())
    return sums.with_columns(returned=-pl.col("loose"))


def _orders(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows to orders: each return on the day of its sale, refunded orders no longer orders."""
    net, sold = pl.col("spend") + pl.col("loose"), pl.col("sale_day").is_not_null()
    stands = sold & ((pl.col("spend") == 0) | (net > 0))
    spent = stands & (net >= 0)
    return (
        rows.with_columns(
            sale_day=pl.when(pl.col("kind") == "sale").then("ordered_at"),
            # Returns that name no order do not belong together.
            loose_day=pl.when(pl.col("order_id").is_null()).then("ordered_at"),
        )
        .group_by("customer_id", "order_id", "loose_day")
        .agg(pl.col("sale_day", "ordered_at").min(), pl.col("spend", "loose").sum())
        .select(
            "customer_id",
            ordered_at=pl.coalesce("sale_day", "ordered_at"),
            orders=stands.cast(pl.Int64),
            spend=pl.when(spent).then(net).otherwise(0),
            loose=pl.when(spent).then(0).otherwise(net),
            returned=-pl.col("loose"),
        )
    )
