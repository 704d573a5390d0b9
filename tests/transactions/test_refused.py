"""What a log refuses, how it says so, and which tables it takes."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from strategies import small

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2024, 1, 1)
AS_OF = date(2024, 12, 31)
DROP = cv.TransactionOptions(on_invalid="drop")
BAD = pl.DataFrame(
    {
        "note": ["fine", "nameless", "both", "broken", "fine"],
        "customer_id": ["ann", None, None, "secret", "bob"],
        "ordered_at": [DAY] * 5,
        "amount": [1.0, 2.0, float("nan"), float("inf"), -1.0],
    }
)
REFUSED = pl.DataFrame(
    {
        "row": pl.Series([1, 2, 3], dtype=pl.Int64),
        "rule": ["no_customer", "no_customer", "amount_not_finite"],
    }
)


# --- the refused rows ---


@pytest.mark.parametrize("lazy", [False, True])
def test_the_report_gives_the_refused_rows(*, lazy: bool) -> None:
    log = cv.read_transactions(BAD.lazy() if lazy else BAD, options=DROP)
    invalid = log.report.invalid()
    assert_frame_equal(invalid, pl.concat([REFUSED, BAD[1:4]], how="horizontal"))
    counts = dict(invalid.group_by("rule").len().iter_rows())
    assert counts == {rule.rule: rule.rows for rule in log.report.dropped}


@pytest.mark.parametrize("lazy", [False, True])
def test_the_error_gives_the_refused_rows(*, lazy: bool) -> None:
    with pytest.raises(cv.DataError) as caught:
        cv.summarize(BAD.lazy() if lazy else BAD, as_of=AS_OF)
    invalid = caught.value.invalid()
    assert invalid is not None
    assert_frame_equal(invalid.select("row", "rule"), REFUSED)
    assert invalid["note"].to_list() == ["nameless", "both", "broken"]


def test_a_log_without_refused_rows_has_none() -> None:
    invalid = cv.read_transactions(BAD[[0, 4]]).report.invalid()
    assert invalid.is_empty()
    assert invalid.columns == ["row", "rule", *BAD.columns]


def test_a_report_from_json_has_lost_the_rows() -> None:
    report = cv.read_transactions(BAD, options=DROP).report
    again = type(report).model_validate_json(report.model_dump_json())
    assert again == report
    assert again.invalid().is_empty()


def test_other_errors_have_no_refused_rows() -> None:
    assert cv.DataError("of another table").invalid() is None


def test_columns_named_row_and_rule_are_kept_apart() -> None:
    log = BAD.rename({"note": "rule"})
    with pytest.raises(cv.DataError) as caught:
        cv.read_transactions(log)
    invalid = caught.value.invalid()
    assert invalid is not None
    assert invalid["row"].to_list() == [1, 2, 3]
    assert invalid["log_rule"].to_list() == ["nameless", "both", "broken"]


# --- keys ---


@pytest.mark.parametrize("lazy", [False, True])
def test_keys_stay_hidden_where_they_are_asked_to(*, lazy: bool) -> None:
    frame = BAD.lazy() if lazy else BAD
    hidden = cv.TransactionOptions(show_keys=False)
    with pytest.raises(cv.DataError) as caught:
        cv.read_transactions(frame, options=hidden)
    assert "secret" not in str(caught.value)
    assert "1 row with a NaN or infinite amount" in str(caught.value)
    report = cv.read_transactions(
        frame, options=cv.TransactionOptions(on_invalid="drop", show_keys=False)
    ).report
    for text in (str(report), report.model_dump_json(), repr(report), report._repr_html_()):
        assert "secret" not in text
    assert "secret" in cv.read_transactions(frame, options=DROP).report.model_dump_json()


@pytest.mark.parametrize(
    "keys",
    [
        pl.Series([7.0, 3.0, 7.0]),
        pl.Series([7.0, 3.0, 7.0], dtype=pl.Float32),
        pl.Series([Decimal("7.00"), Decimal(3), Decimal(7)]),
        pl.Series([Decimal(7), Decimal(3), Decimal(7)], dtype=pl.Decimal(38, 0)),
    ],
)
def test_numbers_that_are_whole_by_value_are_keys(keys: pl.Series) -> None:
    log = cv.read_transactions(small(amount=[1.0, 2.0, 4.0]).with_columns(customer_id=keys))
    assert log.key_type == pl.Int64
    assert log.frame["customer_id"].to_list() == [7, 3, 7]
    assert log.report.number_keys == 3
    assert cv.summarize(log, as_of=AS_OF)["revenue"].to_list() == [2.0, 5.0]


def test_whole_keys_are_not_counted_as_numbers() -> None:
    assert cv.read_transactions(small(customer_id=[1, 2])).report.number_keys == 0


def test_a_missing_key_makes_pandas_keys_floats() -> None:
    frame = pd.DataFrame(
        {"customer_id": [7, None, 3], "ordered_at": pd.Timestamp(DAY), "amount": [1.0, 2.0, 3.0]}
    )
    assert frame["customer_id"].dtype == "float64"
    with pytest.raises(cv.DataError, match="1 row with no customer"):
        cv.read_transactions(frame)
    log = cv.read_transactions(frame, options=DROP)
    assert log.frame["customer_id"].to_list() == [7, 3]
    assert log.report.number_keys == 2


@pytest.mark.parametrize("key", [1.5, float("nan"), float("inf"), 1e300, Decimal("0.5")])
def test_a_fraction_is_not_a_key(key: Any) -> None:
    log = small(customer_id=[key, type(key)(2)])
    with pytest.raises(cv.DataError) as caught:
        cv.read_transactions(log)
    assert "1 row with a customer number that is not whole" in str(caught.value)
    assert cv.read_transactions(log, options=DROP).frame["customer_id"].to_list() == [2]


# --- zones ---


def test_naive_times_of_a_zone_fall_on_the_day_of_the_business() -> None:
    evening = small(ordered_at=[datetime(2024, 1, 1, 18), datetime(2024, 1, 1, 12)])  # noqa: DTZ001
    options = cv.TransactionOptions(source_tz="UTC", tz="Asia/Shanghai")
    log = cv.read_transactions(evening, options=options)
    assert log.frame["ordered_at"].to_list() == [date(2024, 1, 2), date(2024, 1, 1)]
    zoned = evening.with_columns(pl.col("ordered_at").dt.replace_time_zone("UTC"))
    assert cv.read_transactions(zoned, options=options).frame.equals(log.frame)


def test_a_zone_of_the_source_leaves_dates_and_zoned_times_alone() -> None:
    options = cv.TransactionOptions(source_tz="America/New_York", tz="Asia/Shanghai")
    dates = cv.read_transactions(small(ordered_at=[DAY]), options=options)
    assert dates.frame["ordered_at"].to_list() == [DAY]
    noon = small(ordered_at=[datetime(2024, 1, 1, 12, tzinfo=UTC)])
    assert cv.read_transactions(noon, options=options).frame["ordered_at"].to_list() == [DAY]


def test_clocks_that_are_put_forward_and_back() -> None:
    options = cv.TransactionOptions(source_tz="Europe/Berlin", tz="Europe/Berlin")
    twice = small(ordered_at=[datetime(2024, 10, 27, 2, 30)])  # noqa: DTZ001
    read = cv.read_transactions(twice, options=options)
    assert read.frame["ordered_at"].to_list() == [date(2024, 10, 27)]
    skipped = small(ordered_at=[datetime(2024, 3, 31, 2, 30)])  # noqa: DTZ001
    with pytest.raises(cv.DataError, match="1 row with a time that clocks in Europe/Berlin skip"):
        cv.read_transactions(skipped, options=options)


# --- tables ---


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("pattern", ["*", "^.*$", "^a", "$"])
def test_a_name_that_looks_like_a_pattern_is_a_name(pattern: str, *, lazy: bool) -> None:
    log = small(amount=[1.0, 2.0], other=[3.0, 4.0], customer_id=["b", None])
    columns = cv.Columns(amount=pattern)
    named = log.rename({"amount": pattern})
    options = cv.TransactionOptions(on_invalid="drop", duplicates="drop")
    read = cv.read_transactions(named.lazy() if lazy else named, columns=columns, options=options)
    assert read.frame.lazy().collect()["amount"].to_list() == [1.0]
    assert read.report.unused_columns == ("other",)
    assert read.report.invalid()[pattern].to_list() == [2.0]


def test_a_junk_column_that_is_not_needed_does_not_matter() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "ordered_at": pd.Timestamp(DAY),
            "amount": [1.0, 2.0],
            "junk": [object(), {"a": {1}}],
        }
    )
    assert cv.summarize(frame, as_of=AS_OF)["revenue"].to_list() == [1.0, 2.0]
    with pytest.raises(cv.SchemaError, match="'junk' cannot be read"):
        cv.read_transactions(frame, columns=cv.Columns(category="junk"))


def test_types_that_only_duckdb_has() -> None:
    duckdb = pytest.importorskip("duckdb")
    table = duckdb.sql(
        "select (7 + range)::hugeint as customer_id, date '2024-01-01' as ordered_at, "
        "1.5 as amount, interval 1 day as span, [1, 2] as list from range(2)"
    )
    log = cv.read_transactions(table)
    assert log.key_type == pl.Int64
    assert log.frame["customer_id"].to_list() == [7, 8]
    assert cv.summarize(table, as_of=AS_OF)["revenue"].to_list() == [1.5, 1.5]


# --- files ---


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_path_is_read(tmp_path: Path, ending: str, *, as_text: bool) -> None:
    frame = cv.load_cdnow().with_columns(pl.col("customer_id").cast(pl.String))
    path = tmp_path / f"log.{ending}"
    if ending == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if ending == "tsv" else ",")
    log = cv.read_transactions(str(path) if as_text else path)
    assert log.in_memory
    assert log.frame.equals(cv.read_transactions(frame).frame)


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cv.OptionError, match="no such file"):
        cv.read_transactions(tmp_path / "none.csv")


@pytest.mark.parametrize("given", [{"columns": {"customer": "id"}}, {"options": {"tz": "UTC"}}])
def test_a_dict_is_neither_columns_nor_options(given: Any, tmp_path: Path) -> None:
    says = f"{next(iter(given))} must be a .*, got a dict"
    with pytest.raises(cv.OptionError, match=says):
        cv.read_transactions(small(amount=[1.0]), **given)
    path = tmp_path / "log.csv"
    small(amount=[1.0]).write_csv(path)
    with pytest.raises(cv.OptionError, match=says):
        cv.read_transactions(path, **given)


# --- the value ---


@pytest.mark.parametrize("lazy", [False, True])
def test_a_log_travels(*, lazy: bool) -> None:
    log = cv.read_transactions(BAD.lazy() if lazy else BAD, options=DROP)
    assert log.report.rows_out == 2
    again = pickle.loads(pickle.dumps(log))  # noqa: S301
    assert again.frame.lazy().collect().equals(log.frame.lazy().collect())
    assert again.report == log.report
    assert again.options == log.options
    assert again.report.invalid().equals(log.report.invalid())


def test_a_log_says_in_a_line_what_it_is() -> None:
    log = cv.read_transactions(BAD, options=DROP)
    said = "Transactions(5 rows read, in memory; customer_id, ordered_at, amount, kind)"
    assert repr(log) == said
    one = repr(cv.read_transactions(BAD[:1].lazy()))
    assert one == "Transactions(1 row read, lazy; customer_id, ordered_at, amount, kind)"


def test_a_log_is_not_changed() -> None:
    log: Any = cv.read_transactions(BAD, options=DROP)
    with pytest.raises(AttributeError):
        log.frame = BAD


def test_a_report_is_plain_json() -> None:
    report = cv.read_transactions(BAD, options=DROP).report
    assert json.loads(report.model_dump_json())["unused_columns"] == ["note"]
