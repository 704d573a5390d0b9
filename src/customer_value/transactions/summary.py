"""One row per customer of a log: the frame that every other module starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.time import check_day
from customer_value.exceptions import OptionError
from customer_value.transactions.in_memory import totals_in_memory
from customer_value.transactions.log import AnyLog, EagerLog, LazyLog, Log, take
from customer_value.transactions.purchases import purchase_days, purchase_days_by_polars
from customer_value.transactions.questions import per_customer

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Day
    from customer_value.transactions.options import TransactionOptions


_IN_WINDOW = " in the window"
_BESIDE = ("cost", "discount", "n_categories")
"""Columns of the customer frame that need a column of the log."""


@overload
def summarize(transactions: EagerLog, *, as_of: Day, start: Day | None = None) -> pl.DataFrame: ...
@overload
def summarize(transactions: LazyLog, *, as_of: Day, start: Day | None = None) -> pl.LazyFrame: ...
def summarize(
    transactions: Log, *, as_of: Day, start: Day | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Make one row per customer of a log, as it stood at the close of a day.

    Rows dated after `as_of` never count (but must be usable like all others). A purchase occasion
    is a customer's business day with at least one sale (or each order, by `options.occasion`).
    Returns reduce revenue; they are not occasions and set no date. With an order column an order
    refunded in full is not an occasion either, and a return reduces the spend of its own order; a
    return that finds no order is spread over the customer's occasions in proportion to their spend.

    Money is summed as decimals and is therefore exact: row order and threads change no bit.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Day of the snapshot, at its close.
        start: First day of a window, by default none. `purchases`, `orders`, `revenue`,
            `revenue_per_year`, `mean_purchase`, `returned`, `cost`, `discount` and `n_categories`
            are then those from `start` to `as_of`, zeros for a customer without a row in it; dates,
            ages and what a model reads (`repeat_purchases`, `t_x`, `T`, `repeat_spend`) stay those
            of the whole history.

    Returns:
        The customer frame: `customer_id` (type kept), `as_of`, `first_purchase`,
        `last_purchase` (Date), `purchases`, `orders` (distinct orders that were not refunded in
        full; without an order column, sale rows), `recency_days` (Int64), `revenue`,
        `revenue_per_year` (revenue times 365.25 over the days of the window; without a window over
        the customer's age in days, or over a year for customers younger than that),
        `mean_purchase` (Float64, net of returns), `repeat_purchases` (Int64, the x of Fader &
        Hardie), `t_x` and `T` (Float64, age in days at the last purchase and at `as_of`),
        `repeat_spend` (Float64, mean spend of the occasions after the first, null without any),
        `returned` (Float64, at least 0); `cost` and `discount` (null where a row's is unknown)
        and `n_categories` where the log has the column; and the requested extras. Customers
        with returns only have no purchases and nulls where a purchase is needed. Sorted by
        `customer_id`; a LazyFrame gives an unordered LazyFrame.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used and `options.on_invalid` is `"raise"`, or currencies are
            mixed. The error carries the report.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> customers.height, customers["repeat_purchases"].sum()
        (2357, 2457)
    """
    day = check_day("as_of", as_of)
    begin = None if start is None else check_day("start", start)
    if begin is not None and begin > day:
        raise OptionError(f"start {begin} must not be after as_of {day}")
    source = take(transactions)
    return per_customer(source, lambda log: _customer_frame(log, day, source, begin))


@overload
def split_holdout(
    transactions: EagerLog,
    *,
    calibration_end: Day,
    holdout_end: Day,
) -> pl.DataFrame: ...
@overload
def split_holdout(
    transactions: LazyLog,
    *,
    calibration_end: Day,
    holdout_end: Day,
) -> pl.LazyFrame: ...
def split_holdout(
    transactions: Log,
    *,
    calibration_end: Day,
    holdout_end: Day,
) -> pl.DataFrame | pl.LazyFrame:
    """Summarize a log at an earlier day and add what the same customers did afterwards.

    Both halves take the same path as `summarize`, so fit and holdout count alike. Customers whose
    first row is after `calibration_end` are not in the result.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        calibration_end: Day of the snapshot; nothing later reaches its columns.
        holdout_end: Last day of the holdout period.

    Returns:
        The customer frame of `summarize` at `calibration_end`, with `holdout_purchases` (Int64,
        occasions after it), `holdout_revenue` (Float64, all amounts dated after it, returns
        included) and `holdout_days` (Float64).

    Raises:
        OptionError: `holdout_end` is not after `calibration_end`.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> split = cv.split_holdout(
        ...     cv.load_cdnow(),
        ...     calibration_end=date(1997, 9, 30),
        ...     holdout_end=date(1998, 6, 30),
        ... )
        >>> split["holdout_purchases"].sum()
        1882
    """
    start = check_day("calibration_end", calibration_end)
    end = check_day("holdout_end", holdout_end)
    if end <= start:
        raise OptionError(f"holdout_end {end} must be after calibration_end {start}")
    source = take(transactions)

    def split(log: pl.LazyFrame) -> pl.LazyFrame:
        log = _read_once(log.filter(pl.col("ordered_at") <= end), source)
        customers = _customer_frame(log, start, source)
        return customers.join(
            _holdout(log, start, source), on="customer_id", how="left"
        ).with_columns(
            pl.col("holdout_purchases", "holdout_revenue").fill_null(0),
            holdout_days=pl.lit(float((end - start).days)),
        )

    return per_customer(source, split)


def _customer_frame(
    log: pl.LazyFrame, as_of: date, source: AnyLog, start: date | None = None
) -> pl.LazyFrame:
    log = log.filter(pl.col("ordered_at") <= as_of)
    if start is not None or source.options.extras:
        log = _read_once(log, source)
    if start is None:
        totals = _beside(_totals(log, source), log, source.options)
        years = pl.max_horizontal(
            (pl.lit(as_of) - pl.col("first_purchase")).dt.total_days(), 365.25
        )
    else:
        window = log.filter(pl.col("ordered_at") >= start)
        recent = _beside(_totals(window, source), window, source.options)
        totals = _totals(log, source).join(
            recent.select(pl.exclude("first_purchase", "last_purchase")),
            on="customer_id",
            how="left",
            suffix=_IN_WINDOW,
        )
        totals = _none_in_window(totals)
        years = pl.lit((as_of - start).days + 1)
    if source.options.extras:
        gaps = _gaps(purchase_days(log, source, ordered=True), as_of, source.options)
        totals = totals.join(gaps, on="customer_id", how="left")
    return _finish(totals, as_of, years / 365.25)


def _read_once(log: pl.LazyFrame, source: AnyLog) -> pl.LazyFrame:
    """The log, kept while several sums are made of it; polars alone would read it for each."""
    return log if source.in_memory else log.cache()


def _none_in_window(totals: pl.LazyFrame) -> pl.LazyFrame:
    """Customers without a row in the window have zeros; unknown costs stay unknown."""
    absent = pl.col(f"revenue{_IN_WINDOW}").is_null()
    names = totals.collect_schema().names()
    zero = [name for name in names if name.endswith(_IN_WINDOW) or name in _BESIDE]
    return totals.with_columns(
        pl.when(absent).then(0).otherwise(pl.col(name)).alias(name) for name in zero
    )


def _beside(totals: pl.LazyFrame, log: pl.LazyFrame, options: TransactionOptions) -> pl.LazyFrame:
    """Add what the log's optional columns hold of each customer."""
    columns = log.collect_schema().names()
    sold = pl.col("kind") == "sale"
    added = dict[str, pl.Expr]()
    if "cost" in columns:
        known = pl.col("cost").is_not_null().all()
        added["cost"] = pl.when(known).then(_exact("cost", options).sum().cast(pl.Float64))
    if "discount" in columns:
        given = pl.when(sold).then(_exact("discount", options))
        added["discount"] = given.sum().cast(pl.Float64)
    if "category" in columns:
        categories = pl.when(sold).then("category").drop_nulls()
        added["n_categories"] = categories.n_unique().cast(pl.Int64)
    if not added:
        return totals
    return totals.join(log.group_by("customer_id").agg(**added), on="customer_id", how="left")


def _totals(log: pl.LazyFrame, source: AnyLog) -> pl.LazyFrame:
    """Purchases and money of each customer; `first_occasions` are those of the first day."""
    added = totals_in_memory(log, source.options) if source.in_memory else None
    spend, loose, first = (pl.col(name) for name in ("spend", "loose", "first_spend"))
    totals = _totals_by_polars(log, source.options) if added is None else added.lazy()
    return totals.with_columns(
        # Added as decimals: beside a large amount a float sum loses digits of a small one.
        spend.cast(pl.Float64),
        first.cast(pl.Float64),
        pl.col("returned").cast(pl.Float64),
        revenue=(spend + loose).cast(pl.Float64),
        later_spend=(spend - first).cast(pl.Float64),
    )


def _totals_by_polars(log: pl.LazyFrame, options: TransactionOptions) -> pl.LazyFrame:
    day, occasions = pl.col("purchase_day"), pl.col("occasions")
    by_order = options.occasion == "order"
    return (
        purchase_days_by_polars(log, options)
        .group_by("customer_id")
        .agg(
            pl.col("orders", "spend", "loose", "returned").sum(),
            first_purchase=day.min(),
            last_purchase=day.max(),
            purchases=occasions.sum(),
            first_spend=pl.col("spend").min_by("purchase_day"),
            first_occasions=occasions.min_by("purchase_day") if by_order else pl.lit(1),
        )
    )


def _gaps(days: pl.LazyFrame, as_of: date, options: TransactionOptions) -> pl.LazyFrame:
    """Statistics of the days between purchase days; sums of decimals, so exact."""
    ordered = days.filter(pl.col("purchase_day").is_not_null())
    same = pl.col("customer_id") == pl.col("customer_id").shift(1)
    gap = (pl.col("purchase_day") - pl.col("purchase_day").shift(1)).dt.total_days()
    n, total, squares = pl.col("n"), pl.col("total"), pl.col("squares")
    variance = (n * squares - total * total) / (n * (n - 1))
    statistics = {
        "gap_mean_days": pl.when(n > 0).then(total / n),
        "gap_std_days": pl.when(n > 1).then(variance.clip(0).sqrt()),
        "log_gap_sum": pl.col("logs").cast(pl.Float64),
        "clumpiness": _clumpiness(),
    }
    # Days of the window count from 1; its first purchase ends a gap that begins on day 0.
    start = pl.lit(options.clumpiness_from, pl.Date)
    place = (pl.col("purchase_day") - start).dt.total_days() + 1
    inside, before = pl.col("place") >= 1, pl.when(same).then(pl.col("place").shift(1)).clip(0)
    entered = pl.when(inside).then(pl.col("place") - before.fill_null(0))
    return (
        ordered.with_columns(gap=pl.when(same).then(gap), place=place)
        .with_columns(entered=entered, length=(pl.lit(as_of) - start).dt.total_days() + 2)
        .group_by("customer_id")
        .agg(
            n=pl.col("gap").count().cast(pl.Int64),
            total=pl.col("gap").sum(),
            squares=(pl.col("gap") ** 2).sum(),
            logs=_exact_log(pl.col("gap")).sum(),
            inside=pl.col("entered").count().cast(pl.Int64),
            entropy=(_exact_log(pl.col("entered")) * pl.col("entered")).sum(),
            left=(pl.col("length") - pl.col("place")).min(),
            length=pl.col("length").first(),
        )
        .select("customer_id", **{name: statistics[name] for name in options.extras})
    )


def _exact_log(days: pl.Expr) -> pl.Expr:
    return days.cast(pl.Float64).log().cast(pl.Decimal(38, 12))


def _clumpiness() -> pl.Expr:
    """1 + sum(x ln x) / ln(n + 1) of the gaps x as shares of the window's length."""
    inside, left, length = (pl.col(name).cast(pl.Float64) for name in ("inside", "left", "length"))
    entropy = (pl.col("entropy").cast(pl.Float64) + left * left.log()) / length - length.log()
    return pl.when(inside > 0).then((1 + entropy / (inside + 1).log()).clip(0, 1))


def _holdout(log: pl.LazyFrame, start: date, source: AnyLog) -> pl.LazyFrame:
    """Occasions by the day of their sale, money by the day it moved."""
    purchases = (
        purchase_days(log, source)
        .filter(pl.col("purchase_day") > start)
        .group_by("customer_id")
        .agg(holdout_purchases=pl.col("occasions").sum())
    )
    revenue = (
        log.filter(pl.col("ordered_at") > start)
        .group_by("customer_id")
        .agg(holdout_revenue=_exact("amount", source.options).sum().cast(pl.Float64))
    )
    return revenue.join(purchases, on="customer_id", how="left")


def _exact(name: str, options: TransactionOptions) -> pl.Expr:
    return pl.col(name).cast(pl.Decimal(38, options.money_scale))


def _finish(totals: pl.LazyFrame, as_of: date, years: pl.Expr) -> pl.LazyFrame:
    """Sums to the columns of the customer frame, in their order."""
    day = pl.lit(as_of)
    purchases, first, last = pl.col("purchases"), pl.col("first_purchase"), pl.col("last_purchase")
    revenue, spend, repeats = pl.col("revenue"), pl.col("spend"), purchases - 1
    # Orders of one day have no order among themselves: the first one's spend is their mean.
    others = pl.col("first_spend") * (1 - 1 / pl.col("first_occasions"))
    repeat_spend = pl.col("later_spend") + others
    # Of the window, where there is one.
    names = totals.collect_schema().names()
    windowed = {
        name: pl.col(f"{name}{_IN_WINDOW}" if f"{name}{_IN_WINDOW}" in names else name)
        for name in ("purchases", "orders", "revenue", "returned")
    }
    bought, earned = windowed["purchases"], windowed["revenue"]
    # Loose returns take the same share of every occasion's spend.
    kept = pl.when(spend > 0).then(revenue / spend).otherwise(1.0)
    return totals.select(
        "customer_id",
        day.alias("as_of"),
        "first_purchase",
        "last_purchase",
        bought.alias("purchases"),
        windowed["orders"].alias("orders"),
        (day - last).dt.total_days().alias("recency_days"),
        earned.alias("revenue"),
        (earned / years).alias("revenue_per_year"),
        pl.when(bought > 0).then(earned / bought).alias("mean_purchase"),
        pl.when(purchases > 0).then(repeats).alias("repeat_purchases"),
        (last - first).dt.total_days().cast(pl.Float64).alias("t_x"),
        (day - first).dt.total_days().cast(pl.Float64).alias("T"),
        pl.when(repeats > 0).then(repeat_spend / repeats * kept).alias("repeat_spend"),
        windowed["returned"].alias("returned"),
        *[
            name
            for name in names
            if name in _BESIDE or name.startswith(("gap_", "log_gap_", "clumpiness"))
        ],
    )
