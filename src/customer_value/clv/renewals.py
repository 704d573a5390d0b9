"""From contracts to renewals: how often each was renewed, and whether the customer has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import Rule, check_choice, describe, find_offences
from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value._frames.time import check_day
from customer_value._typing import TimeUnit
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from datetime import date

    from customer_value._frames.contracts import Kind
    from customer_value._typing import Frame

_DAYS: dict[TimeUnit, int] = {"day": 1, "week": 7}
_MONTHS: dict[TimeUnit, int] = {"month": 1, "year": 12}


class _Terms(BaseModel, frozen=True, extra="forbid", title="summarize_renewals"):
    grace_days: Annotated[int, Field(ge=0)]


def summarize_renewals(
    contracts: Frame, *, as_of: date, period: TimeUnit, grace_days: int = 0
) -> pl.DataFrame:
    """Renewals of each contract so far, for `fit_sbg` and `contractual_value`.

    Contracts of a customer that follow each other are one relation, as in `contract_churn`. A
    relation is renewed at each period's end that it outlives: one from 15 January to 14 March is
    renewed once where the period is a month.

    Args:
        contracts: One row per contract: `customer_id`, `contract_start` and `contract_end` (Date,
            the last day; null runs on). Those that start after `as_of` do not count yet.
        as_of: Day of the snapshot.
        period: Time from one renewal to the next: `"day"`, `"week"`, `"month"` or `"year"`; the
            `time_unit` of the model.
        grace_days: Days without a contract up to which a later one is a renewal.

    Returns:
        One row per relation, sorted by customer and start: `customer_id` (type kept), `as_of`,
        `contract_start` (Date), `renewals` (Int64) and `churned` (Boolean: over by `as_of`, with
        the days of grace). A customer who left and came back has two rows.

    Raises:
        OptionError: The period is none of these, the days of grace are below 0, or `as_of` is not
            a date.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Keys or starts are null, or a contract ends before it starts.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> contracts = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 2],
        ...         "contract_start": [date(2024, 1, 15), date(2024, 1, 15)],
        ...         "contract_end": [None, date(2024, 3, 14)],
        ...     }
        ... )
        >>> found = cv.clv.summarize_renewals(contracts, as_of=date(2024, 6, 30), period="month")
        >>> found.select("customer_id", "renewals", "churned").rows()
        [(1, 5, False), (2, 1, True)]
    """
    check_choice("period", period, get_args(TimeUnit))
    grace = build(_Terms, grace_days=grace_days).grace_days
    day = check_day("as_of", as_of)
    begun = _read(contracts).filter(pl.col("contract_start") <= day)
    last = pl.min_horizontal("contract_end", pl.lit(day))
    over = pl.col("contract_end") + pl.duration(days=grace) < pl.lit(day)
    return _relations(begun, grace).select(
        "customer_id",
        pl.lit(day).alias("as_of"),
        "contract_start",
        renewals=_periods(pl.col("contract_start"), last, period),
        churned=over.fill_null(value=False),
    )


def _read(contracts: Frame) -> pl.DataFrame:
    kinds: dict[str, Kind] = {
        "customer_id": "key",
        "contract_start": "day",
        "contract_end": "maybe_day",
    }
    table = read_frame(contracts, kinds, what="contracts").lazy().select(*kinds)
    start = pl.col("contract_start")
    end = pl.col("contract_end")
    rows = table.with_columns(end.cast(pl.Date)).collect()
    rules = [
        Rule("customer", pl.col("customer_id").is_null(), "no customer_id"),
        Rule("start", start.is_null(), "no contract_start"),
        Rule("order", end < start, "contract_end before contract_start"),
    ]
    _, offences = find_offences(rows.lazy(), rules, key="customer_id")
    if offences:
        raise DataError(f"contracts: {describe(offences)}")
    return rows


def _relations(contracts: pl.DataFrame, grace: int) -> pl.DataFrame:
    """Contracts that follow each other within the grace as one row; null ends run on."""
    forever = pl.date(9999, 12, 31)
    end = pl.col("contract_end").fill_null(forever)
    reached = end.cum_max().shift(1).over("customer_id", order_by="contract_start")
    gap = (pl.col("contract_start") - reached).dt.total_days()
    relation = (gap > grace + 1).fill_null(value=True).cum_sum()
    return (
        contracts.sort("customer_id", "contract_start", "contract_end")
        .with_columns(relation.over("customer_id").alias("relation"), end.alias("contract_end"))
        .group_by("customer_id", "relation", maintain_order=True)
        .agg(pl.col("contract_start").min(), pl.col("contract_end").max())
        .with_columns(pl.when(pl.col("contract_end") < forever).then("contract_end"))
    )


def _periods(start: pl.Expr, last: pl.Expr, period: TimeUnit) -> pl.Expr:
    """Whole periods from one day to another: how many renewals were outlived."""
    if period in _DAYS:
        return (last - start).dt.total_days() // _DAYS[period]
    months = (last.dt.year() - start.dt.year()).cast(pl.Int64) * 12
    months += last.dt.month().cast(pl.Int64) - start.dt.month().cast(pl.Int64)
    # The renewal of a month without the day of the start is on the last day of that month.
    due = start.dt.offset_by(pl.format("{}mo", months))
    return (months - (due > last).cast(pl.Int64)) // _MONTHS[period]
