"""Purchase days and totals of customers of a log in memory: orders settled, and added up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import map_chunks

IntArray = npt.NDArray[np.int64]
CodeArray = npt.NDArray[np.uint32]
DayArray = npt.NDArray[np.int32]

SALE, RETURN, LOOSE_RETURN = 0, 1, 2
"""Kinds of rows; a loose return is one of no order."""
_CHUNKS = 8
"""Groups of customers; each reads the whole log for its rows, to have them near each other."""
_ORDER, _MONEY, _DAY, _KIND = 0, 1, 2, 3  # of a row of the log
_ORDERS, _SPEND, _LOOSE, _RETURNED = 0, 1, 3, 4  # of what it becomes: an order, then a day
_COLUMNS = 5


class Rows(NamedTuple):
    """A log, in any order.

    Attributes:
        customer: Number of the customer, from 0.
        order: Number of the order; those of different customers are different orders.
        money: Amount in whole units, 0 or more for sales and at most 0 for returns.
        day: When.
        kind: `SALE`, `RETURN` or `LOOSE_RETURN`.
    """

    customer: CodeArray
    order: IntArray
    money: IntArray
    day: DayArray
    kind: npt.NDArray[np.int8]


class Days(NamedTuple):
    """The days of each customer, sorted by customer and day.

    Attributes:
        customer: Number of the customer.
        day: Day of the first sale of an order, or of a return without one.
        orders: Orders of the day that stand.
        spend: Money of these orders, less their returns.
        loose: Money of the returns of no order, and of orders that were refunded.
        returned: Money returned, as a positive number.
    """

    customer: CodeArray
    day: DayArray
    orders: IntArray
    spend: IntArray
    loose: IntArray
    returned: IntArray


class Totals(NamedTuple):
    """Whole numbers, one of each a customer; days of customers without a purchase mean nothing.

    Attributes:
        first_day: Day of the first purchase.
        last_day: Day of the last purchase.
        days: Days with a purchase.
        orders: As of `Days`, and so are the next three.
        spend: Likewise.
        loose: Likewise.
        returned: Likewise.
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


def purchase_days(rows: Rows, n_customers: int) -> Days:
    """Settle the orders of each customer and add them up by day.

    Args:
        rows: The log; the sums of its money must not exceed an int64.
        n_customers: How many customers there are.
    """
    rows, starts = _read_only(rows), _starts(rows.customer, n_customers)

    def task(begin: int, end: int) -> Days:
        days, counts = _settle_customers(rows, begin, starts[begin : end + 1])
        return Days(
            np.repeat(np.arange(begin, end, dtype=np.uint32), counts),
            days[:, _DAY].astype(np.int32),
            *(days[:, column].copy() for column in (_ORDERS, _SPEND, _LOOSE, _RETURNED)),
        )

    nobody = Days(
        np.empty(0, np.uint32), np.empty(0, np.int32), *(np.empty(0, np.int64) for _ in range(4))
    )
    parts = map_chunks(task, n_customers, chunk=max(1, -(-n_customers // _CHUNKS)))
    return Days(*(np.concatenate(columns) for columns in zip(nobody, *parts, strict=True)))


def customer_totals(rows: Rows, n_customers: int) -> Totals:
    """Settle the orders of each customer and add them all up.

    Args:
        rows: The log; the sums of its money must not exceed an int64.
        n_customers: How many customers there are.
    """
    rows, starts = _read_only(rows), _starts(rows.customer, n_customers)
    totals = np.zeros((n_customers, len(Totals._fields)), np.int64)

    def task(begin: int, end: int) -> None:
        days, counts = _settle_customers(rows, begin, starts[begin : end + 1])
        _add_up(days, counts, totals[begin:end])

    map_chunks(task, n_customers, chunk=max(1, -(-n_customers // _CHUNKS)))
    return Totals(*totals.T)


def _read_only(rows: Rows) -> Rows:
    """The same rows as columns of a frame come: so a kernel is compiled for no other kind."""
    views = Rows._make(column.view() for column in rows)
    for view in views:
        view.flags.writeable = False
    return views


def _starts(customer: CodeArray, n_customers: int) -> IntArray:
    """Number of rows of the customers before each one, and of all."""
    starts = np.zeros(n_customers + 1, np.int64)
    np.cumsum(np.bincount(customer, minlength=n_customers), out=starts[1:])
    return starts


@jit
def _settle_customers(rows: Rows, first: int, starts: IntArray) -> tuple[IntArray, IntArray]:
    """Give the days of consecutive customers, whose rows `starts` counts, and how many they are."""
    own_rows = np.empty((starts[-1] - starts[0], _COLUMNS), np.int64)
    _sort_by_customer(rows, first, starts[:-1] - starts[0], own_rows)
    counts, size = np.empty(starts.size - 1, np.int64), 0
    for k in range(counts.size):
        own = own_rows[starts[k] - starts[0] : starts[k + 1] - starts[0]]
        counts[k] = _merge_days(own[: _settle(own)])
        for day in range(counts[k]):
            for c in range(_COLUMNS):
                own_rows[size, c] = own[day, c]
            size += 1
    return own_rows[:size], counts


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
def _settle(rows: IntArray) -> int:
    """Turn a customer's rows into orders, each on the day of its first sale, net of its returns.

    An order stands unless it was refunded in full; one of zero stands in any case. Loose returns,
    and returns whose sale the log does not have, stay for themselves.

    Returns:
        How many there are, in front.
    """
    _sort_by(_ORDER, rows)
    settled, row = 0, 0
    while row < rows.shape[0]:
        order = rows[row, _ORDER]
        sales = returns = 0
        spend = refund = sold_on = returned_on = 0
        while row < rows.shape[0] and rows[row, _ORDER] == order:
            kind = rows[row, _KIND]
            money = rows[row, _MONEY]
            day = rows[row, _DAY]
            if kind == SALE:
                sold_on = min(sold_on, day) if sales > 0 else day
                sales, spend = sales + 1, spend + money
            elif kind == RETURN:
                returned_on = min(returned_on, day) if returns > 0 else day
                returns, refund = returns + 1, refund + money
            else:
                _write(rows, settled, 0, 0, day, money, money)
                settled += 1
            row += 1
        net = spend + refund
        if sales > 0 and (spend == 0 or net > 0):
            _write(rows, settled, 1, max(net, 0), sold_on, min(net, 0), refund)
            settled += 1
        elif sales + returns > 0:
            _write(rows, settled, 0, 0, sold_on if sales > 0 else returned_on, net, refund)
            settled += 1
    return settled


@jit
def _write(
    rows: IntArray, row: int, orders: int, spend: int, day: int, loose: int, refund: int
) -> None:
    rows[row, _ORDERS] = orders
    rows[row, _SPEND] = spend
    rows[row, _DAY] = day
    rows[row, _LOOSE], rows[row, _RETURNED] = loose, -refund


@jit
def _merge_days(orders: IntArray) -> int:
    """Add up a customer's orders of the same day; gives the number of days, which are in front."""
    _sort_by(_DAY, orders)
    days = 0
    for row in range(orders.shape[0]):
        if days > 0 and orders[days - 1, _DAY] == orders[row, _DAY]:
            for c in (_ORDERS, _SPEND, _LOOSE, _RETURNED):
                orders[days - 1, c] += orders[row, c]
        else:
            for c in range(_COLUMNS):
                orders[days, c] = orders[row, c]
            days += 1
    return days


@jit
def _add_up(days: IntArray, counts: IntArray, totals: IntArray) -> None:
    """Write the totals of customers who have so many days each."""
    row = 0
    for k in range(counts.size):
        total = totals[k]
        for _ in range(counts[k]):
            day = days[row, _DAY]
            orders = days[row, _ORDERS]
            spend = days[row, _SPEND]
            if orders > 0:
                if total[2] == 0:
                    total[0] = day
                    total[7] = spend
                    total[8] = orders
                total[1] = day
                total[2] += 1
            total[3] += orders
            total[4] += spend
            total[5] += days[row, _LOOSE]
            total[6] += days[row, _RETURNED]
            row += 1


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
            moved = (rows[start, 0], rows[start, 1], rows[start, 2], rows[start, 3], rows[start, 4])
            while place >= gap and rows[place - gap, column] > value:
                for c in range(_COLUMNS):
                    rows[place, c] = rows[place - gap, c]
                place -= gap
            for c in range(_COLUMNS):
                rows[place, c] = moved[c]
        gap //= 3
