from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.rfm import rfm_grid

SCHEMA = {
    "r_score": pl.UInt8,
    "f_score": pl.UInt8,
    "customers": pl.Int64,
    "total_value": pl.Float64,
    "mean_value": pl.Float64,
    "customer_share": pl.Float64,
}


def scored(*rows: tuple[Any, Any, Any]) -> pl.DataFrame:
    schema = {"r_score": pl.UInt8, "f_score": pl.UInt8, "revenue": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_every_cell_up_to_the_highest_scores_has_a_row() -> None:
    grid = rfm_grid(scored((1, 3, 5.0), (2, 1, 1.0), (2, 1, 2.0), (1, 3, -7.0)))
    assert dict(grid.schema) == SCHEMA
    assert grid.rows() == [
        (1, 1, 0, 0.0, None, 0.0),
        (1, 2, 0, 0.0, None, 0.0),
        (1, 3, 2, -2.0, -1.0, 0.5),
        (2, 1, 2, 3.0, 1.5, 0.5),
        (2, 2, 0, 0.0, None, 0.0),
        (2, 3, 0, 0.0, None, 0.0),
    ]


def test_unknown_values_count_but_add_nothing() -> None:
    grid = rfm_grid(scored((1, 1, None), (1, 1, 4.0), (1, 2, None)))
    assert grid.rows() == [
        (1, 1, 2, 4.0, 4.0, pytest.approx(2 / 3)),
        (1, 2, 1, None, None, pytest.approx(1 / 3)),
    ]


def test_customers_without_scores_are_left_out() -> None:
    rows = scored((None, None, 9.0), (1, None, 9.0), (1, 1, 4.0), (None, None, math.nan))
    assert rfm_grid(rows).rows() == [(1, 1, 1, 4.0, 4.0, 1.0)]


@pytest.mark.parametrize("rows", [[], [(None, None, 1.0)]], ids=["empty", "unscored"])
def test_nobody_scored_gives_no_cells(rows: list[tuple[Any, Any, Any]]) -> None:
    grid = rfm_grid(scored(*rows))
    assert grid.height == 0
    assert dict(grid.schema) == SCHEMA


cell = st.integers(1, 10)
money = st.none() | st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(cell, cell, money), min_size=1, max_size=40), st.randoms())
@settings(max_examples=100, deadline=None)
def test_grid_is_a_count_and_an_exact_sum(rows: list[tuple[int, int, Any]], random: Any) -> None:
    grid = rfm_grid(scored(*rows))
    assert grid.height == max(r for r, _, _ in rows) * max(f for _, f, _ in rows)
    for r, f, customers, total, mean, share in grid.iter_rows():
        values = [value for row_r, row_f, value in rows if (row_r, row_f) == (r, f)]
        known = [value for value in values if value is not None]
        assert customers == len(values)
        assert share == len(values) / len(rows)
        assert total == (math.fsum(known) if known or not values else None)
        assert mean == (math.fsum(known) / len(known) if known else None)
    shuffled = random.sample(rows, len(rows))
    assert rfm_grid(scored(*shuffled)).equals(grid)


def test_any_column_of_numbers_may_be_the_value() -> None:
    frame = scored((1, 1, 4.0)).with_columns(
        clv=pl.lit(Decimal("2.50")), unknown=pl.lit(None, pl.Float64)
    )
    assert rfm_grid(frame, value="clv")["total_value"].to_list() == [2.5]
    assert rfm_grid(frame, value="unknown")["total_value"].to_list() == [None]
    assert rfm_grid(frame, value="f_score")["total_value"].to_list() == [1.0]


def test_lazy_and_pandas_frames_come_in() -> None:
    frame = scored((1, 2, 4.0), (2, 1, 1.0), (None, None, 3.0))
    assert rfm_grid(frame.lazy()).equals(rfm_grid(frame))
    assert rfm_grid(frame.to_pandas()).equals(rfm_grid(frame))


def test_columns_are_needed() -> None:
    with pytest.raises(cv.SchemaError, match="missing columns 'r_score', 'f_score', 'revenue'"):
        rfm_grid(pl.DataFrame({"x": [1]}))
    with pytest.raises(cv.SchemaError, match="'revenue' is String, must be a number"):
        rfm_grid(scored((1, 1, 1.0)).with_columns(pl.lit("a").alias("revenue")))


@pytest.mark.parametrize("score", [0.0, 11.0, 1.5, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["r_score", "f_score"])
def test_scores_are_whole_numbers(name: str, score: float) -> None:
    frame = scored((1, 1, 1.0), (2, 2, 1.0)).with_columns(pl.Series(name, [1.0, score]))
    with pytest.raises(
        cv.DataError, match="customers: 1 row with scores other than whole numbers of 1 to 10"
    ):
        rfm_grid(frame)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_are_finite(value: float) -> None:
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite values"):
        rfm_grid(scored((1, 1, value), (1, 1, None)))


def test_grid_reconciles_with_the_customers() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    grid = rfm_grid(cv.score_rfm(customers, cv.fit_rfm(customers)))
    assert grid["customers"].sum() == customers.height
    assert grid["total_value"].sum() == pytest.approx(customers["revenue"].sum(), rel=1e-14)
    assert grid["customer_share"].sum() == pytest.approx(1)
