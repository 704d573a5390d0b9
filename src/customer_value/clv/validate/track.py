"""Purchases period by period, those expected beside those that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import check_choice, check_instance
from customer_value._frames.periods import Period
from customer_value._frames.time import check_day
from customer_value.clv.base import PurchaseModel, TimedModel
from customer_value.exceptions import OptionError
from customer_value.transactions.log import AnyLog, Log, take
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Day, FloatArray

_STEP = {"day": "d", "week": "w", "month": "mo", "quarter": "q", "year": "y"}
_SHORTEST = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


def track_purchases(
    transactions: Log,
    model: PurchaseModel,
    *,
    as_of: Day,
    period: Period = "week",
    start: Day | None = None,
    calibration_end: Day | None = None,
) -> pl.DataFrame:
    """Tracking plot data: the repeat purchases of each period beside those that a model expects.

    Every customer enters with the first purchase. Up to the close of a day the model expects
    sum_i E[X(day - first_i)] repeat purchases, the sum over the customers entered by then, with no
    regard to what they did since (Fader, Hardie & Lee 2005, "Counting Your Customers the Easy Way",
    Marketing Science 24, 275-284, section 5). A model that fits follows the curve through
    calibration and beyond it; one that leaves it where calibration ends has learnt that period by
    heart, or the business has changed. What a model cannot know, such as the season, shows as waves
    about its curve.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        model: A purchase model of purchases in time; one with covariates is given them by its
            `with_covariates`.
        as_of: Last day that counts.
        period: `"day"`, `"week"` (seven days), `"month"`, `"quarter"` or `"year"`, all counted from
            `start`.
        start: First day of the first period; by default that of the first purchase of all. Both
            curves begin at zero there.
        calibration_end: Last day of the calibration period. Customers whose first purchase is later
            are not followed: the model has not seen their kind. None follows all.

    Returns:
        One row per period: `period` (Date, first day), `last_day` (Date), `complete` (Boolean; the
        last period may be cut short by `as_of`), `holdout` (Boolean, whether it begins after
        `calibration_end`; null without one), `customers` (Int64, entered by its end), `actual`
        (Int64) and `expected` (Float64), the repeat purchases of the period, and
        `cumulative_actual` and `cumulative_expected`, those since `start`. A log without purchases
        has no periods.

    Raises:
        OptionError: The period is not one of these, `start` is after `as_of`, or the model
            counts opportunities or has covariates.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> log = cv.load_cdnow()
        >>> bg = cv.fit_bg_nbd(cv.summarize(log, as_of=date(1997, 9, 30)))
        >>> weeks = cv.clv.track_purchases(log, bg, as_of=date(1998, 6, 30))
        >>> weeks["actual"][19:25].to_list()
        [73, 55, 70, 33, 56, 99]
        >>> weeks["expected"][19:25].round(1).to_list()
        [77.2, 75.2, 73.3, 71.6, 69.9, 68.4]
    """
    end = check_day("as_of", as_of)
    check_choice("period", period, get_args(Period))
    _check_model(model)
    known = end if calibration_end is None else check_day("calibration_end", calibration_end)
    source = take(transactions)
    days = _days(source, end, min(known, end))
    begin = next(iter(days["day"]), end) if start is None else check_day("start", start)
    if begin > end:
        raise OptionError(f"start {begin} must not be after as_of {end}")
    periods = _periods(begin, end, period) if not days.is_empty() else _no_periods()
    counted = _count(days, periods, model)
    holdout = pl.lit(None, pl.Boolean) if calibration_end is None else pl.col("period") > known
    return periods.select("period", "last_day", "complete", holdout=holdout).with_columns(
        counted.get_columns()
    )


def _check_model(model: PurchaseModel) -> None:
    check_instance("model", model, PurchaseModel)
    if not isinstance(model, TimedModel):
        raise OptionError(
            f"track_purchases: a {type(model).__name__} counts opportunities, not days; compare "
            "its new_customer_purchases(n) with what each cohort did"
        )
    if model.covariates:
        raise OptionError(
            f"track_purchases: the model asks for {list(model.covariates)} of each customer; give "
            "it values of these, such as the means, by model.with_covariates({...})"
        )


def _days(source: AnyLog, end: date, entered_by: date) -> pl.DataFrame:
    """Repeat purchases and first purchases of each day with any."""
    day = pl.col("purchase_day")

    def count(log: pl.LazyFrame) -> pl.LazyFrame:
        bought = purchase_days(log.filter(pl.col("ordered_at") <= end), source)
        first = day.min().over("customer_id")
        return (
            bought.filter(day.is_not_null())
            .select("customer_id", "occasions", day=day, first=first)
            .filter(pl.col("first") <= entered_by)
            .group_by("day")
            .agg(
                purchases=pl.col("occasions").sum(),
                entered=(pl.col("day") == pl.col("first")).sum(),
            )
        )

    return (
        by_parts(source, count)
        .group_by("day")
        .agg(pl.col("purchases", "entered").sum().cast(pl.Int64))
        .collect()
        .sort("day")
        .with_columns(repeats=pl.col("purchases") - pl.col("entered"))
    )


def _periods(begin: date, end: date, period: Period) -> pl.DataFrame:
    """Periods counted from a day; a month from the 31st begins with the last of a shorter month."""
    most = (end - begin).days // _SHORTEST[period] + 2
    step = pl.format("{}" + _STEP[period], pl.int_range(most + 1))
    first = pl.select(first=pl.lit(begin).dt.offset_by(step)).to_series()
    return (
        pl.DataFrame({"period": first[:-1], "next": first[1:]})
        .filter(pl.col("period") <= end)
        .select(
            "period",
            last_day=pl.min_horizontal(pl.col("next").dt.offset_by("-1d"), pl.lit(end)),
            complete=pl.col("next") <= pl.lit(end).dt.offset_by("1d"),
        )
    )


def _no_periods() -> pl.DataFrame:
    return pl.DataFrame(schema={"period": pl.Date, "last_day": pl.Date, "complete": pl.Boolean})


def _count(days: pl.DataFrame, periods: pl.DataFrame, model: PurchaseModel) -> pl.DataFrame:
    """What came and what was expected by the end of each period, and in it."""
    day, ends = (to_array(column.to_physical()) for column in (days["day"], periods["last_day"]))
    begin = to_array(periods["period"].head(1).to_physical()) - 1
    closes = np.concatenate([begin, ends])
    reached = np.searchsorted(day, closes, side="right")
    entered, repeats = (
        np.concatenate([[0], np.cumsum(days[name].to_numpy())])[reached]
        for name in ("entered", "repeats")
    )
    expected = _expected(day, to_array(days["entered"]), closes, model)
    return pl.DataFrame(
        {
            "customers": entered[1:],
            "actual": np.diff(repeats),
            "expected": np.diff(expected),
            "cumulative_actual": repeats[1:] - repeats[:1],
            "cumulative_expected": expected[1:] - expected[:1],
        },
    )


def _expected(
    day: FloatArray, entered: FloatArray, closes: FloatArray, model: PurchaseModel
) -> FloatArray:
    """Repeat purchases expected up to the close of each day; each age is asked for once."""
    born, people = day[entered > 0], entered[entered > 0]
    ages = [np.asarray(close - born[born <= close], dtype=np.int64) for close in closes]
    mean = np.full(max((int(age[0]) for age in ages if age.size), default=0) + 1, np.nan)
    mean[0] = 0.0
    for age in ages:
        for days in age[np.isnan(mean[age])]:
            mean[days] = model.new_customer_purchases(float(days))
    return np.array([(people[: age.size] * mean[age]).sum() for age in ages])
