"""A log in memory to one row per customer: orders settled with their returns, days counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels._jit import jit
from customer_value._kernels.parallel import map_chunks

IntArray = npt.NDArray[np.int64]
CodeArray = npt.NDArray[np.uint32]

SALE, RETURN, LOOSE_RETURN = 0, 1, 2
"""Kinds of rows; a loose return is one of no order."""
_CHUNKS = 8
"""Groups of customers; each reads the whole log for its rows, to have them near each other."""
_ORDER, _MONEY, _DAY, _KIND = 0, 1, 2, 3  # columns of the sorted rows


class Rows(NamedTuple):
    """A log, in any order.

    Attributes:
        customer: Number of the customer, from 0.
        order: Number of the order; no two customers' orders meet.
        money: Amount in whole units, 0 or more for sales and at most 0 for returns.
        day: When.
        kind: `SALE`, `RETURN` or `LOOSE_RETURN`.
    """

    customer: CodeArray
    order: IntArray
    money: IntArray
    day: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]


class Totals(NamedTuple):
    """Whole numbers, one of each a customer; days of customers without a purchase mean nothing.

    Attributes:
        first_day: Day of the first purchase.
        last_day: Day of the last purchase.
        days: Days with a purchase.
        orders: Orders that stand.
        spend: Money of the orders, less their returns.
        loose: Money of the returns of no order, and of orders that were refunded.
        returned: Money returned, as a positive number.
        first_spend: Spend of the first day.
        first_orders: Orders of the first day.
    """

    first_day: IntArray
    last_day: IntArray
    days: IntArray
    orders: IntArray
    spend: IntArray
    loose: IntArray
    returned: IntArray
    first_spend: IntArray
    first_orders: IntArray


def customer_totals(rows: Rows, n_customers: int) -> Totals:
    """Add up the rows of each customer.

    Args:
        rows: The log; the sums of its money must not exceed an int64.
        n_customers: How many customers there are.
    """
    starts = np.zeros(n_customers + 1, np.int64)
    np.cumsum(np.bincount(rows.customer, minlength=n_customers), out=starts[1:])
    views = Rows._make(column.view() for column in rows)
    for view in views:
        view.flags.writeable = False  # as columns of a frame are: one kernel compiled for both
    totals = np.zeros((n_customers, len(Totals._fields)), np.int64)
    map_chunks(
        lambda begin, end: _add_up(views, begin, starts[begin : end + 1], totals[begin:end]),
        n_customers,
        chunk=max(1, -(-n_customers // _CHUNKS)),
    )
    return Totals(*totals.T)


@jit
def _add_up(rows: Rows, first: int, starts: IntArray, totals: IntArray) -> None:
    """Write the totals of consecutive customers, of whom `starts` counts the rows."""
    sorted_rows = np.empty((starts[-1] - starts[0], 4), np.int64)
    _sort_by_customer(rows, first, starts[:-1] - starts[0], sorted_rows)
    for k in range(starts.size - 1):
        own = sorted_rows[starts[k] - starts[0] : starts[k + 1] - starts[0]]
        settled, loose, returned = _settle(own)
        _add_days(own[:settled], totals[k])
        totals[k, 5], totals[k, 6] = loose, returned


@jit
def _sort_by_customer(rows: Rows, first: int, places: IntArray, result: IntArray) -> None:
    """Put each row of the customers from the first on at the next place of its customer."""
    for row in range(rows.customer.size):
        k = np.int64(rows.customer[row]) - first
        if 0 <= k < places.size:
            place = places[k]
            result[place, _ORDER], result[place, _MONEY] = rows.order[row], rows.money[row]
            result[place, _DAY], result[place, _KIND] = rows.day[row], rows.kind[row]
            places[k] = place + 1


@jit
def _settle(rows: IntArray) -> tuple[int, int, int]:
    """Put the orders that stand in front, each on the day of its first sale, net of its returns.

    An order stands unless it was refunded in full; one of zero stands in any case.

    Returns:
        The number of orders, the money that belongs to none of them, and the money returned.
    """
    _sort_by(_ORDER, rows)
    settled, loose, returned, row = 0, 0, 0, 0
    while row < rows.shape[0]:
        order, sold, day, spend, refund = rows[row, _ORDER], False, 0, 0, 0
        while row < rows.shape[0] and rows[row, _ORDER] == order:
            kind, money = rows[row, _KIND], rows[row, _MONEY]
            if kind == SALE:
                day = min(day, rows[row, _DAY]) if sold else rows[row, _DAY]
                sold, spend = True, spend + money
            elif kind == RETURN:
                refund += money
            else:
                loose, returned = loose + money, returned - money
            row += 1
        net, returned = spend + refund, returned - refund
        if sold and (spend == 0 or net > 0):
            rows[settled, _DAY], rows[settled, _MONEY] = day, max(net, 0)
            settled += 1
            net = min(net, 0)
        loose += net
    return settled, loose, returned


@jit
def _add_days(orders: IntArray, total: IntArray) -> None:
    """Count the days of the orders and add up their money; the rest of the total is left alone."""
    _sort_by(_DAY, orders)
    for row in range(orders.shape[0]):
        day, money = orders[row, _DAY], orders[row, _MONEY]
        if row == 0:
            total[0] = day
        if row == 0 or day != total[1]:
            total[1] = day
            total[2] += 1
        total[3] += 1
        total[4] += money
        if day == total[0]:
            total[7] += money
            total[8] += 1


@jit
def _sort_by(column: int, rows: IntArray) -> None:
    """Sort rows in place: Shell's sort, by insertion alone where there are few."""
    n, gap = rows.shape[0], 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for start in range(gap, n):
            value, place = rows[start, column], start
            if rows[start - gap, column] <= value:
                continue
            moved = (rows[start, 0], rows[start, 1], rows[start, 2], rows[start, 3])
            while place >= gap and rows[place - gap, column] > value:
                for c in range(4):
                    rows[place, c] = rows[place - gap, c]
                place -= gap
            for c in range(4):
                rows[place, c] = moved[c]
        gap //= 3
