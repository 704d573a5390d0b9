from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from golden import golden
from oracles import profitability as oracle
from oracles.transactions import money
from strategies import customers

POOLS = pl.DataFrame({"pool": ["desk"], "amount": [100.0], "driver": ["call"]})
CALLS = pl.DataFrame({"customer_id": ["a", "b"], "activity": "call", "quantity": [1.0, 3.0]})


def total(values: pl.Series) -> Decimal:
    return sum((money(value) for value in values), Decimal(0))


def activities(*rows: tuple[str, str, float]) -> pl.DataFrame:
    names = ["customer_id", "activity", "quantity"]
    return pl.DataFrame(list(rows), schema=names, orient="row")


def costs(allocation: cv.profit.CostAllocation) -> dict[tuple[str, str], float]:
    return {(row[0], row[1]): row[2] for row in allocation.costs.rows()}


# --- published cases ---


def test_kaplan_and_anderson() -> None:
    case = golden("profitability")["time_driven"]
    times = case["activities"]
    log = activities(*((name, name, row[2]) for name, row in times.items()))
    equations = [
        cv.profit.TimeEquation(activity=name, driver="minutes", base=row[0])
        for name, row in times.items()
    ]
    pools = pl.DataFrame({"pool": ["service"], "amount": [case["amount"]], "driver": ["minutes"]})
    pools = pools.with_columns(practical_capacity=case["practical_capacity"])
    allocation = cv.allocate_costs(log, pools, equations=equations)
    assert costs(allocation) == {(name, "service"): row[4] for name, row in times.items()}
    row = allocation.pools.row(0, named=True)
    for name in ("used", "rate", "allocated", "unused"):
        assert row[name] == case[name]
    assert row["utilisation"] == pytest.approx(case["utilisation"], abs=5e-5)
    assert row["residual"] == row["passed_on"] == row["received"] == 0.0
    for name, (minutes, rate, *_) in times.items():
        one = cv.allocate_costs(activities(("a", name, 1.0)), pools, equations=equations)
        assert one.costs["amount"].item() == rate == pytest.approx(minutes * case["rate"])


def test_the_survey_of_time_hides_idle_capacity() -> None:
    """Percentages of a survey share out all of the cost, and make every rate too high."""
    case = golden("profitability")["time_driven"]
    quantities = {name: row[2] for name, row in case["activities"].items()}
    shares = {name: row[0] for name, row in case["survey"].items()}
    pools = pl.DataFrame(
        [{"pool": k, "amount": case["amount"] * v, "driver": k} for k, v in shares.items()]
    )
    allocation = cv.allocate_costs(activities(*((k, k, v) for k, v in quantities.items())), pools)
    assert allocation.pools["rate"].to_list() == [row[1] for row in case["survey"].values()]
    assert allocation.pools["unused"].to_list() == [0.0] * 3


def test_the_carbon_company() -> None:
    case = golden("profitability")["carbon_company"]
    log = pl.DataFrame({"customer_id": case["classes"]} | case["activities"])
    log = log.unpivot(index="customer_id", variable_name="activity", value_name="quantity")
    pools = pl.DataFrame([{"pool": k, "amount": v, "driver": k} for k, v in case["pools"].items()])
    allocation = cv.allocate_costs(log, pools)
    assert dict(allocation.pools.select("pool", "rate").rows()) == case["rates"]
    assert allocation.pools["allocated"].to_list() == list(case["pools"].values())
    assert allocation.pools["residual"].to_list() == [0.0] * 3
    by_class = allocation.costs.group_by("customer_id").agg(pl.col("amount").sum())
    assert by_class.sort("customer_id")["amount"].to_list() == case["costs"]
    sales = pl.DataFrame({"customer_id": case["classes"], "amount": case["revenue"]})
    accounts = cv.customer_pnl(
        sales.with_columns(ordered_at=date(2024, 1, 1)),
        as_of=date(2024, 12, 31),
        margin=case["margin"],
        costs=allocation.costs,
        stack=cv.CostStack(service=tuple(case["pools"])),
    )
    assert accounts["profit"].to_list() == case["profit"]


# --- the oracle ---

quantities = st.integers(0, 2000).map(lambda n: n / 4)
UNITS = {("call", "call"): 1.0, ("minutes", "call"): 2.5, ("minutes", "visit"): 30.0}
EQUATIONS = [
    cv.profit.TimeEquation(activity="call", driver="minutes", base=2.5),
    cv.profit.TimeEquation(activity="visit", driver="minutes", base=20, per={"stops": 5.0}),
]
PAIR: list[dict[str, Any]] = [
    {"pool": "desk", "amount": 100.0, "driver": "call", "practical_capacity": None},
    {"pool": "team", "amount": 997.01, "driver": "minutes", "practical_capacity": 4000.0},
]


@st.composite
def activity_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    row = st.fixed_dictionaries(
        {
            "customer_id": customers,
            "activity": st.sampled_from(["call", "visit"]),
            "quantity": quantities,
            "stops": st.just(2),
        }
    )
    return draw(st.lists(row, min_size=1, max_size=12))


@given(rows=activity_rows(), amount=st.integers(-(10**6), 10**9), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_it_equals_the_oracle(rows: list[dict[str, Any]], amount: int, seed: int) -> None:
    pools = [PAIR[0] | {"amount": amount / 100}, PAIR[1]]
    log = pl.DataFrame(rows)
    allocation = cv.allocate_costs(log, pl.DataFrame(pools), equations=EQUATIONS)
    paid, idle = oracle.allocate(rows, pools, UNITS)
    assert costs(allocation) == {
        key: pytest.approx(float(cost), abs=1e-6) for key, cost in paid.items()
    }
    for row, pool in zip(allocation.pools.rows(named=True), pools, strict=True):
        assert row["unused"] == pytest.approx(float(idle[pool["pool"]]), abs=1e-6)
        own = allocation.costs.filter(pl.col("line") == pool["pool"])["amount"]
        parts = total(own) + money(row["unused"]) + money(row["residual"])
        assert parts == money(pool["amount"])
        assert total(own) == money(row["allocated"])
    shuffled = log.sample(fraction=1, shuffle=True, seed=seed).lazy()
    again = cv.allocate_costs(shuffled, pl.LazyFrame(pools), equations=EQUATIONS)
    assert again.costs.equals(allocation.costs)
    assert again.pools.equals(allocation.pools)


@given(rows=activity_rows())
@settings(max_examples=20, deadline=None)
def test_the_same_activities_twice_charge_the_same(rows: list[dict[str, Any]]) -> None:
    """Without a capacity only the proportions count."""
    pools = pl.DataFrame(PAIR).with_columns(practical_capacity=pl.lit(None, pl.Float64))
    once, twice = (
        cv.allocate_costs(pl.DataFrame(log), pools, equations=EQUATIONS)
        for log in (rows, rows + rows)
    )
    assert twice.costs.equals(once.costs)


# --- capacity, zero, overuse ---


def test_more_use_than_capacity_charges_no_more_than_was_spent() -> None:
    pools = POOLS.with_columns(practical_capacity=2.0)
    row = cv.allocate_costs(CALLS, pools).pools.row(0, named=True)
    assert (row["utilisation"], row["rate"]) == (2.0, 25.0)
    assert (row["allocated"], row["unused"], row["residual"]) == (100.0, 0.0, 0.0)


def test_a_driver_that_nobody_uses_leaves_its_pool_apart() -> None:
    none = CALLS.with_columns(quantity=0.0)
    for log in (none, CALLS.clear()):
        row = cv.allocate_costs(log, POOLS).pools.row(0, named=True)
        assert (row["allocated"], row["unused"], row["residual"]) == (0.0, 0.0, 100.0)
        assert row["rate"] is None
        idle = cv.allocate_costs(log, POOLS.with_columns(practical_capacity=4.0))
        row = idle.pools.row(0, named=True)
        assert (row["allocated"], row["unused"], row["residual"]) == (0.0, 100.0, 0.0)
    assert cv.allocate_costs(none, POOLS).costs["amount"].to_list() == [0.0, 0.0]


def test_thirds_leave_what_rounding_leaves() -> None:
    log = activities(("a", "call", 1.0), ("b", "call", 1.0), ("c", "call", 1.0))
    allocation = cv.allocate_costs(log, POOLS)
    assert allocation.costs["amount"].to_list() == [33.333333] * 3
    assert allocation.pools["residual"].item() == 1e-6


def test_no_pools() -> None:
    log = CALLS.clear()
    allocation = cv.allocate_costs(log, POOLS.clear())
    assert allocation.costs.is_empty()
    assert allocation.pools.is_empty()
    assert dict(allocation.costs.schema) == {
        "customer_id": pl.String,
        "line": pl.String,
        "amount": pl.Float64,
    }


def test_pools_may_share_a_driver_and_be_credits() -> None:
    pools = pl.DataFrame({"pool": ["x", "y"], "amount": [100, -40], "driver": "call"})
    assert costs(cv.allocate_costs(CALLS, pools)) == {
        ("a", "x"): 25.0,
        ("a", "y"): -10.0,
        ("b", "x"): 75.0,
        ("b", "y"): -30.0,
    }


def test_an_equation_takes_the_place_of_the_activity_of_the_drivers_name() -> None:
    log = activities(("a", "call", 1.0), ("b", "letter", 1.0))
    equations = [
        cv.profit.TimeEquation(activity="call", driver="call", base=3),
        cv.profit.TimeEquation(activity="letter", driver="call", base=1),
    ]
    allocation = cv.allocate_costs(log, POOLS, equations=equations)
    assert allocation.costs["amount"].to_list() == [75.0, 25.0]


def test_traits_add_to_an_activity() -> None:
    log = CALLS.with_columns(topics=pl.Series([2, 0]))
    equation = cv.profit.TimeEquation(activity="call", driver="minutes", base=10, per={"topics": 5})
    pools = POOLS.with_columns(driver=pl.lit("minutes"))
    allocation = cv.allocate_costs(log, pools, equations=[equation])
    assert allocation.costs["amount"].to_list() == [40.0, 60.0]


def test_the_result_is_what_the_account_takes() -> None:
    log = pl.DataFrame(
        {"customer_id": ["a", "b"], "ordered_at": "2024-01-01", "amount": [90.0, 90]}
    )
    log = log.with_columns(pl.col("ordered_at").str.to_date(), cost=50.0)
    allocation = cv.allocate_costs(CALLS, POOLS)
    as_of = log["ordered_at"][0]
    stack = cv.CostStack(service=("desk",))
    pnl = cv.customer_pnl(log, as_of=as_of, costs=allocation.costs, stack=stack)
    assert pnl["profit"].to_list() == [15.0, -35.0]


# --- pools that serve pools ---

HOSPITAL = pl.DataFrame(
    {
        "pool": ["personnel", "systems", "sales", "delivery"],
        "amount": [80.0, 120.0, 300.0, 500.0],
        "driver": [None, None, "call", "drop"],
    }
)
SUPPORT = pl.DataFrame(
    {
        "pool": ["personnel", "personnel", "personnel", "systems", "systems", "systems"],
        "user": ["systems", "sales", "delivery", "personnel", "sales", "delivery"],
        "quantity": [20.0, 30.0, 50.0, 40.0, 20.0, 20.0],
    }
)
WORK = activities(("a", "call", 1.0), ("a", "drop", 1.0), ("b", "drop", 3.0))


def test_the_direct_method_passes_over_other_support() -> None:
    """80 at 30:50 and 120 at 20:20 to sales and delivery."""
    pools = cv.allocate_costs(WORK, HOSPITAL, support=SUPPORT).pools
    assert pools["received"].to_list() == [0.0, 0.0, 30.0 + 60.0, 50.0 + 60.0]
    assert pools["passed_on"].to_list() == [80.0, 120.0, 0.0, 0.0]
    assert pools["allocated"].to_list() == [0.0, 0.0, 390.0, 610.0]


def test_step_down_passes_on_what_it_has_received() -> None:
    """80 at 20:30:50, then 120 + 16 at 20:20; personnel is closed by then."""
    order = ["personnel", "systems"]
    allocation = cv.allocate_costs(WORK, HOSPITAL, support=SUPPORT, method="step_down", order=order)
    pools = allocation.pools
    assert pools["received"].to_list() == [0.0, 16.0, 24.0 + 68.0, 40.0 + 68.0]
    assert pools["passed_on"].to_list() == [80.0, 136.0, 0.0, 0.0]
    assert pools["allocated"].to_list() == [0.0, 0.0, 392.0, 608.0]
    assert pools["residual"].to_list() == [0.0] * 4
    assert allocation.order == ("personnel", "systems")
    assert costs(allocation)["b", "delivery"] == 456.0
    other = cv.allocate_costs(
        WORK, HOSPITAL, support=SUPPORT, method="step_down", order=order[::-1]
    )
    assert other.pools["received"].to_list() == [60.0, 0.0, 52.5 + 30.0, 87.5 + 30.0]


@pytest.mark.parametrize("method", ["direct", "step_down"])
def test_support_that_serves_nobody_keeps_its_cost(method: Any) -> None:
    support = SUPPORT.with_columns(quantity=0.0)
    order = ["systems", "personnel"]
    pools = cv.allocate_costs(WORK, HOSPITAL, support=support, method=method, order=order).pools
    assert pools["residual"].to_list() == [80.0, 120.0, 0.0, 0.0]
    parts = pools.select("allocated", "unused", "residual").sum_horizontal()
    assert parts.sum() == HOSPITAL["amount"].sum()


@pytest.mark.parametrize("order", [None, ["personnel"], ["personnel", "systems", "sales"]])
def test_step_down_needs_an_order(order: Any) -> None:
    with pytest.raises(cv.CustomerValueError, match=r"order must name .* \(personnel, systems\)"):
        cv.allocate_costs(WORK, HOSPITAL, support=SUPPORT, method="step_down", order=order)


def test_extreme_amounts_leave_no_more_than_rounding() -> None:
    pools = HOSPITAL.with_columns(amount=pl.Series([9.9e22, -9.9e22, 1e-6, 0.0]))
    order = ["personnel", "systems"]
    allocation = cv.allocate_costs(WORK, pools, support=SUPPORT, method="step_down", order=order)
    assert allocation.costs["amount"].is_finite().all()
    pools = allocation.pools
    assert pools["passed_on"].to_list()[0] == 9.9e22
    assert pools["residual"].to_list() == pytest.approx([0.0] * 4, abs=1e-15 * 9.9e22)


# --- bad input ---


def test_everything_wrong_is_named_at_once() -> None:
    pools = pl.DataFrame(
        {
            "pool": ["desk", "desk", "van", None, "boss", "loan"],
            "amount": [1.0, 1.0, float("inf"), 1.0, None, 1e30],
            "driver": ["call", "call", "mile", "mile", None, "mile"],
            "practical_capacity": [None, None, -5.0, 0.0, None, float("nan")],
        }
    )
    log = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", None, "f"],
            "activity": ["call", "call", "call", "dance", "call", None],
            "quantity": [-1.0, float("nan"), None, 1.0, 1.0, 1.0],
        }
    )
    support = pl.DataFrame(
        {"pool": ["van", "no one", "van"], "user": ["van", "desk", "boss"], "quantity": [1, 1, -1]}
    )
    equations = [cv.profit.TimeEquation(activity="call", driver="hours", base=1)] * 2
    with pytest.raises(cv.DataError) as error:
        cv.allocate_costs(log, pools, equations=equations, support=support)
    message = str(error.value)
    for part in (
        "pools: 1 row with no pool",
        "2 rows with a pool of more than one row for a period (e.g. desk)",
        "1 row with no amount (e.g. boss)",
        "1 row with a NaN or infinite amount (e.g. van)",
        "1 row with amount of 1e+23 or more (e.g. loan)",
        "support: 1 row with a pool or user that is not a pool (e.g. no one)",
        "1 row with a pool that serves itself (e.g. van)",
        "1 row with a quantity below zero (e.g. van)",
        "equations: more than one for call of hours",
        "equations: no pool has the driver hours",
        "activities: 1 row with no customer",
        "1 row with no activity (e.g. f)",
        "1 row with an activity that no pool or equation uses (e.g. d)",
        "1 row with no quantity (e.g. c)",
        "1 row with a quantity below zero (e.g. a)",
        "1 row with a quantity not below 1e+23 (e.g. b)",
    ):
        assert part in message


@pytest.mark.parametrize("capacity", [0.0, -1.0, float("inf"), float("nan")])
def test_a_capacity_is_above_zero(capacity: float) -> None:
    with pytest.raises(cv.DataError, match=r"a practical capacity not above zero.* \(e.g. desk\)"):
        cv.allocate_costs(CALLS, POOLS.with_columns(practical_capacity=capacity))


def test_pools_have_a_driver_or_serve_pools() -> None:
    with pytest.raises(cv.DataError, match=r"2 rows with no driver.*personnel, systems"):
        cv.allocate_costs(WORK, HOSPITAL)
    both = HOSPITAL.with_columns(pl.col("driver").fill_null("call"))
    with pytest.raises(cv.DataError, match="2 rows with both a driver and pools they serve"):
        cv.allocate_costs(WORK, both, support=SUPPORT)
    idle = HOSPITAL.with_columns(practical_capacity=9.0)
    with pytest.raises(cv.DataError, match="2 rows with a practical capacity though they serve"):
        cv.allocate_costs(WORK, idle, support=SUPPORT)


@pytest.mark.parametrize("topics", [[None, 1], [3, 1], [float("nan"), 1]])
def test_units_may_not_be_unknown_or_negative(topics: Any) -> None:
    log = CALLS.with_columns(topics=pl.Series(topics, dtype=pl.Float64))
    equation = cv.profit.TimeEquation(activity="call", driver="call", base=1, per={"topics": -0.5})
    with pytest.raises(cv.DataError, match=r"activities: 1 row with traits .* \(e.g. a\)"):
        cv.allocate_costs(log, POOLS, equations=[equation])


def test_columns_are_checked() -> None:
    with pytest.raises(cv.SchemaError, match="activities: missing column 'quantity'"):
        cv.allocate_costs(CALLS.drop("quantity"), POOLS)
    with pytest.raises(cv.SchemaError, match="pools: missing column 'driver'"):
        cv.allocate_costs(CALLS, POOLS.drop("driver"))
    with pytest.raises(cv.SchemaError, match="support: missing columns 'user'"):
        cv.allocate_costs(CALLS, POOLS, support=POOLS)
    equation = cv.profit.TimeEquation(activity="call", driver="call", base=1, per={"topics": 1})
    with pytest.raises(cv.SchemaError, match="activities: missing column 'topics'"):
        cv.allocate_costs(CALLS, POOLS, equations=[equation])
    with pytest.raises(cv.OptionError, match="method"):
        cv.allocate_costs(CALLS, POOLS, method="reciprocal")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="base"):
        cv.profit.TimeEquation(activity="call", driver="call", base=float("nan"))
