from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value._frames.periods import Period
from customer_value.transactions import questions
from oracles import lifecycle as oracle
from strategies import FIRST_DAY, LAST_DAY, Log, days, logs, small

PERIODS: list[Period] = ["day", "week", "month", "quarter", "year"]
COUNTS = ["opening", "new", "reactivated", "lapsed", "closing", "retained"]
periods = st.sampled_from(PERIODS)


@given(log=logs(), as_of=days, period=periods)
@settings(max_examples=60, deadline=None)
def test_each_period_against_the_oracle(log: Log, as_of: date, period: Period) -> None:
    got = cv.growth_accounting(log.frame, as_of=as_of, period=period)
    want = oracle.growth(log.rows, as_of, period)
    assert got.height == len(want)
    for row, expected in zip(got.iter_rows(named=True), want, strict=True):
        assert (row["period"], row["complete"]) == (
            expected.pop("period"),
            expected.pop("complete"),
        )
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-9), name


@given(log=logs(), as_of=days, period=periods)
@settings(max_examples=40, deadline=None)
def test_nothing_is_left_over(log: Log, as_of: date, period: Period) -> None:
    g = cv.growth_accounting(log.frame, as_of=as_of, period=period)
    come = g["opening"] + g["new"] + g["reactivated"] - g["lapsed"]
    assert come.equals(g["closing"])
    assert (g["new"] + g["reactivated"] + g["retained"]).equals(g["closing"])
    won = g["opening_revenue"] + g["new_revenue"] + g["reactivated_revenue"] + g["expansion"]
    closing = won - g["contraction"] - g["lapsed_revenue"]
    size = max([1.0, *g["closing_revenue"].abs(), *g["opening_revenue"].abs()])
    assert closing.to_list() == pytest.approx(g["closing_revenue"].to_list(), abs=1e-12 * size)
    customers = cv.summarize(log.frame, as_of=as_of)
    assert g["new"].sum() == customers.filter(pl.col("purchases") > 0).height
    total = math.fsum([*g["closing_revenue"], *g["inactive_revenue"]])
    assert total == pytest.approx(customers["revenue"].sum(), rel=1e-12, abs=1e-6)


@given(log=logs(), period=periods, later=logs(min_size=0))
@settings(max_examples=30, deadline=None)
def test_later_events_and_row_order_change_nothing(log: Log, period: Period, later: Log) -> None:
    ahead = timedelta(days=(LAST_DAY - FIRST_DAY).days + 1)
    rows = later.frame.with_columns(pl.col("ordered_at") + ahead)
    names = log.frame.columns
    more = pl.concat([log.frame, rows], how="diagonal").select(names).reverse()
    if "kind" in names or "order_id" in names:  # the later rows may lack what these need
        more = log.frame.reverse()
    then = cv.growth_accounting(log.frame, as_of=LAST_DAY, period=period)
    assert_frame_equal(cv.growth_accounting(more, as_of=LAST_DAY, period=period), then, rel_tol=0)


def test_a_customer_comes_stays_leaves_and_comes_back() -> None:
    months = [date(2024, month, 15) for month in (1, 2, 4)]
    log = small(ordered_at=months, amount=[10.0, 30.0, 5.0])
    growth = cv.growth_accounting(log, as_of=date(2024, 5, 10), period="month")
    kinds = [
        next(k for k in ("new", "retained", "lapsed", "reactivated") if row[k])
        for row in growth.iter_rows(named=True)
    ]
    assert kinds == ["new", "retained", "lapsed", "reactivated", "lapsed"]
    assert growth["complete"].to_list() == [True] * 4 + [False]
    assert growth["expansion"].to_list() == [0, 20, 0, 0, 0]
    assert growth["lapsed_revenue"].to_list() == [0, 0, 30, 0, 5]
    assert growth["quick_ratio"].to_list() == [None, None, 0.0, None, 0.0]


def test_a_return_without_a_purchase_is_kept_apart() -> None:
    log = small(ordered_at=[date(2024, 1, 5), date(2024, 2, 5)], amount=[10.0, -4.0])
    growth = cv.growth_accounting(log, as_of=date(2024, 2, 29), period="month")
    assert growth["closing"].to_list() == [1, 0]
    assert growth["closing_revenue"].to_list() == [10.0, 0.0]
    assert growth["inactive_revenue"].to_list() == [0.0, -4.0]


def test_returns_without_an_order_keep_their_own_days() -> None:
    log = small(
        ordered_at=[date(2024, 1, 5), date(2024, 2, 5), date(2024, 3, 5)],
        amount=[10.0, -4.0, -3.0],
        order_id=[1, None, None],
    )
    growth = cv.growth_accounting(log, as_of=date(2024, 3, 31), period="month")
    assert growth["inactive_revenue"].to_list() == [0.0, -4.0, -3.0]


def test_an_empty_log_has_no_periods() -> None:
    growth = cv.growth_accounting(small(amount=[1.0]).clear(), as_of=LAST_DAY)
    assert growth.height == 0
    assert growth.schema["opening"] == pl.Int64
    assert growth.schema["expansion"] == pl.Float64


def test_a_log_in_parts_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    whole = cv.growth_accounting(log, as_of=day, period="week")
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 1000)
    assert_frame_equal(cv.growth_accounting(log.lazy(), as_of=day, period="week"), whole, rel_tol=0)


def test_unusable_rows_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with no customer"):
        cv.growth_accounting(
            small(customer_id=pl.Series([None], dtype=pl.String), amount=[1.0]), as_of=LAST_DAY
        )


def test_a_period_must_be_one_of_five() -> None:
    with pytest.raises(cv.CustomerValueError, match="period must be one of 'day', 'week'"):
        cv.growth_accounting(cv.load_cdnow(), as_of=LAST_DAY, period="fortnight")  # type: ignore[arg-type]
