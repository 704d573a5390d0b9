from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_value._frames.time import DAYS_PER_UNIT, check_day, daily_rate, duration_days
from customer_value.exceptions import CustomerValueError, OptionError


@pytest.mark.parametrize(
    ("duration", "days"),
    [
        ("1d", 1.0),
        ("39w", 273.0),
        ("12mo", 365.25),
        ("1y", 365.25),
        ("1q", 91.3125),
        ("4q", 365.25),
        ("1mo", 30.4375),
        ("12h", 0.5),
        ("0.5w", 3.5),
        ("1y6mo", 547.875),
        ("1w2d12h", 9.5),
        (timedelta(days=3, hours=12), 3.5),
        (timedelta(microseconds=1), 1e-6 / 86_400),
    ],
)
def test_durations_in_days(duration: str | timedelta, days: float) -> None:
    assert duration_days(duration) == pytest.approx(days, rel=1e-15)


def test_the_units_agree_with_the_durations() -> None:
    symbols: dict[Any, str] = {"day": "d", "week": "w", "month": "mo", "year": "y"}
    assert {unit: duration_days(f"1{symbols[unit]}") for unit in DAYS_PER_UNIT} == DAYS_PER_UNIT


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from("yqwdh")), min_size=1, max_size=5))
def test_parts_add_up_in_any_order(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{n}{unit}" for n, unit in parts)
    backwards = "".join(f"{n}{unit}" for n, unit in reversed(parts))
    assert duration_days(text) == duration_days(backwards)
    total = sum(duration_days(f"{n}{unit}") for n, unit in parts)
    assert duration_days(text) == pytest.approx(total)


@pytest.mark.parametrize(
    "duration",
    ["", "39", "w", "39 w", "39W", "1m", "1min", "-3d", "1d ", "1.d", ".5d", "1e3d", 39, 1.5, None],
)
def test_what_is_no_duration(duration: Any) -> None:
    with pytest.raises(CustomerValueError, match=r"is not a duration: write e\.g\. '39w'"):
        duration_days(duration)


@pytest.mark.parametrize("duration", ["0d", "0w0h", timedelta(0), timedelta(days=-1)])
def test_a_duration_is_above_zero(duration: str | timedelta) -> None:
    with pytest.raises(CustomerValueError, match="must be above zero"):
        duration_days(duration)


def test_a_duration_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(CustomerValueError):
        duration_days("9" * 400 + "d")


@pytest.mark.parametrize("rate", [-0.5, 0.0, 0.1, 0.15, 3.0])
def test_a_year_of_the_daily_rate_is_the_annual_rate(rate: float) -> None:
    assert math.expm1(daily_rate(rate) * 365.25) == pytest.approx(rate, rel=1e-14)


def test_the_rate_per_week_and_month_is_the_published_one() -> None:
    assert daily_rate(0.15) * 7 == pytest.approx(0.0026877, abs=2e-5)
    assert math.expm1(daily_rate(0.15) * DAYS_PER_UNIT["month"]) == pytest.approx(
        0.011715, abs=5e-7
    )


@given(st.dates())
def test_a_day_is_itself(day: date) -> None:
    assert check_day("as_of", day) is day


@pytest.mark.parametrize(
    "day",
    [
        "2024-01-01",
        datetime(2024, 1, 1),  # noqa: DTZ001
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
        pd.Timestamp("2024-01-01"),
        pd.Timestamp("2024-01-01", tz="America/New_York"),
    ],
)
def test_text_and_midnight_name_a_day(day: Any) -> None:
    found = check_day("as_of", day)
    assert type(found) is date
    assert found == date(2024, 1, 1)


@pytest.mark.parametrize(
    "day",
    [
        datetime(2024, 1, 1, 12),  # noqa: DTZ001
        datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        pd.Timestamp("2024-01-01 00:00:00.000000001"),
        pd.Timestamp("2024-01-01 08:00", tz="Asia/Shanghai"),
        pd.NaT,
        0,
        None,
    ],
)
def test_what_is_not_a_day(day: Any) -> None:
    with pytest.raises(OptionError, match="snapshot must be a date or its ISO text, got"):
        check_day("snapshot", day)


@pytest.mark.parametrize("text", ["", "1 May", "2024-13-01", "2024-01-01 08:00", "31.10.2026"])
def test_text_that_is_not_a_day(text: str) -> None:
    with pytest.raises(OptionError, match="snapshot must be a day such as '2026-10-31', got"):
        check_day("snapshot", text)
