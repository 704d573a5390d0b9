"""The purchases of customers, as they became known row by row.

A row adds an order to a day, or takes one away again (a refund in full), or tells only that the
customer is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit

FloatArray = npt.NDArray[np.float64]
DayArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.int8]


class Log(NamedTuple):
    """Rows of the log, sorted by customer and by the day on which they became known.

    Attributes:
        known: Day on which the row became known.
        day: Day of the purchase that it tells of.
        orders: 1 if it adds an order to that day, -1 if it takes one away, or 0.
        starts: First row of each customer, and the number of rows at the end.
        snapshots: Days of the snapshots, rising.
        each_order: Whether each order is a purchase, and not each day with one.
    """

    known: DayArray
    day: DayArray
    orders: CountArray
    starts: IntArray
    snapshots: DayArray
    each_order: bool


@jit
def longest(starts: IntArray) -> int:
    longest = 0
    for customer in range(starts.size - 1):
        longest = max(longest, starts[customer + 1] - starts[customer])
    return longest


@jit
def _read_row(days: DayArray, orders: IntArray, size: int, day: int, change: int) -> int:
    """Add to the orders of a day in the list of days; gives the length of the list."""
    place = size
    while place > 0 and days[place - 1] >= day:
        place -= 1
    if place == size or days[place] != day:
        for k in range(size, place, -1):
            days[k], orders[k] = days[k - 1], orders[k - 1]
        days[place], orders[place] = day, 0
        size += 1
    orders[place] += change
    return size


@jit
def read_until(
    log: Log, rows: tuple[int, int], today: int, days: DayArray, orders: IntArray, size: int
) -> tuple[int, int]:
    """Read the rows known by a day; gives the next row, and the length of the list of days."""
    row, stop = rows
    while row < stop and log.known[row] <= today:
        size = _read_row(days, orders, size, log.day[row], log.orders[row])
        row += 1
    return row, size


@jit
def purchases_of(
    days: DayArray, orders: IntArray, size: int, each_order: bool
) -> tuple[int, int, int]:
    """Number of purchases, and first and last day of them."""
    n = first = last = 0
    for k in range(size):
        if orders[k] > 0:
            if n == 0:
                first = days[k]
            last = days[k]
            n += orders[k] if each_order else 1
    return n, first, last


@jit
def list_gaps(
    days: DayArray, orders: IntArray, size: int, each_order: bool, gaps: FloatArray
) -> int:
    """Write the days between the purchases; gives their number."""
    n, last = 0, -1
    for k in range(size):
        if orders[k] <= 0:
            continue
        if last >= 0:
            gaps[n] = days[k] - days[last]
            n += 1
        last = k
        for _ in range(orders[k] - 1 if each_order else 0):
            gaps[n] = 0.0
            n += 1
    return n
