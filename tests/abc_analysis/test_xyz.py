from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.abc import abc_xyz_matrix, classify_xyz
from customer_value.transactions import questions
from oracles import concentration as oracle
from strategies import FIRST_DAY, LAST_DAY, Log, days, logs, read

Period = Literal["week", "month", "quarter"]

PERIODS: list[Period] = ["week", "month", "quarter"]
SCHEMA = {
    "customer_id": pl.String,
    "periods": pl.Int64,
    "period_mean": pl.Float64,
    "period_cv": pl.Float64,
    "xyz_class": pl.String,
}
MATRIX = {
    "abc_class": pl.String,
    "xyz_class": pl.String,
    "customers": pl.Int64,
    "value": pl.Float64,
    "customer_share": pl.Float64,
    "value_share": pl.Float64,
}
laws = settings(max_examples=60, deadline=None)


def log_of(rows: Sequence[tuple[str, date, float]]) -> pl.DataFrame:
    schema = {"customer_id": pl.String, "ordered_at": pl.Date, "amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def monthly(*amounts: float, year: int = 2024) -> pl.DataFrame:
    """One customer's amounts of January, February ...; a zero is no row."""
    months = enumerate(amounts, 1)
    return log_of([("a", date(year, month, 15), money) for month, money in months if money])


def one(log: pl.DataFrame, **keywords: Any) -> tuple[Any, ...]:
    given = {name: keywords.pop(name) for name in ("columns", "options") if name in keywords}
    classes: pl.DataFrame = classify_xyz(
        read(log, **given), **({"as_of": date(2024, 12, 31)} | keywords)
    )
    return classes.row(0)[1:]


def near(got: float | None, want: float | None) -> bool:
    if got is None or want is None:
        return got is None and want is None
    return math.isclose(got, want, rel_tol=1e-12, abs_tol=1e-12)


# --- against the twin ---


@pytest.mark.parametrize("period", PERIODS)
@given(
    log=logs(optional=("order_id", "kind")),
    stretch=st.sampled_from([1, 9, 30]),
    back=st.integers(0, 60),
    periods=st.integers(2, 14),
)
@settings(max_examples=80, deadline=None)
def test_it_equals_the_twin(
    period: Period, log: Log, stretch: int, back: int, periods: int
) -> None:
    rows = [
        row | {"ordered_at": FIRST_DAY + (row["ordered_at"] - FIRST_DAY) * stretch}
        for row in log.rows
    ]
    stretched = Log(rows, log.columns)
    as_of = max(row["ordered_at"] for row in rows) + timedelta(days=15 - back)
    terms: Any = {"as_of": as_of, "period": period, "periods": periods, "cutoffs": (0.5, 1.0)}
    result = classify_xyz(stretched.frame, **terms)
    twin = oracle.classify_xyz(rows, **terms)
    assert dict(result.schema) == SCHEMA
    assert result.height == len(twin)
    for got, want in zip(result.iter_rows(named=True), twin, strict=True):
        assert near(got["period_mean"], want["period_mean"])
        assert near(got["period_cv"], want["period_cv"])
        for name in ("customer_id", "periods", "xyz_class"):
            assert got[name] == want[name]


# --- laws ---


@given(log=logs(), seed=st.integers(0, 10**6), period=st.sampled_from(PERIODS))
@laws
def test_the_order_of_the_rows_changes_no_bit(log: Log, seed: int, period: Period) -> None:
    shuffled = log.frame.sample(fraction=1, shuffle=True, seed=seed)
    result = classify_xyz(log.frame, as_of=LAST_DAY, period=period)
    assert classify_xyz(shuffled, as_of=LAST_DAY, period=period).equals(result)


def large_log() -> pl.DataFrame:
    draw = random.Random(5)  # noqa: S311
    rows = [
        (
            f"c{draw.randrange(3_000)}",
            date(2022, 1, 1) + timedelta(days=draw.randrange(900)),
            draw.choice([0.1, 0.2, 0.3, 19.99, 123_456.78, -0.1, -19.99]),
        )
        for _ in range(60_000)
    ]
    return log_of(rows)


def test_the_order_of_many_rows_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    log, as_of = large_log(), date(2024, 5, 31)
    result = classify_xyz(log, as_of=as_of, period="week", periods=26)
    assert result["period_cv"].count() > 2_000
    for seed in range(3):
        shuffled = log.sample(fraction=1, shuffle=True, seed=seed)
        assert classify_xyz(shuffled, as_of=as_of, period="week", periods=26).equals(result)
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 20_000)
    assert classify_xyz(log, as_of=as_of, period="week", periods=26).equals(result)


@given(log=logs(), as_of=days, period=st.sampled_from(PERIODS))
@laws
def test_events_after_as_of_change_nothing(log: Log, as_of: date, period: Period) -> None:
    known = log.frame.filter(pl.col("ordered_at") <= as_of)
    result = classify_xyz(log.frame, as_of=as_of, period=period)
    assert result.equals(classify_xyz(known, as_of=as_of, period=period))


@given(log=logs(optional=()), factor=st.sampled_from([0.5, 4.0, 100.0]))
@laws
def test_the_currency_does_not_matter(log: Log, factor: float) -> None:
    other = log.frame.with_columns(pl.col("amount") * factor)
    ours = classify_xyz(log.frame, as_of=LAST_DAY, period="week", periods=4)
    theirs = classify_xyz(other, as_of=LAST_DAY, period="week", periods=4)
    for a, b in zip(ours["period_cv"], theirs["period_cv"], strict=True):
        assert near(a, b)
    assert ours["periods"].equals(theirs["periods"])


@given(log=logs())
@laws
def test_names_do_not_matter(log: Log) -> None:
    names = {"ann": 4, "bob": 3, "cy": 2, "李": 1}
    codes = pl.col("customer_id").replace_strict(names, return_dtype=pl.Int64)
    renamed = classify_xyz(log.frame.with_columns(codes), as_of=LAST_DAY, period="week")
    result = classify_xyz(log.frame, as_of=LAST_DAY, period="week")
    assert renamed["customer_id"].dtype == pl.Int64
    assert renamed.sort("customer_id").equals(result.with_columns(codes).sort("customer_id"))


# --- worked numbers ---


def test_classes_by_hand() -> None:
    """Of 1 and 3 the mean is 2, the deviation 1; of 0 and 2 both are 1; of 0, 0, 3 more."""
    assert one(monthly(1, 3), as_of=date(2024, 2, 29)) == (2, 2.0, 0.5, "X")
    assert one(monthly(4, 0), as_of=date(2024, 2, 29)) == (2, 2.0, 1.0, "Y")
    periods, mean, spread, name = one(monthly(3), as_of=date(2024, 3, 31))
    assert (periods, mean, name) == (3, 1.0, "Z")
    assert spread == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("unit", [0.1, 0.3, 0.7, 1.1, 1e6])
def test_cutoffs_hold_in_every_currency(unit: float) -> None:
    assert one(monthly(unit, 3 * unit), as_of=date(2024, 2, 29))[3] == "X"
    assert one(monthly(4 * unit), as_of=date(2024, 2, 29))[3] == "Y"


@pytest.mark.parametrize("amount", [0.1, 0.7, 33.33, 1e9])
def test_the_same_every_month_is_exactly_0(amount: float) -> None:
    assert one(monthly(*[amount] * 12)) == (12, pytest.approx(amount), 0.0, "X")


def test_own_cutoffs() -> None:
    log = monthly(1, 3)
    assert one(log, as_of=date(2024, 2, 29), cutoffs=(0.4, 0.5))[3] == "Y"
    assert one(log, as_of=date(2024, 2, 29), cutoffs=(0.0, 0.4))[3] == "Z"


def test_all_amounts_of_a_period_are_one_sum_and_returns_reduce_it() -> None:
    rows = [("a", date(2024, 1, day), money) for day, money in ((1, 0.1), (31, 0.2), (9, -0.1))]
    log = pl.concat([log_of(rows), log_of([("a", date(2024, 2, 1), 0.2)])])
    assert one(log, as_of=date(2024, 2, 29)) == (2, 0.2, 0.0, "X")


# --- which periods count ---


@pytest.mark.parametrize(
    ("as_of", "periods"),
    [
        (date(2024, 1, 31), 1),
        (date(2024, 2, 28), 1),
        (date(2024, 2, 29), 2),
        (date(2024, 3, 1), 2),
        (date(2024, 12, 30), 11),
        (date(2024, 12, 31), 12),
        (date(2025, 6, 30), 12),
    ],
)
def test_only_complete_months_count(as_of: date, periods: int) -> None:
    assert one(monthly(5, 5, 5), as_of=as_of)[0] == periods


@pytest.mark.parametrize(
    ("period", "as_of", "periods"),
    [
        ("week", date(2024, 1, 6), 0),
        ("week", date(2024, 1, 7), 1),  # a Sunday
        ("week", date(2024, 1, 13), 1),
        ("week", date(2024, 1, 14), 2),
        ("quarter", date(2024, 3, 30), 0),
        ("quarter", date(2024, 3, 31), 1),
        ("quarter", date(2024, 6, 30), 2),
    ],
)
def test_weeks_begin_on_monday_and_quarters_in_january(
    period: Period, as_of: date, periods: int
) -> None:
    log = log_of([("a", date(2024, 1, 3), 5.0)])
    assert one(log, as_of=as_of, period=period)[0] == periods


def test_before_1970_weeks_begin_on_monday_too() -> None:
    log = log_of([("a", date(1969, 12, 28), 5.0), ("a", date(1969, 12, 29), 5.0)])
    assert one(log, as_of=date(1970, 1, 4), period="week") == (2, 5.0, 0.0, "X")


def test_the_window_ends_where_the_periods_end() -> None:
    log = monthly(90, 1, 3)
    assert one(log, as_of=date(2024, 3, 31), periods=2) == (2, 2.0, 0.5, "X")
    with_more = pl.concat([log, log_of([("a", date(2024, 4, 1), 500.0)])])
    assert one(with_more, as_of=date(2024, 4, 29), periods=2) == (2, 2.0, 0.5, "X")


def test_fewer_than_two_periods_have_no_class() -> None:
    assert one(monthly(5), as_of=date(2024, 1, 15)) == (0, None, None, None)
    assert one(monthly(5), as_of=date(2024, 2, 1)) == (1, 5.0, None, None)


def test_without_value_in_the_window_a_customer_is_z() -> None:
    assert one(monthly(5), as_of=date(2025, 12, 31)) == (12, 0.0, None, "Z")
    assert one(monthly(5, -5), as_of=date(2024, 2, 29)) == (2, 0.0, None, "Z")
    assert one(monthly(5, -9), as_of=date(2024, 2, 29)) == (2, -2.0, None, "Z")
    zeros = log_of([("a", date(2024, 1, 1), 0.0)])
    assert one(zeros, as_of=date(2024, 2, 29)) == (2, 0.0, None, "Z")


def test_a_customer_begins_with_a_sale() -> None:
    assert one(monthly(-5, 2, 2), as_of=date(2024, 3, 31)) == (2, 2.0, 0.0, "X")
    assert one(monthly(-5, -5), as_of=date(2024, 3, 31)) == (0, None, None, None)


def test_the_last_day_of_the_calendar_counts() -> None:
    log = log_of([("a", date(9999, 11, 1), 5.0), ("a", date(9999, 12, 31), 5.0)])
    assert one(log, as_of=date.max) == (2, 5.0, 0.0, "X")
    assert one(monthly(5), as_of=date(2024, 2, 29), periods=10**9)[0] == 2


# --- frames and options ---


def test_lazy_in_lazy_out() -> None:
    log = large_log()
    lazy = classify_xyz(log.lazy(), as_of=date(2024, 5, 31))
    assert isinstance(lazy, pl.LazyFrame)
    result = classify_xyz(log, as_of=date(2024, 5, 31))
    assert lazy.collect_schema() == result.schema
    for engine in ("in-memory", "streaming"):
        assert lazy.collect(engine=engine).sort("customer_id").equals(result)


def test_pandas_comes_in() -> None:
    log = monthly(1, 3)
    assert classify_xyz(log.to_pandas(), as_of=date(2024, 2, 29)).equals(
        classify_xyz(log, as_of=date(2024, 2, 29))
    )


def test_nobody() -> None:
    empty = classify_xyz(log_of([]), as_of=date(2024, 2, 29))
    assert empty.is_empty()
    assert dict(empty.schema) == SCHEMA
    assert classify_xyz(monthly(5), as_of=date(2023, 12, 31)).is_empty()


def test_columns_and_options() -> None:
    log = monthly(1, 3).rename({"customer_id": "who", "ordered_at": "when", "amount": "total"})
    columns = cv.Columns(customer="who", time="when", amount="total")
    assert one(log, as_of=date(2024, 2, 29), columns=columns) == (2, 2.0, 0.5, "X")
    late = pl.datetime(2024, 1, 31, 20, time_zone="UTC")
    zoned = log.with_columns(when=pl.when(pl.col("total") == 1).then(late).otherwise(late))
    options = cv.TransactionOptions(tz="Asia/Shanghai")
    shifted = one(zoned, as_of=date(2024, 2, 29), columns=columns, options=options)
    assert shifted == (1, 4.0, None, None)


@pytest.mark.parametrize("amount", [math.nan, math.inf])
def test_amounts_that_are_no_numbers_are_refused(amount: float) -> None:
    with pytest.raises(cv.DataError, match="1 row with a NaN or infinite amount"):
        classify_xyz(monthly(1, amount), as_of=date(2024, 2, 29))


@pytest.mark.parametrize(
    "words",
    [
        {"period": "day"},
        {"periods": 1},
        {"periods": 2.5},
        {"cutoffs": (1.0, 0.5)},
        {"cutoffs": (-0.1, 0.5)},
        {"cutoffs": (0.5, math.inf)},
        {"cutoffs": (math.nan, 1.0)},
    ],
)
def test_unusable_terms_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(cv.OptionError):
        one(monthly(1, 3), **words)


def test_as_of_is_a_day() -> None:
    with pytest.raises(cv.CustomerValueError, match=r"as_of must be a date or its ISO text"):
        classify_xyz(monthly(1, 3), as_of=datetime(2024, 1, 1, 9))  # noqa: DTZ001


# --- the matrix ---

classes = st.tuples(
    st.sampled_from(["A", "B", "C", None]),
    st.sampled_from(["X", "Y", "Z", None]),
    st.none() | st.integers(-300, 3000),
)


def classified(rows: Sequence[tuple[str | None, str | None, float | None]]) -> pl.DataFrame:
    schema = {"abc_class": pl.String, "xyz_class": pl.String, "revenue": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(rows=st.lists(classes, max_size=30), seed=st.integers(0, 2**32))
@laws
def test_the_matrix_counts_every_customer_once(
    rows: list[tuple[str | None, str | None, int | None]], seed: int
) -> None:
    shop = classified(rows)
    matrix = abc_xyz_matrix(shop)
    assert dict(matrix.schema) == MATRIX
    cells = {(a, x): rest for a, x, *rest in matrix.rows()}
    assert len(cells) == matrix.height
    assert {(a, x) for a in "ABC" for x in "XYZ"} <= set(cells)
    total = sum(v or 0 for _, _, v in rows)
    for (a, x), (count, value, people, held) in cells.items():
        own = [v or 0 for b, y, v in rows if (b, y) == (a, x)]
        assert (count, value) == (len(own), sum(own))
        assert people == (pytest.approx(len(own) / len(rows)) if rows else None)
        assert held == (pytest.approx(sum(own) / total) if total > 0 else None)
    assert (matrix["customers"].sum(), matrix["value"].sum()) == (len(rows), total)
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    assert abc_xyz_matrix(shuffled).equals(matrix)


def test_the_matrix_runs_from_a_and_x_to_c_and_z_and_the_unknown_follow() -> None:
    shop = classified([("C", "Z", 1.0), (None, "X", 2.0), ("A", None, 3.0), (None, None, None)])
    matrix = abc_xyz_matrix(shop)
    names = [(a or ".") + (x or ".") for a, x in matrix.select("abc_class", "xyz_class").rows()]
    assert names == [*(a + x for a in "ABC" for x in "XYZ"), "A.", ".X", ".."]
    assert abc_xyz_matrix(shop.drop_nulls()).height == 9


def test_the_sums_of_the_matrix_do_not_round() -> None:
    cents = [0.1, 0.2, 0.3, 1e15, -1e15] * 7
    matrix = abc_xyz_matrix(classified([("A", "X", v) for v in cents]))
    assert matrix["value"][0] == math.fsum(cents)
    assert matrix["value_share"][0] is None or matrix["value_share"][0] == 1.0


def test_the_matrix_of_nobody_and_of_no_value() -> None:
    empty = abc_xyz_matrix(classified([]))
    assert empty.drop("abc_class", "xyz_class").rows() == [(0, 0.0, None, None)] * 9
    nothing = abc_xyz_matrix(classified([("A", "X", 5.0), ("B", "Y", -5.0)]))
    assert nothing["value_share"].to_list() == [None] * 9
    assert nothing["customer_share"].sum() == 1.0


def test_the_matrix_takes_any_frame() -> None:
    shop = classified([("A", "X", 3.0), ("B", "Z", 1.0)])
    matrix = abc_xyz_matrix(shop)
    labels = pl.col("abc_class", "xyz_class").cast(pl.Categorical)
    for other in (shop.lazy(), shop.to_pandas(), shop.with_columns(labels)):
        assert abc_xyz_matrix(other).equals(matrix)
    assert abc_xyz_matrix(shop.rename({"revenue": "value"}), value="value").equals(matrix)


def test_customers_without_value_have_cells_where_there_are_any() -> None:
    matrix = abc_xyz_matrix(classified([("D", "Z", -1.0), ("A", "X", 3.0)]))
    assert matrix.filter(pl.col("abc_class") == "D").select("xyz_class", "customers").rows() == [
        ("Z", 1)
    ]
    assert (matrix.height, matrix["customers"].sum(), matrix["value"].sum()) == (10, 2, 2.0)


def test_what_the_matrix_refuses() -> None:
    shop = classified([("A", "X", 3.0), ("E", "Z", 1.0), ("a", "W", math.nan)])
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*revenue"):
        abc_xyz_matrix(shop)
    with pytest.raises(cv.DataError, match=r"2 rows with abc_class .*E, a.*1 row with xyz_class"):
        abc_xyz_matrix(shop.with_columns(revenue=1.0))
    with pytest.raises(cv.SchemaError, match="missing column 'xyz_class'"):
        abc_xyz_matrix(shop.drop("xyz_class"))
    with pytest.raises(cv.SchemaError, match="'abc_class' is String, must be a number"):
        abc_xyz_matrix(shop, value="abc_class")


def test_the_sample_adds_up() -> None:
    as_of, log = date(1998, 6, 30), cv.load_cdnow()
    customers = cv.classify_abc(cv.summarize(log, as_of=as_of))
    steady = classify_xyz(log, as_of=as_of, period="quarter", periods=4)
    matrix = abc_xyz_matrix(customers.join(steady, on="customer_id", how="left"))
    assert matrix.height == 9
    assert matrix["customers"].sum() == customers.height
    assert matrix["value"].sum() == pytest.approx(customers["revenue"].sum(), rel=1e-12)
    assert matrix["value_share"].sum() == pytest.approx(1)
