"""The laws that every public function keeps, over the registry of all of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from laws.cases import CASES
from laws.registry import PUBLIC, Case

LOGS = sorted(name for name, case in CASES.items() if case.kind == "log")
ROWS = sorted(name for name, case in CASES.items() if case.kind == "rows")
TABLES = sorted(
    name for name, case in CASES.items() if case.kind in ("log", "rows", "crowd", "table")
)
JUNK: dict[str, Any] = {
    "a number": 3,
    "a text": "customers",
    "a list": [1, 2],
    "nothing": None,
    "a dict": {"customer_id": [1]},
    "a Series": pl.Series([1, 2]),
    "a pandas Series": pd.Series([1, 2]),
    "an empty table": pl.DataFrame(),
}


def run(name: str, first: Any = None, /, **more: Any) -> Any:
    case = CASES[name]
    return PUBLIC[name](case.first() if first is None else first, **(case.rest() | more))


def tables_of(result: Any) -> list[pl.DataFrame]:
    """The frames of a result, eager and in one order, for a comparison."""
    if isinstance(result, cv.Transactions):
        result = result.frame
    if isinstance(result, pl.LazyFrame):
        result = result.collect()
    if isinstance(result, pl.DataFrame):
        key = [name for name in ("customer_id", "before", "gap_start") if name in result.columns]
        return [result.sort(key) if "customer_id" in key else result]
    if isinstance(result, tuple):
        return [table for part in result for table in tables_of(part)]
    fields = getattr(result, "__dict__", {})
    return [table for part in fields.values() if isinstance(part, pl.DataFrame) for table in [part]]


def assert_same(one: Any, other: Any) -> None:
    ones, others = tables_of(one), tables_of(other)
    assert len(ones) == len(others)
    for left, right in zip(ones, others, strict=True):
        assert_frame_equal(left, right, check_exact=True)
    if not ones:
        assert str(one) == str(other)


def as_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """As pandas has it: days are times at midnight, missing whole numbers are floats."""
    return frame.to_pandas()


def test_every_public_function_has_a_case() -> None:
    assert sorted(PUBLIC.keys() - CASES.keys()) == []
    assert sorted(CASES.keys() - PUBLIC.keys()) == []


@pytest.mark.parametrize("name", LOGS)
def test_later_events_change_nothing(name: str) -> None:
    log: pl.DataFrame = CASES[name].first()
    day = log["ordered_at"].max()
    assert isinstance(day, date)
    later = log.with_columns(
        ordered_at=pl.col("ordered_at") + timedelta(days=1000),
        amount=pl.col("amount") * 7,
        order_id=pl.col("order_id") + 1_000_000,
    )
    assert_same(run(name, pl.concat([log, later])), run(name))


@pytest.mark.parametrize("name", LOGS)
def test_a_log_as_a_value_is_the_log(name: str) -> None:
    assert_same(run(name, cv.read_transactions(CASES[name].first())), run(name))


@pytest.mark.parametrize("name", [n for n in TABLES if CASES[n].lazy])
def test_lazy_is_eager(name: str) -> None:
    first: pl.DataFrame = CASES[name].first()
    assert_same(run(name, first.lazy()), run(name))


@pytest.mark.parametrize("name", TABLES)
def test_pandas_is_polars(name: str) -> None:
    eager = run(name)
    from_pandas = run(name, as_pandas(CASES[name].first()))
    ones, others = tables_of(eager), tables_of(from_pandas)
    assert len(ones) == len(others)
    for left, right in zip(ones, others, strict=True):
        assert left.columns == right.columns
        assert left.height == right.height
        computed = [c for c in left.columns if left.schema[c] == right.schema[c]]
        assert_frame_equal(left.select(computed), right.select(computed))


@pytest.mark.parametrize("name", TABLES)
def test_a_stream_is_read_once(name: str) -> None:
    """A stream of Arrow batches is empty when it is read again."""
    table = CASES[name].first().to_arrow()
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    assert_same(run(name, stream), run(name, table))


@pytest.mark.parametrize("name", [n for n in TABLES if CASES[n].kind in ("rows", "crowd")])
def test_every_customer_comes_out_in_order(name: str) -> None:
    first: pl.DataFrame = CASES[name].first()
    result: pl.DataFrame = run(name)
    assert result.height == first.height
    if "customer_id" in first.columns:
        assert result["customer_id"].equals(first["customer_id"])


@pytest.mark.parametrize("name", ROWS)
def test_halves_are_the_whole(name: str) -> None:
    first: pl.DataFrame = CASES[name].first()
    whole: pl.DataFrame = run(name)
    middle = first.height // 3
    halves = pl.concat([run(name, first[:middle]), run(name, first[middle:])])
    assert_frame_equal(halves, whole, check_exact=True)


@pytest.mark.parametrize("name", ROWS)
def test_one_customer_alone_gets_the_same_answer(name: str) -> None:
    first: pl.DataFrame = CASES[name].first()
    whole: pl.DataFrame = run(name)
    for row in range(0, first.height, max(1, first.height // 7)):
        assert_frame_equal(run(name, first[row]), whole[row], check_exact=True)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_first_argument_is_refused_in_words(name: str, junk: str) -> None:
    case: Case = CASES[name]
    with pytest.raises(cv.CustomerValueError) as caught:
        PUBLIC[name](JUNK[junk], **case.rest())
    assert len(str(caught.value)) < 2_100
    assert "col(" not in str(caught.value)
