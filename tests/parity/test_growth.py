"""Growth accounting and migration of the orders of R's rfm, against plain scripts."""

from __future__ import annotations

import pytest

import customer_value as cv
from parity.shared_data import R_DAY, read

COLUMNS = cv.Columns(customer="customer_id", time="order_date", amount="revenue")


def test_growth_accounting_by_quarter() -> None:
    expected = read("orders_growth_accounting_quarterly.csv")
    growth = cv.growth_accounting(read("rfm_orders.csv"), as_of=R_DAY, columns=COLUMNS)
    for name in ("opening", "new", "reactivated", "lapsed", "closing", "retained"):
        assert growth[name].to_list() == expected[name].to_list(), name
    ratio = growth["quick_ratio"].to_list()
    assert ratio == pytest.approx(expected["quick_ratio"].to_list())
    year, quarter = growth["period"].dt.year(), growth["period"].dt.quarter()
    names = [f"{y}Q{q}" for y, q in zip(year, quarter, strict=True)]
    assert names == expected["quarter"].to_list()
