"""From a log to opportunities: in which periods since the first one a customer bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args, overload

import polars as pl

from customer_value._frames.contracts import check_choice
from customer_value._frames.periods import period_number
from customer_value._frames.time import check_day
from customer_value._typing import TimeUnit
from customer_value.transactions.log import EagerLog, LazyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import per_customer

if TYPE_CHECKING:
    from customer_value._typing import Day


@overload
def summarize_opportunities(
    transactions: EagerLog,
    *,
    as_of: Day,
    period: TimeUnit,
) -> pl.DataFrame: ...
@overload
def summarize_opportunities(
    transactions: LazyLog,
    *,
    as_of: Day,
    period: TimeUnit,
) -> pl.LazyFrame: ...
def summarize_opportunities(
    transactions: Log,
    *,
    as_of: Day,
    period: TimeUnit,
) -> pl.DataFrame | pl.LazyFrame:
    """Count in how many calendar periods customers came back, for `fit_bg_bb`.

    Each calendar period (weeks begin on Monday) after the one of a customer's first purchase is an
    opportunity, up to the last one that is complete at the close of `as_of`; what happens in the
    period that is not yet over does not count. A customer with one or more purchases in a period
    used that opportunity once. What is a purchase follows the same rules as in `summarize`: neither
    returns nor orders refunded in full are.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Day of the snapshot.
        period: Time from one opportunity to the next: `"day"`, `"week"`, `"month"` or `"year"`.

    Returns:
        One row per customer with a row up to `as_of`: `customer_id` (type kept), `as_of`,
        `first_purchase` (Date), `repeat_purchases` (opportunities used), `last_opportunity` (number
        of the last one used, 0 without any) and `opportunities` (how many there were), all Int64;
        `repeat_spend` (Float64, mean spend per opportunity used, less a share of the returns that
        find no order, as in `summarize`; null without any); null for customers without any
        purchase. Sorted by `customer_id`; a LazyFrame gives an unordered LazyFrame.

    Raises:
        OptionError: The period is not one of these, or `as_of` is not a day.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> gifts = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 1, 1, 2],
        ...         "ordered_at": [
        ...             date(2020, 5, 1),
        ...             date(2022, 3, 1),
        ...             date(2022, 9, 1),
        ...             date(2021, 1, 1),
        ...         ],
        ...         "amount": [50.0, 20.0, 30.0, 10.0],
        ...     }
        ... )
        >>> years = cv.clv.summarize_opportunities(gifts, as_of=date(2023, 12, 31), period="year")
        >>> columns = "repeat_purchases", "last_opportunity", "opportunities", "repeat_spend"
        >>> years.select(columns).rows()
        [(1, 2, 3, 50.0), (0, 0, 2, None)]
    """
    end = check_day("as_of", as_of)
    check_choice("period", period, get_args(TimeUnit))
    source = take(transactions)
    last = period_number(pl.lit(end).dt.offset_by("1d"), period).cast(pl.Int64) - 1

    def count(log: pl.LazyFrame) -> pl.LazyFrame:
        days = purchase_days(log.filter(pl.col("ordered_at") <= end), source)
        day, number = pl.col("purchase_day"), pl.col("number")
        counts = (number > number.min()) & (number <= last)
        counted, used = number.filter(counts), number.filter(counts).n_unique()
        known = number.min().is_not_null()
        spend, all_spend = pl.col("spend"), pl.col("spend").sum().cast(pl.Float64)
        revenue = (spend.sum() + pl.col("loose").sum()).cast(pl.Float64)
        kept = pl.when(all_spend > 0).then(revenue / all_spend).otherwise(1.0)
        mean = spend.filter(counts).sum().cast(pl.Float64) / used
        return (
            days.with_columns(number=period_number(day, period).cast(pl.Int64))
            .group_by("customer_id")
            .agg(
                as_of=pl.lit(end),
                first_purchase=day.min(),
                repeat_purchases=pl.when(known).then(used.cast(pl.Int64)),
                last_opportunity=pl.when(known).then((counted.max() - number.min()).fill_null(0)),
                opportunities=(last - number.min()).clip(0),
                repeat_spend=pl.when(used > 0).then(mean * kept),
            )
        )

    return per_customer(source, count)
