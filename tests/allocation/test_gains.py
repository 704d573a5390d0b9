from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv

OFFER: dict[str, Any] = {"success": 0.2, "acceptance": 0.6, "offer_cost": 50.0, "contact_cost": 1.0}
shares = st.sampled_from([0.0, 0.1, 0.5, 1.0])


def customers(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"churn_risk": [0.5], "clv_if_alive": [500.0]} | columns)


def test_win_back_of_a_segment() -> None:
    # 200 x .12 x 450 - 200 x 6 - 200 x .12 x 50
    segments = pl.DataFrame(
        {"customers": [200], "win_back_rate": [0.12], "second_lifetime_value": [450], "gift": [50]}
    )
    result = cv.allocation.win_back_gain(segments, offer_cost="gift", contact_cost=6)
    assert result["win_back_gain"].item() == pytest.approx(8400, rel=1e-14)
    # At the largest offer nothing is won: 450 - 6 / .12.
    assert result["maximum_offer"].item() == pytest.approx(400, rel=1e-14)
    at_most = cv.allocation.win_back_gain(segments, offer_cost=400, contact_cost=6)[
        "win_back_gain"
    ].item()
    assert at_most == pytest.approx(0, abs=1e-9)
    nobody = segments.with_columns(win_back_rate=pl.lit(0.0))
    assert (
        cv.allocation.win_back_gain(nobody, offer_cost=1, contact_cost=6)["maximum_offer"].item()
        is None
    )
    assert (
        cv.allocation.win_back_gain(segments.lazy(), offer_cost=50, contact_cost=6)
        .collect()
        .equals(result)
    )


@given(shares, shares, shares, st.integers(0, 900), st.integers(0, 90), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_the_four_outcomes_of_an_offer(
    churn: float, success: float, acceptance: float, value: int, cost: int, contact: int
) -> None:
    row = cv.allocation.retention_offer_gain(
        customers(churn_risk=[churn], clv_if_alive=[value], s=[success]),
        success="s",
        acceptance=acceptance,
        offer_cost=cost,
        contact_cost=contact,
    ).row(0, named=True)
    outcomes = [
        (churn * success, value - cost, cost),
        (churn * (1 - success), 0, 0),
        ((1 - churn) * acceptance, -cost, cost),
        ((1 - churn) * (1 - acceptance), 0, 0),
    ]
    assert sum(p for p, *_ in outcomes) == pytest.approx(1)
    gain = sum(p * brought for p, brought, _ in outcomes) - contact
    spent = sum(p * paid for p, _, paid in outcomes) + contact
    assert row["offer_gain"] == pytest.approx(gain, abs=1e-10)
    assert row["expected_offer_cost"] == pytest.approx(spent, abs=1e-10)


def test_the_likeliest_to_leave_is_not_the_one_to_call() -> None:
    shop = customers(churn_risk=[0.7, 0.2, 0.05], clv_if_alive=[300.0, 5000.0, 20000.0])
    shop = shop.with_row_index("customer_id")
    gains = cv.allocation.retention_offer_gain(shop, **OFFER)
    assert gains["offer_gain"].arg_max() == 1
    plan = cv.allocation.select_offers(
        gains, budget=40.0, cost="expected_offer_cost", gain="offer_gain"
    )
    assert plan.table.filter("selected")["customer_id"].to_list() == [1]


def test_unknown_and_bad_input() -> None:
    unknown = cv.allocation.retention_offer_gain(
        customers(clv_if_alive=pl.Series([None], dtype=pl.Float64)), **OFFER
    )
    assert unknown["offer_gain"].to_list() == [None]
    with pytest.raises(cv.OptionError, match="retention_offer_gain: success"):
        cv.allocation.retention_offer_gain(customers(), **(OFFER | {"success": 20}))
    with pytest.raises(cv.DataError, match="not within 0 to 1 in 'churn_risk'"):
        cv.allocation.retention_offer_gain(customers(churn_risk=[50.0]), **OFFER)
    segments = pl.DataFrame({"customers": -1, "second_lifetime_value": 1.0})
    with pytest.raises(cv.DataError, match="segments: 1 row with values below zero in 'customers'"):
        cv.allocation.win_back_gain(segments, offer_cost=1, success=0.5)


def test_p_alive_is_counted_once() -> None:
    # .8 x .2 x (400 - 10) - .2 x .1 x 10, and .2 x .2 x (400 - 10) - .8 x .1 x 10
    two = pl.DataFrame(
        {"churn_risk": [0.8, 0.2], "clv_if_alive": [400.0, 400.0], "clv": [80.0, 320.0]}
    )
    terms: dict[str, Any] = {"success": 0.2, "acceptance": 0.1, "offer_cost": 10.0}
    offered = cv.allocation.retention_offer_gain(two, **terms)
    assert offered["offer_gain"].to_list() == pytest.approx([62.2, 14.8], rel=1e-14)
    with pytest.raises(cv.OptionError, match="take 'clv_if_alive'"):
        cv.allocation.retention_offer_gain(two, clv_if_alive="clv", **terms)
