"""Purchase days and totals of a log in memory, by kernels: polars takes three times as long."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from customer_value._kernels.log.purchase_days import CodeArray, IntArray, Rows
    from customer_value.transactions.options import TransactionOptions

_SHORT = 100_000
"""Rows that polars has added up before a kernel is loaded."""
_SUMMABLE = 2.0**62
"""Whole numbers whose sums are below do not exceed 64 bits."""


class _Coded(NamedTuple):
    """A log in whole numbers."""

    customers: pl.Series
    rows: Rows


def days_in_memory(log: pl.LazyFrame, options: TransactionOptions) -> pl.DataFrame | None:
    """Add up the orders of each customer by day.

    Args:
        log: The canonical log of a frame in memory.
        options: How it is read.

    Returns:
        What `purchases` otherwise has of polars, sorted by customer and day. None where it is left
        to polars: a short log, sums of money of 19 digits, text keys of equal hash.
    """
    coded = _code(log, options.money_scale)
    if coded is None:
        return None
    from customer_value._kernels.log.purchase_days import purchase_days

    customers, rows = coded
    days = purchase_days(rows, customers.len())
    money = {name: getattr(days, name) for name in ("spend", "loose", "returned")}
    frame = pl.DataFrame(
        {
            "customer_id": customers.gather(days.customer).set_sorted(),
            "ordered_at": days.day,
            "orders": days.orders,
            **money,
        }
    )
    return frame.with_columns(
        pl.col("ordered_at").cast(log.collect_schema()["ordered_at"]),
        *(_as_money(name, options.money_scale) for name in money),
    )


def totals_in_memory(log: pl.LazyFrame, options: TransactionOptions) -> pl.DataFrame | None:
    """Add up all orders of each customer, likewise; None in the same cases.

    Returns:
        What `summary` otherwise has of polars, sorted by customer.
    """
    coded = _code(log, options.money_scale)
    if coded is None:
        return None
    from customer_value._kernels.log.purchase_days import customer_totals

    customers, rows = coded
    totals = customer_totals(rows, customers.len())
    by_order, bought = options.occasion == "order", pl.col("orders") > 0
    money = {name: getattr(totals, name) for name in ("spend", "loose", "returned", "first_spend")}
    frame = pl.DataFrame(
        {
            "customer_id": customers,
            "first_purchase": totals.first_day,
            "last_purchase": totals.last_day,
            "purchases": totals.orders if by_order else totals.days,
            "orders": totals.orders,
            "first_occasions": totals.first_orders if by_order else totals.days.clip(max=1),
            **money,
        }
    )
    days = pl.col("first_purchase", "last_purchase").cast(pl.Int32).cast(pl.Date)
    return frame.with_columns(
        pl.when(bought).then(days), *(_as_money(name, options.money_scale) for name in money)
    )


def _as_money(units: str, scale: int) -> pl.Expr:
    return pl.col(units).cast(pl.Decimal(38, 0)) * pl.lit(Decimal(1).scaleb(-scale))


def _code(log: pl.LazyFrame, scale: int) -> _Coded | None:
    """The log in whole numbers; None where it is short, or they do not hold it."""
    names = ("customer_id", "ordered_at", "amount", "kind", "order_id")
    table = log.select(name for name in names if name in log.collect_schema()).collect()
    if table.height < _SHORT:
        return None
    from customer_value._kernels.log.purchase_days import Rows

    sale = pl.col("kind") == "sale"
    ordered = pl.col("order_id").is_not_null() if "order_id" in table.columns else sale
    money = pl.col("amount").cast(pl.Float64).abs().sum() * 10**scale
    holds = table.select((money < _SUMMABLE) & (ordered | ~sale).all()).item()
    orders = _order_numbers(table) if holds else None
    if orders is None:
        return None
    customers, numbers = _numbered(table["customer_id"])
    columns = table.select(
        money=pl.col("amount").cast(pl.Decimal(38, scale)).to_physical().cast(pl.Int64),
        day=pl.col("ordered_at").to_physical().cast(pl.Int32),
        kind=pl.when(sale).then(0).when(ordered).then(1).otherwise(2).cast(pl.Int8),
    )
    rows = Rows(numbers, orders, *(column.to_numpy() for column in columns.get_columns()))
    return _Coded(customers, rows)


def _numbered(keys: pl.Series) -> tuple[pl.Series, CodeArray]:
    """The different keys, sorted, and the place of each row's key among them."""
    numbers = None if keys.null_count() else _whole_numbers(keys)
    if numbers is None or not _near_a_sequence(numbers):
        different = keys.unique().sort()
        places = different.to_frame().with_row_index("place")
        rows = keys.to_frame().join(
            places, on=keys.name, how="left", maintain_order="left", nulls_equal=True
        )
        return different, rows["place"].to_numpy()
    # Such keys are their own places, but for gaps: nothing needs to be looked up.
    steps = numbers - numbers.min()
    seen = np.zeros(steps.max() + 1, np.bool_)
    seen[steps] = True
    different = pl.Series(keys.name, np.flatnonzero(seen) + numbers.min())
    gapless = np.cumsum(seen, dtype=np.uint32) - np.uint32(1)
    return different.cast(keys.dtype).set_sorted(), gapless[steps]


def _near_a_sequence(keys: IntArray) -> bool:
    return keys.size > 0 and int(keys.max()) - int(keys.min()) < 2 * keys.size


def _whole_numbers(keys: pl.Series) -> IntArray | None:
    """Keys that are whole numbers of 64 bits; unknown ones are 0."""
    too_wide = keys.dtype in (pl.UInt64, pl.Int128, pl.UInt128)
    if too_wide or not keys.dtype.is_integer():
        return None
    return keys.cast(pl.Int64).fill_null(0).to_numpy()


def _order_numbers(table: pl.DataFrame) -> IntArray | None:
    """A number for each order, or each row where there are none; None where two share it."""
    if "order_id" not in table.columns:
        return np.arange(table.height)
    keys = table["order_id"].to_physical()
    numbers = _whole_numbers(keys)
    if numbers is not None:
        return numbers
    hashes = keys.hash()
    return hashes.to_numpy().view(np.int64) if hashes.n_unique() == keys.n_unique() else None
