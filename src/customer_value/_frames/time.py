"""The only place where dates, durations and yearly rates become plain floats."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import Day, TimeUnit

DAYS_PER_UNIT: dict[TimeUnit, float] = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}

_DAYS_PER_SYMBOL = {"y": 365.25, "q": 91.3125, "mo": 30.4375, "w": 7.0, "d": 1.0, "h": 1 / 24}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:mo|[yqwdh]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(mo|[yqwdh])")


def duration_days(duration: str | timedelta | int) -> float:
    """Length in days of a duration such as `"39w"`, `"12mo"`, `"1y6mo"` or a `timedelta`.

    A month is 30.4375 days and a year 365.25, so that twelve months are one year.

    Raises:
        OptionError: The text is not a duration, a number has no unit, or the duration is not
            above zero.
    """
    if isinstance(duration, timedelta):
        days = duration.total_seconds() / 86_400
    elif _DURATION.fullmatch(str(duration)):
        days = math.fsum(
            float(n) * _DAYS_PER_SYMBOL[unit] for n, unit in _PART.findall(str(duration))
        )
    else:
        raise OptionError(
            f"{duration!r} is not a duration: write e.g. '39w', '12mo', '365d' or '1y6mo' "
            "(y, q, mo, w, d, h)"
        )
    if not 0 < days < math.inf:
        raise OptionError(f"a duration must be above zero, got {duration!r}")
    return days


def check_duration(duration: str) -> str:
    """The duration itself, if it is one."""
    duration_days(duration)
    return duration


def daily_rate(annual_rate: float) -> float:
    """Continuous discount rate per day, `ln(1 + i) / 365.25`, of the annual effective rate i."""
    return math.log1p(annual_rate) / DAYS_PER_UNIT["year"]


def check_day(name: str, day: Day) -> date:
    """The day that a date, its ISO text, or a time at midnight names.

    Raises:
        OptionError: It has a time of day, or is something else; snapshots are taken at the close
            of a business day.
    """
    if isinstance(day, str):
        try:
            return date.fromisoformat(day)
        except ValueError as error:
            raise OptionError(f"{name} must be a day such as '2026-10-31', got {day!r}") from error
    # pandas' NaT is a datetime that equals nothing, itself included, and has no date.
    if isinstance(day, datetime) and day == day and _is_midnight(day):  # noqa: PLR0124
        return day.date()
    if isinstance(day, datetime) or not isinstance(day, date):
        hint = " (take its .date())" if hasattr(day, "date") else ""
        raise OptionError(f"{name} must be a date or its ISO text, got {day!r}{hint}")
    return day


def _is_midnight(moment: datetime) -> bool:
    return moment == datetime.combine(moment.date(), time(tzinfo=moment.tzinfo))
