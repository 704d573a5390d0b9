from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import computed_abc as oracle
from parity.shared_data import order_customers

TEXTBOOK = [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]
COMPUTED = cv.AbcOptions(by="computed")
POINTS = ("pareto", "break_even", "submarginal")

Ties = Literal["together", "split"]

gains = st.lists(st.integers(-5, 60) | st.integers(1, 4), min_size=1, max_size=25)
laws = settings(max_examples=60, deadline=None)


def frame(values: list[int] | list[float] | list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"revenue": values}, schema={"revenue": pl.Float64})


def near(point: cv.abc.AbcPoint | None, expected: tuple[Fraction, Fraction]) -> bool:
    assert point is not None
    return (point.customer_share, point.value_share) == pytest.approx(
        tuple(map(float, expected)), abs=1e-12
    )


# --- computed ABC ---


@pytest.mark.parametrize("ties", ["together", "split"])
@given(values=gains)
@laws
def test_points_and_classes_are_those_of_the_twin(ties: Ties, values: list[int]) -> None:
    assume(max(values) > 0)
    options = cv.AbcOptions(by="computed", ties=ties)
    found = cv.abc.abc_limits(frame(values), options=options)
    together = ties == "together"
    for name, expected in zip(POINTS, oracle.three_points(values, together=together), strict=True):
        assert near(getattr(found, name), expected), name
    classified = cv.classify_abc(frame(values), options=options)
    assert classified["abc_class"].to_list() == oracle.classes(values, together=together)


@pytest.mark.parametrize("data", ["orders_of_r", "harmonic_1000"])
def test_points_of_the_peer(data: str) -> None:
    """It interpolates on a grid of 0.001, so that its points lie within a step of the curve's."""
    published = golden("abc")[data]
    shop = order_customers() if data == "orders_of_r" else frame([1000 / k for k in range(1, 1001)])
    found = cv.abc.abc_limits(shop, options=COMPUTED)
    for name in POINTS:
        point = getattr(found, name)
        assert [point.customer_share, point.value_share] == pytest.approx(
            published[name], abs=0.002
        )


def test_a_worked_curve() -> None:
    """Of 100: (0.2, 0.7) and (0.3, 0.8) are equally near to (0, 1); the mean is 10."""
    found = cv.abc.abc_limits(frame(TEXTBOOK), options=COMPUTED)
    assert found.pareto == cv.abc.AbcPoint(customer_share=0.2, value_share=0.7)
    assert found.break_even == cv.abc.AbcPoint(customer_share=0.3, value_share=0.8)
    assert found.submarginal == cv.abc.AbcPoint(customer_share=0.4, value_share=0.88)
    assert "".join(cv.classify_abc(frame(TEXTBOOK), options=COMPUTED)["abc_class"]) == "AABBCCCCCC"


@pytest.mark.parametrize("values", [[7.0], [0.1] * 3, [1 / 3] * 49])
def test_customers_who_are_all_alike_bring_what_they_count(values: list[float]) -> None:
    assert set(cv.classify_abc(frame(values), options=COMPUTED)["abc_class"]) == {"B"}


# --- what the classes hold ---


@pytest.mark.parametrize("by", ["value", "count", "computed"])
@pytest.mark.parametrize("ties", ["together", "split"])
@pytest.mark.parametrize("nonpositive", ["last", "separate"])
@given(cents=st.lists(st.none() | st.integers(-300, 3000) | st.integers(0, 4), max_size=30))
@settings(max_examples=25, deadline=None)
def test_the_classes_add_up_to_everybody_and_to_the_total(
    by: Literal["value", "count", "computed"],
    ties: Ties,
    nonpositive: Literal["last", "separate"],
    cents: list[int | None],
) -> None:
    values = [None if c is None else c / 100 for c in cents]
    options = cv.AbcOptions(by=by, ties=ties, nonpositive=nonpositive)
    found = cv.abc.abc_limits(frame(values), options=options)
    classified = cv.classify_abc(frame(values), options=options)
    assert sum(found.customers.values()) + found.unknown == len(values)
    assert list(found.customers) == list("ABCD" if nonpositive == "separate" else "ABC")
    for letter, count in found.customers.items():
        mine = classified.filter(pl.col("abc_class") == letter)["revenue"].to_list()
        assert len(mine) == count
        assert math.fsum(mine) == found.values[letter]
        if letter in "AB":
            assert found.smallest[letter] == min(mine, default=None)
    total = math.fsum(v for v in values if v is not None)
    assert math.fsum(found.values.values()) == pytest.approx(total, abs=1e-9)


def test_limits_are_json() -> None:
    found = cv.abc.abc_limits(frame(TEXTBOOK))
    assert cv.abc.AbcLimits.model_validate_json(found.model_dump_json()) == found
    assert found.customers == {"A": 3, "B": 2, "C": 5}
    assert found.values == {"A": 80.0, "B": 13.0, "C": 7.0}
    assert found.smallest == {"A": 10.0, "B": 5.0}


@pytest.mark.parametrize("values", [[], [None], [0.0], [-1.0, 0.0]])
@pytest.mark.parametrize("by", ["value", "count", "computed"])
def test_without_value_there_are_no_points(
    values: list[float | None], by: Literal["value", "count", "computed"]
) -> None:
    found = cv.abc.abc_limits(frame(values), options=cv.AbcOptions(by=by))
    assert (found.pareto, found.break_even, found.submarginal) == (None, None, None)
    assert found.customers["C"] == sum(v is not None for v in values)
    assert found.smallest == {"A": None, "B": None}


def test_what_is_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        cv.abc.abc_limits(frame([1.0, math.nan]))
    with pytest.raises(cv.SchemaError, match="missing column 'profit'"):
        cv.abc.abc_limits(frame([1.0]), value="profit")


def test_lazy_frames_and_pandas_come_in() -> None:
    shop = frame(TEXTBOOK)
    assert (
        cv.abc.abc_limits(shop.lazy())
        == cv.abc.abc_limits(shop)
        == cv.abc.abc_limits(shop.to_pandas())
    )


def test_sums_beyond_the_largest_float_are_refused() -> None:
    huge = pl.DataFrame({"revenue": [1.7e308, 1.7e308]})
    with pytest.raises(cv.DataError, match="too large to add up"):
        cv.abc.abc_limits(huge)
    with pytest.raises(cv.DataError, match="too large to add up"):
        cv.rfm.rfm_grid(huge.with_columns(r_score=1, f_score=1))
    with pytest.raises(cv.DataError, match="too large to add up"):
        cv.abc.abc_xyz_matrix(huge.with_columns(abc_class=pl.lit("A"), xyz_class=pl.lit("X")))
