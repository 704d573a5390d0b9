from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

import customer_value as cv
from oracles import allocation as oracle

METHODS: list[Any] = ["exact", "greedy"]
SCHEMA = {"customer_id": pl.String, "cost": pl.Int64, "gain": pl.Int64}
offers = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 9), st.integers(-3, 20)), max_size=9
)


def frame(rows: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@given(offers, st.integers(0, 30), st.sampled_from([0.0, 0.5, 1.0]))
@settings(deadline=None, max_examples=150)
def test_exact_is_the_best_of_all_and_greedy_is_close(
    rows: list[Any], budget: int, least: float
) -> None:
    table = frame(rows)
    best = oracle.best_offers(rows, budget, least)
    plans = [
        cv.allocation.select_offers(table, budget=budget, min_return=least, method=method)
        for method in METHODS
    ]
    for plan in plans:
        assert plan.table.select(*SCHEMA).equals(table)
        chosen = plan.table.filter("selected")
        assert chosen["customer_id"].n_unique() == chosen.height == plan.customers
        assert plan.spent == chosen["cost"].sum() <= budget
        assert plan.gain == chosen["gain"].sum()
        assert plan.value == pytest.approx(plan.gain - least * plan.spent)
        assert best <= plan.bound + 1e-9
    exact, greedy = plans
    assert exact.value == pytest.approx(best)
    assert best / 2 - 1e-9 <= greedy.value <= best + 1e-9
    largest = max((gain for _, _, gain in rows), default=0)
    assert greedy.value >= greedy.bound - max(largest, 0) - 1e-9


@given(offers, st.integers(0, 30))
@settings(deadline=None, max_examples=60)
def test_the_bound_is_the_linear_programme(rows: list[Any], budget: int) -> None:
    plan = cv.allocation.select_offers(frame(rows), budget=budget)
    if not rows:
        assert plan.bound == 0.0
        return
    who = sorted({row[0] for row in rows})
    limits = [[float(row[0] == name) for row in rows] for name in who]
    limits.append([float(row[1]) for row in rows])
    found = linprog(
        [-row[2] for row in rows], A_ub=limits, b_ub=[1.0] * len(who) + [budget], bounds=(0, 1)
    )
    assert plan.bound == pytest.approx(max(-found.fun, 0.0), abs=1e-7)


@given(offers, st.integers(0, 30), st.randoms())
@settings(deadline=None, max_examples=60)
def test_rows_in_any_order_and_other_names_choose_the_same(
    rows: list[Any], budget: int, random: Any
) -> None:
    rows = sorted(set(rows))
    turned = rows.copy()
    random.shuffle(turned)
    for method in METHODS:
        picked = [
            set(plan.table.filter("selected").rows())
            for plan in (
                cv.allocation.select_offers(frame(data), budget=budget, method=method)
                for data in (rows, turned)
            )
        ]
        assert picked[0] == picked[1]


def test_many_customers_with_many_offers() -> None:
    rng = np.random.default_rng(4)
    n = 200_000
    table = pl.DataFrame(
        {
            "customer_id": rng.integers(0, n // 4, n),
            "cost": rng.integers(1, 5000, n) / 100,
            "gain": rng.gamma(1.5, 20.0, n),
        }
    )
    plan = cv.allocation.select_offers(table.lazy(), budget=100_000.0)
    assert plan.spent <= 100_000.0
    assert 0 <= plan.bound - plan.value < table["gain"].max()  # type: ignore[operator]
    assert plan.bound - plan.value < 1e-5 * plan.value
    chosen = plan.table.filter("selected")
    assert chosen["customer_id"].n_unique() == chosen.height
    more = cv.allocation.select_offers(table, budget=100_001.0)
    assert more.bound - plan.bound == pytest.approx(plan.shadow_price, rel=1e-3)


def test_a_solver_finds_what_exact_finds() -> None:
    rng = np.random.default_rng(9)
    n, customers = 120, 40
    who = rng.integers(0, customers, n)
    cost, gain = rng.integers(1, 60, n), rng.integers(1, 99, n)
    table = pl.DataFrame({"customer_id": who, "cost": cost / 4, "gain": gain})
    plan = cv.allocation.select_offers(table, budget=75.0, method="exact", cost_unit=0.25)
    limits = np.vstack([who == k for k in range(customers)] + [cost / 4]).astype(float)
    found = milp(
        -gain.astype(float),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(limits, ub=[1.0] * customers + [75.0]),
    )
    assert plan.value == pytest.approx(-found.fun)
    assert plan.spent <= 75.0


def test_offers_that_cost_nothing_and_cents_that_add_up() -> None:
    table = pl.DataFrame({"customer_id": [1, 2, 3, 4], "cost": [0.0, 0.1, 0.1, 0.1], "gain": 1.0})
    plan = cv.allocation.select_offers(table, budget=0.3)
    assert plan.table["selected"].to_list() == [True] * 4
    assert (plan.spent, plan.shadow_price) == (0.3, 0.0)
    exact = cv.allocation.select_offers(table, budget=0.3, method="exact", cost_unit=0.1)
    assert exact.table["selected"].to_list() == [True] * 4
    none = cv.allocation.select_offers(table, budget=0.0)
    assert none.table["selected"].to_list() == [True, False, False, False]
    assert none.shadow_price == 10.0


def test_one_dear_offer_that_is_worth_more_than_all_cheap_ones() -> None:
    table = frame([("a", 1, 2), ("b", 100, 150)])
    plan = cv.allocation.select_offers(table, budget=100)
    assert plan.table["selected"].to_list() == [False, True]


def test_a_minimum_return_stops_early() -> None:
    table = frame([("a", 1, 5), ("a", 5, 8), ("b", 4, 3)])
    plan = cv.allocation.select_offers(table, budget=100, min_return=1.0)
    assert plan.table["selected"].to_list() == [True, False, False]
    assert (plan.value, plan.shadow_price) == (4.0, 0.0)
    assert cv.allocation.select_offers(table, budget=100).gain == 11.0


def test_nothing_to_offer() -> None:
    for table in (frame([]), frame([("a", 1, 0), ("b", 0, -5)])):
        for method in METHODS:
            plan = cv.allocation.select_offers(table, budget=10, method=method)
            assert (plan.customers, plan.spent, plan.gain, plan.bound) == (0, 0.0, 0.0, 0.0)


def test_bad_offers_are_refused() -> None:
    bad = pl.DataFrame({"customer_id": ["a", None], "cost": [-1.0, 1.0], "gain": [None, 2.0]})
    with pytest.raises(cv.DataError, match=r"values below zero in 'cost'.*no 'gain'"):
        cv.allocation.select_offers(bad, budget=1)
    with pytest.raises(cv.DataError, match="offers: 1 row with no 'customer_id'"):
        cv.allocation.select_offers(bad.slice(1), budget=1)
    table = frame([("a", 3, 5)])
    with pytest.raises(
        cv.DataError, match="1 row with a cost that is not a multiple of the cost_unit 2"
    ):
        cv.allocation.select_offers(table, budget=1, method="exact", cost_unit=2)
    many = pl.DataFrame({"customer_id": range(100), "cost": 1e6, "gain": 1})
    with pytest.raises(cv.CustomerValueError, match="at most 50,000,000, got 100,000,100"):
        cv.allocation.select_offers(many, budget=1e6, method="exact")
    with pytest.raises(cv.OptionError, match="method"):
        cv.allocation.select_offers(table, budget=1, method="best")  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="a column 'selected'"):
        cv.allocation.select_offers(table.with_columns(selected=1), budget=1)


def test_numbers_at_the_ends_of_the_scale() -> None:
    values = [5e-324, 1e-300, 1.0, 9e22]
    table = pl.DataFrame(
        [
            (k % 5, cost, gain)
            for k, (cost, gain) in enumerate((c, g) for c in values for g in values)
        ],
        schema=["customer_id", "cost", "gain"],
        orient="row",
    )
    for budget in (0.0, 5e-324, 1.0, 9e22):
        plan = cv.allocation.select_offers(table, budget=budget)
        assert plan.table.filter("selected")["cost"].sum() <= budget * (1 + 1e-12)
        assert plan.value <= plan.bound < float("inf")
        assert 0 <= plan.shadow_price < float("inf")
