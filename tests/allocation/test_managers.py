from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from oracles import allocation as oracle

customer = st.tuples(st.integers(0, 9), st.integers(-2, 20), st.sampled_from([None, 0, 1, 7]))
METHODS: list[Any] = ["exact", "greedy"]


def frames(rows: list[Any], capacity: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    schema = {"hours": pl.Int64, "gain": pl.Int64, "own": pl.Int64}
    customers = pl.DataFrame(rows, schema=schema, orient="row").with_row_index("customer_id")
    managers = pl.DataFrame(
        {"manager_id": range(len(capacity)), "capacity": capacity},
        schema_overrides={"manager_id": pl.Int64},
    )
    return customers, managers


@given(st.lists(customer, max_size=5), st.lists(st.integers(0, 14), min_size=1, max_size=2),
       st.sampled_from([0, 3]))  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_exact_is_the_best_of_all_and_nobody_is_overworked(
    rows: list[Any], capacity: list[int], bonus: int
) -> None:
    customers, managers = frames(rows, capacity)
    best = oracle.best_assignment(
        [(h, g, -1 if own is None else own) for h, g, own in rows if g > 0], capacity, bonus
    )
    for method in METHODS:
        plan = cv.allocation.assign_managers(
            customers, managers, current="own", continuity_bonus=bonus, method=method
        )
        assert plan.table.drop("manager").equals(customers)
        assigned = plan.table.drop_nulls("manager")
        assert (assigned["gain"] > 0).all()
        assert plan.gain == assigned["gain"].sum()
        used = [assigned.filter(manager=k)["hours"].sum() for k in range(len(capacity))]
        assert plan.load["assigned_hours"].to_list() == used
        free = [c - u for c, u in zip(capacity, used, strict=True)]
        assert plan.load["free_hours"].to_list() == free
        assert min(free) >= 0
        assert plan.unfilled == (customers["gain"] > 0).sum() - assigned.height
        kept = assigned.filter(pl.col("manager") == pl.col("own")).height
        value = plan.gain + bonus * kept
        assert value <= best <= plan.bound + 1e-9
        if method == "exact":
            assert value == best
        else:  # no one left would still fit
            left = plan.table.filter(pl.col("manager").is_null(), pl.col("gain") > 0)
            assert all(h > max(free) for h in left["hours"])


@pytest.mark.parametrize("method", METHODS)
def test_customers_keep_their_manager_where_it_is_worth_it(method: Any) -> None:
    customers, managers = frames([(5, 10, 1), (5, 10, 0)], [5, 5])
    plan = cv.allocation.assign_managers(
        customers, managers, current="own", continuity_bonus=1, method=method
    )
    assert plan.table["manager"].to_list() == [1, 0]
    assert plan.shadow_price == 0.0


def test_an_hour_is_worth_what_the_first_customer_left_out_brings() -> None:
    customers, managers = frames([(5, 50, None), (4, 20, None), (2, 6, None)], [6])
    plan = cv.allocation.assign_managers(customers, managers)
    assert plan.table["manager"].to_list() == [0, None, None]
    assert plan.shadow_price == 5.0
    assert plan.bound == 50 + 20 / 4


def test_rows_in_any_order_choose_the_same() -> None:
    customers, managers = frames([(3, 7, None)] * 6 + [(2, 5, 1)] * 4, [7, 9])
    plan = cv.allocation.assign_managers(customers, managers, current="own").table
    shuffled = customers.sample(fraction=1, shuffle=True, seed=3).lazy()
    again = cv.allocation.assign_managers(shuffled, managers, current="own").table.sort(
        "customer_id"
    )
    assert again.equals(plan)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_to_serve_and_nobody_to_serve_them(method: Any) -> None:
    customers, managers = frames([(1, 1, None)], [3])
    empty = cv.allocation.assign_managers(customers.clear(), managers, method=method)
    assert (empty.gain, empty.unfilled, empty.bound) == (0.0, 0, 0.0)
    alone = cv.allocation.assign_managers(customers, managers.clear(), method=method)
    assert alone.table["manager"].to_list() == [None]
    assert (alone.unfilled, alone.gain) == (1, 0.0)
    unknown = cv.allocation.assign_managers(
        customers.with_columns(hours=pl.lit(None, pl.Int64)), managers, method=method
    )
    assert (unknown.table["manager"].to_list(), unknown.unfilled) == ([None], 0)


def test_bad_frames_are_refused() -> None:
    customers, managers = frames([(1, 1, None), (1, 1, None)], [3, -1])
    with pytest.raises(cv.DataError, match="managers: 1 row with values below zero in 'capacity'"):
        cv.allocation.assign_managers(customers, managers)
    managers = managers.with_columns(capacity=3)
    twice = customers.with_columns(customer_id=pl.Series([1, 1]))
    with pytest.raises(cv.DataError, match="customers: 2 rows that share a 'customer_id'"):
        cv.allocation.assign_managers(twice, managers)
    with pytest.raises(cv.SchemaError, match="'own' is String, but managers are Int64"):
        cv.allocation.assign_managers(
            customers.with_columns(own=pl.lit("x")), managers, current="own"
        )
    with pytest.raises(cv.CustomerValueError, match="rename the columns 'manager'"):
        cv.allocation.assign_managers(customers.with_columns(manager=1), managers)
    large = frames([(1, 1, None)] * 201, [1] * 100)
    with pytest.raises(cv.CustomerValueError, match=r"up to 20,000 pairs .*, got 20,100"):
        cv.allocation.assign_managers(*large, method="exact")
