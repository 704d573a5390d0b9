"""Tables as other libraries hold them, and arguments of a wrong type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

import customer_value as cv

DAY = date(2024, 3, 31)
LOG = pl.DataFrame(
    {"customer_id": [1, 2], "ordered_at": [date(2024, 1, 5), date(2024, 2, 1)], "amount": [9.0, 20]}
)
SPAN = {"period_start": [date(2024, 1, 1)] * 2, "period_end": [DAY] * 2}
COSTS = pl.DataFrame({"customer_id": [1, 2], "line": "service", "amount": [1.0, 2.0], **SPAN})
ACTIVITIES = pl.DataFrame(
    {"customer_id": [1, 2], "activity": "call", "quantity": [1, 2], "date": [date(2024, 1, 3)] * 2}
)
POOLS = pl.DataFrame(
    {"pool": ["desk", "rent"], "amount": [9.0, 3.0], "driver": ["call", None], **SPAN}
)
SUPPORT = pl.DataFrame({"pool": ["rent"], "user": ["desk"], "quantity": [1]})
ACCOUNTS = cv.customer_pnl(LOG, as_of=DAY, margin=0.3, costs=COSTS).with_columns(tier=pl.lit("a"))
CHANNELS = pl.DataFrame({"spend": [10.0], "new_customers": [2]})
UNITS = pl.DataFrame({"cac": [1.0], "clv": [2.0], "profit_per_period": [1.0], "churn": [0.1]})


def test_midnights_are_days_in_costs_pools_and_activities() -> None:
    costs = COSTS.with_columns(pl.col("customer_id").cast(pl.Float64)).to_pandas()
    found = cv.customer_pnl(LOG.to_pandas(), as_of=DAY, margin=0.3, costs=costs)
    assert found.equals(ACCOUNTS.drop("tier"))
    expected = cv.allocate_costs(ACTIVITIES, POOLS, support=SUPPORT)
    tables = (
        ACTIVITIES.with_columns(pl.col("customer_id").cast(pl.Float64)).to_pandas(),
        POOLS.to_pandas(),
    )
    allocated = cv.allocate_costs(*tables, support=SUPPORT.to_pandas())
    assert allocated.costs.equals(expected.costs)
    assert allocated.pools.equals(expected.pools)
    late = POOLS.with_columns(pl.col("period_end").cast(pl.Datetime).dt.offset_by("5h"))
    with pytest.raises(cv.DataError, match="pools: 2 rows with a time of day in 'period_end'"):
        cv.allocate_costs(ACTIVITIES, late, support=SUPPORT)


CALLS: dict[str, Callable[[Any], object]] = {
    "activities": lambda junk: cv.allocate_costs(junk, POOLS),
    "pools": lambda junk: cv.allocate_costs(ACTIVITIES, junk),
    "support": lambda junk: cv.allocate_costs(ACTIVITIES, POOLS, support=junk),
    "equations": lambda junk: cv.allocate_costs(ACTIVITIES, POOLS, equations=junk),
    "order": lambda junk: cv.allocate_costs(ACTIVITIES, POOLS, support=SUPPORT, order=junk),
    "costs": lambda junk: cv.customer_pnl(LOG, as_of=DAY, costs=junk),
    "stack": lambda junk: cv.customer_pnl(LOG, as_of=DAY, stack=junk),
    "pnl_by": lambda junk: cv.profit.pnl_by(ACCOUNTS, by=junk),
    "whale": lambda junk: cv.whale_curve(ACCOUNTS, profit=junk),
    "revenue": lambda junk: cv.profit.whale_summary(ACCOUNTS, revenue=junk),
    "channels": cv.profit.acquisition_cost,
    "by": lambda junk: cv.profit.acquisition_cost(CHANNELS, by=junk),
    "spend": lambda junk: cv.profit.acquisition_cost(CHANNELS, spend=junk),
    "paid": lambda junk: cv.profit.acquisition_cost(CHANNELS, paid=junk),
    "value": lambda junk: cv.profit.clv_to_cac(UNITS, value=junk),
    "cac": lambda junk: cv.profit.payback_months(UNITS, cac=junk),
    "net": lambda junk: cv.profit.net_lifetime_value(UNITS, value=junk),
    "churn": lambda junk: cv.profit.simple_clv(UNITS, churn=junk),
    "potential": lambda junk: cv.profit.flag_low_value(ACCOUNTS, potential=junk),
    "alignment": lambda junk: cv.service.service_alignment(ACCOUNTS, cost=junk),
    "growth": lambda junk: cv.service.cost_growth_quadrant(ACCOUNTS, growth=junk),
    "channel": lambda junk: cv.channels.channel_economics(ACCOUNTS, channel=junk),
    "weights": lambda junk: cv.channels.channel_economics(
        ACCOUNTS, channel="tier", value=None, weights=junk
    ),
}


@pytest.mark.parametrize("junk", [{"a": 1}, [1], 5, pl.Series([1.0, 2.0])], ids=repr)
@pytest.mark.parametrize("name", CALLS)
def test_wrong_types_are_refused_in_the_family(name: str, junk: object) -> None:
    with pytest.raises(cv.CustomerValueError):
        CALLS[name](junk)
