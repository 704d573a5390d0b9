"""The stages of customers at one snapshot after another, in one pass over their purchases.

A customer's rows come in the order in which they became known. A row adds an order to a day, or
takes one away again (a refund in full), or tells only that the customer is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels._jit import jit

FloatArray = npt.NDArray[np.float64]
DayArray = npt.NDArray[np.int32]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.int8]
CodeArray = npt.NDArray[np.uint8]

PROSPECT, NEW, GROWING, STABLE, AT_RISK, REACTIVATED, LOST = 0, 1, 2, 3, 5, 6, 7
"""Codes of the stages; 4 is that of declining customers, which need a trend."""
N_STAGES = 8
_UNSEEN = 255

FIXED_LIMITS, EXPECTED_GAP, OWN_QUANTILE = 0, 1, 2


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


class Rules(NamedTuple):
    """Thresholds of the stages.

    Attributes:
        way: How silence is judged: `FIXED_LIMITS`, `EXPECTED_GAP` or `OWN_QUANTILE`.
        at_risk: Share of the customer's own gaps at whose quantile it is at risk.
        lost: Likewise for lost.
        prior: Weight of the typical gap.
        min_gaps: Own gaps from which their quantiles are used.
        new_days: Days in which a customer is new.
        trusted: Purchases from which a customer is stable.
    """

    way: int
    at_risk: float
    lost: float
    prior: float
    min_gaps: int
    new_days: int
    trusted: int


class Limits(NamedTuple):
    """What silence is measured by at each snapshot; NaN where that is not known.

    Attributes:
        typical_gap: Typical gap of all customers, in days.
        at_risk: Silence from which a customer is at risk: expected gaps, or days.
        lost: Silence from which a customer is lost.
    """

    typical_gap: FloatArray
    at_risk: FloatArray
    lost: FloatArray


class History(NamedTuple):
    """Where the stages are written: the rows of each customer, snapshot by snapshot.

    Attributes:
        first: First snapshot to write.
        starts: First row of each customer, and the number of rows at the end.
        as_of: Day of the snapshot.
        stage: Code of the stage.
        since: Day of the first snapshot that saw it, without interruption.
    """

    first: int
    starts: IntArray
    as_of: DayArray
    stage: CodeArray
    since: DayArray


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
def _purchases(
    days: DayArray, orders: IntArray, size: int, each_order: bool
) -> tuple[int, int, int]:
    """Number of purchases, and first and last day of them."""
    n, first, last = 0, 0, 0
    for k in range(size):
        if orders[k] > 0:
            if n == 0:
                first = days[k]
            last = days[k]
            n += orders[k] if each_order else 1
    return n, first, last


@jit
def _list_gaps(
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


@jit
def _type_7(n: int, share: float) -> tuple[int, float]:
    """Rank of the quantile of type 7 among n values, from 0, and how far it is to the next."""
    rank = (n - 1) * share
    nearest = np.round(rank)
    if abs(rank - nearest) < 1e-14 * rank + 1e-9:  # rounding would put it beside that value
        return int(nearest), 0.0
    return int(np.floor(rank)), float(rank - np.floor(rank))


@jit
def _quantile(ascending: FloatArray, counts: IntArray, share: float) -> float:
    """Quantile of values that each occur so many times; NaN of none."""
    n = counts.sum()
    if n == 0:
        return np.nan
    rank, part = _type_7(n, share)
    value, upto, k = 0.0, 0, 0
    while upto <= rank:
        value, upto, k = float(ascending[k]), upto + counts[k], k + 1
    if part == 0.0 or upto > rank + 1:
        return value
    while counts[k] == 0:
        k += 1
    return part * (float(ascending[k]) - value) + value


@jit
def _judge(
    rules: Rules, found: tuple[int, int, int], today: int, was: int, limits: tuple[float, ...]
) -> int:
    """Stage of a customer: number of purchases, first and last day; the first rule that fires."""
    n, first, last = found
    if n == 0:
        return PROSPECT
    silence, (at_risk, lost, typical) = float(today - last), limits
    heard = silence < at_risk
    if rules.way == EXPECTED_GAP:
        gap = (last - first + rules.prior * typical) / (n - 1 + rules.prior)
        silence = silence / gap if gap > 0 else np.nan
        heard = silence <= 1
    if silence >= lost:
        return LOST
    if was == LOST and heard:
        return REACTIVATED
    if silence >= at_risk:
        return AT_RISK
    if n == 1 or today - first < rules.new_days:
        return NEW
    return GROWING if n < rules.trusted else STABLE


@jit
def _read_until(
    log: Log, rows: tuple[int, int], today: int, days: DayArray, orders: IntArray, size: int
) -> tuple[int, int]:
    """Read the rows known by a day; gives the next row, and the length of the list of days."""
    row, stop = rows
    while row < stop and log.known[row] <= today:
        size = _read_row(days, orders, size, log.day[row], log.orders[row])
        row += 1
    return row, size


@jit
def _longest(starts: IntArray) -> int:
    longest = 0
    for customer in range(starts.size - 1):
        longest = max(longest, starts[customer + 1] - starts[customer])
    return longest


@jit
def gap_totals(log: Log, days_sum: IntArray, gaps_sum: IntArray) -> None:
    """Add up the days between purchases, and their number: what each snapshot adds to them.

    Args:
        log: The rows.
        days_sum: Change of the sum of all gaps at each snapshot, added to.
        gaps_sum: Change of the number of gaps at each snapshot, added to.
    """
    room = _longest(log.starts)
    days, orders = np.empty(room, np.int32), np.empty(room, np.int64)
    known, snapshots = log.known, log.snapshots
    for customer in range(log.starts.size - 1):
        row, stop, size = log.starts[customer], log.starts[customer + 1], 0
        span, gaps, k = 0, 0, 0
        while row < stop:
            while snapshots[k] < known[row]:
                k += 1
            row, size = _read_until(log, (row, stop), snapshots[k], days, orders, size)
            n, first, last = _purchases(days, orders, size, log.each_order)
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
    found, room = 0, _longest(log.starts)
    days, orders = np.empty(room, np.int32), np.empty(room, np.int64)
    known, snapshots = log.known, log.snapshots
    gaps = np.empty((2, room))  # of this snapshot and the one before, in turn
    for customer in range(log.starts.size - 1):
        row, stop, size = log.starts[customer], log.starts[customer + 1], 0
        now, k = 0, 0
        while row < stop:
            while snapshots[k] < known[row]:
                k += 1
            row, size = _read_until(log, (row, stop), snapshots[k], days, orders, size)
            before = now
            gaps[1, :before] = gaps[0, :before]
            now, same = _list_gaps(days, orders, size, log.each_order, gaps[0]), 0
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
        quantiles[0, k] = _quantile(ascending, counts, shares[0])
        quantiles[1, k] = _quantile(ascending, counts, shares[1])


@jit
def _own_limits(rules: Rules, gaps: FloatArray) -> tuple[float, float]:
    """Quantiles of the customer's own gaps; NaN where there are too few."""
    if gaps.size < rules.min_gaps:
        return np.nan, np.nan
    ascending, once = np.sort(gaps), np.ones(gaps.size, np.int64)
    return _quantile(ascending, once, rules.at_risk), _quantile(ascending, once, rules.lost)


@jit
def write_history(log: Log, rules: Rules, limits: Limits, history: History) -> None:
    """Write the stages of the customers at each snapshot from the first that knows them.

    Args:
        log: The rows.
        rules: Thresholds.
        limits: What silence is measured by.
        history: Where to write.
    """
    room = _longest(log.starts)
    days, orders, gaps = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room)
    known, snapshots, own = log.known, log.snapshots, rules.way == OWN_QUANTILE
    as_of, stages, sinces = history.as_of, history.stage, history.since
    typical_gap, at_risk, lost = limits.typical_gap, limits.at_risk, limits.lost
    for customer in range(log.starts.size - 1):
        row, stop, size = log.starts[customer], log.starts[customer + 1], 0
        out, was, since, found = history.starts[customer], _UNSEEN, 0, (0, 0, 0)
        own_risk, own_lost = np.nan, np.nan
        for k in range(np.searchsorted(snapshots, known[row]), snapshots.size):
            today = snapshots[k]
            if row < stop and known[row] <= today:
                row, size = _read_until(log, (row, stop), today, days, orders, size)
                found = _purchases(days, orders, size, log.each_order)
                if own:
                    n = _list_gaps(days, orders, size, log.each_order, gaps)
                    own_risk, own_lost = _own_limits(rules, gaps[:n])
            silence = (own_risk, own_lost, typical_gap[k])
            if np.isnan(own_risk):
                silence = (at_risk[k], lost[k], typical_gap[k])
            stage = _judge(rules, found, today, was, silence)
            since, was = since if stage == was else today, stage
            if k >= history.first:
                as_of[out], stages[out], sinces[out] = today, stage, since
                out += 1


@jit
def count_history(history: History, counts: IntArray) -> None:
    """Count the customers by snapshot and stage.

    Args:
        history: What was written; `starts` has the number of rows at its end.
        counts: Number of customers by snapshot, up to the last, and code of the stage; added to.
    """
    for customer in range(history.starts.size - 1):
        begin, end = history.starts[customer], history.starts[customer + 1]
        for row in range(begin, end):
            counts[counts.shape[0] - end + row, history.stage[row]] += 1
