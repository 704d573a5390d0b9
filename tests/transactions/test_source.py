from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import customer_value as cv
from customer_value._frames.contracts import offence_counts
from customer_value.transactions import source
from strategies import read

if TYPE_CHECKING:
    from customer_value._frames.contracts import Rule

DAY = date(2024, 1, 1)
AS_OF = date(2024, 12, 31)


JOBS = {
    "read": cv.read_transactions,
    "summarize": lambda log, **k: cv.summarize(read(log, **k), as_of=AS_OF),
    "split": lambda log, **k: cv.split_holdout(
        read(log, **k), calibration_end=DAY, holdout_end=AS_OF
    ),
    "pnl": lambda log, **k: cv.customer_pnl(read(log, **k), as_of=AS_OF),
}
every_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())


def log_of(**columns: Any) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    defaults = {"customer_id": ["a"] * n, "ordered_at": [DAY] * n, "amount": [10.0] * n}
    return pl.DataFrame(defaults | columns)


def refusal(log: Any, **keywords: Any) -> cv.DataError:
    with pytest.raises(cv.DataError) as caught:
        cv.summarize(read(log, **keywords), as_of=AS_OF)
    return caught.value


def report_of(error: cv.DataError) -> cv.transactions.DataQualityReport:
    assert isinstance(error.report, cv.transactions.DataQualityReport)
    return error.report


# --- columns ---


@every_job
def test_every_missing_column_is_named_beside_what_is_there(job: Any) -> None:
    log = pl.DataFrame({"Customer_ID": ["a"], "date": [DAY], "amount": [1.0]})
    columns = cv.Columns(order="order_nr", cost="costs")
    with pytest.raises(cv.SchemaError) as caught:
        job(log, columns=columns)
    assert str(caught.value) == (
        "transactions: missing columns 'customer_id', 'ordered_at', 'order_nr', 'costs' "
        "(there are 'Customer_ID', 'date', 'amount'); "
        "did you mean 'Customer_ID' for 'customer_id'?; "
        "name the log's columns with read_transactions(..., columns=Columns(customer=..., ...))"
    )


def test_one_missing_column() -> None:
    with pytest.raises(cv.SchemaError, match=r"missing column 'amount' \(there are"):
        cv.summarize(log_of(amount=[1.0]).drop("amount"), as_of=AS_OF)


def test_a_frame_without_columns() -> None:
    with pytest.raises(cv.SchemaError, match=r"missing columns .* \(there are none\)"):
        cv.summarize(pl.DataFrame(), as_of=AS_OF)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer_id": [1.0]}, "'customer_id' is Float64, must be whole numbers or text"),
        ({"customer_id": [["a"]]}, "'customer_id' is List(String), must be whole numbers or text"),
        ({"ordered_at": ["2024-01-01"]}, "'ordered_at' is String, must be Date or Datetime"),
        ({"ordered_at": [1_517_328_000_000]}, "'ordered_at' is Int64, must be Date or Datetime"),
        ({"amount": [True]}, "'amount' is Boolean, must be a number"),
        ({"amount": ["1.00"]}, "'amount' is String, must be a number"),
        ({"cost": ["1.00"]}, "'cost' is String, must be a number"),
        ({"discount": [False]}, "'discount' is Boolean, must be a number"),
        ({"order_id": [1.5]}, "'order_id' is Float64, must be whole numbers or text"),
        ({"currency": [1]}, "'currency' is Int64, must be text"),
        ({"kind": [True]}, "'kind' is Boolean, must be text"),
    ],
)
@every_job
def test_a_wrong_type_is_named(job: Any, columns: Any, message: str) -> None:
    with pytest.raises(cv.SchemaError, match=re.escape(f"transactions: {message}")):
        job(log_of(**columns))


def test_missing_columns_and_wrong_types_are_named_at_once() -> None:
    log = pl.DataFrame({"customer_id": [1.0], "ordered_at": ["2024-01-01"]})
    with pytest.raises(cv.SchemaError) as caught:
        cv.summarize(log, as_of=AS_OF)
    for part in ("missing column 'amount'", "'customer_id' is Float64", "'ordered_at' is String"):
        assert part in str(caught.value)


def test_an_empty_frame_without_types_is_refused_and_one_with_types_is_not() -> None:
    untyped = pl.DataFrame({"customer_id": [], "ordered_at": [], "amount": []})
    with pytest.raises(cv.SchemaError) as caught:
        cv.summarize(untyped, as_of=AS_OF)
    assert all(f"'{name}' is Null" in str(caught.value) for name in untyped.columns)
    assert cv.summarize(log_of(amount=[1.0]).clear(), as_of=AS_OF).is_empty()


@every_job
def test_what_is_not_a_table(job: Any) -> None:
    for thing in (None, {"amount": [1.0]}, [1.0], 3):
        with pytest.raises(cv.SchemaError, match="is not a table; pass a DataFrame"):
            job(thing)


def test_a_pandas_column_of_mixed_types_is_a_schema_error() -> None:
    frame = pd.DataFrame({"customer_id": ["a", 1], "ordered_at": [DAY] * 2, "amount": [1.0, 2.0]})
    with pytest.raises(cv.SchemaError):
        cv.summarize(frame, as_of=AS_OF)


# --- values ---


@pytest.mark.parametrize(
    ("columns", "rule", "message"),
    [
        ({"customer_id": [None, "a"]}, "no_customer", "1 row with no customer"),
        ({"ordered_at": [None, DAY]}, "no_time", "1 row with no date (e.g. a)"),
        ({"amount": [None, 1.0]}, "no_amount", "1 row with no amount (e.g. a)"),
        ({"amount": [float("nan"), 1.0]}, "amount_not_finite", "a NaN or infinite amount"),
        ({"amount": [float("inf"), 1.0]}, "amount_not_finite", "a NaN or infinite amount"),
        ({"amount": [-float("inf"), 1.0]}, "amount_not_finite", "a NaN or infinite amount"),
        ({"amount": [1e24, 1.0]}, "amount_too_large", "amount of 1e+23 or more"),
        ({"amount": [-1e300, 1.0]}, "amount_too_large", "amount of 1e+23 or more"),
        ({"cost": [float("nan"), None]}, "cost_not_finite", "a NaN or infinite cost"),
        ({"cost": [1e30, None]}, "cost_too_large", "cost of 1e+23 or more"),
        ({"discount": [float("inf"), None]}, "discount_not_finite", "infinite discount"),
        ({"kind": ["Sale", "sale"]}, "unknown_kind", "a kind not 'sale' or 'return'"),
        ({"kind": [None, "sale"]}, "unknown_kind", "a kind not 'sale' or 'return'"),
        ({"order_id": [None, 1]}, "no_order", "1 row with a sale without an order (e.g. a)"),
    ],
)
@every_job
def test_an_unusable_value(job: Any, columns: Any, rule: str, message: str) -> None:
    log = log_of(**columns)
    with pytest.raises(cv.DataError, match=re.escape(message)) as caught:
        job(log)
    report = report_of(caught.value)
    assert [(count.rule, count.rows) for count in report.dropped] == [(rule, 1)]
    assert (report.rows_in, report.rows_out) == (2, 1)
    with pytest.raises(cv.DataError) as lazily:
        job(log.lazy())
    assert str(lazily.value) == str(caught.value)
    assert report_of(lazily.value) == report


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int128])
def test_whole_amounts_beyond_64_bits_are_too_large(dtype: Any) -> None:
    log = log_of(amount=pl.Series([2**63, 1], dtype=dtype))
    assert report_of(refusal(log)).dropped[0].rule == "amount_too_large"


def test_the_limit_follows_the_scale() -> None:
    log = log_of(amount=[1e18])
    assert cv.summarize(log, as_of=AS_OF)["revenue"].to_list() == [1e18]
    error = refusal(log, options=cv.TransactionOptions(money_scale=12))
    assert "amount of 1e+17 or more" in str(error)


def test_a_date_beyond_the_calendar_is_an_error_of_ours() -> None:
    log = log_of(ordered_at=pl.Series([0, 9_000_000], dtype=pl.Int32).cast(pl.Date))
    with pytest.raises(cv.DataError):
        cv.read_transactions(log)


def test_several_offences_make_one_error() -> None:
    log = pl.DataFrame(
        {
            "who": ["a", None, "c", "d", "e", "f", None],
            "when": [DAY, DAY, None, DAY, DAY, DAY, None],
            "amount": [1.0, 2.0, 3.0, float("nan"), None, 1.0, None],
            "kind": ["sale", "sale", "sale", "sale", "sale", "gift", "gift"],
        }
    )
    columns = cv.Columns(customer="who", time="when", kind="kind")
    error = refusal(log, columns=columns)
    assert re.sub(r"\(e\.g\. [^c-f][^)]*\)", "(...)", str(error)) == (
        "transactions: 2 rows with no customer; 1 row with no date (e.g. c); "
        "1 row with no amount (e.g. e); 1 row with a NaN or infinite amount (e.g. d); "
        "1 row with a kind not 'sale' or 'return' (e.g. f): on_invalid='drop' leaves them out"
    )
    report = report_of(error)
    assert (report.rows_in, report.rows_out, report.customers) == (7, 1, 1)
    assert sum(count.rows for count in report.dropped) == 6


def test_examples_are_at_most_three_and_thousands_are_grouped() -> None:
    amounts = pl.Series([None] * 1500, dtype=pl.Float64)
    error = refusal(log_of(amount=amounts, customer_id=list(range(1500))))
    assert "1,500 rows with no amount (e.g. 0, 1, 2)" in str(error)
    assert report_of(error).dropped[0].examples == ("0", "1", "2")


@pytest.mark.parametrize("lazy", [False, True])
@every_job
def test_dropping_leaves_the_rest_and_reconciles(job: Any, *, lazy: bool) -> None:
    bad = pl.DataFrame(
        {
            "customer_id": ["a", None, "b", "b", "c", "a", "a", "a"],
            "ordered_at": [DAY, DAY, None, DAY, DAY, DAY, DAY, DAY],
            "amount": [1.0, 2.0, 3.0, float("nan"), 5.0, 1.0, 0.0, -1.0],
            "order_id": [1, 1, 1, 1, None, 1, 2, None],
        }
    )
    good = bad.filter(pl.Series([True, False, False, False, False, True, True, True]))
    options = cv.TransactionOptions(on_invalid="drop")
    result, expected = job(bad.lazy() if lazy else bad, options=options), job(good)
    if isinstance(result, cv.Transactions):
        report = result.report
        result = result.frame
        expected = expected.frame
        assert (report.rows_in, report.rows_out) == (8, 4)
        assert {count.rule: count.rows for count in report.dropped} == {
            "no_customer": 1,
            "no_time": 1,
            "amount_not_finite": 1,
            "no_order": 1,
        }
        options = cv.TransactionOptions(on_invalid="drop", duplicates="drop", zero_amount="drop")
        fewer = cv.read_transactions(bad, options=options)
        report = fewer.report
        assert report.rows_in - sum(c.rows for c in report.dropped) == report.rows_out == 2
        assert fewer.frame.height == 2
        assert [c.rule for c in report.dropped[-2:]] == ["duplicate", "zero_amount"]
    assert result.lazy().collect().sort(pl.all()).equals(expected.sort(pl.all()))


def test_dropping_everything_leaves_nothing() -> None:
    log = log_of(amount=[None, None], order_id=[1, 2]).with_columns(pl.col("amount").cast(float))
    options = cv.TransactionOptions(on_invalid="drop")
    assert cv.summarize(cv.read_transactions(log, options=options), as_of=AS_OF).is_empty()


@pytest.mark.parametrize("duplicates", ["keep", "drop"])
@pytest.mark.parametrize("zero_amount", ["keep", "drop"])
def test_the_report_of_a_refused_log_reconciles(duplicates: Any, zero_amount: Any) -> None:
    log = log_of(amount=[1.0, 1.0, 0.0, 2.0], customer_id=["a", "a", "a", None])
    options = cv.TransactionOptions(duplicates=duplicates, zero_amount=zero_amount)
    report = report_of(refusal(log, options=options))
    assert all(count.rows > 0 for count in report.dropped)
    left = 3 - (duplicates == "drop") - (zero_amount == "drop")
    assert report.rows_out == left
    assert sum(count.rows for count in report.dropped) == 4 - left


# --- currencies ---


@every_job
def test_mixed_currencies_are_refused(job: Any) -> None:
    log = log_of(currency=["USD", "EUR", "USD"])
    for on_invalid in ("raise", "drop"):
        options = cv.TransactionOptions(on_invalid=on_invalid)
        with pytest.raises(cv.DataError, match=r"more than one currency \(EUR, USD\)") as caught:
            job(log, options=options)
        assert report_of(caught.value).currencies == ("EUR", "USD")


def test_mixed_currencies_are_named_beside_other_offences() -> None:
    log = log_of(currency=["USD", "EUR", "USD"], amount=[1.0, 2.0, None])
    assert re.search("1 row with no amount.*; more than one currency", str(refusal(log)))


def test_one_currency_is_reported() -> None:
    log = cv.read_transactions(log_of(currency=pl.Series(["EUR"], dtype=pl.Categorical)))
    assert log.report.currencies == ("EUR",)


def test_an_unknown_currency_is_not_called_none() -> None:
    error = refusal(log_of(currency=["USD", None]))
    assert "None" not in str(error)
    assert report_of(error).currencies == ("USD",)


def test_the_currency_of_a_dropped_row_does_not_count() -> None:
    log = log_of(currency=["USD", "EUR"], customer_id=["a", None])
    options = cv.TransactionOptions(on_invalid="drop")
    assert cv.summarize(cv.read_transactions(log, options=options), as_of=AS_OF)[
        "revenue"
    ].to_list() == [10.0]


# --- cost of the checks ---


def test_the_checks_grow_with_the_rules_and_not_with_their_powers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    def measure(rules: list[Rule]) -> dict[str, pl.Expr]:
        sizes.extend(len(str(rule.broken)) for rule in rules)
        return offence_counts(rules)

    monkeypatch.setattr(source, "offence_counts", measure)
    amounts = [1.0, 2.0]
    log = log_of(amount=amounts, cost=amounts, discount=amounts, kind=["sale"] * 2)
    cv.summarize(log.with_columns(order_id=1, currency=pl.lit("EUR")), as_of=AS_OF)
    assert max(sizes) < 5_000


def test_a_table_that_can_be_read_once_is_read_once() -> None:
    table = log_of(amount=[1.0, 0.0], customer_id=["a", None]).to_arrow()
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    options = cv.TransactionOptions(on_invalid="drop")
    assert cv.summarize(cv.read_transactions(reader, options=options), as_of=AS_OF)[
        "purchases"
    ].to_list() == [1]


def test_times_within_a_day_are_one_day() -> None:
    log = log_of(ordered_at=[datetime(2024, 1, 1, hour) for hour in (0, 12, 23)])  # noqa: DTZ001
    row = cv.summarize(log, as_of=DAY).row(0, named=True)
    assert (row["purchases"], row["orders"], row["first_purchase"]) == (1, 3, DAY)
