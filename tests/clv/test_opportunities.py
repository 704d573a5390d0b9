from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_series_equal

import customer_value as cv
import strategies
from customer_value._typing import TimeUnit

PERIODS: list[TimeUnit] = ["day", "week", "month", "year"]


def number(day: date, period: TimeUnit) -> int:
    """Count calendar periods."""
    if period == "day":
        return day.toordinal()
    if period == "week":
        return (day.toordinal() - date(2024, 1, 1).toordinal()) // 7  # a Monday
    return day.year * 12 + day.month - 1 if period == "month" else day.year


@pytest.mark.parametrize("period", PERIODS)
@settings(max_examples=25, deadline=None)
@given(log=strategies.logs(refunds=False))
def test_opportunities_equal_the_naive_count(log: strategies.Log, period: TimeUnit) -> None:
    log = log.where(order_id=False, kind=False, cost=False, discount=False, category=False)
    end = strategies.FIRST_DAY + timedelta(days=25)
    got = cv.clv.summarize_opportunities(log.frame, as_of=end, period=period)
    bought: dict[str, set[date]] = {}
    for row in log.rows:
        if row["ordered_at"] <= end:
            days = bought.setdefault(row["customer_id"], set())
            if row["amount"] >= 0:
                days.add(row["ordered_at"])
    last = number(end + timedelta(days=1), period) - 1
    expected: list[tuple[str, int | None, int | None, int | None]] = []
    for customer, days in sorted(bought.items()):
        numbers = sorted({number(day, period) for day in days})
        if not numbers:
            expected.append((customer, None, None, None))
            continue
        counted = [n for n in numbers[1:] if n <= last]
        reached = max(counted, default=numbers[0]) - numbers[0]
        expected.append((customer, len(counted), reached, max(last - numbers[0], 0)))
    columns = ("customer_id", "repeat_purchases", "last_opportunity", "opportunities")
    assert got.select(columns).rows() == expected
    assert set(got.select(columns[1:]).dtypes) <= {pl.Int64}
    later = {name: [row[name] for row in log.rows] for name in log.columns}
    appended = pl.concat(
        [
            log.frame,
            pl.DataFrame(later, schema=log.frame.schema).with_columns(
                pl.col("ordered_at") + timedelta(days=400)
            ),
        ]
    )
    assert cv.clv.summarize_opportunities(appended, as_of=end, period=period).equals(got)


@settings(max_examples=40, deadline=None)
@given(log=strategies.logs())
def test_spend_by_day_is_that_of_the_summary(log: strategies.Log) -> None:
    end = strategies.FIRST_DAY + timedelta(days=25)
    by_day = cv.clv.summarize_opportunities(log.frame, as_of=end, period="day")
    expected = cv.summarize(log.frame, as_of=end)
    assert_series_equal(by_day["repeat_spend"], expected["repeat_spend"], rel_tol=1e-14)


def test_spend_by_month_is_a_mean_of_months() -> None:
    """March is not over, January not repeated, and the loose return takes a fifth of all."""
    log = pl.DataFrame(
        {
            "customer_id": 1,
            "ordered_at": [
                *(date(2024, 1, 5), date(2024, 1, 9), date(2024, 2, 1), date(2024, 2, 20)),
                *(date(2024, 2, 21), date(2024, 3, 2)),
            ],
            "amount": [10.0, 20.0, 30.0, 30.0, -20.0, 10.0],
        }
    )
    months = cv.clv.summarize_opportunities(log, as_of=date(2024, 3, 30), period="month")
    assert months.select("repeat_purchases", "repeat_spend").row(0) == (1, 60.0 * 0.8)


def test_a_period_that_is_not_over_does_not_count() -> None:
    log = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "ordered_at": [date(2021, 7, 1), date(2023, 5, 1), date(2023, 2, 1)],
            "amount": [1.0, 1.0, 1.0],
        }
    )
    columns = ("repeat_purchases", "last_opportunity", "opportunities")
    before = cv.clv.summarize_opportunities(log, as_of=date(2023, 12, 30), period="year")
    assert before.select(columns).rows() == [(0, 0, 1), (0, 0, 0)]
    over = cv.clv.summarize_opportunities(log, as_of=date(2023, 12, 31), period="year")
    assert over.select(columns).rows() == [(1, 2, 2), (0, 0, 0)]


def test_a_lazy_log_stays_lazy_and_other_names_are_read() -> None:
    log = cv.load_cdnow()
    eager = cv.clv.summarize_opportunities(log, as_of=date(1998, 6, 30), period="month")
    lazy = cv.clv.summarize_opportunities(log.lazy(), as_of=date(1998, 6, 30), period="month")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().sort("customer_id").equals(eager)
    assert eager.height == 2357
    renamed = log.rename({"customer_id": "who", "ordered_at": "when", "amount": "total"})
    columns = cv.Columns(customer="who", time="when", amount="total")
    again = cv.clv.summarize_opportunities(
        cv.read_transactions(renamed, columns=columns), as_of=date(1998, 6, 30), period="month"
    )
    assert again.equals(eager)
    model = cv.fit_bg_bb(eager, time_unit="month")
    assert model.fit is not None
    assert model.fit.status == "converged"


def test_bad_input_is_refused() -> None:
    log = cv.load_cdnow()
    with pytest.raises(cv.CustomerValueError, match="'day', 'week', 'month', 'year'; got 'decade'"):
        cv.clv.summarize_opportunities(
            log,
            as_of=date(1998, 1, 1),
            period="decade",  # type: ignore[call-overload]
        )
    with pytest.raises(cv.SchemaError, match="missing column"):
        cv.clv.summarize_opportunities(log.drop("amount"), as_of=date(1998, 1, 1), period="year")
