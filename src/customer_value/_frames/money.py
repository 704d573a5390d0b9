"""Money that is summed exactly, so that neither row order nor threads change a bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from customer_value._frames.contracts import ArrayRule
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MONEY_SCALE = 6
"""Decimal places to which money is summed where no option says otherwise."""

MONEY_LIMIT = float(10 ** (29 - MONEY_SCALE))
"""Money is below this: a billion such amounts can still be summed exactly."""

DECIMAL = pl.Decimal(38, MONEY_SCALE)

TOO_LARGE = ArrayRule(
    "values too large to sum exactly", lambda values: np.abs(values) >= MONEY_LIMIT
)


def exact(money: pl.Expr) -> pl.Expr:
    """The amounts as decimals of six places."""
    return money.cast(DECIMAL)


def exact_sum(money: pl.Expr) -> pl.Expr:
    """The sum of the amounts, rounded once, when it becomes Float64; unknown ones add nothing."""
    return exact(money).sum().cast(pl.Float64)


def float_sum(values: Iterable[float]) -> float:
    """The sum of floats of any size, rounded once.

    Raises:
        DataError: It is beyond the largest float.
    """
    try:
        return math.fsum(values)
    except OverflowError as error:
        raise DataError("customers: values too large to add up") from error


def mixed_currencies(
    frame: pl.DataFrame | pl.LazyFrame, others: Collection[str] = ()
) -> str | None:
    """The complaint about more than one currency in a table with a `currency` column.

    Args:
        frame: The table; without the column, or where it is null, nothing is known against it.
        others: Currencies of the tables that it is taken together with.
    """
    if "currency" not in frame.collect_schema().names():
        return None
    code = pl.col("currency").cast(pl.String)
    rows = dict(frame.lazy().group_by(code).len().drop_nulls().collect().rows())
    found = sorted({*rows, *others})
    counts = [f"{name} {rows.get(name, 0):,}" for name in found]
    return f"more than one currency (rows: {', '.join(counts)})" if len(found) > 1 else None
