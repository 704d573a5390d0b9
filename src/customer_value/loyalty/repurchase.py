"""Repeat purchase: three rates that go by similar names, each with its own."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.options import build
from customer_value._frames.time import check_day, duration_days
from customer_value._kernels.math.survival import kaplan_meier, log_log_interval, survival_at
from customer_value.exceptions import OptionError
from customer_value.transactions.log import AnyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from datetime import date, timedelta

    from customer_value._typing import Day


class LoyaltyMetrics(BaseModel, frozen=True, extra="forbid"):
    """How customers come back; see `loyalty_metrics`.

    Attributes:
        customers: Customers with a purchase in the window.
        purchases: Purchase occasions in the window.
        purchase_frequency: Occasions per customer of the window.
        repeat_rate: Share of the customers of the window who bought at least twice in it, among
            those who have been customers for `min_tenure` (all, by default).
        returning_share: Share of the occasions of the window that are not the customer's first
            ever.
        repurchase_rate: Share of first-time customers who buy again within the days asked for, by
            Kaplan and Meier's estimator: those whose days are not over count as long as they were
            seen. Of all customers of the log up to `as_of`; None where none of them has been seen
            for so long.
        repurchase_low: Lower end of its interval; None where no one or everyone came back.
        repurchase_high: Upper end of its interval.
        mean_gap_days: Mean of the days between a customer's purchase days, in the window.
    """

    customers: int
    purchases: int
    purchase_frequency: float | None
    repeat_rate: float | None
    returning_share: float | None
    repurchase_rate: float | None
    repurchase_low: float | None
    repurchase_high: float | None
    mean_gap_days: float | None


class _Terms(BaseModel, frozen=True, extra="forbid", title="loyalty_metrics"):
    confidence: Annotated[float, Field(gt=0, lt=1)]


def loyalty_metrics(
    transactions: Log,
    *,
    as_of: Day,
    start: Day | None = None,
    within: str | timedelta = "90d",
    min_tenure: str | timedelta | None = None,
    confidence: float = 0.95,
) -> LoyaltyMetrics:
    """Measure how customers come back, by three rates that are often taken for each other.

    The repeat rate counts customers of the window with two purchases in it; the returning share
    counts purchases by customers who are not new; the repurchase rate asks how many first-time
    customers buy again within some days, whenever they came.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        start: First day of the window; by default the log's first.
        within: Days after the first purchase that the repurchase rate looks at, such as `"90d"`.
        min_tenure: Age since the first purchase from which a customer counts in the repeat rate,
            so that new ones, who had no time to come back, do not press it down.
        confidence: Level of the interval of the repurchase rate.

    Returns:
        The metrics; a rate is None where nothing can be counted.

    Raises:
        OptionError: The confidence is not between 0 and 1; a duration is not above zero, or `start`
            is after `as_of`.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> metrics = cv.loyalty.loyalty_metrics(
        ...     cv.load_cdnow(), as_of=date(1998, 6, 30), within="90d"
        ... )
        >>> round(metrics.repeat_rate, 4), round(metrics.returning_share, 4)
        (0.4832, 0.648)
        >>> round(metrics.repurchase_rate, 4)
        0.2915
    """
    end = check_day("as_of", as_of)
    limit = duration_days(within)
    begin = None if start is None else check_day("start", start)
    if begin is not None and begin > end:
        raise OptionError(f"start {begin} must not be after as_of {end}")
    tenure = 0.0 if min_tenure is None else duration_days(min_tenure)
    z = NormalDist().inv_cdf((1 + build(_Terms, confidence=confidence).confidence) / 2)
    source = take(transactions)
    customers = by_parts(source, lambda log: _customers(log, end, begin, source)).collect()
    low, rate, high = _repurchase(customers, end, limit, z)
    return LoyaltyMetrics(
        **_window(customers, end, tenure),
        repurchase_rate=rate,
        repurchase_low=low,
        repurchase_high=high,
    )


def _customers(log: pl.LazyFrame, end: date, start: date | None, source: AnyLog) -> pl.LazyFrame:
    """First and second purchase of each customer, and the purchases in the window."""
    day, occasions = pl.col("purchase_day"), pl.col("occasions")
    bought = purchase_days(log.filter(pl.col("ordered_at") <= end), source).filter(
        day.is_not_null()
    )
    inside = pl.lit(value=True) if start is None else day >= start
    return (
        bought.group_by("customer_id")
        .agg(
            first=day.min(),
            first_occasions=occasions.min_by("purchase_day"),
            second=day.bottom_k(2).max(),
            purchases=occasions.filter(inside).sum(),
            days=inside.sum() if start else pl.len(),
            begin=day.filter(inside).min(),
            last=day.filter(inside).max(),
        )
        .with_columns(
            # Orders of one day are purchases without a day between them.
            second=pl.when(
                (pl.col("second") > pl.col("first")) | (pl.col("first_occasions") > 1)
            ).then(pl.when(pl.col("first_occasions") > 1).then("first").otherwise("second")),
            new=pl.when(pl.col("first") == pl.col("begin")).then(1).otherwise(0),
        )
    )


def _window(customers: pl.DataFrame, end: date, tenure: float) -> dict[str, Any]:
    purchases, there = pl.col("purchases"), pl.col("purchases") > 0
    aged = there & ((pl.lit(end) - pl.col("first")).dt.total_days() >= tenure)
    gap_days = (pl.col("last") - pl.col("begin")).dt.total_days()
    counts = customers.select(
        customers=there.sum(),
        purchases=purchases.sum(),
        aged=aged.sum(),
        repeaters=(aged & (purchases > 1)).sum(),
        new=pl.col("new").sum(),
        gaps=(pl.col("days").cast(pl.Int64) - 1).clip(lower_bound=0).sum(),
        gap_days=gap_days.sum(),
    ).row(0, named=True)
    n = counts["purchases"]
    return {
        "customers": counts["customers"],
        "purchases": n,
        "purchase_frequency": _share(n, counts["customers"]),
        "repeat_rate": _share(counts["repeaters"], counts["aged"]),
        "returning_share": _share(n - counts["new"], n),
        "mean_gap_days": _share(counts["gap_days"], counts["gaps"]),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _repurchase(
    customers: pl.DataFrame, end: date, limit: float, z: float
) -> tuple[float | None, float | None, float | None]:
    """The rate and its interval, on the scale of log(-log S) as for a survival."""
    came, again = pl.col("first"), pl.col("second")
    waits = customers.select(
        duration=(again.fill_null(pl.lit(end)) - came).dt.total_days().cast(pl.Float64),
        ended=again.is_not_null(),
    )
    if waits.is_empty():
        return None, None, None
    table = kaplan_meier(to_array(waits["duration"]), waits["ended"].to_numpy())
    survival = survival_at(table, limit)
    seen = customers.select((pl.lit(end) - came).dt.total_days().max()).item()
    if survival > 0 and seen < limit:  # no one for so long
        return None, None, None
    if not 0 < survival < 1:
        return None, 1 - survival, None
    row = np.searchsorted(table.time, limit, side="right") - 1
    low, high = (float(end[row]) for end in log_log_interval(table, z))
    return 1 - high, 1 - survival, 1 - low
