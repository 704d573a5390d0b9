"""The gaps between the purchases of all customers, as they stood at one snapshot after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.log.purchases import list_gaps, longest, purchases_of, read_until
from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.log.purchases import DayArray, FloatArray, IntArray, Log


@jit
def gap_totals(log: Log, days_sum: IntArray, gaps_sum: IntArray) -> None:
    """Add up the days between purchases, and their number: what each snapshot adds to them.

    Args:
        log: The rows.
        days_sum: Change of the sum of all gaps at each snapshot, added to.
        gaps_sum: Change of the number of gaps at each snapshot, added to.
    """
    room = longest(log.starts)
    days, orders = np.empty(room, np.int32), np.empty(room, np.int64)
    known, snapshots = log.known, log.snapshots
    for customer in range(log.starts.size - 1):
        row = log.starts[customer]
        stop = log.starts[customer + 1]
        size = 0
        span = gaps = k = 0
        while row < stop:
            while snapshots[k] < known[row]:
                k += 1
            row, size = read_until(log, (row, stop), snapshots[k], days, orders, size)
            n, first, last = purchases_of(days, orders, size, log.each_order)
            days_sum[k] += last - first - span
            gaps_sum[k] += max(n - 1, 0) - gaps
            span, gaps = last - first, max(n - 1, 0)


@jit
def gap_changes(log: Log, snapshot: DayArray, gap: FloatArray, change: IntArray) -> int:
    """List the gaps that each snapshot adds to those of the one before, or takes away.

    Args:
        log: The rows.
        snapshot: Number of the snapshot, written as far as there is room.
        gap: Its days, likewise.
        change: 1 or -1, likewise.

    Returns:
        How many there are.
    """
    found, room = 0, longest(log.starts)
    days, orders = np.empty(room, np.int32), np.empty(room, np.int64)
    known, snapshots = log.known, log.snapshots
    gaps = np.empty((2, room))  # of this snapshot and the one before, in turn
    for customer in range(log.starts.size - 1):
        row = log.starts[customer]
        stop = log.starts[customer + 1]
        size = 0
        now, k = 0, 0
        while row < stop:
            while snapshots[k] < known[row]:
                k += 1
            row, size = read_until(log, (row, stop), snapshots[k], days, orders, size)
            before = now
            gaps[1, :before] = gaps[0, :before]
            now, same = list_gaps(days, orders, size, log.each_order, gaps[0]), 0
            while same < min(now, before) and gaps[0, same] == gaps[1, same]:
                same += 1
            for sign, count in ((1, now), (-1, before)):
                for i in range(same, count):
                    if found < gap.size:
                        snapshot[found], change[found] = k, sign
                        gap[found] = gaps[0, i] if sign > 0 else gaps[1, i]
                    found += 1
    return found


@jit
def running_quantiles(
    ascending: FloatArray,
    changes: tuple[DayArray, IntArray, IntArray],
    shares: tuple[float, float],
    quantiles: FloatArray,
) -> None:
    """Write two quantiles (type 7) of the gaps as they stood at each snapshot.

    Args:
        ascending: The different lengths.
        changes: Snapshot, rising, place of the length, and 1 or -1, of each change.
        shares: Which quantiles.
        quantiles: Two rows, of as many as there are snapshots; NaN without any gap.
    """
    snapshot, place, change = changes
    counts, row = np.zeros(ascending.size, np.int64), 0
    for k in range(quantiles.shape[1]):
        while row < snapshot.size and snapshot[row] == k:
            counts[place[row]] += change[row]
            row += 1
        quantiles[0, k] = quantile_of_counts(ascending, counts, shares[0])
        quantiles[1, k] = quantile_of_counts(ascending, counts, shares[1])


@jit
def quantile_of_counts(ascending: FloatArray, counts: IntArray, share: float) -> float:
    """Quantile of values that each occur so many times; NaN of none."""
    n = counts.sum()
    if n == 0:
        return np.nan
    rank, part = _type_7(n, share)
    value = 0.0
    upto = k = 0
    while upto <= rank:
        value = float(ascending[k])
        upto += counts[k]
        k += 1
    if part == 0.0 or upto > rank + 1:
        return value
    while counts[k] == 0:
        k += 1
    return part * (float(ascending[k]) - value) + value


@jit
def _type_7(n: int, share: float) -> tuple[int, float]:
    """Rank of the quantile of type 7 among n values, from 0, and how far it is to the next."""
    rank = (n - 1) * share
    nearest = np.round(rank)
    if abs(rank - nearest) < 1e-14 * rank + 1e-9:  # rounding would put it beside that value
        return int(nearest), 0.0
    return int(np.floor(rank)), float(rank - np.floor(rank))
