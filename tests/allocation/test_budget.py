from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import allocation as oracle

EXAMPLE = golden("allocation")["budget"]
SEGMENTS = pl.DataFrame({name: EXAMPLE[name] for name in ("scale", "steepness")})
CURVES: dict[str, Callable[[float, float, float], float]] = {
    "exponential": lambda a, b, x: a * -math.expm1(-b * x),
    "power": lambda a, b, x: a * x**b,
    "log": lambda a, b, x: a * math.log1p(b * x),
}


def test_the_worked_example() -> None:
    plan = cv.allocation.allocate_budget(SEGMENTS, budget=EXAMPLE["budget"])
    assert plan.table["allocated"].round(4).to_list() == EXAMPLE["allocated"]
    assert plan.expected_response == pytest.approx(EXAMPLE["response"], abs=5e-5)
    assert plan.shadow_price == pytest.approx(EXAMPLE["shadow_price"], abs=5e-6)
    assert plan.spent == pytest.approx(100.0, rel=1e-14)
    marginal = plan.table["marginal_response"].to_list()
    assert marginal == pytest.approx([plan.shadow_price] * 3, rel=1e-12)


def test_it_beats_an_equal_split_and_single_units() -> None:
    pairs = list(zip(EXAMPLE["scale"], EXAMPLE["steepness"], strict=True))
    curves = [partial(CURVES["exponential"], a, b) for a, b in pairs]
    equal = sum(f(100 / 3) for f in curves)
    assert equal == pytest.approx(EXAMPLE["equal_split"], abs=0.005)
    units = oracle.unit_greedy(curves, 100)
    assert units == EXAMPLE["unit_greedy"]
    by_units = sum(f(x) for f, x in zip(curves, units, strict=True))
    assert by_units == pytest.approx(EXAMPLE["unit_greedy_response"], abs=5e-5)
    plan = cv.allocation.allocate_budget(SEGMENTS, budget=100.0)
    assert plan.expected_response > by_units > equal


segment = st.tuples(
    st.sampled_from(sorted(CURVES)),
    st.sampled_from([0.0, 1e-3, 1.0, 50.0, 1e6]) | st.floats(0.01, 1000),
    st.floats(0.001, 0.99),
    st.sampled_from([0.0, 0.0, 2.0]),
    st.sampled_from([None, None, 2.0, 30.0]),
)


@example([("exponential", 1e6, 0.5, 0.0, None), ("power", 1e-3, 0.984375, 0.0, None)], 12.0)
@given(st.lists(segment, min_size=1, max_size=6), st.sampled_from([12.0, 13.7, 400.0, 1e5]))
@settings(deadline=None, max_examples=120)
def test_no_shift_of_money_brings_more(rows: list[Any], budget: float) -> None:
    names = ["kind", "scale", "steepness", "low", "high"]
    segments = pl.DataFrame(rows, schema=names, orient="row").cast({"high": pl.Float64})
    plan = cv.allocation.allocate_budget(
        segments, budget=budget, response="kind", minimum="low", maximum="high"
    )
    x = plan.table["allocated"].to_list()
    assert plan.table.select(names).equals(segments)
    assert sum(x) <= budget * (1 + 1e-12)
    upper = [math.inf if high is None else high for *_, high in rows]
    low = [least for *_, least, _ in rows]
    assert all(a <= b <= c for a, b, c in zip(low, x, upper, strict=True))
    useful = [c if a > 0 else least for (_, a, _, least, _), c in zip(rows, upper, strict=True)]
    assert sum(x) == pytest.approx(min(budget, sum(useful)), rel=1e-12)
    price = plan.shadow_price
    # Karush, Kuhn and Tucker: no marginal above the price but at a maximum, none below but at
    # a minimum.
    for (kind, a, b, least, _), amount, most in zip(rows, x, upper, strict=True):
        slope = marginal(kind, a, b, amount)
        if price is not None and a > 0:
            if amount < most * (1 - 1e-9):
                assert slope <= price * (1 + 1e-6) + 1e-300
            if amount > least + 1e-9 * budget:
                assert slope >= price * (1 - 1e-6)
    expected = sum(CURVES[k](a, b, amount) for (k, a, b, *_), amount in zip(rows, x, strict=True))
    assert plan.expected_response == pytest.approx(expected, rel=1e-12)


def marginal(kind: str, a: float, b: float, x: float) -> float:
    if kind == "exponential":
        return a * b * math.exp(-b * x)
    if kind == "log":
        return a * b / (1 + b * x)
    # Where the best amount is too small for a float it is 0; then the smallest float tells.
    return a * b * math.exp(min((b - 1) * math.log(max(x, 5e-324)), 709.0))


def test_more_budget_never_brings_less_and_costs_more_each_time() -> None:
    plans = [cv.allocation.allocate_budget(SEGMENTS, budget=b) for b in np.linspace(1, 900, 40)]
    responses = [plan.expected_response for plan in plans]
    assert responses == sorted(responses)
    prices = [plan.shadow_price for plan in plans]
    assert prices == sorted(prices, key=lambda p: -(p or 0))
    step = cv.allocation.allocate_budget(SEGMENTS, budget=100.0 + 1e-4).expected_response - 392.0597
    assert step == pytest.approx(1e-4 * EXAMPLE["shadow_price"], abs=6e-5)


def test_units_of_money_and_row_order_do_not_matter() -> None:
    plan = cv.allocation.allocate_budget(SEGMENTS, budget=100.0).table["allocated"].to_list()
    cents = SEGMENTS.with_columns(steepness=pl.col("steepness") / 100)
    in_cents = cv.allocation.allocate_budget(cents.lazy(), budget=10_000.0).table["allocated"]
    assert in_cents.to_list() == pytest.approx([100 * x for x in plan], rel=1e-12)
    turned = cv.allocation.allocate_budget(SEGMENTS.reverse(), budget=100.0).table["allocated"]
    assert turned.to_list() == pytest.approx(plan[::-1], rel=1e-12)


def test_equal_segments_get_equal_amounts() -> None:
    twins = pl.DataFrame({"scale": [10.0] * 7, "steepness": [0.3] * 7})
    for response in CURVES:
        plan = cv.allocation.allocate_budget(twins, budget=1.0, response=response)
        assert plan.table["allocated"].to_list() == pytest.approx([1 / 7] * 7, rel=1e-14)


def test_the_ends() -> None:
    nothing = cv.allocation.allocate_budget(SEGMENTS, budget=0.0)
    assert nothing.table["allocated"].to_list() == [0.0] * 3
    assert nothing.shadow_price == pytest.approx(10.0)  # the best first unit: 200 * 0.05
    assert cv.allocation.allocate_budget(SEGMENTS, budget=0, response="power").shadow_price is None
    full = cv.allocation.allocate_budget(
        SEGMENTS.with_columns(most=pl.lit(5.0)), budget=100.0, maximum="most"
    )
    assert (full.spent, full.shadow_price) == (15.0, 0.0)
    useless = cv.allocation.allocate_budget(SEGMENTS.with_columns(scale=0.0), budget=10.0)
    assert (useless.spent, useless.expected_response, useless.shadow_price) == (0.0, 0.0, 0.0)
    empty = cv.allocation.allocate_budget(SEGMENTS.clear(), budget=10.0)
    assert (empty.spent, empty.table.height) == (0.0, 0)
    huge = cv.allocation.allocate_budget(SEGMENTS, budget=1e9)
    assert huge.spent == pytest.approx(1e9)
    assert huge.expected_response == pytest.approx(600.0)


def test_every_bad_segment_is_named() -> None:
    bad = pl.DataFrame(
        {
            "kind": ["power", "s_shaped", "log"],
            "scale": [1.0, 1.0, -1.0],
            "steepness": [1.0, 0.0, None],
            "low": [5.0, 0.0, 0.0],
            "high": [4.0, 1.0, 1.0],
        }
    )
    with pytest.raises(cv.DataError, match=r"below zero in 'scale'.*; 1 row with no 'steepness'"):
        cv.allocation.allocate_budget(bad, budget=1)
    message = (
        "segments: 1 row with a response that is not one of exponential, power, log; 1 row with a "
        "'steepness' of zero; 1 row with a 'steepness' of 1 or more for a power; 1 row with a "
        "minimum above the maximum; minima of 5 in all, above the budget of 1"
    )
    with pytest.raises(cv.DataError, match=message):
        cv.allocation.allocate_budget(
            bad.head(2), budget=1, response="kind", minimum="low", maximum="high"
        )
    with pytest.raises(cv.SchemaError, match="missing column 'sigmoid'"):
        cv.allocation.allocate_budget(SEGMENTS, budget=1, response="sigmoid")
    with pytest.raises(cv.OptionError, match="budget"):
        cv.allocation.allocate_budget(SEGMENTS, budget=-1)
    with pytest.raises(cv.CustomerValueError, match="rename them: allocated"):
        cv.allocation.allocate_budget(SEGMENTS.with_columns(allocated=1), budget=1)


EXTREMES = [5e-324, 1e-300, 1e-12, 0.5, 0.999999]


@pytest.mark.parametrize("kind", sorted(CURVES))
@pytest.mark.parametrize("budget", [5e-324, 1e-300, 1.0, 9e22])
def test_numbers_at_the_ends_of_the_scale(kind: str, budget: float) -> None:
    scales = [5e-324, 1e-12, 1.0, 9e22]
    pairs = [(a, b) for a in scales for b in EXTREMES]
    for group in ([pair] for pair in pairs), (pairs[k : k + 7] for k in range(0, 20, 7)):
        for rows in group:
            segments = pl.DataFrame(rows, schema=["scale", "steepness"], orient="row")
            plan = cv.allocation.allocate_budget(segments, budget=budget, response=kind)
            assert plan.spent == pytest.approx(budget, rel=1e-12)
            assert plan.table["allocated"].is_finite().all()
            assert math.isfinite(plan.expected_response)
            assert plan.shadow_price is None or 0 <= plan.shadow_price < math.inf
