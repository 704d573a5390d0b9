from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value.transactions import questions
from oracles import stages as oracle
from strategies import FIRST_DAY, LAST_DAY, Log, days, logs, small


@given(log=logs(), as_of=days)
@settings(max_examples=60, deadline=None)
def test_gaps_against_the_oracle(log: Log, as_of: date) -> None:
    found = cv.lifecycle.purchase_gaps(log.frame, as_of=as_of)
    assert found.rows() == sorted(oracle.gaps(log.rows, as_of))
    customers = cv.summarize(log.frame, as_of=as_of)
    assert found.height == customers["purchases"].sum()
    open_days = found.filter(~pl.col("ended")).select("customer_id", recency_days="gap_days")
    bought = customers.filter(pl.col("purchases") > 0)
    assert_frame_equal(open_days, bought.select("customer_id", "recency_days"))


@given(log=logs())
@settings(max_examples=20, deadline=None)
def test_later_events_and_row_order_change_nothing(log: Log) -> None:
    ahead = log.frame.with_columns(
        pl.col("ordered_at") + timedelta(days=(LAST_DAY - FIRST_DAY).days + 1)
    )
    more = log.frame if "order_id" in log.columns else pl.concat([ahead, log.frame])
    then = cv.lifecycle.purchase_gaps(log.frame, as_of=LAST_DAY)
    assert_frame_equal(cv.lifecycle.purchase_gaps(more.reverse(), as_of=LAST_DAY), then)


def test_orders_of_one_day_have_no_days_between_them() -> None:
    day = date(2024, 3, 1)
    log = small(ordered_at=[day, day, day, date(2024, 3, 9)])
    end, options = date(2024, 3, 10), cv.TransactionOptions(occasion="order")
    gaps = cv.lifecycle.purchase_gaps(cv.read_transactions(log, options=options), as_of=end)
    assert gaps.select("gap_days", "ended").rows() == [(0, True), (0, True), (8, True), (1, False)]
    by_day = cv.lifecycle.purchase_gaps(log, as_of=end)
    assert by_day["gap_days"].to_list() == [8, 1]
    assert gaps.schema == by_day.schema
    assert by_day.schema == {
        "customer_id": pl.String,
        "purchase_day": pl.Date,
        "gap_days": pl.Int64,
        "ended": pl.Boolean,
    }


def test_silences_go_into_a_survival_curve() -> None:
    gaps = cv.lifecycle.purchase_gaps(cv.load_cdnow(), as_of=date(1998, 6, 30))
    curve = cv.survival_curve(gaps, duration="gap_days", event="ended")
    half = curve.filter(pl.col("survival") <= 0.5)["time"].min()
    assert half == cv.lifecycle.churn_threshold(gaps, method="survival", share=0.5)


def test_lazy_and_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    whole = cv.lifecycle.purchase_gaps(log, as_of=day)
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 1000)
    lazy = cv.lifecycle.purchase_gaps(log.lazy(), as_of=day)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect().sort("customer_id", "purchase_day"), whole)


def test_nothing_bought() -> None:
    assert cv.lifecycle.purchase_gaps(small(amount=[-1.0]), as_of=LAST_DAY).is_empty()
    nobody = pl.Series([None], dtype=pl.String)
    with pytest.raises(cv.DataError, match="1 row with no customer"):
        cv.lifecycle.purchase_gaps(small(customer_id=nobody), as_of=LAST_DAY)
