"""Growth accounting and migration of the orders of R's rfm, against plain scripts."""

from __future__ import annotations

from datetime import date

import pytest

import customer_value as cv
from parity.shared_data import R_DAY, read

COLUMNS = cv.Columns(customer="customer_id", time="order_date", amount="revenue")


def test_growth_accounting_by_quarter() -> None:
    expected = read("orders_growth_accounting_quarterly.csv")
    growth = cv.growth_accounting(
        cv.read_transactions(read("rfm_orders.csv"), columns=COLUMNS), as_of=R_DAY
    )
    for name in ("opening", "new", "reactivated", "lapsed", "closing", "retained"):
        assert growth[name].to_list() == expected[name].to_list(), name
    ratio = growth["quick_ratio"].to_list()
    assert ratio == pytest.approx(expected["quick_ratio"].to_list())
    year, quarter = growth["period"].dt.year(), growth["period"].dt.quarter()
    names = [f"{y}Q{q}" for y, q in zip(year, quarter, strict=True)]
    assert names == expected["quarter"].to_list()


def test_migration_between_segments_of_two_years() -> None:
    expected = read("orders_migration_2005_to_2006.csv")
    options = cv.TransactionOptions(occasion="order")
    snapshots = []
    for year in (2005, 2006):
        customers = cv.summarize(
            cv.read_transactions(read("rfm_orders.csv"), columns=COLUMNS, options=options),
            as_of=date(year, 12, 31),
        )
        scale = cv.fit_rfm(customers, options=cv.RfmOptions(convention="r_package"))
        scored = cv.score_rfm(customers, scale)
        snapshots.append(cv.segment_rfm(scored, rules=cv.RFM_GRID_25))
    matrix = cv.migration_matrix(*snapshots, column="segment")
    counted = matrix.select("segment", "next_segment", "customers")
    moves = {(was, now): n for was, now, n in counted.iter_rows()}
    for row in expected.iter_rows(named=True):
        was = row.pop("seg").replace("(not yet a customer)", "(absent)")
        for now, n in row.items():
            assert moves[was, now] == n, (was, now)
    assert sum(moves.values()) == 995
