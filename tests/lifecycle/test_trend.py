from __future__ import annotations

from datetime import date
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import stages as oracle
from strategies import LAST_DAY, Log, days, logs, small

END = date(2024, 12, 31)


@given(
    log=logs(max_size=40),
    as_of=st.just(LAST_DAY) | days,
    window=st.integers(1, 20),
    value=st.sampled_from(["revenue", "purchases"]),
)
@settings(max_examples=80, deadline=None)
def test_trends_against_the_oracle(
    log: Log, as_of: date, window: int, value: Literal["revenue", "purchases"]
) -> None:
    found = cv.lifecycle.purchase_trend(log.frame, as_of=as_of, window=f"{window}d", value=value)
    expected = oracle.trend(log.rows, as_of, window, value)
    assert found["customer_id"].to_list() == sorted(expected)
    for customer, trend in found.rows():
        change = expected[customer]
        if change is None:
            assert trend is None
        else:
            assert trend == pytest.approx(float(change), rel=1e-12, abs=1e-12)


def trend_of(ordered_at: list[date], amount: list[float], **words: Any) -> float | None:
    log = small(ordered_at=ordered_at, amount=amount)
    value: float | None = cv.lifecycle.purchase_trend(log, as_of=END, **words)["trend"].item()
    return value


def test_half_as_much_as_in_the_window_before() -> None:
    months = [date(2024, month, 15) for month in range(5, 13)]
    halved = [10.0] * 5 + [10.0, 3.0, 2.0]
    # Windows from 3 July and 2 October: 30 before; 15 and, of October, 10 of it.
    assert trend_of(months, halved, window="91d") == -0.5
    assert trend_of(months, halved, window="91d", value="purchases") == 0.0


def test_a_window_that_is_too_short_says_nothing() -> None:
    months = [date(2024, month, 15) for month in range(1, 13)]
    assert trend_of(months, [10.0] * 12, window="90d") == 0.0
    assert trend_of(months, [10.0] * 12, window="60d") is None  # two gaps of 30.5 days


@pytest.mark.parametrize(("first", "trend"), [(20, 0.0), (21, None)])
def test_the_earlier_window_must_be_seen_whole(first: int, trend: float | None) -> None:
    """Two windows of six days: from the 20th, and from the 26th."""
    purchases = [date(2024, 12, day) for day in (first, 22, 24, 26, 28, 31)]
    assert trend_of(purchases, [5.0] * 6, window="6d", value="purchases") == trend


def test_nothing_before_says_nothing() -> None:
    assert trend_of([date(2024, 1, 1), *[END] * 3], [10.0] * 4, window="180d") is None
    assert trend_of([END], [10.0]) is None
    returned = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 8, 1)]
    assert trend_of(returned, [10.0, -10.0, 5.0], window="183d") is None


def test_seasonal_buyers_are_compared_with_the_same_season() -> None:
    """Each December 100, and this December 40: against the autumn nothing can be said."""
    decembers = [date(year, 12, 10) for year in (2022, 2023, 2024)]
    amounts = [100.0, 100.0, 40.0]
    assert trend_of(decembers, amounts) is None
    assert trend_of(decembers, amounts, seasonal=True) == pytest.approx(-0.6)
    # A second year is needed: from the very day two years ago on.
    young = [date(2023, 1, 1), date(2023, 12, 10), date(2024, 12, 10)]
    assert trend_of(young, amounts, seasonal=True) is None
    old_enough = [date(2022, 12, 31), date(2023, 12, 10), date(2024, 12, 10)]
    assert trend_of(old_enough, amounts, seasonal=True) == pytest.approx(-0.6)


def test_a_christmas_shop_does_not_decline_in_spring() -> None:
    """250 each autumn and 20 each March: spring is far below the autumn, and as it always was."""
    season = {(3, 10): 20.0, (11, 10): 50.0, (12, 10): 100.0, (12, 20): 100.0}
    purchases = {
        date(year, *day): spent
        for year in (2021, 2022, 2023, 2024)
        for day, spent in season.items()
    }
    log = small(ordered_at=list(purchases), amount=list(purchases.values()))
    end = date(2024, 6, 30)
    customers = cv.summarize(log, as_of=end)
    for seasonal, change, stage in ((False, -0.92, "declining"), (True, 0.0, "stable")):
        trend = cv.lifecycle.purchase_trend(log, as_of=end, window="183d", seasonal=seasonal)
        assert trend["trend"].item() == pytest.approx(change)
        staged = cv.assign_stages(customers.join(trend, on="customer_id"))
        assert staged["stage"].to_list() == [stage]


def test_lazy_later_events_and_keys() -> None:
    log = cv.load_cdnow()
    early = cv.lifecycle.purchase_trend(log, as_of=date(1998, 3, 31), window="180d")
    cut = log.filter(pl.col("ordered_at") <= date(1998, 3, 31))
    assert_frame_equal(
        cv.lifecycle.purchase_trend(cut, as_of=date(1998, 3, 31), window="180d"), early
    )
    lazy = cv.lifecycle.purchase_trend(log.lazy(), as_of=date(1998, 3, 31), window="180d")
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect().sort("customer_id"), early)
    assert early.schema == {"customer_id": log.schema["customer_id"], "trend": pl.Float64}


def test_bad_windows() -> None:
    log = small(amount=[1.0])
    with pytest.raises(cv.CustomerValueError, match="not a duration"):
        cv.lifecycle.purchase_trend(log, as_of=END, window="soon")
    with pytest.raises(cv.CustomerValueError, match="at least a day"):
        cv.lifecycle.purchase_trend(log, as_of=END, window="5h")
    with pytest.raises(cv.CustomerValueError, match="a day to a year"):
        cv.lifecycle.purchase_trend(log, as_of=END, window="366d", seasonal=True)
    assert cv.lifecycle.purchase_trend(log.clear(), as_of=END).is_empty()
