from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from customer_value._frames.assemble import array_column, array_columns, with_columns
from customer_value._frames.contracts import ArrayRule
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from customer_value._typing import FloatArray

NEGATIVE = ArrayRule("x below zero", lambda x, _: x < 0)
numbers = st.none() | st.floats(-1e6, 1e6)


def add(x: FloatArray, y: FloatArray) -> FloatArray:
    assert x.flags.c_contiguous
    assert y.flags.c_contiguous
    return x + 2 * y


def undefined(x: FloatArray) -> FloatArray:
    return np.where(x > 1, np.nan, x)


@given(st.lists(st.tuples(numbers, numbers), max_size=30))
@settings(deadline=None, max_examples=60)
def test_a_null_in_gives_a_null_out(rows: list[tuple[float | None, float | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.Float64, "y": pl.Float64}, orient="row")
    result = with_columns(frame, array_column(add, ["x", "y"]).alias("z"))
    expected = [None if x is None or y is None else x + 2 * y for x, y in rows]
    assert result["z"].to_list() == expected
    assert result.schema["z"] == pl.Float64
    assert result.drop("z").equals(frame)


def test_inputs_come_in_the_given_order_as_float64() -> None:
    frame = pl.DataFrame({"b": pl.Series([1, 2], dtype=pl.Int8), "a": [True, False]})
    result = with_columns(frame, array_column(add, ["a", "b"]).alias("z"))
    assert result["z"].to_list() == [3.0, 4.0]


def test_what_the_function_cannot_define_does_not_depend_on_other_rows() -> None:
    column = array_column(undefined, ["x"]).alias("z")
    alone = with_columns(pl.DataFrame({"x": [1.0, 2.0]}), column)
    beside_a_null = with_columns(pl.DataFrame({"x": [1.0, 2.0, None]}), column)
    assert_frame_equal(beside_a_null.head(2), alone)
    assert beside_a_null["z"].to_list()[2] is None


def test_lazy_stays_lazy_and_gives_the_same(tmp_path: Path) -> None:
    n = 300_000
    frame = pl.DataFrame({"key": np.arange(n), "x": np.arange(n) % 7, "y": np.arange(n) * 0.5})
    frame = frame.with_columns(pl.when(pl.col("key") % 11 > 0).then("y").alias("y"))
    column = array_column(add, ["x", "y"]).alias("z")
    lazy = with_columns(frame.lazy(), column)
    assert isinstance(lazy, pl.LazyFrame)
    eager = with_columns(frame, column)
    assert lazy.collect().equals(eager)
    assert lazy.filter(pl.col("key") > n - 5).select("z").collect().equals(eager.select("z")[-4:])
    frame.write_parquet(tmp_path / "in.parquet")
    with_columns(pl.scan_parquet(tmp_path / "in.parquet"), column).sink_parquet(
        tmp_path / "out.parquet"
    )
    assert pl.read_parquet(tmp_path / "out.parquet").sort("key").equals(eager)


def test_arrow_tables_become_frames() -> None:
    table = pl.DataFrame({"x": [1.0]}).to_arrow()
    assert with_columns(table, pl.col("x") + 1).to_dicts() == [{"x": 2.0}]


def test_rules_are_checked_when_the_rows_are() -> None:
    column = array_column(add, ["x", "y"], rules=[NEGATIVE], what="customers").alias("z")
    frame = pl.DataFrame({"x": [1.0, -1.0, -2.0], "y": [1, 1, 1]})
    with pytest.raises(DataError, match="customers: 2 rows with x below zero") as caught:
        with_columns(frame, column)
    assert caught.value.report is None
    lazy = with_columns(frame.lazy(), column)
    with pytest.raises(DataError, match=r"customers: .* with x below zero"):
        lazy.collect()


def test_rules_do_not_look_at_rows_without_an_answer() -> None:
    column = array_column(add, ["x", "y"], rules=[NEGATIVE]).alias("z")
    frame = pl.DataFrame({"x": [1.0, -1.0], "y": [1, None]})
    assert with_columns(frame, column)["z"].to_list() == [3.0, None]


def test_no_rows_give_no_rows() -> None:
    frame = pl.DataFrame(schema={"x": pl.Int32, "y": pl.Float64})
    result = with_columns(frame, array_column(add, ["x", "y"], rules=[NEGATIVE]).alias("z"))
    assert result.is_empty()
    assert result.schema["z"] == pl.Float64


def test_array_columns_makes_a_struct_of_several() -> None:
    frame = pl.DataFrame({"x": [1, None, 3], "m": [2.0, 5.0, None]})
    both = array_columns(
        lambda x, m: (x + m, np.where(np.isnan(m), 0.0, m)),
        ["x", "m"],
        ["sum", "spend"],
        nullable=["m"],
    )
    expected = pl.DataFrame({"sum": [3.0, None, None], "spend": [2.0, None, 0.0]})
    assert_frame_equal(frame.select(both.struct.unnest()), expected)
    assert_frame_equal(frame.lazy().select(both.struct.unnest()).collect(), expected)


def test_array_column_hands_nulls_over_where_it_may() -> None:
    frame = pl.DataFrame({"x": [1, None, 3], "m": [2.0, 5.0, None]})
    column = array_column(lambda x, m: x + np.nan_to_num(m), ["x", "m"], nullable=["m"])
    assert frame.select(column.alias("y"))["y"].to_list() == [3.0, None, 3.0]
    strict = array_column(lambda x, m: x + m, ["x", "m"])
    assert frame.select(strict.alias("y"))["y"].to_list() == [3.0, None, None]
