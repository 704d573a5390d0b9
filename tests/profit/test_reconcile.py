from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles.transactions import money
from strategies import LAST_DAY, Log, customers, days, logs, small

AS_OF = date(2024, 12, 31)
LINES = ["cogs", "shipping", "service", "acquisition"]


@st.composite
def cost_tables(draw: st.DrawFn) -> pl.DataFrame:
    row = st.tuples(
        customers | st.sampled_from(["zoe", None]),
        st.sampled_from(LINES),
        st.none() | st.integers(-500, 5000).map(lambda n: n / 100),
        days,
    )
    schema = {"customer_id": pl.String, "line": pl.String, "amount": pl.Float64, "date": pl.Date}
    return pl.DataFrame(draw(st.lists(row, max_size=12)), schema=schema, orient="row")


@given(
    log=logs(),
    costs=cost_tables(),
    as_of=days,
    back=st.none() | st.integers(0, 20),
    complete=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_customers_and_unallocated_make_the_ledger(
    log: Log, costs: pl.DataFrame, as_of: date, back: int | None, complete: bool
) -> None:
    start = None if back is None else as_of - timedelta(days=back)
    tables: Any = {"as_of": as_of, "start": start, "costs": costs}
    tables["stack"] = cv.CostStack(complete=complete)
    pnl = cv.customer_pnl(log.frame, unknown_customers="unallocated", **tables)
    proof = cv.profit.reconcile_pnl(pnl, log.frame, **tables)
    inside = costs.filter(pl.col("date") <= as_of)
    if start is not None:
        inside = inside.filter(pl.col("date") >= start)
    for line in ("service", "acquisition"):
        booked = inside.filter(pl.col("line") == line).drop_nulls("amount")
        ledger = sum((money(amount) for amount in booked["amount"]), Decimal(0))
        assert proof[line].ledger == float(ledger)
    for entry in proof.lines:
        parts = [entry.customers, entry.unknown, entry.unallocated]
        assert money(entry.ledger) == sum(map(money, parts))
        if entry.line in pnl.columns:
            known = pnl[entry.line].drop_nulls()
            assert money(entry.customers) == sum(map(money, known), Decimal(0))
    assert (proof.as_of, proof.start, proof.stack) == (as_of, start, tables["stack"])
    assert proof.customers == pnl.height
    assert cv.profit.PnlReconciliation.model_validate_json(proof.model_dump_json()) == proof


@given(log=logs(), margin=st.sampled_from([None, 0.3, 1 / 3]))
@settings(max_examples=30, deadline=None)
def test_without_costs_and_with_a_margin(log: Log, margin: float | None) -> None:
    pnl = cv.customer_pnl(log.frame.lazy(), as_of=LAST_DAY, margin=margin)
    proof = cv.profit.reconcile_pnl(pnl, log.frame.lazy(), as_of=LAST_DAY, margin=margin)
    assert [entry.line for entry in proof.lines] == [
        "gross_sales",
        "discounts",
        "returns",
        "net_revenue",
        "cogs",
    ]
    assert proof.stack is None


COSTS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "x", None],
        "line": "service",
        "amount": [1.0, None, 4.0, 8.0],
    }
)
LOG = small(customer_id=["a", "b"], cost=[4.0, 4.0])


def prove(
    pnl: pl.DataFrame, log: pl.DataFrame = LOG, costs: Any = COSTS
) -> cv.profit.PnlReconciliation:
    return cv.profit.reconcile_pnl(pnl, log, as_of=AS_OF, costs=costs)


def test_what_is_unknown_and_unallocated_is_told() -> None:
    more = pl.concat([COSTS, COSTS.filter(pl.col("customer_id") == "b").with_columns(amount=2.0)])
    pnl = cv.customer_pnl(LOG, as_of=AS_OF, costs=more, unknown_customers="unallocated")
    proof = prove(pnl, costs=more)
    service = proof["service"]
    assert (service.ledger, service.customers) == (15.0, 1.0)
    assert (service.unknown, service.unallocated) == (2.0, 12.0)
    assert "service                  15.00              1.00" in str(proof)


def test_costs_of_nobody_are_in_the_ledger() -> None:
    costs = pl.DataFrame({"customer_id": [None, "a"], "line": ["shipping", "service"]})
    costs = costs.with_columns(amount=pl.Series([3.0, 1.0]))
    pnl = cv.customer_pnl(LOG, as_of=AS_OF, costs=costs, unknown_customers="unallocated")
    shipping = prove(pnl, costs=costs)["fulfilment"]
    assert (shipping.ledger, shipping.unallocated) == (3.0, 3.0)
    assert pnl["cm2"].to_list() == [6.0, 6.0]


def test_kept_customers_are_not_unallocated() -> None:
    costs = COSTS.drop_nulls()
    pnl = cv.customer_pnl(LOG, as_of=AS_OF, costs=costs, unknown_customers="keep")
    assert prove(pnl, costs=costs)["service"].unallocated == 0.0


def test_a_gap_is_refused() -> None:
    pnl = cv.customer_pnl(LOG, as_of=AS_OF, costs=COSTS, unknown_customers="unallocated")
    prove(pnl)
    lost = pnl.filter(pl.col("customer_id") == "b")
    with pytest.raises(cv.DataError, match="gross_sales by 10, net_revenue by 10, cogs by 4"):
        prove(lost)
    with pytest.raises(cv.DataError, match=r"service by 1$"):
        prove(pnl.with_columns(pl.col("service") - 1.0))
    with pytest.raises(cv.DataError, match="net_revenue by 1e-06"):
        prove(pnl.with_columns(net_revenue=pl.Series([10.0, 9.999999])))
    with pytest.raises(cv.DataError, match="customers more than once: 1"):
        prove(pl.concat([pnl, pnl.head(1)]))
    other = LOG.with_columns(amount=11.0)
    with pytest.raises(cv.DataError, match="the ledger holds more"):
        prove(pnl, log=other)


def test_columns_are_checked() -> None:
    pnl = cv.customer_pnl(LOG, as_of=AS_OF)
    with pytest.raises(cv.SchemaError, match="accounts: missing columns 'fulfilment'"):
        prove(pnl)
    with pytest.raises(cv.SchemaError, match="accounts: 'customer_id' is Int32, but String"):
        cv.profit.reconcile_pnl(pnl.with_columns(customer_id=1).head(1), LOG, as_of=AS_OF)


def test_the_ledger_of_spring_distribution() -> None:
    case = golden("profitability")["spring_distribution"]
    customers = case["customers"]
    log = pl.DataFrame(
        {
            "customer_id": customers,
            "ordered_at": AS_OF,
            "amount": case["net_revenue"],
            "discount": case["discounts"],
            "cost": case["cogs"],
        }
    )
    costs = pl.DataFrame({"customer_id": customers, "line": "service", "amount": case["service"]})
    columns: Any = {"as_of": AS_OF, "costs": costs}
    proof = cv.profit.reconcile_pnl(cv.customer_pnl(log, **columns), log, **columns)
    for line in ("gross_sales", "discounts", "net_revenue", "cogs", "service"):
        assert proof[line].ledger == proof[line].customers == case["totals"][line]
