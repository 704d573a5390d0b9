"""Gaps between purchases, the last and still open one apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.time import check_day
from customer_value.transactions.log import AnyLog, EagerLog, LazyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Day


@overload
def purchase_gaps(
    transactions: EagerLog,
    *,
    as_of: Day,
) -> pl.DataFrame: ...
@overload
def purchase_gaps(
    transactions: LazyLog,
    *,
    as_of: Day,
) -> pl.LazyFrame: ...
def purchase_gaps(
    transactions: Log,
    *,
    as_of: Day,
) -> pl.DataFrame | pl.LazyFrame:
    """List the days from each purchase to the customer's next, or to `as_of` where none came.

    The open silences belong to it: whoever looks at the gaps that ended alone does not see those
    who are slow or gone. `survival_curve(gaps, duration="gap_days", event="ended")` uses both.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.

    Returns:
        One row per purchase occasion: `customer_id` (type kept), `purchase_day` (Date), `gap_days`
        (Int64) and `ended` (Boolean: false for the silence since the customer's last purchase).
        Sorted by customer and day; a LazyFrame gives an unordered LazyFrame.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> gaps = cv.lifecycle.purchase_gaps(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> gaps.select("gap_days", "ended").head(4).rows()
        [(17, True), (196, True), (132, True), (200, False)]
    """
    day = check_day("as_of", as_of)
    source = take(transactions)
    gaps = by_parts(source, lambda log: _gaps(log, day, source))
    if isinstance(source.frame, pl.LazyFrame):
        return gaps
    return gaps.collect().sort("customer_id", "purchase_day", ~pl.col("ended"), "gap_days")


def _gaps(log: pl.LazyFrame, as_of: date, source: AnyLog) -> pl.LazyFrame:
    days = (
        purchase_days(log.filter(pl.col("ordered_at") <= as_of), source, ordered=True)
        .filter(pl.col("purchase_day").is_not_null())
        .select("customer_id", "purchase_day", "occasions")
    )
    if source.options.occasion == "order":
        days = days.select(pl.col("customer_id", "purchase_day").repeat_by("occasions").explode())
    ordered = days.select("customer_id", "purchase_day")
    customer, day = pl.col("customer_id"), pl.col("purchase_day")
    ended = (customer == customer.shift(-1)).fill_null(value=False)
    until = pl.when(ended).then(day.shift(-1)).otherwise(pl.lit(as_of))
    return ordered.with_columns(gap_days=(until - day).dt.total_days(), ended=ended)
