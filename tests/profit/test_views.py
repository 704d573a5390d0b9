from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from oracles.transactions import money
from strategies import LAST_DAY, Log, logs

ACCOUNTS = pl.DataFrame(
    {
        "tier": ["high", "low", None, "low"],
        "net_revenue": [100.0, 50.0, 10.0, 0.0],
        "service": [1.0, 2.0, None, 4.0],
        "profit": [40.0, -10.0, None, -4.0],
        "cost_coverage": [1.0, 1.0, 0.5, 1.0],
    }
)


def total(values: pl.Series) -> Decimal:
    return sum((money(value) for value in values), Decimal(0))


def test_sums_and_margins_of_sums() -> None:
    assert cv.profit.pnl_by(ACCOUNTS, by="tier").rows(named=True) == [
        {
            "tier": tier,
            "customers": n,
            "customers_known": known,
            "net_revenue": revenue,
            "service": service,
            "profit": profit,
            "profit_known": profit,
            "margin_pct": margin,
            "cost_coverage": coverage,
        }
        for tier, n, known, revenue, service, profit, margin, coverage in [
            ("high", 1, 1, 100.0, 1.0, 40.0, 0.4, 1.0),
            ("low", 2, 2, 50.0, 6.0, -14.0, -0.28, 1.0),
            (None, 1, 0, 10.0, None, None, None, 0.5),
        ]
    ]


def test_an_unknown_customer_hides_no_known_profit() -> None:
    accounts = pl.DataFrame(
        {
            "tier": ["low", "low", None, None, "new"],
            "net_revenue": [10.0, 20.0, 5.0, 7.0, 1.0],
            "profit": [4.0, None, 1.5, None, None],
        }
    )
    view = cv.profit.pnl_by(accounts, by="tier")
    assert view.select("tier", "customers_known", "profit", "profit_known").rows() == [
        ("low", 1, None, 4.0),
        ("new", 0, None, None),
        (None, 1, None, 1.5),
    ]


@given(log=logs(), seed=st.integers(0, 99), margin=st.sampled_from([None, 0.3]))
@settings(max_examples=40, deadline=None)
def test_groups_add_up_to_the_whole(log: Log, seed: int, margin: float | None) -> None:
    pnl = cv.customer_pnl(log.frame, as_of=LAST_DAY, margin=margin)
    cohort = cv.summarize(log.frame, as_of=LAST_DAY).select("customer_id", "first_purchase")
    accounts = pnl.join(cohort, on="customer_id").with_columns(
        cohort=pl.col("first_purchase").dt.truncate("1w")
    )
    view = cv.profit.pnl_by(accounts, by="cohort")
    assert view["customers"].sum() == pnl.height
    for name in ("gross_sales", "discounts", "returns", "net_revenue"):
        assert total(view[name]) == total(pnl[name])
    for row in view.rows(named=True):
        own = accounts.filter(pl.col("cohort").eq_missing(row["cohort"]))
        if own["profit"].null_count():
            assert row["profit"] is row["margin_pct"] is None
        else:
            assert money(row["profit"]) == total(own["profit"])
        assert row["cost_coverage"] == pytest.approx(own["cost_coverage"].mean())
        assert row["customers_known"] == own["profit"].count()
    shuffled = accounts.sample(fraction=1, shuffle=True, seed=seed)
    assert cv.profit.pnl_by(shuffled, by=["cohort"]).equals(view)
    lazy = cv.profit.pnl_by(shuffled.lazy(), by="cohort")
    assert lazy.collect_schema() == view.schema
    assert lazy.collect().equals(view)


def test_attributes_are_crossed() -> None:
    accounts = ACCOUNTS.with_columns(channel=pl.Series(["web", "web", "web", "shop"]))
    view = cv.profit.pnl_by(accounts, by=["channel", "tier"])
    assert view.select("channel", "tier", "customers").rows() == [
        ("shop", "low", 1),
        ("web", "high", 1),
        ("web", "low", 1),
        ("web", None, 1),
    ]


def test_a_mean_of_margins_is_not_the_margin() -> None:
    """A loss of 90 % on 10 and a gain of 10 % on 990 are a gain of 9 % on 1000."""
    accounts = pl.DataFrame({"net_revenue": [10.0, 990.0], "profit": [-9.0, 99.0], "all": 1})
    assert cv.profit.pnl_by(accounts, by="all")["margin_pct"].item() == 0.09


def test_unknown_profit_of_all_and_no_customers() -> None:
    log = pl.DataFrame({"customer_id": [1], "ordered_at": [LAST_DAY], "amount": [5.0]})
    pnl = cv.customer_pnl(log, as_of=LAST_DAY).with_columns(tier=pl.lit("high"))
    row = cv.profit.pnl_by(pnl, by="tier").row(0, named=True)
    assert (row["net_revenue"], row["profit"], row["cost_coverage"]) == (5.0, None, 0.0)
    empty = cv.profit.pnl_by(pnl.clear(), by="tier")
    assert empty.is_empty()
    assert empty.schema == cv.profit.pnl_by(pnl, by="tier").schema


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ([], "by names no column"),
        (["tier", "tier"], "by names twice: tier"),
        ("profit", "by names columns of the account: profit"),
        ("customers", "by names columns of the account: customers"),
    ],
)
def test_bad_attributes_are_refused(by: Any, says: str) -> None:
    with pytest.raises(cv.CustomerValueError, match=says):
        cv.profit.pnl_by(ACCOUNTS, by=by)


def test_columns_are_checked() -> None:
    with pytest.raises(cv.SchemaError, match=r"accounts: missing columns 'stage', 'profit'"):
        cv.profit.pnl_by(ACCOUNTS.drop("profit"), by="stage")
    nested = ACCOUNTS.with_columns(marks=pl.concat_list("net_revenue"))
    with pytest.raises(cv.SchemaError, match="'marks' is List"):
        cv.profit.pnl_by(nested, by="marks")


@pytest.mark.parametrize("bad", [float("nan"), float("-inf"), 1e24])
def test_money_that_cannot_be_summed_is_refused(bad: float) -> None:
    accounts = ACCOUNTS.with_columns(service=pl.Series([1.0, bad, 1.0, 1.0]))
    with pytest.raises(cv.DataError, match="accounts: 1 row with"):
        cv.profit.pnl_by(accounts, by="tier")
    with pytest.raises(cv.DataError, match="accounts: 1 row with"):
        cv.profit.pnl_by(accounts.lazy(), by="tier").collect()


def test_cohort_accounts_of_real_customers_add_up() -> None:
    log = cv.load_cdnow()
    pnl = cv.customer_pnl(log, as_of=date(1998, 6, 30), margin=0.3)
    cohort = log.group_by("customer_id").agg(cohort=pl.col("ordered_at").min().dt.truncate("1mo"))
    view = cv.profit.pnl_by(pnl.join(cohort, on="customer_id"), by="cohort")
    assert view["customers"].sum() == 2357
    assert total(view["net_revenue"]) == total(log["amount"])
