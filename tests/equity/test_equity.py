from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv

rows = st.lists(
    st.tuples(
        st.sampled_from(["high", "low", None]),
        st.sampled_from(["web", "shop"]),
        st.none() | st.integers(-500, 10**6).map(lambda cents: cents / 100),
        st.none() | st.sampled_from([0.0, 0.2, 1.0]),
    ),
    max_size=14,
)
SCHEMA = {"tier": pl.String, "channel": pl.String, "clv": pl.Float64, "churn": pl.Float64}


@given(rows)
@settings(deadline=None, max_examples=60)
def test_groups_add_up_to_the_whole(data: list[Any]) -> None:
    customers = pl.DataFrame(data, schema=SCHEMA, orient="row").with_columns(
        clv_if_alive=pl.col("clv") * 2
    )
    whole = cv.equity.customer_equity(customers, churn="churn")
    assert whole.height == 1
    for by in ("tier", ["tier", "channel"]):
        table = cv.equity.customer_equity(customers, by=by, churn="churn")
        assert table["customers"].sum() == len(data)
        assert table["unvalued"].sum() == sum(row[2] is None for row in data)
        for name in ("equity", "equity_at_risk"):
            parts = sum((cents(v) for v in table[name]), Decimal(0))
            assert parts == cents(whole[name].item())
        if whole["equity"].item() > 0:
            assert table["equity_share"].sum() == pytest.approx(1)
        else:
            assert table["equity_share"].null_count() == table.height
        shuffled = customers.sample(fraction=1, shuffle=True, seed=1)
        assert cv.equity.customer_equity(shuffled.lazy(), by=by, churn="churn").equals(table)
    expected = sum(2 * v * c for *_, v, c in data if v is not None and c is not None)
    assert whole["equity_at_risk"].item() == pytest.approx(expected, abs=1e-5)


def cents(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.000001"))


def test_referrals_are_in_nobodys_equity_twice() -> None:
    customers = pl.DataFrame(
        {"tier": ["a", "b"], "clv": [100.0, 40.0], "influence_value": [40.0, 0.0]}
    )
    assert cv.equity.customer_equity(customers, by="tier")["equity"].sum() == 140.0


def test_one_customer_has_all_of_it() -> None:
    row = cv.equity.customer_equity(pl.DataFrame({"clv": [0.1]})).row(0, named=True)
    assert row == {"customers": 1, "unvalued": 0, "equity": 0.1, "equity_share": 1.0}


def test_risk_is_probability_times_value_if_alive() -> None:
    # Ranked by probability alone, the customer with the least at risk would come first.
    customers = pl.DataFrame(
        {
            "who": ["a", "b", "c"],
            "clv": [300.0, 4000.0, 19000.0],
            "churn_risk": [0.7, 0.2, 0.05],
            "clv_if_alive": [1000.0, 5000.0, 20000.0],
        }
    )
    table = cv.equity.customer_equity(customers, by="who", churn="churn_risk").sort("who")
    assert table["equity_at_risk"].to_list() == [700.0, 1000.0, 1000.0]
    assert table["risk_share"].to_list() == pytest.approx([0.7, 0.2, 0.05])


def test_p_alive_is_counted_once() -> None:
    customers = pl.DataFrame(
        {"clv": [950.0, 500.0], "clv_if_alive": [1000.0, 1000.0], "churn_risk": [0.05, 0.5]}
    )
    table = cv.equity.customer_equity(customers, churn="churn_risk")
    assert table.select("equity", "equity_at_risk").row(0) == pytest.approx((1450, 550))
    with pytest.raises(cv.OptionError, match="take 'clv_if_alive'"):
        cv.equity.customer_equity(customers, churn="churn_risk", clv_if_alive="clv")


def test_bad_input() -> None:
    customers = pl.DataFrame({"equity": ["a"], "clv": [1.0], "clv_if_alive": [1.0], "churn": [1.5]})
    with pytest.raises(cv.CustomerValueError, match="names of the result: equity"):
        cv.equity.customer_equity(customers, by="equity")
    with pytest.raises(cv.DataError, match="not within 0 to 1 in 'churn'"):
        cv.equity.customer_equity(customers, churn="churn")
    with pytest.raises(cv.SchemaError, match="missing columns 'tier', 'dert'"):
        cv.equity.customer_equity(customers, by="tier", value="dert")


def test_customers_to_come() -> None:
    cohorts = pl.DataFrame(
        {"years": [0, 2], "customers": [10, 20], "clv": [50.0, 40.5], "cac": [60, 0]}
    )
    expected = 10 * -10 + 20 * 40.5 / 1.1**2
    assert cv.equity.future_equity(cohorts) == pytest.approx(expected, rel=1e-14)
    assert cv.equity.future_equity(cohorts.clear()) == 0.0
    with pytest.raises(cv.DataError, match=r"below zero in 'years'.*no 'clv'"):
        cv.equity.future_equity(cohorts.with_columns(years=-1, clv=pl.lit(None, pl.Float64)))
    with pytest.raises(cv.OptionError, match="discount_rate"):
        cv.equity.future_equity(cohorts, discount_rate=10)
