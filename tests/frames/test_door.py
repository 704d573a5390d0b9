"""The door: tables of any library, checked."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import customer_value as cv
from customer_value._frames.door import as_polars, read_frame
from customer_value.exceptions import DataError, SchemaError

DAY = date(2024, 5, 2)


def test_polars_frames_pass_untouched() -> None:
    frame = pl.DataFrame({"a": [1]})
    lazy = frame.lazy()
    assert as_polars(frame) is frame
    assert as_polars(lazy) is lazy
    assert read_frame(frame, {"a": "key"}) is frame


def test_arrow_tables_become_polars_frames() -> None:
    expected = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    table = expected.to_arrow()
    batch = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": ["x", "y"]})
    for other in (table, batch, frame):
        result = as_polars(other)
        assert isinstance(result, pl.DataFrame)
        assert result.equals(expected)


@pytest.mark.parametrize("thing", [None, 1, "a", [1], {"a": [1]}, object()])
def test_what_is_not_a_table(thing: Any) -> None:
    with pytest.raises(
        SchemaError, match=f"^events: a {type(thing).__name__} is not a table; pass"
    ):
        as_polars(thing, what="events")


@pytest.mark.parametrize("series", [pl.Series([1]), pd.Series([1])])
def test_a_series_is_one_column(series: Any) -> None:
    with pytest.raises(SchemaError, match="a Series is one column; pass the whole table"):
        read_frame(series, {"a": "key"})


@pytest.mark.parametrize(
    ("module", "cure"),
    [("pyspark.sql.dataframe", r"\.toArrow\(\)"), ("ibis.expr.types", r"\.to_polars\(\)")],
)
def test_tables_that_live_elsewhere_are_not_pulled(module: str, cure: str) -> None:
    def pull(_: object, __: object = None) -> object:
        raise AssertionError("pulled")

    remote: Any = type("Table", (), {"__module__": module, "__arrow_c_stream__": pull})
    library = module.partition(".")[0]
    with pytest.raises(SchemaError, match=f"a {library} Table is not in this process; .*{cure}"):
        read_frame(remote(), {"a": "key"})


# --- columns that polars cannot hold ---

JUNK = pd.DataFrame({"key": [1, 2], "junk": [object(), {"a": 1}]})


def test_a_junk_column_that_is_not_needed_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "customer_value"):
        taken = read_frame(JUNK, {"key": "key"})
    assert taken.to_dict(as_series=False) == {"key": [1, 2]}
    assert "left out: junk" in caplog.text


def test_a_junk_column_that_is_needed_is_named() -> None:
    with pytest.raises(SchemaError, match="customers: 'junk' cannot be read: mixed values"):
        read_frame(JUNK, {"key": "key", "junk": "number"})


def test_wide_integers_of_duckdb_are_keys_and_its_intervals_do_not_matter() -> None:
    query = "SELECT 7::HUGEINT AS key, INTERVAL 3 DAY AS wait, 1.5 AS amount"
    sql: Any = duckdb.sql
    taken = read_frame(sql(query), {"key": "key", "amount": "number"}, only=True)
    assert taken["key"].dtype == pl.Int64
    assert taken["key"].to_list() == [7]
    assert read_frame(sql(query), {"key": "key"})["key"].to_list() == [7]
    with pytest.raises(SchemaError, match="'wait'"):
        read_frame(sql(query), {"key": "key", "wait": "number"})


# --- keys ---


@pytest.mark.parametrize("lazy", [False, True])
def test_whole_floats_are_keys_and_fractions_are_not(*, lazy: bool) -> None:
    def taken(values: list[float | None]) -> pl.DataFrame:
        frame = pl.DataFrame({"key": values})
        return read_frame(frame.lazy() if lazy else frame, {"key": "key"}).lazy().collect()

    whole = taken([1.0, None, -3.0])["key"]
    assert whole.dtype == pl.Int64
    assert whole.to_list() == [1, None, -3]
    for bad in (1.5, float("nan"), float("inf"), 2.0**63):
        with pytest.raises(SchemaError, match="'key' is Float64, must be whole numbers or text"):
            taken([1.0, bad])


def test_the_index_of_pandas_is_hinted_at() -> None:
    frame = pd.DataFrame({"x": [1]}, index=pd.Index([5], name="customer_id"))
    with pytest.raises(SchemaError, match=r"'customer_id' is the index: call .reset_index\(\)"):
        read_frame(frame, {"customer_id": "key", "x": "number"})


def test_cures_speak_the_words_of_the_library() -> None:
    text = {"day": ["2024-05-02"]}
    with pytest.raises(SchemaError, match=r"pd.to_datetime"):
        read_frame(pd.DataFrame(text), {"day": "day"})
    with pytest.raises(SchemaError, match=r"\.str\.to_date\(\)"):
        read_frame(pl.DataFrame(text), {"day": "day"})
    with pytest.raises(SchemaError, match="cast it to date32"):
        read_frame(pa.table(text), {"day": "day"})


# --- days ---


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_midnight_is_a_day(unit: Any, *, lazy: bool) -> None:
    times = pl.Series("day", [DAY, None]).cast(pl.Datetime(unit))
    frame = times.to_frame()
    taken = read_frame(frame.lazy() if lazy else frame, {"day": "day"})
    assert isinstance(taken, pl.LazyFrame) == lazy
    assert taken.lazy().collect()["day"].to_list() == [DAY, None]


@pytest.mark.parametrize("lazy", [False, True])
def test_a_time_of_day_is_not_a_day(*, lazy: bool) -> None:
    times = pl.Series("day", ["2024-05-02 00:00", "2024-05-02 10:30"]).str.to_datetime()
    frame = times.to_frame()
    with pytest.raises(DataError, match="1 row with a time of day in 'day'"):
        read_frame(frame.lazy() if lazy else frame, {"day": "day"}).lazy().collect()
    assert read_frame(frame, {"day": "time"})["day"].dtype == pl.Datetime


def test_a_time_with_a_zone_is_not_a_day() -> None:
    zoned = pl.DataFrame({"day": [datetime(2024, 5, 2)]}).with_columns(  # noqa: DTZ001
        pl.col("day").dt.replace_time_zone("UTC")
    )
    with pytest.raises(SchemaError, match="must be a date"):
        read_frame(zoned, {"day": "day"})


def test_only_the_columns_that_are_named() -> None:
    frame = pl.DataFrame({"b": [1], "a": ["x"], "^a.*$": [2]})
    assert read_frame(frame, {"a": "key", "b": "number"}, only=True).columns == ["a", "b"]
    assert read_frame(frame, {"^a.*$": "number"}, only=True).columns == ["^a.*$"]


def test_uuids_are_keys_of_text() -> None:
    keys = [UUID(int=k) for k in (1, 2)]
    rows = {"amount": [1.0, 2.0], "ordered_at": [date(2024, 1, 5)] * 2}
    from_pandas = pd.DataFrame({"customer_id": [*keys], **rows}).astype(
        {"ordered_at": "datetime64[ns]"}
    )
    objects = pl.DataFrame(rows).with_columns(customer_id=pl.Series(keys, dtype=pl.Object))
    for table in (from_pandas, objects):
        customers = cv.summarize(table, as_of="2024-02-01")
        assert customers["customer_id"].to_list() == [str(key) for key in keys]
