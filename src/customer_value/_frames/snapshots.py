"""Two snapshots of the same customers, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import Kind, Rule, describe, find_offences, require
from customer_value._frames.door import as_polars
from customer_value.exceptions import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import Frame

_LIMIT = 1e15
"""Largest value whose sums keep six decimal places exactly."""


def pair_snapshots(
    before: Frame, after: Frame, *, states: Sequence[str] = (), values: Sequence[str] = ()
) -> pl.DataFrame:
    """Join two snapshots on `customer_id`.

    Args:
        before: Earlier snapshot, one row a customer.
        after: Later snapshot, likewise.
        states: Columns of text in both.
        values: Columns of numbers in both.

    Returns:
        One row per customer of either snapshot: `customer_id`, `in_before`, `in_after` (Boolean),
        and each column twice, as `{name}_before` (String or Float64) and `{name}_after`.

    Raises:
        SchemaError: Columns are missing or of a wrong type, or the keys of different types.
        DataError: Customers are null or more than once, or values NaN, infinite or too large.
    """
    tables = {"before": as_polars(before, what="before"), "after": as_polars(after, what="after")}
    check_order(tables["before"], tables["after"], ("before", "after"))
    sides = {what: _side(table, what, states, values) for what, table in tables.items()}
    keys = [side.schema["customer_id"] for side in sides.values()]
    if keys[0] != keys[1]:
        raise SchemaError(f"'customer_id' is {keys[0]} before, but {keys[1]} after; cast one")
    return (
        sides["before"]
        .join(sides["after"], on="customer_id", how="full", coalesce=True)
        .with_columns(pl.col("in_before", "in_after").fill_null(value=False))
    )


def check_order(
    before: pl.DataFrame | pl.LazyFrame, after: pl.DataFrame | pl.LazyFrame, names: tuple[str, str]
) -> None:
    """Refuse an earlier snapshot that is later, where both are in memory and say of which day.

    Raises:
        DataError: It ends after the other begins.
    """
    days = []
    for frame, pick in ((before, pl.Expr.max), (after, pl.Expr.min)):
        if isinstance(frame, pl.LazyFrame) or frame.schema.get("as_of") != pl.Date:
            return
        days.append(frame.select(pick(pl.col("as_of"))).item())
    if None not in days and days[0] > days[1]:
        raise DataError(
            f"{names[0]}: as_of {days[0]} is later than {days[1]} of {names[1]}; are they swapped?"
        )


def _side(
    frame: pl.DataFrame | pl.LazyFrame, what: str, states: Sequence[str], values: Sequence[str]
) -> pl.DataFrame:
    kinds: Mapping[str, Kind] = {
        "customer_id": "key",
        **dict.fromkeys(states, "text"),
        **dict.fromkeys(values, "number"),
    }
    schema = require(frame, kinds, what=what)
    key = pl.col("customer_id")
    rules = [
        Rule("no_customer", key.is_null(), "no customer_id"),
        Rule("twice", key.is_not_null() & key.is_duplicated(), "a customer more than once"),
        *(
            Rule(name, _unusable(name), f"{name} NaN, infinite or beyond {_LIMIT:g}")
            for name in values
            if schema[name].is_numeric()
        ),
    ]
    rows = frame.lazy().select(*kinds).collect()
    _, offences = find_offences(rows.lazy(), rules, key="customer_id")
    if offences:
        raise DataError(f"{what}: {describe(offences)}")
    return rows.select(
        "customer_id",
        pl.lit(value=True).alias(f"in_{what}"),
        *(pl.col(name).cast(pl.String).alias(f"{name}_{what}") for name in states),
        *(pl.col(name).cast(pl.Float64).alias(f"{name}_{what}") for name in values),
    )


def _unusable(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64)
    return ~(value.abs() <= _LIMIT)
