"""One row per customer of a table of contracts, for the models and curves of subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.time import check_day
from customer_value.contracts.churn import relations_of
from customer_value.contracts.table import Grace, read_contracts

if TYPE_CHECKING:
    from customer_value._typing import Day, Frame


def summarize_contracts(contracts: Frame, *, as_of: Day, grace_days: int = 0) -> pl.DataFrame:
    """Summarize contracts by customer: renewals, churn, duration.

    Contracts that follow each other within the days of grace are one relation; a customer who left
    and came back is summarized by the last one.

    Args:
        contracts: One row per contract: `customer_id`, `contract_start` and `contract_end` (Date,
            the last day; null runs on). Those that start after `as_of` do not count.
        as_of: Last day that counts.
        grace_days: Days without a contract up to which a later one is a renewal.

    Returns:
        One row per customer, sorted: `customer_id`, `as_of` (Date), `contract_start`,
        `contract_end` (Date, of the relation; null while it runs on), `renewals` (Int64, contracts
        after the first), `churned` (Boolean: it ended and its grace is over), `duration` (Float64,
        days from the start to the end or, censored, to `as_of`) and `event` (Boolean, the same as
        `churned`). It feeds `fit_sbg`, `fit_bdw`, `contractual_value` and `survival_curve`.

    Raises:
        OptionError: `as_of` is not a date.
        ValidationError: The days of grace are out of range.
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
        [(1, 1, False, 546.0), (2, 0, True, 364.0)]
    """
    day = check_day("as_of", as_of)
    relations = relations_of(
        read_contracts(contracts), day, Grace(grace_days=grace_days).grace_days
    )
    end = pl.col("end")
    churned = end.is_not_null()
    lasted = (pl.coalesce(end, pl.lit(day)) - pl.col("start")).dt.total_days()
    return (
        relations.sort("customer_id", "start")
        .group_by("customer_id", maintain_order=True)
        .last()
        .select(
            "customer_id",
            pl.lit(day).alias("as_of"),
            pl.col("start").alias("contract_start"),
            end.alias("contract_end"),
            (pl.col("contracts") - 1).alias("renewals"),
            churned.alias("churned"),
            lasted.cast(pl.Float64).alias("duration"),
            churned.alias("event"),
        )
    )
