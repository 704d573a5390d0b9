"""Totals of the customers of a log in memory, by a kernel: polars takes three times as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from customer_value._kernels.customer_totals import CodeArray, IntArray, Rows, Totals
    from customer_value.transactions.options import TransactionOptions

_SHORT = 100_000
"""Rows that polars has added up before a kernel is loaded."""
_EXACT, _SUMMABLE = 2**53, 2.0**62
"""Whole numbers below are exact as Float64, and as sums in 64 bits."""


def totals_in_memory(log: pl.LazyFrame, options: TransactionOptions) -> pl.DataFrame | None:
    """Add up the rows of each customer.

    Args:
        log: The canonical log of a frame in memory.
        options: How it is read.

    Returns:
        The totals that `summary` otherwise has of polars, sorted by customer. None where they are
        left to polars: a short log, sums of money of 16 digits, text keys of equal hash.
    """
    names = ("customer_id", "ordered_at", "amount", "kind", "order_id")
    table = log.select(name for name in names if name in log.collect_schema()).collect()
    if table.height < _SHORT:
        return None
    from customer_value._kernels.customer_totals import customer_totals

    customers, codes = _coded(table["customer_id"])
    rows = _rows(table, codes, options.money_scale)
    totals = rows and customer_totals(rows, customers.len())
    return totals and _as_frame(customers, totals, options)


def _coded(keys: pl.Series) -> tuple[pl.Series, CodeArray]:
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


def _rows(table: pl.DataFrame, customers: CodeArray, scale: int) -> Rows | None:
    """The log in whole numbers; None where they do not hold it."""
    from customer_value._kernels.customer_totals import Rows

    sale = pl.col("kind") == "sale"
    ordered = pl.col("order_id").is_not_null() if "order_id" in table.columns else sale
    money = pl.col("amount").cast(pl.Float64).abs().sum() * 10**scale
    holds = table.select((money < _SUMMABLE) & (ordered | ~sale).all()).item()
    orders = _order_numbers(table) if holds else None
    if orders is None:
        return None
    columns = table.select(
        money=pl.col("amount").cast(pl.Decimal(38, scale)).to_physical().cast(pl.Int64),
        day=pl.col("ordered_at").to_physical(),
        kind=pl.when(sale).then(0).when(ordered).then(1).otherwise(2).cast(pl.Int8),
    )
    return Rows(customers, orders, *(column.to_numpy() for column in columns.get_columns()))


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


def _as_frame(
    customers: pl.Series, totals: Totals, options: TransactionOptions
) -> pl.DataFrame | None:
    """Whole numbers to the columns of `summary`; None where money is rounded on the way."""
    units = {
        "revenue": totals.spend + totals.loose,
        "spend": totals.spend,
        "first_spend": totals.first_spend,
        "later_spend": totals.spend - totals.first_spend,
        "returned": totals.returned,
    }
    if max(abs(column).max(initial=0) for column in units.values()) >= _EXACT:
        return None
    by_order, bought = options.occasion == "order", pl.col("orders") > 0
    return pl.DataFrame(
        {
            "customer_id": customers,
            "first_purchase": totals.first_day,
            "last_purchase": totals.last_day,
            "purchases": totals.orders if by_order else totals.days,
            "orders": totals.orders,
            "first_occasions": totals.first_orders if by_order else totals.days.clip(max=1),
            **{name: column / 10**options.money_scale for name, column in units.items()},
        }
    ).with_columns(
        pl.when(bought).then(pl.col("first_purchase", "last_purchase").cast(pl.Int32).cast(pl.Date))
    )
