from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv

WEIGHTS = {"behaviour": 0.4, "attitude": 0.2, "advocacy": 0.2, "usage": 0.2}
values = st.lists(
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), min_size=1, max_size=12
)


def frame(rows: list[tuple[int, int | None]]) -> pl.DataFrame:
    schema = {"purchases": pl.Int64, "score": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_worked_case() -> None:
    """(0.8, 0.6, 1, 0.5) weighted (0.4, 0.2, 0.2, 0.2) is 0.74."""
    signs = pl.DataFrame([(0.8, 0.6, 1.0, 0.5)], schema=list(WEIGHTS), orient="row")
    rated = cv.loyalty.loyalty_index(signs, weights=WEIGHTS, scale="unit")
    assert rated["loyalty_index"].item() == pytest.approx(74.0)
    assert rated["loyalty_coverage"].item() == pytest.approx(1.0)


def test_percentiles_are_mid_ranks() -> None:
    customers = frame([(1, None), (2, None), (2, None), (9, 1)])
    rated = cv.loyalty.loyalty_index(customers, weights={"purchases": 2})
    assert rated["loyalty_index"].to_list() == pytest.approx([12.5, 50.0, 50.0, 87.5])
    falls = cv.loyalty.loyalty_index(
        customers, weights={"purchases": 2}, lower_is_better=["purchases"]
    )
    assert falls["loyalty_index"].to_list() == pytest.approx([87.5, 50.0, 50.0, 12.5])


@given(rows=values)
@settings(max_examples=60, deadline=None)
def test_bounds_coverage_and_order(rows: list[tuple[int, int | None]]) -> None:
    weights = {"purchases": 3.0, "score": 1.0}
    rated = cv.loyalty.loyalty_index(frame(rows), weights=weights)
    for (_, score), index, coverage in zip(
        rows, rated["loyalty_index"], rated["loyalty_coverage"], strict=True
    ):
        assert 0 <= index <= 100
        assert coverage == (0.75 if score is None else 1.0)
    back = cv.loyalty.loyalty_index(frame(rows[::-1]).lazy(), weights=weights).collect()
    assert back["loyalty_index"].to_list()[::-1] == pytest.approx(rated["loyalty_index"].to_list())
    full = [(r, i) for r, i in zip(rows, rated["loyalty_index"], strict=True) if r[1] is not None]
    for (a, b), i in full:
        for (c, d), j in full:
            if b is not None and d is not None and a >= c and b >= d:
                assert i >= j - 1e-9


def test_nothing_known_is_unknown() -> None:
    rated = cv.loyalty.loyalty_index(frame([(1, None)]), weights={"score": 1})
    assert rated.select("loyalty_index", "loyalty_coverage").row(0) == (None, 0.0)


def test_bad_components_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with values outside 0 to 1"):
        cv.loyalty.loyalty_index(frame([(2, 1)]), weights={"purchases": 1}, scale="unit")
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.loyalty.loyalty_index(pl.DataFrame({"a": [math.nan]}), weights={"a": 1})
    with pytest.raises(ValidationError, match="weights"):
        cv.loyalty.loyalty_index(frame([(1, 1)]), weights={"score": 0})
    with pytest.raises(ValidationError, match="at least one component"):
        cv.loyalty.loyalty_index(frame([(1, 1)]), weights={})


def test_four_kinds_of_loyalty() -> None:
    customers = pl.DataFrame({"score": [9, 9, 2, 2, None], "purchases": [8, 1, 8, 1, 1]})
    rated = cv.loyalty.loyalty_type(
        customers, attitude="score", behaviour="purchases", attitude_cut=9, behaviour_cut=8
    )
    assert rated["loyalty_type"].to_list() == ["true", "latent", "spurious", "none", None]
    at_median = cv.loyalty.loyalty_type(
        customers.lazy(), attitude="score", behaviour="purchases"
    ).collect()
    assert at_median["loyalty_type"].to_list() == ["true", "true", "spurious", "spurious", None]
