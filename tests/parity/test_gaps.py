"""Gaps between the orders of R's rfm, against percentiles that numpy gave for plain differences."""

from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv
from parity.shared_data import R_DAY, read

COLUMNS = cv.Columns(customer="customer_id", time="order_date", amount="revenue")


def test_percentiles_of_the_gaps_between_orders() -> None:
    options = cv.TransactionOptions(occasion="order")
    orders = read("rfm_orders.csv")
    gaps = cv.lifecycle.purchase_gaps(
        cv.read_transactions(orders, columns=COLUMNS, options=options), as_of=R_DAY
    )
    ended = gaps.filter(pl.col("ended"))["gap_days"]
    assert (ended.len(), (ended == 0).sum()) == (3911, 11)
    assert ended.mean() == pytest.approx(145.21, abs=0.005)
    shares = [0.4, 0.5, 0.8, 0.9, 0.95]
    found = [cv.lifecycle.churn_threshold(gaps, method="quantile", share=share) for share in shares]
    assert found == [72, 101, 251, 342, 410.5]
    # A provider's rule: at risk from the 40th percentile, lost from the 80th.
    rules = cv.StageOptions(silence=cv.lifecycle.PooledGaps(at_risk=0.4, lost=0.8))
    customers = cv.summarize(
        cv.read_transactions(orders, columns=COLUMNS, options=options), as_of=R_DAY
    )
    staged = cv.assign_stages(customers, options=rules, gaps=gaps)
    recency = pl.col("recency_days")
    lost, at_risk = recency >= 251, recency.is_between(72, 250)
    assert staged.filter(lost)["stage"].unique().to_list() == ["lost"]
    assert staged.filter(at_risk)["stage"].unique().to_list() == ["at_risk"]
