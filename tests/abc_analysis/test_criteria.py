from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv

WEIGHTS = {"revenue": 3.0, "purchases": 2.0, "recency_days": -1.0}
FLORES = {
    "AA": "A", "AB": "A", "AC": "B",
    "BA": "A", "BB": "B", "BC": "C",
    "CA": "B", "CB": "C", "CC": "C",
}  # fmt: skip

Method = Literal["weighted", "ng"]

amounts = st.none() | st.integers(-50, 500)
shops = st.lists(st.tuples(amounts, amounts, amounts), max_size=20)
laws = settings(max_examples=60, deadline=None)


def frame(rows: list[tuple[int | None, int | None, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(WEIGHTS, pl.Float64), orient="row")


def twin(
    rows: list[tuple[int | None, ...]], weights: list[int], method: Method
) -> list[Fraction | None]:
    """Scale and add up one customer at a time, in fractions."""
    columns = [[x for x in column if x is not None] for column in zip(*rows, strict=True)]
    scores: list[Fraction | None] = []
    for row in rows:
        scaled = []
        for x, column, weight in zip(row, columns, weights, strict=True):
            if x is None:
                break
            width = max(column) - min(column)
            above = x - min(column) if weight > 0 else max(column) - x
            scaled.append(Fraction(above, width) if width else Fraction(0))
        if len(scaled) < len(row):
            scores.append(None)
        elif method == "weighted":
            total = sum(abs(w) * y for w, y in zip(weights, scaled, strict=True))
            scores.append(Fraction(total, sum(map(abs, weights))))
        else:
            ordered = [
                y for _, y in sorted(zip(weights, scaled, strict=True), key=lambda p: -abs(p[0]))
            ]
            means = [Fraction(sum(ordered[:j]), j) for j in range(1, len(ordered) + 1)]
            scores.append(max(means))
    return scores


@pytest.mark.parametrize("method", ["weighted", "ng"])
@pytest.mark.parametrize("weights", [[3, 2, -1], [1, 1, 1], [-1, 4, 2]])
@given(rows=shops)
@laws
def test_scores_are_those_of_the_twin(
    method: Method, weights: list[int], rows: list[tuple[int | None, int | None, int | None]]
) -> None:
    named = dict(zip(WEIGHTS, map(float, weights), strict=True))
    scored = cv.abc.score_criteria(frame(rows), criteria=named, method=method)["criteria_score"]
    for score, expected in zip(scored, twin([*rows], weights, method), strict=True):
        assert (score is None) == (expected is None)
        if score is not None and expected is not None:
            assert score == pytest.approx(float(expected), abs=1e-12)
            assert 0 <= score <= 1


@given(rows=shops, factor=st.sampled_from([1e-3, 0.01, 7.0, 1e6]))
@laws
def test_neither_the_unit_of_a_criterion_nor_that_of_the_weights_matters(
    rows: list[tuple[int | None, int | None, int | None]], factor: float
) -> None:
    other = frame(rows).with_columns(pl.col("revenue") * factor)
    weights = {name: weight * factor for name, weight in WEIGHTS.items()}
    one = cv.abc.score_criteria(frame(rows), criteria=WEIGHTS)["criteria_score"].to_list()
    two = cv.abc.score_criteria(other, criteria=weights)["criteria_score"].to_list()
    assert one == pytest.approx(two, abs=1e-12)


def test_a_worked_score() -> None:
    """Scaled: revenue 1, 0.6, 0; recency, less is better, 0, 1, 2/3."""
    shop = pl.DataFrame({"revenue": [100, 60, 0], "recency_days": [90, 0, 30]})
    weights = {"recency_days": -1.0, "revenue": 3.0}
    weighted = cv.abc.score_criteria(shop, criteria=weights)["criteria_score"]
    assert weighted.to_list() == pytest.approx([3 / 4, 2.8 / 4, 2 / 3 / 4])
    by_order = cv.abc.score_criteria(shop, criteria=weights, method="ng")["criteria_score"]
    assert by_order.to_list() == pytest.approx([1, 0.8, 1 / 3])


def test_the_best_by_every_criterion_scores_exactly_one() -> None:
    for n in (1, 2, 3, 7, 20):
        columns = {f"c{k}": [0.0, 0.1 * k + 0.3] for k in range(n)}
        weights = {name: 0.1 + k / 7 for k, name in enumerate(columns)}
        for method in ("weighted", "ng"):
            scored = cv.abc.score_criteria(pl.DataFrame(columns), criteria=weights, method=method)
            assert scored["criteria_score"].to_list() == [0.0, 1.0]


def test_values_and_weights_of_any_size() -> None:
    shop = pl.DataFrame({"a": [-1.7e308, 1.7e308, 0.0], "b": [5e-324, 0.0, 0.0]})
    scored = cv.abc.score_criteria(shop, criteria={"a": 1e308, "b": 1.7e308})["criteria_score"]
    assert scored.is_finite().all()
    assert scored.is_between(0, 1).all()


def test_customers_who_are_all_alike_and_nobody() -> None:
    alike = pl.DataFrame({"revenue": [7.0, 7.0]})
    assert cv.abc.score_criteria(alike, criteria={"revenue": 1})["criteria_score"].to_list() == [
        0,
        0,
    ]
    assert cv.abc.score_criteria(alike.clear(), criteria={"revenue": 1}).is_empty()


def test_what_scores_refuse() -> None:
    shop = pl.DataFrame({"revenue": [1.0, math.inf], "name": ["a", "b"]})
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        cv.abc.score_criteria(shop, criteria={"revenue": 1})
    with pytest.raises(cv.SchemaError, match=r"missing column 'profit'.*'name' is String"):
        cv.abc.score_criteria(shop, criteria={"profit": 1, "name": 1})
    with pytest.raises(cv.CustomerValueError, match="weights of zero, leave them out: revenue"):
        cv.abc.score_criteria(shop, criteria={"revenue": 0})
    for weights in ({}, {"revenue": math.nan}):
        with pytest.raises(cv.OptionError):
            cv.abc.score_criteria(shop, criteria=weights)


def test_scores_are_lazy_for_lazy_frames_and_pandas_comes_in() -> None:
    shop = frame([(1, 2, 3), (4, None, 1), (9, 9, 9)])
    lazy = cv.abc.score_criteria(shop.lazy(), criteria=WEIGHTS)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.abc.score_criteria(shop, criteria=WEIGHTS))
    assert cv.abc.score_criteria(shop.to_pandas(), criteria=WEIGHTS).height == 3


# --- two criteria crossed ---


@pytest.mark.parametrize("nonpositive", ["last", "separate"])
@given(rows=st.lists(st.tuples(amounts, amounts), max_size=20))
@laws
def test_cells_are_the_classes_by_each_criterion(
    nonpositive: Literal["last", "separate"], rows: list[tuple[int | None, int | None]]
) -> None:
    options = cv.AbcOptions(nonpositive=nonpositive)
    shop = pl.DataFrame(rows, schema={"revenue": pl.Float64, "profit": pl.Float64}, orient="row")
    joint = cv.abc.classify_joint_abc(shop, first="revenue", second="profit", options=options)
    assert joint.columns == ["revenue", "profit", "abc_cell", "abc_class"]
    first, second = (
        cv.classify_abc(shop, value=name, options=options)["abc_class"] for name in shop.columns
    )
    for one, other, cell, name in zip(
        first, second, joint["abc_cell"], joint["abc_class"], strict=True
    ):
        if one is None or other is None:
            assert (cell, name) == (None, None)
            continue
        assert cell == one + other
        expected = "D" if cell == "DD" else FLORES[cell.replace("D", "C")]
        assert name == expected


def test_cells_may_be_gathered_otherwise() -> None:
    shop = pl.DataFrame({"revenue": [80, 15, 5], "profit": [15, 5, 80]})
    strict = dict.fromkeys(FLORES, "others") | {"AA": "both", "AB": "first", "BA": "second"}
    joint = cv.abc.classify_joint_abc(shop, first="revenue", second="profit", cells=strict)
    assert joint["abc_class"].to_list() == ["first", "others", "others"]
    without = {cell: name for cell, name in FLORES.items() if cell != "BB"} | {"AD": "A"}
    with pytest.raises(cv.CustomerValueError, match="leaves out BB and has no cells AD"):
        cv.abc.classify_joint_abc(shop, first="revenue", second="profit", cells=without)


def test_a_column_may_be_both_criteria_and_have_any_name() -> None:
    shop = pl.DataFrame({"abc_class": [80, 15, 5], "abc_cell": [1, 1, 98]})
    joint = cv.abc.classify_joint_abc(shop, first="abc_class", second="abc_class")
    assert joint["abc_cell"].to_list() == ["AA", "BB", "CC"]
    assert joint["abc_class"].to_list() == ["A", "B", "C"]


def test_joint_classes_are_lazy_for_lazy_frames() -> None:
    shop = pl.DataFrame({"revenue": [80, 15, None, 5], "profit": [15, 5, 3, 80]})
    lazy = cv.abc.classify_joint_abc(shop.lazy(), first="revenue", second="profit")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.abc.classify_joint_abc(shop, first="revenue", second="profit"))
    with pytest.raises(cv.SchemaError, match="missing column 'margin'"):
        cv.abc.classify_joint_abc(shop, first="revenue", second="margin")
    bad = shop.with_columns(profit=pl.lit(math.nan)).lazy()
    with pytest.raises(cv.DataError, match="4 rows with NaN"):
        cv.abc.classify_joint_abc(bad, first="revenue", second="profit").collect()
