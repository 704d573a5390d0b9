from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value._frames.periods import Period
from oracles import lifecycle as oracle
from strategies import LAST_DAY, Log, days, logs, small

FIGURES = ["customers", "purchases", "revenue", "retention", "cumulative_revenue_per_customer"]
periods = st.sampled_from(["day", "week", "month", "quarter"])


@given(log=logs(), as_of=days, period=periods)
@settings(max_examples=60, deadline=None)
def test_each_cell_against_the_oracle(log: Log, as_of: date, period: Period) -> None:
    table = cv.cohort_table(log.frame, as_of=as_of, period=period)
    want = oracle.cohorts(log.rows, as_of, period)
    found = set()
    for row in table.filter(pl.col("cohort").is_not_null()).iter_rows(named=True):
        cell = row["cohort"], row["age"]
        if cell not in want:
            assert all(row[name] is None for name in FIGURES)
            continue
        found.add(cell)
        for name, value in want[cell].items():
            assert row[name] == pytest.approx(value, rel=1e-12, abs=1e-9), name
    assert found == set(want)


@given(log=logs(), as_of=days, period=periods)
@settings(max_examples=40, deadline=None)
def test_every_customer_is_in_one_cohort(log: Log, as_of: date, period: Period) -> None:
    table = cv.cohort_table(log.frame, as_of=as_of, period=period)
    sizes = table.group_by("cohort").agg(pl.col("cohort_size").first())["cohort_size"]
    assert sizes.sum() == cv.summarize(log.frame, as_of=as_of).height


def test_a_period_that_still_runs_is_null_and_not_zero() -> None:
    log = small(customer_id=["a", "b"], ordered_at=[date(2024, 1, 5), date(2024, 2, 5)])
    table = cv.cohort_table(log, as_of=date(2024, 2, 28))  # 2024 has a 29 February
    wide = table.pivot("age", index="cohort", values="retention")
    assert wide.rows() == [(date(2024, 1, 1), 1.0), (date(2024, 2, 1), None)]
    over = cv.cohort_table(log, as_of=date(2024, 2, 29))
    wide = over.pivot("age", index="cohort", values="retention")
    assert wide.rows() == [(date(2024, 1, 1), 1.0, 0.0), (date(2024, 2, 1), 1.0, None)]


def test_customers_who_may_be_old_form_no_cohort() -> None:
    log = small(
        customer_id=["a", "a", "b"],
        ordered_at=[date(2024, 1, 5), date(2024, 2, 5), date(2024, 2, 5)],
        amount=[1.0, 2.0, 4.0],
    )
    table = cv.cohort_table(log, as_of=date(2024, 2, 29), known_since=date(2024, 2, 1))
    assert table.select("cohort", "age", "cohort_size", "purchases", "revenue").rows() == [
        (date(2024, 2, 1), 0, 1, 1, 4.0),
        (None, None, 1, 2, 3.0),
    ]


def test_cohorts_and_growth_accounting_agree() -> None:
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    table = cv.cohort_table(log, as_of=day)
    growth = cv.growth_accounting(log, as_of=day, period="month")
    assert table.filter(pl.col("age") == 0)["cohort_size"].to_list() == growth["new"].to_list()[:3]
    assert table["revenue"].sum() == pytest.approx(growth["closing_revenue"].sum(), abs=1e-6)


def test_an_empty_log_has_no_cohorts() -> None:
    assert cv.cohort_table(small(amount=[1.0]).clear(), as_of=LAST_DAY).height == 0


def test_purchases_are_the_occasions_of_summarize() -> None:
    days = [date(2024, 1, 3), date(2024, 1, 10), date(2024, 1, 10), date(2024, 1, 20)]
    log = pl.DataFrame({"customer_id": [1] * 4, "ordered_at": days, "amount": [10.0] * 4})
    assert cv.cohort_table(log, as_of=date(2024, 1, 31))["purchases"].to_list() == [3]
    sample = cv.load_cdnow()
    table = cv.cohort_table(sample, as_of=date(1998, 6, 30))
    customers = cv.summarize(sample, as_of=date(1998, 6, 30))
    assert table["purchases"].sum() == customers["purchases"].sum() == 6696
