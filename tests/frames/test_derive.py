from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from customer_value._frames.derive import (
    AMOUNT,
    FINITE,
    MONEY,
    SHARE,
    check_numbers,
    derive,
    number,
)
from customer_value.exceptions import DataError, SchemaError


def test_columns_are_added_in_place_and_nulls_travel() -> None:
    frame = pl.DataFrame({"k": ["a", "b"], "x": [1, None], "y": [0.5, 0.25]})
    result = derive(frame, {"x": MONEY, "y": SHARE}, {"z": number("x") * number("y") * number(2.0)})
    assert result.lazy().collect().rows() == [("a", 1, 0.5, 1.0), ("b", None, 0.25, None)]
    assert result.collect_schema()["x"] == pl.Int64


def test_every_offence_is_named_at_once() -> None:
    frame = pl.DataFrame(
        {"x": [float("nan"), 1e23, -1.0, None], "y": [2.0, -0.5, 1.0, float("inf")]}
    )
    message = (
        r"things: 1 row with NaN or infinite values in 'x' \(e.g. nan\); 1 row with values too "
        r"large to sum exactly in 'x' \(e.g. 1e\+23\); 1 row with values below zero in 'x' "
        r"\(e.g. -1\); 3 rows with values not within 0 to 1 in 'y' \(e.g. 2, -0.5, inf\)"
    )
    rules = {"x": AMOUNT, "y": SHARE}
    with pytest.raises(DataError, match=message):
        derive(frame, rules, {"z": number("x")}, what="things")
    # A stream comes in batches: the first one that has offences is refused.
    with pytest.raises(DataError, match="things: 1 row with NaN or infinite values in 'x'"):
        derive(frame.lazy(), rules, {"z": number("x")}, what="things").lazy().collect()
    with pytest.raises(DataError, match=message):
        check_numbers(frame, rules, what="things")


def test_unknown_values_are_refused_where_they_are_needed() -> None:
    frame = pl.DataFrame({"x": [None, 1.0]})
    assert check_numbers(frame, {"x": FINITE}, what="t")["x"].to_list() == [None, 1.0]
    with pytest.raises(DataError, match="t: 1 row with no 'x'"):
        check_numbers(frame, {"x": FINITE}, what="t", needed=("x",))


def test_results_beyond_float_are_unknown() -> None:
    frame = pl.DataFrame({"x": [1e22, 0.0, 1.0], "y": [1e-300, 0.0, 0.0]})
    result = derive(frame, {"x": MONEY, "y": FINITE}, {"z": number("x") / number("y")})
    assert result.lazy().collect()["z"].to_list() == [None, None, None]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_lazy_frames_stay_lazy(engine: Any) -> None:
    frame = pl.DataFrame({"x": list(range(5000))})
    lazy = derive(frame.lazy(), {"x": MONEY}, {"z": 2 * number("x")})
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect(engine=engine)["z"].to_list() == [2.0 * k for k in range(5000)]
    assert lazy.collect_schema() == {"x": pl.Int64, "z": pl.Float64}


def test_only_numbers() -> None:
    with pytest.raises(SchemaError, match="'x' is String, must be a number"):
        derive(pl.DataFrame({"x": ["1"]}), {"x": MONEY}, {"z": number("x")})
