from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_value._frames.periods import (
    Period,
    every_period,
    last_complete,
    period_number,
    period_of,
    period_start,
)
from oracles import lifecycle as oracle

periods = st.sampled_from(["day", "week", "month", "quarter", "year"])


@given(days=st.lists(st.dates(date(1900, 1, 1), date(2200, 12, 31)), min_size=1), period=periods)
def test_numbers_and_first_days_against_the_calendar(days: list[date], period: Period) -> None:
    frame = pl.DataFrame({"day": days}).select("day", number=period_number(pl.col("day"), period))
    starts = frame.select(period_start(pl.col("number"), period)).to_series().to_list()
    assert frame.schema["number"] == pl.Int32
    assert starts == [oracle.first_day(oracle.period_of(day, period), period) for day in days]
    numbers = frame["number"].to_list()
    steps = [oracle.period_of(day, period) - oracle.period_of(days[0], period) for day in days]
    assert [number - numbers[0] for number in numbers] == steps


@given(day=st.dates(date(1900, 1, 1), date(2200, 12, 31)), period=periods)
def test_last_complete_period(day: date, period: Period) -> None:
    over = oracle.is_over(oracle.period_of(day, period), period, day)
    assert last_complete(day, period) == period_of(day, period) - (not over)


@pytest.mark.parametrize(("day", "over"), [(28, False), (29, True)])
def test_a_month_is_over_at_the_close_of_its_last_day(day: int, over: bool) -> None:
    as_of = date(2024, 2, day)
    assert (last_complete(as_of, "month") == period_of(as_of, "month")) is over


def test_periods_without_a_row_get_zeros() -> None:
    number = period_of(date(2024, 1, 1), "month")
    counts = pl.DataFrame({"number": [number], "new": [3]}).cast({"number": pl.Int32})
    table = every_period(counts, date(2024, 3, 1), "month")
    assert table["new"].to_list() == [3, 0, 0]
    assert every_period(counts.clear(), date(2024, 3, 1), "month").height == 0
