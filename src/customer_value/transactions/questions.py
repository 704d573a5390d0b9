"""How a question is put to a log, whole or in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from customer_value.transactions.log import AnyLog

_ROWS_IN_MEMORY = 4_000_000
_ROWS_TO_READ = 32_000_000
"""Rows of a part: a log that is still to be read is read anew for each part."""
_MAX_PARTS = 32
_PART = "part of the log"  # no name that a log's column has


def per_customer(
    log: AnyLog, question: Callable[..., pl.LazyFrame], *beside: pl.LazyFrame
) -> pl.DataFrame | pl.LazyFrame:
    """Put to the log, as `by_parts`, a question whose answer has one row per customer.

    Returns:
        A DataFrame sorted by customer; of a lazy log an unordered LazyFrame.
    """
    answer = by_parts(log, question, *beside)
    return answer.collect().sort("customer_id") if log.in_memory else answer


def by_parts(
    log: AnyLog, question: Callable[..., pl.LazyFrame], *beside: pl.LazyFrame
) -> pl.LazyFrame:
    """Put a question to the customers of a log; the answers follow each other.

    Long logs are asked in parts, each with all rows of its customers: that bounds the memory of
    the sums by customer and day. The question is given tables `beside` the log, which have a
    `customer_id` of the log's type, in the same parts.
    """
    frame = log.frame.lazy()
    size = _ROWS_IN_MEMORY if log.in_memory else _ROWS_TO_READ
    parts = max(1, min(_MAX_PARTS, log.rows // size))

    def part(table: pl.LazyFrame, k: int) -> pl.LazyFrame:
        return table if parts == 1 else table.filter(_part_of(parts) == k)

    # Split before anything else: what the parts have in common would be kept in memory.
    logs = [part(frame, k) for k in range(parts)]
    if log.in_memory and parts > 1:  # the keys need to be hashed only once
        marked = frame.with_columns(_part_of(parts).alias(_PART)).collect().lazy()
        logs = [marked.filter(pl.col(_PART) == k).drop(_PART) for k in range(parts)]
    answers = (question(rows, *(part(table, k) for table in beside)) for k, rows in enumerate(logs))
    # What a question has found out about a part in memory is dropped with its answer.
    return pl.concat([a.collect().lazy() if log.in_memory else a for a in answers])


def customers_until(log: AnyLog, day: date) -> pl.LazyFrame:
    """The `customer_id` of everyone with a row up to a day."""
    seen = log.frame.lazy().filter(pl.col("ordered_at") <= day)
    return seen.select("customer_id").unique()


def _part_of(parts: int) -> pl.Expr:
    return (pl.col("customer_id").hash(seed=0) % parts).cast(pl.UInt8)
