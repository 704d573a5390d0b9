"""Pools of several periods."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from strategies import customers

MARCH, APRIL = (date(2024, 3, 1), date(2024, 3, 31)), (date(2024, 4, 1), date(2024, 4, 30))
SUPPORT = pl.DataFrame(
    {"pool": ["boss", "boss", "van"], "user": ["desk", "van", "desk"], "quantity": [1.0, 2.0, 1.0]}
)


def pools(*rows: tuple[str, float, str | None, float | None, Any]) -> pl.DataFrame:
    names = ["pool", "amount", "driver", "practical_capacity", "period"]
    table = pl.DataFrame(list(rows), schema=names, orient="row")
    ends = {"period_start": 0, "period_end": 1}
    days = {name: [row[4][k] for row in rows] for name, k in ends.items()}
    typed = [pl.Series(name, values, pl.Date) for name, values in days.items()]
    return table.drop("period").with_columns(
        pl.col("driver").cast(pl.String), pl.col("practical_capacity").cast(pl.Float64), *typed
    )


TWO = pools(
    ("van", 40.0, None, None, APRIL),
    ("boss", 30.0, None, None, MARCH),
    ("desk", 100.0, "call", 5.0, MARCH),
    ("desk", 90.0, "call", None, APRIL),
    ("van", 60.0, None, None, MARCH),
    ("team", 7.0, "visit", None, APRIL),
)
activity = st.fixed_dictionaries(
    {
        "customer_id": customers,
        "activity": st.sampled_from(["call", "visit"]),
        "quantity": st.integers(0, 20).map(lambda n: n / 4),
        "date": st.dates(MARCH[0], APRIL[1]),
    }
)
SCHEMA = {
    "customer_id": pl.String,
    "activity": pl.String,
    "quantity": pl.Float64,
    "date": pl.Date,
}


@pytest.mark.parametrize("method", ["direct", "step_down"])
@given(rows=st.lists(activity, max_size=8))
@settings(deadline=None, max_examples=15)
def test_each_period_is_allocated_as_if_alone(method: Any, rows: list[dict[str, Any]]) -> None:
    log = pl.DataFrame(rows, schema=SCHEMA)
    terms: dict[str, Any] = {"support": SUPPORT, "method": method, "order": ["boss", "van"]}
    together = cv.allocate_costs(log.lazy(), TWO, **terms)
    costs, accounts = [], []
    for first, last in (MARCH, APRIL):
        own = TWO.filter(pl.col("period_start") == first).drop("period_start", "period_end")
        present = SUPPORT.filter(pl.col("pool").is_in(own["pool"].to_list()))
        order = [name for name in terms["order"] if name in present["pool"].to_list()]
        # An activity that no pool of the period uses costs nothing in it.
        used = pl.col("date").is_between(first, last) & pl.col("activity").is_in(
            own["driver"].drop_nulls().to_list()
        )
        alone = cv.allocate_costs(
            log.filter(used), own, support=present, method=method, order=order
        )
        days = {"period_start": pl.lit(first), "period_end": pl.lit(last)}
        costs.append(alone.costs.with_columns(**days))
        accounts.append(
            alone.pools.select(
                pl.lit(first).alias("period_start"), pl.lit(last).alias("period_end"), pl.all()
            )
        )
    expected = pl.concat(costs).sort("customer_id", "line", "period_start")
    assert_frame_equal(together.costs, expected, check_exact=True)
    assert_frame_equal(together.pools, pl.concat(accounts), check_exact=True)
    money = together.pools.select(pl.col("amount", "allocated", "unused", "residual").sum()).row(0)
    assert money[0] == pytest.approx(sum(money[1:]))


def test_the_account_tells_the_periods_apart() -> None:
    calls = pl.DataFrame(
        {
            "customer_id": ["a", "b", "a"],
            "activity": "call",
            "quantity": [1.0, 3.0, 1.0],
            "date": [MARCH[0], MARCH[1], APRIL[0]],
        }
    )
    costs = cv.allocate_costs(calls, TWO.filter(pool="desk")).costs
    assert costs.rows() == [
        ("a", "desk", 20.0, *MARCH),
        ("a", "desk", 90.0, *APRIL),
        ("b", "desk", 60.0, *MARCH),
    ]
    log = pl.DataFrame({"customer_id": ["a", "b"], "ordered_at": MARCH[0], "amount": 200.0})
    terms: dict[str, Any] = {"costs": costs, "margin": 0.5}
    stack = cv.CostStack(service=("desk",), complete=True)
    for as_of, profits in ((MARCH[1], [80.0, 40.0]), (APRIL[1], [-10.0, 40.0])):
        pnl = cv.customer_pnl(log, as_of=as_of, stack=stack, **terms)
        assert pnl["profit"].to_list() == profits


def test_no_activities_in_a_period_and_no_pools() -> None:
    calls = pl.DataFrame(schema=SCHEMA)
    empty = cv.allocate_costs(calls, TWO.filter(pool="desk"))
    assert empty.pools.select("pool", "unused", "residual").rows() == [
        ("desk", 100.0, 0.0),
        ("desk", 0.0, 90.0),
    ]
    assert empty.costs.is_empty()
    assert cv.allocate_costs(calls, TWO.clear()).pools.is_empty()


def test_everything_wrong_with_periods_is_named_at_once() -> None:
    table = pools(
        ("desk", 1.0, "call", None, MARCH),
        ("desk", 1.0, "call", None, MARCH),
        ("van", 1.0, "mile", None, (date(2024, 3, 31), date(2024, 4, 2))),
        ("boss", 1.0, "call", None, (APRIL[1], APRIL[0])),
        ("loan", 1.0, "call", None, (None, APRIL[1])),
        ("team", 1.0, "call", None, (APRIL[1], None)),
    ).with_columns(currency=pl.Series(["EUR", "EUR", "EUR", "USD", "USD", None]))
    calls = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "activity": "call",
            "quantity": 1.0,
            "date": [MARCH[0], None, date(2025, 1, 1)],
        }
    )
    with pytest.raises(cv.DataError) as error:
        cv.allocate_costs(calls, table)
    for part in (
        "pools: 2 rows with a pool of more than one row for a period (e.g. desk)",
        "1 row with no period_start (e.g. loan)",
        "1 row with no period_end (e.g. team)",
        "1 row with a period that ends before it starts (e.g. boss)",
        "pools: 3 rows with a period that overlaps another (e.g. 2024-03-01 to 2024-03-31, ",
        "pools: more than one currency (rows: EUR 3, USD 2)",
        "activities: 1 row with no date (e.g. b)",
        "1 row with a date in no period of the pools (e.g. c)",
    ):
        assert part in str(error.value)


def test_columns_of_periods_are_checked() -> None:
    calls = pl.DataFrame({"customer_id": ["a"], "activity": "call", "quantity": 1.0})
    desk = TWO.filter(pool="desk")
    with pytest.raises(cv.SchemaError, match=r"activities: missing column 'date'.*period_start"):
        cv.allocate_costs(calls, desk)
    with pytest.raises(cv.SchemaError, match="pools: missing column 'period_end'"):
        cv.allocate_costs(calls, desk.drop("period_end"))
    with pytest.raises(cv.SchemaError, match="pools: give 'date', or 'period_start'"):
        cv.allocate_costs(calls, desk.with_columns(date=MARCH[0]))
