from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings

import customer_value as cv
from oracles import transactions as oracle
from strategies import LAST_DAY, Log, days, logs, small


def occasions(log: Log, as_of: date) -> dict[str, list[date]]:
    """Purchase days of each customer, from the summary at each day."""
    found: dict[str, list[date]] = defaultdict(list)
    for row in oracle.read(log.rows):
        found[row["customer_id"]].append(row["day"])
    return {
        customer: [
            day for day in sorted(set(own)) if day <= as_of and _bought(log, customer, day, as_of)
        ]
        for customer, own in found.items()
    }


def _bought(log: Log, customer: str, day: date, as_of: date) -> bool:
    rows = [row for row in oracle.read(log.rows) if row["customer_id"] == customer]
    rows = [row for row in rows if row["day"] <= as_of]
    return day in oracle._purchases(rows).days


@given(log=logs(), as_of=days, start=days)
@settings(max_examples=60, deadline=None)
def test_rates_of_the_window_by_hand(log: Log, as_of: date, start: date) -> None:
    start = min(start, as_of)
    got = cv.loyalty.loyalty_metrics(log.frame, as_of=as_of, start=start)
    every = {customer: own for customer, own in occasions(log, as_of).items() if own}
    inside = {c: [d for d in own if d >= start] for c, own in every.items()}
    there = {c: own for c, own in inside.items() if own}
    n = sum(map(len, there.values()))
    assert (got.customers, got.purchases) == (len(there), n)
    if there:
        repeat = sum(len(own) > 1 for own in there.values()) / len(there)
        returning = sum(d > every[c][0] for c, own in there.items() for d in own) / n
        assert got.repeat_rate == pytest.approx(repeat)
        assert got.returning_share == pytest.approx(returning)
        assert got.purchase_frequency == pytest.approx(n / len(there))
    gaps = [(b - a).days for own in there.values() for a, b in pairwise(own)]
    assert got.mean_gap_days == pytest.approx(sum(gaps) / len(gaps) if gaps else None)


def test_repurchase_on_data_that_is_not_censored_is_a_share() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 3, 31))
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    got = cv.loyalty.loyalty_metrics(log, as_of=day, within="90d")
    bought = log.filter(pl.col("amount") >= 0).select("customer_id", "ordered_at").unique()
    first = pl.col("ordered_at").min().over("customer_id")
    again = bought.with_columns(age=(pl.col("ordered_at") - first).dt.total_days())
    n = again.filter(pl.col("age").is_between(1, 90))["customer_id"].n_unique()
    assert got.repurchase_rate == pytest.approx(n / customers.height)
    low, high = got.repurchase_low, got.repurchase_high
    assert low is not None
    assert high is not None
    assert low < n / customers.height < high


def test_young_customers_count_for_as_long_as_they_were_seen() -> None:
    first = date(2024, 1, 1)
    log = small(
        customer_id=["a", "a", "b", "c"],
        ordered_at=[first, date(2024, 1, 11), first, date(2024, 1, 25)],
    )
    got = cv.loyalty.loyalty_metrics(log, as_of=date(2024, 1, 31), within="20d", min_tenure="20d")
    # c was seen for 6 days only: of the two at risk after 10 days, one came back.
    assert got.repurchase_rate == pytest.approx(0.5)
    assert got.repeat_rate == pytest.approx(0.5)
    assert cv.loyalty.loyalty_metrics(log, as_of=date(2024, 1, 31)).repeat_rate == pytest.approx(
        1 / 3
    )


def test_orders_of_one_day_are_repeat_purchases_where_orders_count() -> None:
    day = date(2024, 1, 1)
    log = small(ordered_at=[day, day], order_id=[1, 2])
    by_order = cv.TransactionOptions(occasion="order")
    assert cv.loyalty.loyalty_metrics(log, as_of=LAST_DAY).repeat_rate == 0.0
    got = cv.loyalty.loyalty_metrics(cv.read_transactions(log, options=by_order), as_of=LAST_DAY)
    assert (got.repeat_rate, got.repurchase_rate, got.returning_share) == (1.0, 1.0, 0.5)


def test_an_empty_log_has_no_rates() -> None:
    got = cv.loyalty.loyalty_metrics(small(amount=[1.0]).clear(), as_of=LAST_DAY)
    assert (got.customers, got.repeat_rate, got.repurchase_rate) == (0, None, None)


def test_a_window_begins_before_it_ends() -> None:
    with pytest.raises(cv.CustomerValueError, match="must not be after"):
        cv.loyalty.loyalty_metrics(
            small(amount=[1.0]), as_of=date(2024, 1, 1), start=date(2024, 1, 2)
        )


def test_no_rate_beyond_what_was_seen() -> None:
    day = date(2024, 1, 1)
    log = pl.DataFrame({"customer_id": range(9), "ordered_at": [day] * 9, "amount": [1.0] * 9})
    again = log.head(3).with_columns(ordered_at=date(2024, 1, 5))
    for table in (log, pl.concat([log, again])):
        metrics = cv.loyalty.loyalty_metrics(table, as_of=date(2024, 1, 10), within="90d")
        assert metrics.repurchase_rate is metrics.repurchase_low is None
    seen = cv.loyalty.loyalty_metrics(pl.concat([log, again]), as_of=date(2024, 1, 10), within="9d")
    assert seen.repurchase_rate == pytest.approx(1 / 3)
