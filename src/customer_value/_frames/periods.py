"""Calendar periods, numbered one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import polars as pl

from customer_value._frames.contracts import check_choice

if TYPE_CHECKING:
    from datetime import date

Period: TypeAlias = Literal["day", "week", "month", "quarter", "year"]

_MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}
_DAYS: dict[Period, int] = {"day": 1, "week": 7}
_MONDAY = 3
"""Days from the Monday before to 1970-01-01, day 0, a Thursday."""


def period_number(day: pl.Expr, period: Period) -> pl.Expr:
    """Number (Int32) of the period that holds a Date; the next period has the next number.

    Weeks begin on Mondays (ISO 8601).

    Raises:
        OptionError: There is no such period.
    """
    check_choice("period", period, get_args(Period))
    if period in _MONTHS:
        months = day.dt.year() * 12 + (day.dt.month().cast(pl.Int32) - 1)
        return months // _MONTHS[period]
    return (day.to_physical() + (_MONDAY if period == "week" else 0)) // _DAYS[period]


def period_start(number: pl.Expr, period: Period) -> pl.Expr:
    """First day (Date) of the period with that number."""
    if period in _MONTHS:
        months = number * _MONTHS[period]
        return pl.date(months // 12, months % 12 + 1, 1)
    first = number * _DAYS[period] - (_MONDAY if period == "week" else 0)
    return first.cast(pl.Int32).cast(pl.Date)


def period_of(day: date, period: Period) -> int:
    """Number of the period that holds a day."""
    return int(pl.select(period_number(pl.lit(day), period)).item())


def last_complete(as_of: date, period: Period) -> int:
    """Number of the last period that has ended by the close of a day."""
    return int(pl.select(period_number(pl.lit(as_of).dt.offset_by("1d"), period) - 1).item())


def every_period(counts: pl.DataFrame, as_of: date, period: Period) -> pl.DataFrame:
    """All periods from the first in `number` to that of a day; those without a row get zeros.

    Without any row there is no period.
    """
    last = period_of(as_of, period)
    first = pl.col("number").min().fill_null(last + 1)
    return (
        counts.select(number=pl.int_range(first, last + 1, dtype=pl.Int32))
        .join(counts, on="number", how="left", maintain_order="left")
        .with_columns(pl.exclude("number").fill_null(0))
    )
