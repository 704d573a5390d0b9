from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.log import purchase_days as kernels
from customer_value._kernels.log.purchase_days import (
    LOOSE_RETURN,
    RETURN,
    SALE,
    Rows,
    customer_totals,
)

Row = tuple[int, int, int, int, int]
rows_of_log = st.lists(
    st.tuples(
        st.integers(0, 5),  # customer
        st.integers(-3, 3),  # order
        st.integers(0, 3),  # money
        st.integers(-2, 4),  # day
        st.sampled_from([SALE, SALE, RETURN, LOOSE_RETURN]),
    ),
    max_size=40,
)


def by_hand(log: list[Row], customer: int) -> list[int]:
    """Orders first, then days, as dictionaries."""
    orders = defaultdict[int, list[Row]](list)
    loose = returned = 0
    for row in log:
        if row[0] == customer and row[4] != LOOSE_RETURN:
            orders[row[1]].append(row)
        elif row[0] == customer:
            loose, returned = loose - row[2], returned + row[2]
    days = defaultdict[int, list[int]](list)
    for order in orders.values():
        spend = sum(row[2] for row in order if row[4] == SALE)
        refund = sum(row[2] for row in order if row[4] == RETURN)
        returned += refund
        sold = [row[3] for row in order if row[4] == SALE]
        if sold and (spend == 0 or spend > refund):
            days[min(sold)].append(max(spend - refund, 0))
            loose += min(spend - refund, 0)
        else:
            loose += spend - refund
    first = days[min(days)] if days else []
    spent = [money for moneys in days.values() for money in moneys]
    ends = [min(days), max(days)] if days else [0, 0]
    return [*ends, len(days), len(spent), sum(spent), loose, returned, sum(first), len(first)]


def as_rows(log: list[Row]) -> Rows:
    columns = np.array(log, dtype=np.int64).reshape(-1, 5).T
    customer, order, money, day, kind = columns
    return Rows(
        customer.astype(np.uint32),
        order,
        np.where(kind == SALE, money, -money),
        day.astype(np.int32),
        kind.astype(np.int8),
    )


@given(log=rows_of_log)
@settings(max_examples=200, deadline=None)
def test_totals_are_those_by_hand(log: list[Row]) -> None:
    totals = np.array(customer_totals(as_rows(log), 6)).T
    assert totals.tolist() == [by_hand(log, customer) for customer in range(6)]


def test_no_rows_and_no_customers() -> None:
    assert customer_totals(as_rows([]), 0).orders.size == 0
    assert customer_totals(as_rows([]), 2).orders.tolist() == [0, 0]


@pytest.mark.parametrize("chunks", [1, 3, 100])
def test_groups_of_customers_change_nothing(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    rng = np.random.default_rng(1)
    log = [tuple(row) for row in rng.integers((0, 0, 0, 0, 0), (50, 9, 99, 30, 3), (800, 5))]
    monkeypatch.setattr(kernels, "_CHUNKS", chunks)
    totals = np.array(customer_totals(as_rows(log), 50)).T
    assert totals.tolist() == [by_hand(log, customer) for customer in range(50)]


def test_a_customer_of_many_rows() -> None:
    """More rows than are sorted by insertion alone, in no order."""
    rng = np.random.default_rng(2)
    log = [tuple(row) for row in rng.integers((0, 0, 0, 0, 0), (1, 900, 99, 400, 3), (3000, 5))]
    totals = np.array(customer_totals(as_rows(log), 1)).T
    assert totals.tolist() == [by_hand(log, 0)]


def test_the_rows_stay_as_they_were() -> None:
    rows = as_rows([(0, 2, 5, 1, SALE), (0, 1, 3, 0, SALE)])
    before = [np.array(column) for column in rows]
    customer_totals(rows, 1)
    np.testing.assert_array_equal(np.array([*rows]), np.array(before))
    assert rows.money.flags.writeable
