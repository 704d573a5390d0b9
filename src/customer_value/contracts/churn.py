"""Churn of customers under contract: who was there, who came, who left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.options import build
from customer_value._frames.periods import (
    every_period,
    last_complete,
    period_number,
    period_start,
)
from customer_value._frames.time import check_day
from customer_value.contracts.table import (
    Grace,
    grace_runs,
    in_turn,
    read_contracts,
    relation_number,
)

if TYPE_CHECKING:
    from datetime import date

    from customer_value._frames.periods import Period
    from customer_value._typing import Day, Frame


_COUNTS = ("opening", "new", "reactivated", "lost", "lost_in_first_period", "closing")


def contract_churn(
    contracts: Frame,
    *,
    as_of: Day,
    period: Period = "month",
    grace_days: int = 0,
) -> pl.DataFrame:
    """Count customers under contract in each period: there at the start, come, lost, there after.

    A customer is there from `contract_start` to `contract_end`, both days included, and stays if
    another contract follows within the days of grace. One whose grace still runs at `as_of` is not
    yet lost. opening + new + reactivated - lost = closing.

    Args:
        contracts: One row per contract: `customer_id`, `contract_start` and `contract_end`
            (Date; null runs on). Those that start after `as_of` do not count yet.
        as_of: Last day that counts.
        period: `"day"`, `"week"` (from Monday), `"month"`, `"quarter"` or `"year"`.
        grace_days: Days without a contract up to which a later one is a renewal.

    Returns:
        One row per period from the first start to `as_of`: `period` (Date, first day), `complete`
        (Boolean), `opening`, `new`, `reactivated` (was lost before), `lost`, `lost_in_first_period`
        (of those: came in this same period), `closing` (Int64), `retention` (share of the
        opening customers who were not lost), `churn` (1 - retention) and `churn_with_new` (all
        lost over the opening customers: above `churn` where some came and went at once). Rates are
        null without opening customers.

    Raises:
        OptionError: `as_of` is not a day, or the days of grace are below 0.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Keys or starts are null, or a contract ends before it starts.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> contracts = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 2, 2],
        ...         "contract_start": [date(2024, 1, 1), date(2024, 1, 1), date(2024, 3, 5)],
        ...         "contract_end": [None, date(2024, 2, 29), None],
        ...     }
        ... )
        >>> churn = cv.contracts.contract_churn(contracts, as_of=date(2024, 3, 31))
        >>> churn.select("period", "opening", "reactivated", "lost", "closing").row(-1)
        (datetime.date(2024, 3, 1), 2, 1, 1, 2)
        >>> cv.contracts.contract_churn(contracts, as_of=date(2024, 3, 31), grace_days=7)[
        ...     "lost"
        ... ].sum()
        0
    """
    grace, day = build(Grace, grace_days=grace_days).grace_days, check_day("as_of", as_of)
    relations = relations_of(read_contracts(contracts), day, grace)
    number = {
        "came": period_number(pl.col("start"), period),
        "went": period_number(pl.col("end").dt.offset_by("1d"), period),
    }
    relations = relations.with_columns(**number)
    come = relations.group_by(number="came").agg(
        new=pl.col("first").sum().cast(pl.Int64),
        reactivated=(~pl.col("first")).sum().cast(pl.Int64),
    )
    at_once = (pl.col("came") == pl.col("went")).sum()
    gone = (
        relations.filter(pl.col("went").is_not_null())
        .group_by(number="went")
        .agg(lost=pl.len().cast(pl.Int64), lost_in_first_period=at_once.cast(pl.Int64))
    )
    flows = come.join(gone, on="number", how="full", coalesce=True)
    return _accounts(every_period(flows, day, period), day, period)


def relations_of(contracts: pl.DataFrame, as_of: date, grace: int) -> pl.DataFrame:
    """Contracts that follow each other within the grace, as one; `end` is null until it is lost."""
    rows = in_turn(contracts.lazy(), as_of).collect()
    return (
        rows.with_columns(relation=relation_number(grace))
        .group_by("relation")
        .agg(
            customer_id=pl.col("customer_id").first(),
            start=pl.col("contract_start").min(),
            end=pl.col("covered").max(),
            first=pl.col("first").any(),
            last=pl.col("covered").max(),
        )
        .with_columns(end=pl.when(~grace_runs(pl.col("end"), as_of, grace)).then("end"))
    )


def _accounts(flows: pl.DataFrame, as_of: date, period: Period) -> pl.DataFrame:
    opening, lost = pl.col("opening"), pl.col("lost")
    change = pl.col("new") + pl.col("reactivated") - lost
    churn = (lost - pl.col("lost_in_first_period")) / opening
    there = opening > 0
    return flows.with_columns(closing=change.cum_sum(), opening=change.cum_sum() - change).select(
        period=period_start(pl.col("number"), period),
        complete=pl.col("number") <= last_complete(as_of, period),
        **{name: pl.col(name) for name in _COUNTS},
        retention=pl.when(there).then(1 - churn),
        churn=pl.when(there).then(churn),
        churn_with_new=pl.when(there).then(lost / opening),
    )
