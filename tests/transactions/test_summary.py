from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

import customer_value as cv
from customer_value.transactions import in_memory, questions
from customer_value.transactions.options import Extra
from oracles import transactions as oracle
from strategies import LAST_DAY, Log, days, logs, read, small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXTRAS: tuple[Extra, ...] = ("gap_mean_days", "gap_std_days", "log_gap_sum")
EXTRA_CHOICES: Any = st.lists(st.sampled_from(EXTRAS), unique=True).map(tuple)
FRAME_SCHEMA = {
    "customer_id": pl.String,
    "as_of": pl.Date,
    "first_purchase": pl.Date,
    "last_purchase": pl.Date,
    "purchases": pl.Int64,
    "orders": pl.Int64,
    "recency_days": pl.Int64,
    "revenue": pl.Float64,
    "revenue_per_year": pl.Float64,
    "mean_purchase": pl.Float64,
    "repeat_purchases": pl.Int64,
    "t_x": pl.Float64,
    "T": pl.Float64,
    "repeat_spend": pl.Float64,
    "returned": pl.Float64,
}
# What is a sum must be right to the last bit, what is a quotient to a few of them.
QUOTIENTS = {"revenue_per_year", "mean_purchase", "repeat_spend", *EXTRAS}

CALIBRATION_END = date(1997, 9, 30)
DATA_END = date(1998, 6, 30)


@pytest.fixture(params=["by polars", "by a kernel"], scope="module", autouse=True)
def adding_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways to add up a log in memory, whatever its length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_memory, "_SHORT", 0 if request.param == "by a kernel" else 10**9)
        yield


def one(
    frame: pl.DataFrame,
    *,
    as_of: date = date(2024, 12, 31),
    start: date | None = None,
    **reading: Any,
) -> dict[str, Any]:
    """The only customer of a log."""
    customers: pl.DataFrame = cv.summarize(read(frame, **reading), as_of=as_of, start=start)
    return customers.row(0, named=True)


def check(result: pl.DataFrame, expected: list[dict[str, Any]]) -> None:
    assert result.height == len(expected)
    for got, want in zip(result.iter_rows(named=True), expected, strict=True):
        assert got.keys() == want.keys()
        for name, value in want.items():
            if name in QUOTIENTS and value is not None and got[name] is not None:
                assert got[name] == pytest.approx(value, rel=1e-12, abs=1e-11), (name, want)
            else:
                assert got[name] == value, (name, got[name], want)


# --- the published numbers ---


def test_cdnow_calibration_matches_the_published_counts() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=CALIBRATION_END)
    x = customers["repeat_purchases"]
    assert customers.height == 2357
    assert (x > 0).sum() == 946
    assert x.sum() == 2457
    assert customers["T"].sum() / 7 == pytest.approx(77111.286, abs=5e-4)
    assert customers["t_x"].sum() / 7 == pytest.approx(16135.571, abs=5e-4)
    histogram = Counter(min(n, 7) for n in x)
    assert histogram == {0: 1411, 1: 439, 2: 214, 3: 100, 4: 62, 5: 38, 6: 29, 7: 64}


def test_cdnow_without_the_same_day_merge() -> None:
    options = cv.TransactionOptions(occasion="order")
    x = cv.summarize(cv.read_transactions(cv.load_cdnow(), options=options), as_of=CALIBRATION_END)[
        "repeat_purchases"
    ]
    assert (x > 0).sum() == 959
    assert x.sum() == 2603


def test_cdnow_customer_days_and_revenue() -> None:
    log = cv.load_cdnow()
    customers = cv.summarize(log, as_of=DATA_END)
    assert customers["purchases"].sum() == 6696
    assert customers["orders"].sum() == log.height == 6919
    by_customer: dict[Any, Decimal] = {}
    for key, amount in log.select("customer_id", "amount").iter_rows():
        by_customer[key] = by_customer.get(key, Decimal(0)) + Decimal(str(amount))
    assert dict(customers.select("customer_id", "revenue").iter_rows()) == {
        key: float(total) for key, total in by_customer.items()
    }


def test_cdnow_holdout() -> None:
    split = cv.split_holdout(cv.load_cdnow(), calibration_end=CALIBRATION_END, holdout_end=DATA_END)
    assert split["holdout_purchases"].sum() == 1882
    assert split["holdout_days"].unique().to_list() == [273.0]
    assert_frame_equal(
        split.drop("holdout_purchases", "holdout_revenue", "holdout_days"),
        cv.summarize(cv.load_cdnow(), as_of=CALIBRATION_END),
    )


def test_cdnow_equals_the_oracle() -> None:
    log = cv.load_cdnow()
    options = cv.TransactionOptions(extras=EXTRAS)
    result = cv.split_holdout(
        cv.read_transactions(log, options=options),
        calibration_end=CALIBRATION_END,
        holdout_end=DATA_END,
    )
    expected = oracle.split_holdout(
        log.iter_rows(named=True),
        calibration_end=CALIBRATION_END,
        holdout_end=DATA_END,
        extras=EXTRAS,
    )
    check(result, expected)


# --- the oracle ---


@given(
    log=logs(),
    as_of=days,
    occasion=st.sampled_from(["day", "order"]),
    extras=EXTRA_CHOICES,
    zero_amount=st.sampled_from(["keep", "drop"]),
    duplicates=st.sampled_from(["keep", "drop"]),
)
@settings(max_examples=150, deadline=None)
def test_summarize_equals_the_oracle(*, log: Log, as_of: date, extras: Any, **reading: Any) -> None:
    options = cv.TransactionOptions(extras=extras, **reading)
    result = cv.summarize(cv.read_transactions(log.frame, options=options), as_of=as_of)
    check(result, oracle.summarize(log.rows, as_of=as_of, extras=extras, **reading))


@given(
    log=logs(),
    ends=st.lists(days, min_size=2, max_size=2, unique=True).map(sorted),
    occasion=st.sampled_from(["day", "order"]),
    extras=EXTRA_CHOICES,
)
@settings(max_examples=100, deadline=None)
def test_split_holdout_equals_the_oracle(
    log: Log, ends: list[date], occasion: Any, extras: Any
) -> None:
    period: Any = dict(zip(("calibration_end", "holdout_end"), ends, strict=True))
    options = cv.TransactionOptions(occasion=occasion, extras=extras)
    result = cv.split_holdout(cv.read_transactions(log.frame, options=options), **period)
    check(result, oracle.split_holdout(log.rows, occasion=occasion, extras=extras, **period))


# --- properties ---


@given(log=logs(), seed=st.integers(0, 10**6), occasion=st.sampled_from(["day", "order"]))
@settings(max_examples=50, deadline=None)
def test_shuffled_rows_change_no_bit(log: Log, seed: int, occasion: Any) -> None:
    options = cv.TransactionOptions(occasion=occasion, extras=EXTRAS)
    result = cv.summarize(cv.read_transactions(log.frame, options=options), as_of=LAST_DAY)
    shuffled = log.frame.sample(fraction=1, shuffle=True, seed=seed)
    assert cv.summarize(cv.read_transactions(shuffled, options=options), as_of=LAST_DAY).equals(
        result
    )


def large_log(n: int = 200_000) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    amounts = rng.choice([0.1, 0.2, 0.3, 0.7, 1e-6, 123_456.7, -0.1, -0.3], n)
    return pl.DataFrame(
        {
            "customer_id": rng.integers(0, 300, n),
            "ordered_at": np.datetime64("2020-01-01") + rng.integers(0, 900, n),
            "amount": amounts,
            "order_id": rng.integers(0, 90_000, n),
            "cost": amounts * 0.7,
        }
    )


@pytest.mark.parametrize("options", [{}, {"occasion": "order", "extras": EXTRAS}])
def test_many_rows_in_any_order_change_no_bit(options: Any) -> None:
    log, as_of = large_log(), date(2022, 1, 1)
    reading = cv.TransactionOptions(**options)

    def ask(frame: Any) -> Any:
        return cv.summarize(cv.read_transactions(frame, options=reading), as_of=as_of)

    first = ask(log)
    assert ask(log).equals(first)
    shuffled = log.sample(fraction=1, shuffle=True, seed=5)
    assert ask(shuffled).equals(first)
    assert ask(shuffled.lazy()).collect().sort("customer_id").equals(first)
    split: Any = {"calibration_end": as_of, "holdout_end": date(2022, 6, 1)}
    assert cv.split_holdout(log, **split).equals(cv.split_holdout(shuffled, **split))


def test_money_reconciles_with_the_log_to_the_last_place() -> None:
    log = large_log()
    customers = cv.summarize(log, as_of=date(2030, 1, 1))
    places = Decimal("0.000001")
    for column in ("revenue", "cost"):
        name = {"revenue": "amount"}.get(column, column)
        ledger = sum(Decimal(value).quantize(places) for value in log[name])
        summed = sum(Decimal(value).quantize(places) for value in customers[column])
        assert summed == ledger


def test_float_sums_are_decimal_sums() -> None:
    assert sum([0.1, 0.2, 0.3]) != 0.6  # what a float sum would give
    assert one(small(amount=[0.1, 0.2, 0.3]))["revenue"] == 0.6
    assert one(small(amount=[1e15, 0.1, -1e15]))["revenue"] == pytest.approx(0.1, abs=0.03)
    assert one(small(amount=[0.1] * 1000), as_of=date(2030, 1, 1))["revenue"] == 100.0


@given(log=logs())
@settings(max_examples=40, deadline=None)
def test_new_names_for_customers_change_only_the_names(log: Log) -> None:
    names = {"ann": "z", "bob": "ann", "cy": "m", "李": "bob"}
    renamed = log.frame.with_columns(pl.col("customer_id").replace_strict(names))
    expected = (
        cv.summarize(log.frame, as_of=LAST_DAY)
        .with_columns(pl.col("customer_id").replace_strict(names))
        .sort("customer_id")
    )
    assert cv.summarize(renamed, as_of=LAST_DAY).equals(expected)


@given(log=logs(), as_of=days, occasion=st.sampled_from(["day", "order"]))
@settings(max_examples=60, deadline=None)
def test_events_after_as_of_change_nothing(log: Log, as_of: date, occasion: Any) -> None:
    options = cv.TransactionOptions(occasion=occasion, extras=EXTRAS)
    known = log.frame.filter(pl.col("ordered_at") <= as_of)
    before = cv.summarize(cv.read_transactions(known, options=options), as_of=as_of)
    assert cv.summarize(cv.read_transactions(log.frame, options=options), as_of=as_of).equals(
        before
    )
    period: Any = {"calibration_end": as_of, "holdout_end": as_of + timedelta(days=20)}
    split = cv.split_holdout(cv.read_transactions(log.frame, options=options), **period)
    assert split[:, :-3].equals(before)
    period = {"calibration_end": as_of - timedelta(days=9), "holdout_end": as_of}
    assert cv.split_holdout(log.frame, **period).equals(cv.split_holdout(known, **period))


@given(log=logs(), power=st.sampled_from([-2, -1, 1, 3]))
@settings(max_examples=40, deadline=None)
def test_another_currency_unit_scales_the_money(log: Log, power: int) -> None:
    money = [name for name in ("amount", "cost", "discount") if name in log.columns]
    decimal = pl.col(money).cast(pl.Decimal(30, 2)).cast(pl.Decimal(30, 6))
    factor = pl.lit(Decimal(10) ** power).cast(pl.Decimal(30, 6))
    frame = log.frame.with_columns(decimal)
    base = cv.summarize(frame, as_of=LAST_DAY)
    scaled = cv.summarize(frame.with_columns(pl.col(money) * factor), as_of=LAST_DAY)
    amounts = ["revenue", "revenue_per_year", "mean_purchase", "repeat_spend", "returned"]
    amounts += [name for name in money if name != "amount"]
    assert_frame_equal(scaled.drop(amounts), base.drop(amounts))
    assert_frame_equal(
        scaled.select(amounts),
        base.select(pl.col(amounts) * 10.0**power),
        rel_tol=1e-13,
        abs_tol=1e-12,
    )


@given(log=logs(), ends=st.lists(days, min_size=2, max_size=2, unique=True).map(sorted))
@settings(max_examples=60, deadline=None)
def test_calibration_and_holdout_revenue_make_the_whole(log: Log, ends: list[date]) -> None:
    split = cv.split_holdout(log.frame, calibration_end=ends[0], holdout_end=ends[1])
    whole = cv.summarize(log.frame, as_of=ends[1])
    both = split.join(whole, on="customer_id", suffix="_whole", validate="1:1")
    assert both.height == split.height
    for row in both.iter_rows(named=True):
        parts = Decimal(str(row["revenue"])) + Decimal(str(row["holdout_revenue"]))
        assert parts == Decimal(str(row["revenue_whole"]))


@given(
    log=logs(refunds=False, optional=("order_id", "cost")),
    ends=st.lists(days, min_size=2, max_size=2, unique=True).map(sorted),
    occasion=st.sampled_from(["day", "order"]),
)
@settings(max_examples=60, deadline=None)
def test_calibration_and_holdout_purchases_make_the_whole(
    log: Log, ends: list[date], occasion: Any
) -> None:
    frame = log.frame
    if "order_id" in log.columns:  # each order on one day
        frame = frame.with_columns(order_id=pl.struct("order_id", "ordered_at").rank("dense"))
    options = cv.TransactionOptions(occasion=occasion)
    split = cv.split_holdout(
        cv.read_transactions(frame, options=options), calibration_end=ends[0], holdout_end=ends[1]
    )
    whole = cv.summarize(cv.read_transactions(frame, options=options), as_of=ends[1])
    both = split.join(whole, on="customer_id", suffix="_whole")
    assert (both["purchases"] + both["holdout_purchases"]).equals(
        both["purchases_whole"].alias("purchases")
    )


@given(log=logs(), occasion=st.sampled_from(["day", "order"]))
@settings(max_examples=50, deadline=None)
def test_what_the_columns_promise_each_other(log: Log, occasion: Any) -> None:
    options = cv.TransactionOptions(occasion=occasion)
    customers = cv.summarize(cv.read_transactions(log.frame, options=options), as_of=LAST_DAY)
    assert customers["customer_id"].to_list() == sorted(set(log.frame["customer_id"]))
    for row in customers.iter_rows(named=True):
        assert row["orders"] >= row["purchases"] >= 0
        assert row["returned"] >= 0
        if not row["purchases"]:
            assert row["first_purchase"] is row["T"] is row["repeat_purchases"] is None
            continue
        assert row["repeat_purchases"] == row["purchases"] - 1
        assert row["recency_days"] == row["T"] - row["t_x"] >= 0
        assert row["first_purchase"] + timedelta(days=row["t_x"]) == row["last_purchase"]
        assert (row["repeat_spend"] is None) == (row["purchases"] == 1)


# --- frames in, frames out ---


@given(log=logs(), as_of=days)
@settings(max_examples=30, deadline=None)
def test_lazy_gives_what_eager_gives(log: Log, as_of: date) -> None:
    options = cv.TransactionOptions(extras=EXTRAS)
    lazy = cv.summarize(cv.read_transactions(log.frame.lazy(), options=options), as_of=as_of)
    assert isinstance(lazy, pl.LazyFrame)
    eager = cv.summarize(cv.read_transactions(log.frame, options=options), as_of=as_of)
    assert lazy.collect_schema() == eager.schema
    assert lazy.collect().sort("customer_id").equals(eager)
    period: Any = {"calibration_end": as_of, "holdout_end": as_of + timedelta(days=3)}
    split = cv.split_holdout(log.frame.lazy(), **period)
    assert isinstance(split, pl.LazyFrame)
    assert split.collect().sort("customer_id").equals(cv.split_holdout(log.frame, **period))


def test_a_scanned_file_streams_into_another(tmp_path: Path) -> None:
    cv.load_cdnow().write_parquet(tmp_path / "log.parquet")
    log = pl.scan_parquet(tmp_path / "log.parquet")
    cv.summarize(log, as_of=DATA_END).sink_parquet(tmp_path / "customers.parquet")
    customers = pl.read_parquet(tmp_path / "customers.parquet").sort("customer_id")
    assert customers.equals(cv.summarize(cv.load_cdnow(), as_of=DATA_END))


@pytest.mark.parametrize("rows", [1, 500, 3000])
def test_parts_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    log = cv.load_cdnow()
    frames = [
        log,
        log.with_columns(pl.col("customer_id").cast(pl.String)),
        log.with_columns(pl.col("customer_id").cast(pl.String).cast(pl.Categorical)),
    ]
    run: Any = {"calibration_end": CALIBRATION_END, "holdout_end": DATA_END}
    options = cv.TransactionOptions(extras=EXTRAS, duplicates="drop")
    whole = [
        cv.split_holdout(cv.read_transactions(frame, options=options), **run) for frame in frames
    ]
    for limit in ("_ROWS_IN_MEMORY", "_ROWS_TO_READ"):
        monkeypatch.setattr(questions, limit, rows)
    for frame, expected in zip(frames, whole, strict=True):
        assert cv.split_holdout(cv.read_transactions(frame, options=options), **run).equals(
            expected
        )
        lazy = cv.split_holdout(
            cv.read_transactions(frame.lazy(), options=options), **run
        ).collect()
        assert lazy.sort("customer_id").equals(expected)


@given(log=logs(), as_of=days)
@settings(max_examples=25, deadline=None)
def test_parts_give_what_the_oracle_gives(log: Log, as_of: date) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "_ROWS_IN_MEMORY", 3)
        result = cv.summarize(log.frame, as_of=as_of)
    check(result, oracle.summarize(log.rows, as_of=as_of))


def test_other_tables_give_the_same() -> None:
    log = cv.load_cdnow()
    expected = cv.summarize(log, as_of=DATA_END)
    table = log.to_arrow()
    frame = pd.DataFrame(
        {
            "customer_id": log["customer_id"].to_numpy(),
            "ordered_at": log["ordered_at"].to_numpy(),
            "amount": log["amount"].to_numpy(),
        },
        index=np.arange(log.height) * 7,
    )
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(1000))
    for other in (table, frame, reader):
        result = cv.summarize(other, as_of=DATA_END)
        assert isinstance(result, pl.DataFrame)
        assert result.equals(expected)


def test_a_pandas_table_with_text_and_zones() -> None:
    frame = pd.DataFrame(
        {
            "who": pd.Series(["b", "a", "b"], dtype="category"),
            "when": pd.to_datetime(["2024-01-01T23:30Z"] * 3),
            "total": [1, 2, 3],
        }
    )
    columns = cv.Columns(customer="who", time="when", amount="total")
    result = cv.summarize(
        cv.read_transactions(
            frame, columns=columns, options=cv.TransactionOptions(tz="Europe/Berlin")
        ),
        as_of=date(2024, 1, 2),
    )
    assert result["first_purchase"].to_list() == [date(2024, 1, 2)] * 2
    assert dict(result.select(pl.col("customer_id").cast(pl.String), "revenue").iter_rows()) == {
        "a": 2.0,
        "b": 4.0,
    }


def test_a_frame_of_another_kind_is_refused() -> None:
    for thing in ({"customer_id": [1]}, [1, 2], None, "log.parquet", np.zeros(3)):
        with pytest.raises(cv.SchemaError, match=f"a {type(thing).__name__} is not a table"):
            cv.summarize(thing, as_of=DATA_END)  # type: ignore[call-overload]


@given(
    log=logs(),
    reading=st.fixed_dictionaries(
        {
            "occasion": st.sampled_from(["day", "order"]),
            "duplicates": st.sampled_from(["keep", "drop"]),
            "zero_amount": st.sampled_from(["keep", "drop"]),
        }
    ),
)
@settings(max_examples=40, deadline=None)
def test_the_cleaned_log_gives_what_the_raw_log_gives(log: Log, reading: Any) -> None:
    options = cv.TransactionOptions(**reading, extras=EXTRAS)
    cleaned = cv.read_transactions(log.frame, options=options).frame
    expected = cv.summarize(cv.read_transactions(log.frame, options=options), as_of=LAST_DAY)
    again = options.model_copy(update={"duplicates": "keep"})
    assert cv.summarize(cv.read_transactions(cleaned, options=again), as_of=LAST_DAY).equals(
        expected
    )


def test_renamed_columns_give_the_same_frame() -> None:
    log = small(amount=[1.0, -1.0, 3.0], order_id=[1, 1, 2], cost=[1.0, -1.0, 1.0])
    names = {"customer_id": "amount", "ordered_at": "cost", "amount": "customer_id"}
    names |= {"order_id": "spend", "cost": "kind"}
    columns = cv.Columns(
        customer="amount", time="cost", amount="customer_id", order="spend", cost="kind"
    )
    result = cv.summarize(
        cv.read_transactions(log.rename(names), columns=columns), as_of=date(2024, 2, 1)
    )
    assert result.equals(cv.summarize(log, as_of=date(2024, 2, 1)))


def test_named_columns_leave_the_others_alone() -> None:
    log = small(amount=[1.0, 2.0], cost=["?", "?"], kind=["order", "order"])
    row = one(log, columns=cv.Columns())
    assert "cost" not in row
    assert row["revenue"] == 3.0


# --- types ---


@pytest.mark.parametrize(
    "dtype",
    [pl.Decimal(12, 2), pl.Float32, pl.Int8, pl.Int32, pl.Int64, pl.UInt16, pl.UInt64, pl.Int128],
)
@pytest.mark.parametrize("kind", [False, True])
def test_amounts_of_any_numeric_type(dtype: Any, *, kind: bool) -> None:
    log = small(amount=[100, 5, 20], cost=[50, 2, 9], discount=[0, 1, 0])
    expected: Any = {"revenue": 125.0, "returned": 0.0, "cost": 61.0, "discount": 1.0}
    if kind:
        log = log.with_columns(kind=pl.Series(["sale", "return", "sale"]))
        expected |= {"revenue": 115.0, "returned": 5.0, "cost": 57.0, "discount": 0.0}
    row = one(log.with_columns(pl.col("amount", "cost", "discount").cast(dtype)))
    assert {name: row[name] for name in expected} == expected


def test_float32_amounts_are_summed_in_full_width() -> None:
    amounts = pl.Series([16_777_216.0, 1.0, 1.0], dtype=pl.Float32)
    assert one(small(amount=amounts))["revenue"] == 16_777_218.0


@pytest.mark.parametrize("scale", [0, 2, 12])
def test_money_is_summed_to_the_scale(scale: int) -> None:
    options = cv.TransactionOptions(money_scale=scale)
    revenue = one(small(amount=[0.014, 0.014, 0.014]), options=options)["revenue"]
    assert revenue == {0: 0.0, 2: 0.03, 12: 0.042}[scale]


@pytest.mark.parametrize(
    ("keys", "dtype"),
    [
        (["b", "a", "b"], pl.String),
        ([2, 1, 2], pl.Int32),
        ([2, 1, 2], pl.UInt64),
        (["b", "a", "b"], pl.Categorical),
        (["b", "a", "b"], pl.Enum(["b", "a"])),
    ],
)
def test_keys_keep_their_type(keys: list[Any], dtype: Any) -> None:
    log = small(customer_id=pl.Series(keys, dtype=dtype))
    result = cv.summarize(log, as_of=date(2024, 2, 1))
    assert result.schema["customer_id"] == dtype
    assert result["customer_id"].equals(result["customer_id"].sort())
    assert dict(result.select("customer_id", "purchases").iter_rows()) == {keys[0]: 2, keys[1]: 1}
    split = cv.split_holdout(log, calibration_end=date(2024, 1, 2), holdout_end=date(2024, 2, 1))
    assert split.schema["customer_id"] == dtype
    assert split["holdout_purchases"].sum() == 1


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_timestamps_fall_on_the_business_day(unit: Any) -> None:
    moment = pl.from_epoch(pl.Series([1_517_328_000_000]), time_unit="ms")
    naive = small(ordered_at=moment.dt.cast_time_unit(unit))
    zoned = small(ordered_at=moment.dt.replace_time_zone("UTC").dt.cast_time_unit(unit))
    china = cv.TransactionOptions(tz="Asia/Shanghai")
    utc = cv.TransactionOptions(tz="UTC")
    assert one(naive)["first_purchase"] == date(2018, 1, 30)
    assert one(naive, options=china)["first_purchase"] == date(2018, 1, 30)
    assert one(zoned, options=china)["first_purchase"] == date(2018, 1, 31)
    assert one(zoned, options=utc)["first_purchase"] == date(2018, 1, 30)
    elsewhere = zoned.with_columns(pl.col("ordered_at").dt.convert_time_zone("America/New_York"))
    assert one(elsewhere, options=china)["first_purchase"] == date(2018, 1, 31)


@given(
    moments=st.lists(
        st.datetimes(datetime(1950, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        min_size=1,
        max_size=8,
    ),
    tz=st.sampled_from(["Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "UTC"]),
    as_of=st.dates(date(1950, 1, 1), date(2038, 1, 1)),
)
@settings(max_examples=40, deadline=None)
def test_zones_equal_the_oracle(moments: list[datetime], tz: str, as_of: date) -> None:
    rows = [{"customer_id": "a", "ordered_at": t, "amount": 1.5} for t in moments]
    result = cv.summarize(
        cv.read_transactions(
            pl.DataFrame(rows), options=cv.TransactionOptions(tz=tz, extras=EXTRAS)
        ),
        as_of=as_of,
    )
    check(result, oracle.summarize(rows, as_of=as_of, extras=EXTRAS, tz=tz))


def test_midnight_is_where_the_zone_says() -> None:
    times = pl.Series(["2024-03-10T04:59:59Z", "2024-03-10T05:00:00Z"]).str.to_datetime()
    log = small(ordered_at=times)
    options = cv.TransactionOptions(tz="America/New_York")
    assert one(log, options=options)["purchases"] == 2
    assert one(log, options=cv.TransactionOptions(tz="UTC"))["purchases"] == 1


def test_a_zone_without_the_option_is_refused() -> None:
    log = small(ordered_at=pl.Series([datetime(2024, 1, 1, tzinfo=UTC)]))
    with pytest.raises(cv.SchemaError, match=r"'ordered_at' is in UTC.*the option tz"):
        one(log)


def test_the_ends_of_the_calendar() -> None:
    log = small(ordered_at=[date(1, 1, 1), date(9999, 12, 31)])
    row = one(log, as_of=date.max, options=cv.TransactionOptions(extras=EXTRAS))
    days = (date.max - date.min).days
    assert (row["first_purchase"], row["last_purchase"]) == (date.min, date.max)
    assert (row["t_x"], row["T"], row["recency_days"]) == (days, days, 0)
    assert row["gap_mean_days"] == days
    assert row["log_gap_sum"] == pytest.approx(math.log(days))
    assert cv.summarize(log, as_of=date.min)["purchases"].to_list() == [1]


# --- returns ---


def test_an_order_refunded_in_full_is_no_purchase() -> None:
    log = small(amount=[10.0, 20.0, -20.0], order_id=[1, 2, 2])
    row = one(log)
    assert (row["purchases"], row["orders"]) == (1, 1)
    assert row["last_purchase"] == date(2024, 1, 1)
    assert (row["revenue"], row["returned"]) == (10.0, 20.0)
    assert row["repeat_spend"] is None


def test_a_refund_counts_only_once_it_has_happened() -> None:
    log = small(amount=[10.0, 20.0, -20.0], order_id=[1, 2, 2])
    row = one(log, as_of=date(2024, 1, 2))
    assert (row["purchases"], row["revenue"]) == (2, 30.0)


def test_a_customer_whose_only_order_came_back() -> None:
    row = one(small(amount=[10.0, -10.0], order_id=[1, 1]))
    assert (row["purchases"], row["orders"], row["revenue"], row["returned"]) == (0, 0, 0.0, 10.0)
    nothing = ("first_purchase", "last_purchase", "recency_days", "t_x", "T", "mean_purchase")
    assert all(row[name] is None for name in nothing)


def test_a_return_reduces_its_own_order() -> None:
    log = small(amount=[10.0, 20.0, 30.0, -15.0], order_id=[1, 2, 3, 2])
    row = one(log)
    assert (row["purchases"], row["repeat_spend"]) == (3, (5.0 + 30.0) / 2)


def test_a_loose_return_is_spread_over_all() -> None:
    row = one(small(amount=[10.0, 20.0, 30.0, -15.0], order_id=[1, 2, 3, None]))
    assert row["repeat_spend"] == 25.0 * (45 / 60)
    assert row["mean_purchase"] == 15.0


def test_a_return_of_the_first_order_leaves_the_repeat_orders() -> None:
    row = one(small(amount=[10.0, 20.0, 30.0, -9.0], order_id=[1, 2, 3, 1]))
    assert row["repeat_spend"] == 25.0


def test_a_return_sets_no_date() -> None:
    row = one(small(amount=[-1.0, 10.0, 20.0, -1.0]))
    assert (row["first_purchase"], row["last_purchase"]) == (date(2024, 1, 2), date(2024, 1, 3))
    assert (row["purchases"], row["returned"]) == (2, 2.0)


def test_a_return_dated_before_its_sale_sets_no_date() -> None:
    row = one(small(amount=[-5.0, 20.0, 30.0], order_id=[1, 1, 2]))
    assert (row["first_purchase"], row["t_x"]) == (date(2024, 1, 2), 1.0)
    assert (row["purchases"], row["revenue"], row["repeat_spend"]) == (2, 45.0, 30.0)


def test_a_return_does_not_find_the_order_of_another_customer() -> None:
    log = small(customer_id=["a", "b"], amount=[10.0, -10.0], order_id=[1, 1])
    result = cv.summarize(log, as_of=date(2024, 2, 1))
    assert result["purchases"].to_list() == [1, 0]
    assert result["revenue"].to_list() == [10.0, -10.0]


def test_only_returns() -> None:
    options = cv.TransactionOptions(extras=EXTRAS)
    log = small(amount=[-1.0, -2.0], category=["x", "y"], cost=[-1.0, -1.0])
    row = one(log, options=options)
    assert (row["purchases"], row["revenue"], row["returned"], row["cost"]) == (0, -3.0, 3.0, -2.0)
    assert row["n_categories"] == 0
    assert row["gap_mean_days"] is row["gap_std_days"] is row["log_gap_sum"] is None


def test_kind_makes_positive_amounts_returns() -> None:
    log = small(amount=[10.0, 4.0, 3.0], kind=["sale", "return", "sale"], order_id=[1, 1, 2])
    row = one(log)
    assert (row["revenue"], row["returned"], row["purchases"]) == (9.0, 4.0, 2)


def test_a_small_repeat_purchase_beside_a_large_first_one() -> None:
    row = one(small(amount=[100_000_000.01, 0.01]))
    assert row["repeat_spend"] == 0.01


def test_a_full_refund_needs_no_float_luck() -> None:
    log = small(amount=[0.1, 0.2, -0.3], order_id=[1, 1, 1])
    assert 0.1 + 0.2 - 0.3 != 0.0
    assert one(log)["purchases"] == 0


# --- occasions, lines, zeros ---


def test_three_lines_of_one_order_are_one_order() -> None:
    log = small(ordered_at=[date(2024, 1, 1)] * 3, amount=[1.0, 2.0, 3.0], order_id=["x"] * 3)
    for occasion in ("day", "order"):
        row = one(log, options=cv.TransactionOptions(occasion=occasion))
        assert (row["purchases"], row["orders"], row["revenue"]) == (1, 1, 6.0)


def test_an_order_over_two_days_is_of_its_first() -> None:
    log = small(amount=[1.0, 2.0], order_id=[1, 1])
    row = one(log)
    assert (row["purchases"], row["last_purchase"]) == (1, date(2024, 1, 1))


def test_two_orders_on_a_day() -> None:
    log = small(ordered_at=[date(2024, 1, 1)] * 2 + [date(2024, 1, 9)], amount=[1.0, 3.0, 5.0])
    day, order = (
        one(log, options=cv.TransactionOptions(occasion=occasion)) for occasion in ("day", "order")
    )
    assert (day["purchases"], day["orders"], day["repeat_spend"]) == (2, 3, 5.0)
    assert (order["purchases"], order["orders"]) == (3, 3)
    assert order["repeat_spend"] == (2.0 + 5.0) / 2  # orders of a day share its spend


def test_zero_amounts_count_unless_dropped() -> None:
    log = small(amount=[10.0, 0.0, 0.0])
    assert one(log)["purchases"] == 3
    row = one(log, options=cv.TransactionOptions(zero_amount="drop"))
    assert (row["purchases"], row["last_purchase"]) == (1, date(2024, 1, 1))


def test_exact_duplicates_count_unless_dropped() -> None:
    log = small(ordered_at=[date(2024, 1, 1)] * 3, amount=[10.0, 10.0, 5.0])
    assert one(log)["revenue"] == 25.0
    assert one(log, options=cv.TransactionOptions(duplicates="drop"))["revenue"] == 15.0


def test_rows_that_differ_in_an_unnamed_column_are_no_duplicates() -> None:
    log = small(ordered_at=[date(2024, 1, 1)] * 2, amount=[10.0, 10.0], line=[1, 2])
    assert one(log, options=cv.TransactionOptions(duplicates="drop"))["revenue"] == 20.0


# --- optional columns ---


def test_an_unknown_cost_is_null_and_not_zero() -> None:
    log = small(customer_id=["a", "a", "b"], cost=[1.0, None, 2.0], discount=[1.0, 2.0, None])
    result = cv.summarize(log, as_of=date(2024, 2, 1))
    assert result["cost"].to_list() == [None, 2.0]
    assert result["discount"].to_list() == [3.0, 0.0]


def test_a_cost_that_becomes_unknown_later_changes_nothing() -> None:
    log = small(amount=[1.0, 1.0], cost=[1.0, None])
    assert one(log, as_of=date(2024, 1, 1))["cost"] == 1.0


def test_an_unknown_category_is_no_category() -> None:
    log = small(customer_id=["a", "a", "b"], category=["x", None, None])
    result = cv.summarize(log, as_of=date(2024, 2, 1))
    assert result["n_categories"].to_list() == [1, 0]


def test_gaps_between_purchase_days() -> None:
    options = cv.TransactionOptions(extras=EXTRAS)
    dates = [date(2024, 1, day) for day in (1, 1, 3, 9)]
    row = one(small(ordered_at=dates), options=options)
    assert row["gap_mean_days"] == 4.0
    assert row["gap_std_days"] == pytest.approx(math.sqrt(8))
    assert row["log_gap_sum"] == pytest.approx(math.log(2) + math.log(6))
    single = one(small(ordered_at=dates[:1]), options=options)
    assert single["gap_mean_days"] is single["gap_std_days"] is None
    assert single["log_gap_sum"] == 0.0
    pair = one(small(ordered_at=dates[1:3]), options=options)
    assert (pair["gap_mean_days"], pair["gap_std_days"]) == (2.0, None)


def test_the_spread_of_long_gaps_is_exact() -> None:
    gaps = [900_000, 900_001, 900_001]
    dates = [date.min]
    for gap in gaps:
        dates.append(dates[-1] + timedelta(days=gap))
    options = cv.TransactionOptions(extras=("gap_std_days",))
    row = one(small(ordered_at=dates), as_of=date.max, options=options)
    assert row["gap_std_days"] == pytest.approx(math.sqrt(1 / 3), rel=1e-12)


def test_even_gaps_have_no_spread() -> None:
    for gap in range(1, 40):
        dates = [date(2020, 1, 1) + timedelta(days=gap * k) for k in range(4)]
        options = cv.TransactionOptions(extras=("gap_std_days",))
        assert one(small(ordered_at=dates), options=options)["gap_std_days"] == 0.0


@given(log=logs(), as_of=days, start=days, occasion=st.sampled_from(["day", "order"]))
@settings(max_examples=80, deadline=None)
def test_clumpiness_is_that_of_the_oracle(
    log: Log, as_of: date, start: date, occasion: Any
) -> None:
    extras: Any = ("clumpiness",)
    reading: Any = {"occasion": occasion, "clumpiness_from": start}
    result = cv.summarize(
        cv.read_transactions(log.frame, options=cv.TransactionOptions(extras=extras, **reading)),
        as_of=as_of,
    )
    expected = oracle.summarize(log.rows, as_of=as_of, extras=extras, **reading)
    ours, theirs = result["clumpiness"].to_list(), [row["clumpiness"] for row in expected]
    assert ours == pytest.approx(theirs, abs=1e-11)
    assert all(value is None or 0 <= value <= 1 for value in ours)


def clumpiness(*places: int, window: int = 20) -> float:
    """Clumpiness of purchases on some of the days 1 to N of a window."""
    first = date(2024, 1, 1)
    log = small(
        customer_id=["a"] * len(places),
        ordered_at=[first + timedelta(days=place - 1) for place in places],
    )
    options = cv.TransactionOptions(extras=("clumpiness",), clumpiness_from=first)
    value = one(log, as_of=first + timedelta(days=window - 1), options=options)["clumpiness"]
    assert isinstance(value, float)
    return value


def test_clumpiness_by_hand() -> None:
    """Even gaps are 0; else 1 + sum(x ln x) / ln(n + 1), x in 21sts."""
    assert clumpiness(7, 14) == pytest.approx(0, abs=1e-12)
    assert clumpiness(1) == pytest.approx(
        1 + (math.log(1 / 21) / 21 + 20 / 21 * math.log(20 / 21)) / math.log(2), abs=1e-12
    )
    gaps = (3, 1, 5, 1, 5, 6)  # days 3, 4, 9, 10, 15 of 20
    expected = 1 + sum(g / 21 * math.log(g / 21) for g in gaps) / math.log(6)
    assert clumpiness(3, 4, 9, 10, 15) == pytest.approx(expected, abs=1e-12)
    assert clumpiness(9, 10, 11) > clumpiness(4, 10, 16)  # a burst
    assert clumpiness(5, 10, 15) < clumpiness(1, 2, 3) < 1


def test_purchases_before_the_window_do_not_count_for_clumpiness() -> None:
    assert clumpiness(-30, -3, 0, 7, 14) == clumpiness(7, 14)
    log = small(customer_id=["a"], ordered_at=[date(2024, 1, 1)])
    options = cv.TransactionOptions(extras=("clumpiness",), clumpiness_from=date(2024, 2, 1))
    assert one(log, options=options)["clumpiness"] is None
    with pytest.raises(ValidationError, match="needs clumpiness_from"):
        cv.TransactionOptions(extras=("clumpiness",))


def test_extras_stand_in_the_order_asked_for() -> None:
    options = cv.TransactionOptions(extras=("log_gap_sum", "gap_mean_days"))
    log = small(amount=[1.0, 2.0], cost=[1.0, 2.0], category=["x", "y"])
    columns = cv.summarize(
        cv.read_transactions(log, options=options), as_of=date(2024, 2, 1)
    ).columns
    assert columns == [*FRAME_SCHEMA, "cost", "n_categories", "log_gap_sum", "gap_mean_days"]


# --- edges ---


def test_one_customer_one_row() -> None:
    row = one(small(amount=[10.0]), as_of=date(2024, 1, 1))
    assert row == {
        "customer_id": "a",
        "as_of": date(2024, 1, 1),
        "first_purchase": date(2024, 1, 1),
        "last_purchase": date(2024, 1, 1),
        "purchases": 1,
        "orders": 1,
        "recency_days": 0,
        "revenue": 10.0,
        "revenue_per_year": 10.0,
        "mean_purchase": 10.0,
        "repeat_purchases": 0,
        "t_x": 0.0,
        "T": 0.0,
        "repeat_spend": None,
        "returned": 0.0,
    }


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("lazy", [False, True])
def test_no_customers_make_an_empty_frame_of_the_same_schema(rows: int, *, lazy: bool) -> None:
    log = small(amount=[1.0, 2.0], cost=[1.0, 2.0], discount=[1.0, 1.0], category=["x", "y"])
    log = log.with_columns(order_id=pl.lit(1), kind=pl.lit("sale")).head(rows)
    options = cv.TransactionOptions(extras=EXTRAS)
    result = cv.summarize(
        cv.read_transactions(log.lazy() if lazy else log, options=options), as_of=date(2023, 1, 1)
    )
    frame = result.lazy().collect()
    assert frame.is_empty()
    rest = {"cost": pl.Float64, "discount": pl.Float64, "n_categories": pl.Int64}
    assert dict(frame.schema) == FRAME_SCHEMA | rest | dict.fromkeys(EXTRAS, pl.Float64)
    split = cv.split_holdout(log, calibration_end=date(2023, 1, 1), holdout_end=date(2025, 1, 1))
    assert split.is_empty()
    assert split.schema["holdout_purchases"] == pl.Int64
    assert split.schema["holdout_revenue"] == split.schema["holdout_days"] == pl.Float64


def test_the_schema_is_the_documented_one() -> None:
    result = cv.summarize(small(amount=[1.0, -2.0]), as_of=date(2024, 2, 1))
    assert dict(result.schema) == FRAME_SCHEMA


def test_the_holdout_takes_only_customers_of_the_calibration() -> None:
    log = small(customer_id=["a", "b", "a", "c"], amount=[1.0, 2.0, -1.0, -3.0])
    split = cv.split_holdout(log, calibration_end=date(2024, 1, 1), holdout_end=date(2024, 2, 1))
    assert split.select("customer_id", "holdout_purchases", "holdout_revenue").rows() == [
        ("a", 0, -1.0)
    ]


def test_a_purchase_refunded_within_the_holdout_is_none() -> None:
    log = small(amount=[1.0, 5.0, -5.0], order_id=[1, 2, 2])
    period: Any = {"calibration_end": date(2024, 1, 1)}
    before = cv.split_holdout(log, holdout_end=date(2024, 1, 2), **period)
    after = cv.split_holdout(log, holdout_end=date(2024, 1, 3), **period)
    assert before["holdout_purchases"].to_list() == [1]
    assert after["holdout_purchases"].to_list() == [0]
    assert after["holdout_revenue"].to_list() == [0.0]


def test_a_refund_in_the_holdout_leaves_the_calibration_as_it_was() -> None:
    log = small(amount=[5.0, -5.0], order_id=[1, 1])
    split = cv.split_holdout(log, calibration_end=date(2024, 1, 1), holdout_end=date(2024, 2, 1))
    assert split.select("purchases", "revenue", "holdout_purchases", "holdout_revenue").rows() == [
        (1, 5.0, 0, -5.0)
    ]


@pytest.mark.parametrize(
    "as_of",
    [datetime(2024, 1, 1, 12), "1 May", 20240101, None, pd.Timestamp("2024-01-01 08:00")],  # noqa: DTZ001
)
def test_as_of_must_be_a_day(as_of: Any) -> None:
    log = small(amount=[1.0])
    with pytest.raises(cv.CustomerValueError, match=r"as_of must be a d"):
        cv.summarize(log, as_of=as_of)
    with pytest.raises(cv.CustomerValueError, match=r"calibration_end must be a d"):
        cv.split_holdout(log, calibration_end=as_of, holdout_end=date(2024, 1, 1))
    with pytest.raises(cv.CustomerValueError, match=r"holdout_end must be a d"):
        cv.split_holdout(log, calibration_end=date(2024, 1, 1), holdout_end=as_of)


@pytest.mark.parametrize("end", [date(2024, 1, 1), date(2023, 1, 1)])
def test_the_holdout_ends_after_the_calibration(end: date) -> None:
    with pytest.raises(cv.CustomerValueError, match=f"holdout_end {end} must be after"):
        cv.split_holdout(small(amount=[1.0]), calibration_end=date(2024, 1, 1), holdout_end=end)


def test_the_input_stays_as_it_was() -> None:
    log = small(amount=[3.0, -1.0], order_id=[1, 1])
    copy = log.clone()
    cv.summarize(log, as_of=date(2024, 2, 1))
    assert log.equals(copy)


def test_amounts_at_the_limit_are_summed() -> None:
    amounts = [9e22, -9e22, 9e22]
    random.Random(1).shuffle(amounts)  # noqa: S311
    assert one(small(amount=amounts))["revenue"] == pytest.approx(9e22)
