"""Cohorts: customers who first bought in the same period, followed as they age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.periods import last_complete, period_number, period_start
from customer_value._frames.time import check_day
from customer_value.lifecycle.growth import last_active
from customer_value.transactions.log import AnyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from datetime import date

    from customer_value._frames.periods import Period
    from customer_value._typing import Day

_NEVER = -(1 << 31)


def cohort_table(
    transactions: Log,
    *,
    as_of: Day,
    period: Period = "month",
    known_since: Day | None = None,
) -> pl.DataFrame:
    """Follow the customers who first bought in the same period: how many still buy, for how much.

    A cell is null until its period has ended by `as_of`: a cohort that is too young has not lost
    those customers. Average only over cells that are not null.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        period: `"day"`, `"week"` (from Monday), `"month"`, `"quarter"` or `"year"`.
        known_since: Day from which on the log is complete and long enough that a customer who was
            not seen before is new. Customers first seen before it, or in the period that it lies
            within, may be old: they form one
            cohort of their own. By default none.

    Returns:
        One row per cohort and age, from age 0 to that of the oldest cohort: `cohort` (Date, first
        day of the period of the first purchase; null for customers first seen before
        `known_since` or with returns only), `age` (Int64, whole periods since), `cohort_size`,
        `customers` (who bought at that age), `purchases` (Int64, occasions), `revenue` (Float64,
        net of returns), `retention` (customers / cohort_size) and
        `cumulative_revenue_per_customer` (Float64, up to that age, per customer of the cohort).
        The row of the null cohort has an `age` of null and all its customers, purchases and
        revenue. Spread it with `.pivot("age", index="cohort", values="retention")`.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> cohorts = cv.cohort_table(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> cohorts.select("cohort", "age", "cohort_size", "customers").row(1)
        (datetime.date(1997, 1, 1), 1, 781, 124)
    """
    end = check_day("as_of", as_of)
    since = None if known_since is None else check_day("known_since", known_since)
    source = take(transactions)
    cells = (
        by_parts(source, lambda log: _cells(log, end, period, source))
        .group_by("first", "age")
        .agg(pl.all().sum())
        .collect()
    )
    begins = pl.col("cohort")
    believed = begins.is_not_null() if since is None else begins >= since
    cells = cells.with_columns(cohort=period_start(pl.col("first"), period))
    known, others = cells.filter(believed), cells.filter(believed.not_().fill_null(value=True))
    return pl.concat([_rectangle(known, last_complete(end, period)), _together(others)])


def _cells(log: pl.LazyFrame, end: date, period: Period, source: AnyLog) -> pl.LazyFrame:
    """Customers, purchases and money by the period of the first purchase and the age then."""
    customer, number, active = pl.col("customer_id"), pl.col("number"), pl.col("active")
    enters = (customer != customer.shift(1)).fill_null(value=True)
    # The first purchase, from a customer's first row on: that may be of returns only.
    buyer = pl.when(active).then(customer).backward_fill()
    bought = pl.when(active).then(number).backward_fill()
    begins = pl.when(buyer == customer).then(bought).otherwise(_NEVER)
    first = pl.when(enters).then(begins).forward_fill()
    # Returns before it, of purchases before the log begins, count at age 0.
    age = (number - pl.col("first")).clip(lower_bound=0)
    # Of several days with a purchase in a period, the first counts the customer.
    again = (last_active("customer_id") == customer) & (last_active("number") == number)
    return (
        _days(log, end, period, source)
        .select(
            "number",
            "occasions",
            "money",
            counts=active & ~again.fill_null(value=False),
            enters=enters,
            first=first.replace(_NEVER, None),
        )
        .group_by("first", age=age)
        .agg(
            entered=pl.col("enters").sum().cast(pl.Int64),
            customers=pl.col("counts").sum().cast(pl.Int64),
            purchases=pl.col("occasions").sum().cast(pl.Int64),
            revenue=pl.col("money").sum(),
        )
    )


def _days(log: pl.LazyFrame, end: date, period: Period, source: AnyLog) -> pl.LazyFrame:
    """Days of each customer with a row of the log, sorted by both, and the period of each."""
    days = purchase_days(log.filter(pl.col("ordered_at") <= end), source, ordered=True)
    return days.select(
        "customer_id",
        "occasions",
        number=period_number(pl.col("ordered_at"), period),
        active=pl.col("purchase_day").is_not_null(),
        money=pl.col("spend") + pl.col("loose"),
    )


def _rectangle(cells: pl.DataFrame, last: int) -> pl.DataFrame:
    """Every cohort at every age; null where the period had not ended."""
    sizes = cells.group_by("first", "cohort").agg(cohort_size=pl.col("entered").sum())
    oldest = (last - pl.col("first").min().fill_null(last)).clip(lower_bound=0)
    ages = sizes.select(age=pl.int_range(0, oldest + 1, dtype=pl.Int32))
    size, total = pl.col("cohort_size"), pl.col("revenue").cum_sum().over("first", order_by="age")
    over = pl.col("first") + pl.col("age") <= last
    figures = {
        "customers": pl.col("customers"),
        "purchases": pl.col("purchases"),
        "revenue": pl.col("revenue").cast(pl.Float64),
        "retention": pl.col("customers") / size,
        "cumulative_revenue_per_customer": total.cast(pl.Float64) / size,
    }
    return (
        sizes.join(ages, how="cross")
        .join(cells.drop("cohort", "entered"), on=["first", "age"], how="left")
        .with_columns(pl.col("customers", "purchases", "revenue").fill_null(0))
        .sort("first", "age")
        .select(
            "cohort",
            pl.col("age").cast(pl.Int64),
            "cohort_size",
            *(pl.when(over).then(figure).alias(name) for name, figure in figures.items()),
        )
    )


def _together(cells: pl.DataFrame) -> pl.DataFrame:
    """The customers without a cohort in one row, if there are any."""
    total = cells.select(
        cohort=pl.lit(None, pl.Date),
        age=pl.lit(None, pl.Int64),
        cohort_size=pl.col("entered").sum(),
        customers=pl.col("entered").sum(),
        purchases=pl.col("purchases").sum(),
        revenue=pl.col("revenue").sum().cast(pl.Float64),
        retention=pl.lit(None, pl.Float64),
        cumulative_revenue_per_customer=pl.lit(None, pl.Float64),
    )
    return total if cells.height else total.clear()
