"""Relations of a table of contracts, for the models and curves of subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import polars as pl

from customer_value._frames.contracts import check_choice
from customer_value._frames.options import build
from customer_value._frames.time import check_day
from customer_value._typing import TimeUnit
from customer_value.contracts.churn import relations_of
from customer_value.contracts.table import Grace, read_contracts

if TYPE_CHECKING:
    from customer_value._typing import Day, Frame

_DAYS: dict[TimeUnit, int] = {"day": 1, "week": 7}
_MONTHS: dict[TimeUnit, int] = {"month": 1, "year": 12}


def summarize_contracts(
    contracts: Frame, *, as_of: Day, period: TimeUnit = "month", grace_days: int = 0
) -> pl.DataFrame:
    """Summarize contracts: renewals, churn and duration of each relation.

    Contracts of a customer that follow each other within the days of grace are one relation, as in
    `contract_churn`. A relation is renewed at each period's end that it outlives: one from 15
    January to 14 March is renewed once where the period is a month.

    Args:
        contracts: One row per contract: `customer_id`, `contract_start` and `contract_end` (Date,
            the last day; null runs on). Those that start after `as_of` do not count.
        as_of: Last day that counts.
        period: Time from one renewal to the next: `"day"`, `"week"`, `"month"` or `"year"`, the
            `time_unit` of the model.
        grace_days: Days without a contract up to which a later one is a renewal.

    Returns:
        One row per relation, sorted by customer and start: `customer_id`, `as_of` (Date),
        `contract_start`, `contract_end` (Date; null until it is over, the days of grace too),
        `renewals` (Int64), `churned` (Boolean: it is over), `duration` (Float64, days from the
        first day to the last or, where it goes on, to `as_of`) and `event` (Boolean, as
        `churned`). A customer who left and came back has two rows. The table feeds `fit_sbg`,
        `fit_bdw`, `contractual_value` and `survival_curve`.

    Raises:
        OptionError: `as_of` is not a day, the period is unknown, or the days of grace are below 0.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Keys or starts are null, or a contract ends before it starts.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> contracts = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 1, 2],
        ...         "contract_start": [date(2023, 1, 1), date(2024, 1, 1), date(2023, 1, 1)],
        ...         "contract_end": [date(2023, 12, 31), None, date(2023, 12, 31)],
        ...     }
        ... )
        >>> customers = cv.contracts.summarize_contracts(contracts, as_of=date(2024, 6, 30))
        >>> customers.select("customer_id", "renewals", "churned", "duration").rows()
        [(1, 17, False, 546.0), (2, 11, True, 364.0)]
    """
    check_choice("period", period, get_args(TimeUnit))
    day = check_day("as_of", as_of)
    grace = build(Grace, grace_days=grace_days).grace_days
    relations = relations_of(read_contracts(contracts), day, grace)
    start = pl.col("start")
    last = pl.min_horizontal("last", pl.lit(day))
    churned = pl.col("end").is_not_null()
    return relations.sort("customer_id", "start").select(
        "customer_id",
        pl.lit(day).alias("as_of"),
        start.alias("contract_start"),
        pl.col("end").alias("contract_end"),
        _outlived(start, last, period).alias("renewals"),
        churned.alias("churned"),
        (last - start).dt.total_days().cast(pl.Float64).alias("duration"),
        churned.alias("event"),
    )


def _outlived(start: pl.Expr, last: pl.Expr, period: TimeUnit) -> pl.Expr:
    """Whole periods from one day to another: how many renewals were outlived."""
    if period in _DAYS:
        return (last - start).dt.total_days() // _DAYS[period]
    months = (last.dt.year() - start.dt.year()).cast(pl.Int64) * 12
    months += last.dt.month().cast(pl.Int64) - start.dt.month().cast(pl.Int64)
    # The renewal of a month without the day of the start is on the last day of that month.
    due = start.dt.offset_by(pl.format("{}mo", months))
    return (months - (due > last).cast(pl.Int64)) // _MONTHS[period]
