from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import transactions as oracle
from strategies import Log, logs

SIGNS = pl.Enum(["sale", "return"])


def raw(**columns: Any) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    defaults = {
        "customer_id": ["a"] * n,
        "ordered_at": [date(2024, 1, 1)] * n,
        "amount": [10.0] * n,
    }
    return pl.DataFrame(defaults | columns)


def test_cdnow_report() -> None:
    log = cv.read_transactions(cv.load_cdnow())
    report = log.report
    assert (report.rows_in, report.rows_out, log.frame.height) == (6919, 6919, 6919)
    assert report.customers == 2357
    assert report.zero_amounts == 8
    assert report.same_day_merges == 223
    assert (report.returns, report.rounded_amounts, report.dropped) == (0, 0, ())
    assert (report.first_day, report.last_day) == (date(1997, 1, 1), date(1998, 6, 30))
    rows = Counter(cv.load_cdnow().iter_rows())
    assert report.exact_duplicates == sum(rows.values()) - len(rows)


def test_the_canonical_log() -> None:
    frame = pl.DataFrame(
        {
            "note": ["x", "y"],
            "art": ["return", "sale"],
            "when": [datetime(2024, 1, 1, 23, tzinfo=UTC)] * 2,
            "who": pl.Series([7, 3], dtype=pl.Int16),
            "total": pl.Series(["5.25", "9.00"]).cast(pl.Decimal(9, 2)),
            "no": ["o1", "o2"],
            "goods": [None, 2],
            "off": [0.5, None],
            "group": pl.Series(["x", None], dtype=pl.Categorical),
            "via": ["web", None],
            "coin": ["EUR", "EUR"],
        }
    )
    columns = cv.Columns(
        customer="who",
        time="when",
        amount="total",
        order="no",
        cost="goods",
        discount="off",
        category="group",
        channel="via",
        currency="coin",
        kind="art",
    )
    options = cv.TransactionOptions(tz="Asia/Tokyo")
    read = cv.read_transactions(frame, columns=columns, options=options)
    log = read.frame
    expected = pl.DataFrame(
        {
            "customer_id": pl.Series([7, 3], dtype=pl.Int16),
            "ordered_at": [date(2024, 1, 2)] * 2,
            "amount": [Decimal("-5.25"), Decimal("9.00")],
            "kind": pl.Series(["return", "sale"], dtype=SIGNS),
            "order_id": ["o1", "o2"],
            "cost": [None, 2],
            "discount": [0.5, None],
            "category": frame["group"],
            "channel": ["web", None],
            "currency": ["EUR", "EUR"],
        }
    )
    assert_frame_equal(log, expected, check_dtypes=False)
    assert log.schema["customer_id"] == pl.Int16
    assert log.schema["kind"] == SIGNS
    assert isinstance(log.schema["amount"], pl.Decimal)
    assert read.currencies == read.report.currencies == ("EUR",)
    assert read.report.unused_columns == ("note",)


def test_a_lazy_log_stays_lazy_and_keeps_its_order() -> None:
    frame = cv.load_cdnow().sample(fraction=1, shuffle=True, seed=1)
    lazy = cv.read_transactions(frame.lazy())
    log = cv.read_transactions(frame)
    assert isinstance(lazy.frame, pl.LazyFrame)
    assert (lazy.in_memory, log.in_memory) == (False, True)
    assert lazy.report == log.report
    assert lazy.frame.collect().equals(log.frame)
    assert log.frame.drop("kind").equals(frame.select("customer_id", "ordered_at", "amount"))


@pytest.mark.parametrize("drop", [{"duplicates": "drop"}, {"zero_amount": "drop"}])
def test_dropping_keeps_the_order_of_the_rest(drop: Any) -> None:
    frame = pl.concat([cv.load_cdnow(), cv.load_cdnow().head(50)])
    read = cv.read_transactions(frame, options=cv.TransactionOptions(**drop))
    log = read.frame
    expected = frame.unique(maintain_order=True)
    if "zero_amount" in drop:
        expected = frame.filter(pl.col("amount") != 0)
    assert log.drop("kind").equals(expected.select("customer_id", "ordered_at", "amount"))
    assert read.report.rows_out == log.height < read.report.rows_in


@given(
    log=logs(),
    duplicates=st.sampled_from(["keep", "drop"]),
    zero_amount=st.sampled_from(["keep", "drop"]),
)
@settings(max_examples=60, deadline=None)
def test_every_count_of_the_report(log: Log, duplicates: Any, zero_amount: Any) -> None:
    options = cv.TransactionOptions(duplicates=duplicates, zero_amount=zero_amount)
    read = cv.read_transactions(log.frame, options=options)
    cleaned = read.frame
    report = read.report
    rows = oracle.read(log.rows)
    sales = [row for row in rows if not oracle.is_return(row)]
    distinct = len({tuple(row[name] for name in log.columns) for row in log.rows})
    days = [row["day"] for row in rows]
    kept = oracle.read(log.rows, duplicates=duplicates, zero_amount=zero_amount)
    assert report.rows_in == len(rows)
    assert report.rows_out == cleaned.height == len(kept)
    assert report.rows_out == report.rows_in - sum(rule.rows for rule in report.dropped)
    assert all(rule.rows > 0 for rule in report.dropped)
    assert report.customers == len({row["customer_id"] for row in rows})
    assert (report.first_day, report.last_day) == (min(days), max(days))
    assert report.returns == len(rows) - len(sales)
    assert report.zero_amounts == sum(row["amount"] == 0 for row in sales)
    assert report.exact_duplicates == len(rows) - distinct
    pairs = {(row["customer_id"], row["day"]) for row in sales}
    assert report.same_day_merges == len(sales) - len(pairs)
    assert report == cv.read_transactions(log.frame.lazy(), options=options).report
    assert report.rounded_amounts == 0
    assert [oracle.money(amount) for amount in cleaned["amount"]] == [row["net"] for row in kept]


@given(log=logs())
@settings(max_examples=30, deadline=None)
def test_reading_twice_changes_nothing(log: Log) -> None:
    once = cv.read_transactions(log.frame).frame
    twice = cv.read_transactions(once)
    assert twice.frame.equals(once)
    assert twice.report.dropped == ()


def test_amounts_beyond_the_scale_are_counted() -> None:
    frame = raw(amount=[1.25, 1.255, 0.1, 1 / 3])
    for scale, rounded in ((12, 1), (3, 1), (2, 2), (0, 4)):
        options = cv.TransactionOptions(money_scale=scale)
        assert cv.read_transactions(frame, options=options).report.rounded_amounts == rounded


def test_an_empty_log() -> None:
    frame = raw(amount=[1.0], currency=["EUR"], kind=["sale"]).clear()
    log = cv.read_transactions(frame)
    assert log.frame.is_empty()
    assert log.frame.columns == ["customer_id", "ordered_at", "amount", "kind", "currency"]
    assert log.report.model_dump() == {
        "rows_in": 0,
        "rows_out": 0,
        "customers": 0,
        "first_day": None,
        "last_day": None,
        "dropped": (),
        "returns": 0,
        "zero_amounts": 0,
        "exact_duplicates": 0,
        "same_day_merges": 0,
        "rounded_amounts": 0,
        "number_keys": 0,
        "currencies": (),
        "unused_columns": (),
    }
    assert str(log.report)


def test_a_pandas_table_gives_a_polars_log() -> None:
    log = cv.read_transactions(
        pd.DataFrame(
            {
                "customer_id": [1, 2],
                "ordered_at": pd.to_datetime(["2024-01-01 10:00", "2024-01-02 11:00"]),
                "amount": [1.0, -2.0],
            }
        )
    ).frame
    assert isinstance(log, pl.DataFrame)
    assert log.rows() == [(1, date(2024, 1, 1), 1.0, "sale"), (2, date(2024, 1, 2), -2.0, "return")]
