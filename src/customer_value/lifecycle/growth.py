"""Growth accounting: who came, came back, stayed and left in each period, and their money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.periods import (
    every_period,
    last_complete,
    period_number,
    period_start,
)
from customer_value._frames.time import check_day
from customer_value.transactions.log import AnyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from datetime import date

    from customer_value._frames.periods import Period
    from customer_value._typing import Day

_CUSTOMERS = ("opening", "new", "reactivated", "lapsed", "closing", "retained")
_MONEY = (
    "opening_revenue",
    "new_revenue",
    "reactivated_revenue",
    "expansion",
    "contraction",
    "lapsed_revenue",
    "closing_revenue",
    "inactive_revenue",
)


def growth_accounting(
    transactions: Log,
    *,
    as_of: Day,
    period: Period = "quarter",
) -> pl.DataFrame:
    """Account for the customers of each period, and for their money, with nothing left over.

    A customer is active in a period with at least one purchase occasion in it. Those active in a
    period are `new` (first purchase ever), `reactivated` (bought before, but not in the period
    before) or `retained`; those active in the period before only have `lapsed`. Hence

    opening + new + reactivated - lapsed = closing, and in money
    opening_revenue + new_revenue + reactivated_revenue + expansion - contraction - lapsed_revenue
    = closing_revenue, where a retained customer who spends more than in the period before expands.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        period: `"day"`, `"week"` (from Monday), `"month"`, `"quarter"` or `"year"`.

    Returns:
        One row per period from the first with a row of the log to that of `as_of`, empty ones
        included: `period` (Date, first day), `complete` (Boolean, whether it ended by `as_of`; a
        period that still runs shows customers as lapsed who may yet buy), the counts `opening`,
        `new`, `reactivated`, `lapsed`, `closing`, `retained` (Int64), `retention` (retained /
        opening), `quick_ratio` ((new + reactivated) / lapsed; null without any lapsed), the money
        `opening_revenue`, `new_revenue`, `reactivated_revenue`, `expansion`, `contraction`,
        `lapsed_revenue`, `closing_revenue` (Float64, net of returns; the lapsed at what they
        brought in the period before), `inactive_revenue` (returns of customers who bought
        nothing in the period) and `money_quick_ratio` ((new + reactivated + expansion) / (lapsed +
        contraction)). closing_revenue + inactive_revenue adds up to the revenue of the log.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> growth = cv.growth_accounting(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> growth.select("period", "opening", "new", "reactivated", "lapsed", "closing").row(2)
        (datetime.date(1997, 7, 1), 524, 0, 204, 310, 418)
    """
    end = check_day("as_of", as_of)
    source = take(transactions)
    flows = (
        by_parts(source, lambda log: _flows(log, end, period, source))
        .group_by("number")
        .agg(pl.all().sum())
        .collect()
    )
    return _accounts(flows, end, period)


def _activity(log: pl.LazyFrame, end: date, period: Period, source: AnyLog) -> pl.LazyFrame:
    """Money of each customer in each period (`number`) with a row of the log.

    Sorted by customer and period; `active` is false where a customer had returns only.
    """
    number = period_number(pl.col("ordered_at"), period)
    rows = log.filter(pl.col("ordered_at") <= end).with_columns(ordered_at=number)
    return purchase_days(rows, source, ordered=True).select(
        "customer_id",
        number="ordered_at",
        active=pl.col("purchase_day").is_not_null(),
        money=pl.col("spend") + pl.col("loose"),
    )


def _flows(log: pl.LazyFrame, end: date, period: Period, source: AnyLog) -> pl.LazyFrame:
    """Customers and money by period and kind; `leaving` are those not active in the next one."""
    active, number, money = pl.col("active"), pl.col("number"), pl.col("money")
    customer = pl.col("customer_id")
    before = (customer == last_active("customer_id")).fill_null(value=False)
    after = (customer == _next_active("customer_id")).fill_null(value=False)
    kept = before & (number == last_active("number") + 1)
    kinds = {
        "new": active & ~before,
        "reactivated": active & before & ~kept,
        "retained": active & kept,
        "leaving": active & ~(after & (number == _next_active("number") - 1)),
    }
    change = pl.when("retained").then("change")
    return (
        _activity(log, end, period, source)
        .select("number", "active", "money", change=money - last_active("money"), **kinds)
        .group_by("number")
        .agg(
            *(pl.col(kind).sum().cast(pl.Int64) for kind in kinds),
            *(money.filter(pl.col(kind)).sum().alias(f"{kind}_revenue") for kind in kinds),
            expansion=change.filter(change > 0).sum(),
            contraction=-change.filter(change < 0).sum(),
            inactive_revenue=money.filter(~active).sum(),
        )
    )


def last_active(column: str) -> pl.Expr:
    """What the nearest row above with a purchase says, of whichever customer it is."""
    return pl.when("active").then(column).forward_fill().shift(1)


def _next_active(column: str) -> pl.Expr:
    """What the nearest row below with a purchase says, likewise."""
    return pl.when("active").then(column).backward_fill().shift(-1)


def _accounts(flows: pl.DataFrame, end: date, period: Period) -> pl.DataFrame:
    """One row per period, those without any purchase included; what left is told by the next."""
    table = every_period(flows, end, period).with_columns(
        closing=pl.sum_horizontal("new", "reactivated", "retained"),
        closing_revenue=pl.sum_horizontal("new_revenue", "reactivated_revenue", "retained_revenue"),
    )
    before = {
        "opening": "closing",
        "lapsed": "leaving",
        "opening_revenue": "closing_revenue",
        "lapsed_revenue": "leaving_revenue",
    }
    table = table.with_columns(
        pl.col(name).shift(1, fill_value=0).alias(role) for role, name in before.items()
    )
    return table.select(
        period=period_start(pl.col("number"), period),
        complete=pl.col("number") <= last_complete(end, period),
        **{name: pl.col(name) for name in _CUSTOMERS},
        retention=_ratio(["retained"], ["opening"]),
        quick_ratio=_ratio(["new", "reactivated"], ["lapsed"]),
        **{name: pl.col(name).cast(pl.Float64) for name in _MONEY},
        money_quick_ratio=_ratio(
            ["new_revenue", "reactivated_revenue", "expansion"], ["lapsed_revenue", "contraction"]
        ),
    )


def _ratio(over: list[str], under: list[str]) -> pl.Expr:
    part, whole = (pl.sum_horizontal(names).cast(pl.Float64) for names in (over, under))
    return pl.when(whole > 0).then(part / whole)
