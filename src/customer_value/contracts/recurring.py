"""Recurring revenue: what was won, grown, shrunk, lost and won back, month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import polars as pl

from customer_value._frames.contracts import Rule, check_choice, describe, find_offences
from customer_value._frames.derive import AMOUNT, derive, number
from customer_value._frames.door import read_frame
from customer_value._frames.money import MONEY_LIMIT, exact, mixed_currencies
from customer_value._frames.options import build
from customer_value._frames.time import check_day
from customer_value.contracts.table import (
    CONTRACT,
    FOREVER,
    Grace,
    contract_rules,
    grace_runs,
    in_turn,
    relation_number,
)
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import ArrowStream, Day, Frame

__all__ = ["mrr_bridge", "revenue_retention"]

_LINES = ("new", "reactivation", "expansion", "contraction", "churn")
_KEPT = ("kept_expansion", "kept_contraction", "kept_churn")
_EVERY = {"month": "1mo", "quarter": "1q", "year": "1y"}


@overload
def revenue_retention(
    movements: pl.LazyFrame, *, reactivation: str | None = None
) -> pl.LazyFrame: ...
@overload
def revenue_retention(
    movements: ArrowStream, *, reactivation: str | None = None
) -> pl.DataFrame: ...
def revenue_retention(
    movements: Frame, *, reactivation: str | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add gross and net revenue retention and the quick ratio.

    gross = (opening - churn - contraction) / opening, net = (opening + expansion - churn -
    contraction) / opening, quick ratio = (new + expansion) / (churn + contraction), the convention
    of Baremetrics. Retention looks at the customers of the opening alone: neither new nor
    reactivated ones count.

    Args:
        movements: Table with `opening`, `new`, `expansion`, `contraction` and `churn`: recurring
            revenue, money, all at or above zero.
        reactivation: Column of revenue won back; given, it counts as a gain in the quick ratio.

    Returns:
        The frame with `gross_revenue_retention`, `net_revenue_retention` (Float64, null where
        nothing was open; below zero only if losses hold more than was open, such as those of
        customers won in the period) and `quick_ratio` (Float64, null where nothing was lost).

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are below zero, NaN, infinite or 1e23 and more; for a LazyFrame when it
            is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> month = pl.DataFrame(
        ...     {"opening": 100, "new": 20, "expansion": 15, "contraction": 3, "churn": 5}
        ... )
        >>> cv.contracts.revenue_retention(month).row(0)[-3:]
        (0.92, 1.07, 4.375)
    """
    opening, lost = number("opening"), number("churn") + number("contraction")
    won = number("new") + number("expansion")
    if reactivation is not None:
        won += number(reactivation)
    columns = {
        "gross_revenue_retention": pl.when(opening > 0).then((opening - lost) / opening),
        "net_revenue_retention": pl.when(opening > 0).then(
            (opening + number("expansion") - lost) / opening
        ),
        "quick_ratio": pl.when(lost > 0).then(won / lost),
    }
    names = ["opening", "new", "expansion", "contraction", "churn"]
    inputs = dict.fromkeys([*names, *([] if reactivation is None else [reactivation])], AMOUNT)
    return derive(movements, inputs, columns, what="movements")


def mrr_bridge(
    contracts: Frame,
    *,
    as_of: Day,
    period: Literal["month", "quarter", "year"] = "month",
    grace_days: int = 0,
    same_period: Literal["drop", "count"] = "drop",
) -> pl.DataFrame:
    """Explain recurring revenue from period to period.

    closing = opening + new + reactivation + expansion - contraction - churn, exactly. A customer's
    revenue is that of its contracts in force at the close of the period. It is new if the
    customer never had any, reactivation if it had none at the opening but earlier, and churn if
    it is none at the close; otherwise its change is expansion or contraction.

    Args:
        contracts: The table of `contract_churn`, with `customer_id`, `contract_start` (Date),
            `contract_end` (Date, the last day of service; null while it runs), and `mrr` (money a
            month, at or above zero). A `currency` column is checked.
        as_of: Day of the snapshot; the last period is the last that is complete on it, and starts
            and ends after it do not count.
        period: `"month"`, `"quarter"` or `"year"`.
        grace_days: Days without a contract up to which a later one of the customer is a renewal,
            as in `contract_churn`: revenue of the contracts that ended last runs on in between,
            and is not yet lost while the grace still runs at `as_of`.
        same_period: Contracts that start and end in one period are in force at no close. `"drop"`
            leaves them out; `"count"` adds them to what was won and to what was lost, and changes
            neither opening, closing nor retention. Products differ in this.

    Returns:
        One row per complete period, from that of the first start on: `period` (Date, its first
        day), `opening`, `new`, `reactivation`, `expansion`, `contraction`, `churn`, `closing`
        (Float64, money a month, summed to six places exactly), `customers` (Int64, with revenue
        at the close), and `gross_revenue_retention`, `net_revenue_retention` and `quick_ratio`
        (Float64) as in `revenue_retention`, where reactivation counts as a gain in the quick
        ratio.

    Raises:
        OptionError: `as_of` is not a date, or an option is not one of its values.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Keys, starts or revenues are unknown, revenues below zero or too large, ends
            before starts, or there is more than one currency.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> contracts = pl.DataFrame(
        ...     {
        ...         "customer_id": ["a", "b", "b"],
        ...         "contract_start": [date(2024, 1, 5), date(2024, 1, 9), date(2024, 2, 1)],
        ...         "contract_end": [date(2024, 2, 19), None, None],
        ...         "mrr": [30.0, 50.0, 15.0],
        ...     }
        ... )
        >>> cv.contracts.mrr_bridge(contracts, as_of=date(2024, 3, 10)).select(
        ...     "period", "opening", "new", "expansion", "churn", "closing"
        ... ).rows()
        [(datetime.date(2024, 1, 1), 0.0, 80.0, 0.0, 0.0, 80.0),
         (datetime.date(2024, 2, 1), 80.0, 0.0, 15.0, 30.0, 65.0)]
    """
    day = check_day("as_of", as_of)
    check_choice("period", period, tuple(_EVERY))
    check_choice("same_period", same_period, ("drop", "count"))
    grace = build(Grace, grace_days=grace_days).grace_days
    frame = read_frame(contracts, CONTRACT | {"mrr": "number"}, what="contracts")
    rules = _contract_rules()
    typed = frame.lazy().with_columns(
        pl.col("contract_end").cast(pl.Date), pl.col("mrr").cast(pl.Float64)
    )
    _, offences = find_offences(typed, rules, key="customer_id")
    problems = [describe(offences)] if offences else []
    problems += [currencies] if (currencies := mixed_currencies(frame)) else []
    if problems:
        raise DataError(f"contracts: {'; '.join(problems)}")
    every = _EVERY[period]
    served = _served(typed, day, grace)
    changes = _changes(served, day, every, count=same_period == "count")
    sums = _movements(changes).group_by("period").agg(pl.col(*_LINES, *_KEPT, "people").sum())
    return _bridge(_all_periods(sums.collect(), day, every))


def _contract_rules() -> list[Rule]:
    mrr = pl.col("mrr")
    return [
        *contract_rules(),
        Rule("mrr", mrr.is_null(), "no revenue"),
        Rule(
            "range",
            ~((mrr >= 0) & (mrr < MONEY_LIMIT)),
            f"a revenue not within 0 to {MONEY_LIMIT:g}",
        ),
    ]


def _served(contracts: pl.LazyFrame, as_of: date, grace: int) -> pl.LazyFrame:
    """Contracts with `ended_on`, their first day without service, after bridging the grace.

    What ended last before a gap within the grace runs on to the renewal; what ended last of all,
    as long as the grace does.
    """
    end = pl.col("contract_end")
    ended = end.dt.offset_by("1d")
    if grace == 0:
        return contracts.with_columns(ended_on=ended)
    # Rows of a stretch without a gap follow each other; its last one knows how it goes on.
    last = (pl.col("stretch") != pl.col("stretch").shift(-1)).fill_null(value=True)
    renewed = (pl.col("relation") == pl.col("relation").shift(-1)).fill_null(value=False)
    goes_on_to = (
        pl.when(renewed)
        .then(pl.col("contract_start").shift(-1))
        .when(grace_runs(pl.col("reach"), as_of, grace))
        .then(pl.lit(FOREVER))
        .otherwise(pl.col("reach").dt.offset_by("1d"))
    )
    return (
        in_turn(contracts, as_of)
        .with_columns(relation=relation_number(grace), stretch=relation_number(0))
        .with_columns(
            stretch_end=pl.when(last).then("reach").backward_fill(),
            goes_on_to=pl.when(last).then(goes_on_to).backward_fill(),
        )
        .with_columns(
            ended_on=pl.when(end < pl.col("stretch_end"))
            .then(ended)
            .when(end.is_not_null())
            .then("goes_on_to")
        )
    )


def _changes(contracts: pl.LazyFrame, as_of: date, every: str, *, count: bool) -> pl.LazyFrame:
    """What each customer's contracts change in each complete period; `flash` comes and goes."""
    period = pl.col("period")
    begins = pl.col("contract_start").dt.truncate(every)
    ends = pl.col("ended_on").dt.truncate(every)
    money, none = exact(pl.col("mrr")), exact(pl.lit(0.0))
    brief = (begins == ends).fill_null(value=False)
    starts = contracts.select(
        "customer_id",
        period=begins,
        change=pl.when(brief).then(none).otherwise(money),
        flash=pl.when(brief & count).then(money).otherwise(none),
    )
    stops = contracts.filter(ends.is_not_null() & ~brief).select(
        "customer_id", period=ends, change=-money, flash=none
    )
    complete = period.dt.offset_by(every) <= pl.lit(as_of) + pl.duration(days=1)
    return (
        pl.concat([starts, stops])
        .filter(complete)
        .group_by("customer_id", "period")
        .agg(pl.col("change", "flash").sum())
    )


def _movements(changes: pl.LazyFrame) -> pl.LazyFrame:
    """What each customer's change is: won, grown, shrunk, lost or won back."""
    none = exact(pl.lit(0.0))
    change, flash, after = pl.col("change"), pl.col("flash"), pl.col("after")
    before, gain, loss = after - change, pl.col("gain"), pl.col("loss")

    def where(condition: pl.Expr, amount: pl.Expr) -> pl.Expr:
        return pl.when(condition).then(amount).otherwise(none)

    up, down = where(change > 0, change), where(change < 0, -change)
    sized = changes.with_columns(
        after=change.cum_sum().over("customer_id", order_by="period"),
        gain=up + flash,
        loss=down + flash,
    ).with_columns(earlier=gain.cum_sum().over("customer_id", order_by="period") - gain)
    first = pl.col("earlier") == 0
    return sized.select(
        "period",
        new=where((before == 0) & first, gain),
        reactivation=where((before == 0) & ~first, gain),
        expansion=where(before > 0, gain),
        contraction=where(after > 0, loss),
        churn=where(after == 0, loss),
        kept_expansion=where(before > 0, up),
        kept_contraction=where(after > 0, down),
        kept_churn=where(after == 0, down),
        people=(after > 0).cast(pl.Int64) - (before > 0).cast(pl.Int64),
    )


def _all_periods(sums: pl.DataFrame, as_of: date, every: str) -> pl.DataFrame:
    """A row for every complete period, those in which nothing changed too."""
    begin, end = sums["period"].min(), pl.lit(as_of)
    if begin is None:
        return sums
    periods = pl.select(
        period=pl.date_range(pl.lit(begin), end, interval=every, eager=False)
    ).filter(pl.col("period").dt.offset_by(every) <= end + pl.duration(days=1))
    return periods.join(sums, on="period", how="left", maintain_order="left").with_columns(
        pl.exclude("period").fill_null(0)
    )


def _bridge(periods: pl.DataFrame) -> pl.DataFrame:
    new, back, up, down, lost = (pl.col(name) for name in _LINES)
    closing = (new + back + up - down - lost).cum_sum()
    table = periods.sort("period").with_columns(
        closing=closing,
        opening=closing - (new + back + up - down - lost),
        customers=pl.col("people").cum_sum(),
    )
    money = ["opening", *_LINES, "closing", *_KEPT]
    table = table.with_columns(pl.col(money).cast(pl.Float64))
    # Retention is of the customers of the opening; the quick ratio of all that was won and lost.
    kept = table.select("opening", "new", **{name: f"kept_{name}" for name in _LINES[2:]})
    rates = revenue_retention(kept)
    ratio = revenue_retention(table.select("opening", *_LINES), reactivation="reactivation")
    return table.select("period", "opening", *_LINES, "closing", "customers").with_columns(
        rates["gross_revenue_retention"], rates["net_revenue_retention"], ratio["quick_ratio"]
    )
