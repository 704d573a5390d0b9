"""How a customer's purchases change: a window against the one before, or a year earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import polars as pl

from customer_value._frames.contracts import check_choice
from customer_value._frames.time import check_day, duration_days
from customer_value.exceptions import OptionError
from customer_value.transactions.log import AnyLog, EagerLog, LazyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import per_customer

if TYPE_CHECKING:
    from datetime import date, timedelta

    from customer_value._typing import Day


_YEAR = 365


class _Windows(NamedTuple):
    """Days that are compared."""

    end: date
    days: int
    seasonal: bool


@overload
def purchase_trend(
    transactions: EagerLog,
    *,
    as_of: Day,
    window: str | timedelta = "90d",
    seasonal: bool = False,
    value: Literal["revenue", "purchases"] = "revenue",
) -> pl.DataFrame: ...
@overload
def purchase_trend(
    transactions: LazyLog,
    *,
    as_of: Day,
    window: str | timedelta = "90d",
    seasonal: bool = False,
    value: Literal["revenue", "purchases"] = "revenue",
) -> pl.LazyFrame: ...
def purchase_trend(
    transactions: Log,
    *,
    as_of: Day,
    window: str | timedelta = "90d",
    seasonal: bool = False,
    value: Literal["revenue", "purchases"] = "revenue",
) -> pl.DataFrame | pl.LazyFrame:
    """Measure how each customer's purchases change, for the `trend` of `assign_stages`.

    trend = (V_now - V_before) / V_before, with V_now of the window that ends at `as_of` and
    V_before of the window just before it or, for seasonal buyers, of the same days a year earlier.

    It is null where it would say nothing: the customer first bought after the earlier window
    began, V_before is not above zero, or the windows are shorter than two of the customer's own
    mean gaps (not asked of the same season a year earlier).

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        window: Length of a window, in whole days, such as `"90d"` or `"12w"`.
        seasonal: Compare with the same season a year earlier wherever the customer has been
            buying for two years; the others with the window before.
        value: What is compared: `"revenue"` net of returns, or the number of `"purchases"`.

    Returns:
        One row per customer: `customer_id` (type kept) and `trend` (Float64). Sorted by
        `customer_id`; a LazyFrame gives an unordered LazyFrame.

    Raises:
        OptionError: The window is not a duration, or shorter than a day; or, if seasonal,
            longer than a year.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> log, day = cv.load_cdnow(), date(1998, 6, 30)
        >>> trend = cv.lifecycle.purchase_trend(log, as_of=day, window="180d")
        >>> customers = cv.summarize(log, as_of=day).join(trend, on="customer_id", how="left")
        >>> cv.assign_stages(customers)["stage"].value_counts(sort=True).row(0)
        ('lost', 1609)
    """
    check_choice("value", value, ("revenue", "purchases"))
    windows = _Windows(check_day("as_of", as_of), int(duration_days(window)), seasonal)
    if windows.days < 1 or (seasonal and windows.days > _YEAR):
        limit = "a day to a year" if seasonal else "at least a day"
        raise OptionError(f"the window must be {limit} long, got {window!r}")
    source = take(transactions)
    column = pl.col("occasions") if value == "purchases" else pl.col("spend") + pl.col("loose")
    return per_customer(source, lambda log: _trend(log, windows, column, source))


def _trend(log: pl.LazyFrame, windows: _Windows, value: pl.Expr, source: AnyLog) -> pl.LazyFrame:
    day, bought, today = pl.col("ordered_at"), pl.col("purchase_day"), pl.lit(windows.end)
    width = pl.duration(days=windows.days)
    ends = {"now": today, "before": today - width, "last_year": today.dt.offset_by("-1y")}
    sums = {
        name: value.filter((day <= end) & (day > end - width)).sum().cast(pl.Float64)
        for name, end in ends.items()
    }
    totals = (
        purchase_days(log.filter(day <= today), source)
        .group_by("customer_id")
        .agg(**sums, first=bought.min(), last=bought.max(), gaps=pl.col("occasions").sum() - 1)
    )
    gap_days = (pl.col("last") - pl.col("first")).dt.total_days()
    long_enough = (pl.col("gaps") > 0) & (windows.days * pl.col("gaps") >= 2 * gap_days)
    known = (today - pl.col("first")).dt.total_days() >= 2 * windows.days - 1
    earlier: pl.Expr = pl.when(known & long_enough).then("before")
    if windows.seasonal:
        old = pl.col("first") <= today.dt.offset_by("-2y")
        earlier = pl.when(old).then("last_year").otherwise(earlier)
    change = (pl.col("now") - earlier) / earlier
    return totals.select("customer_id", trend=pl.when(earlier > 0).then(change))
