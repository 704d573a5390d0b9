"""The stages of customers at one snapshot after another, in one pass over their purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels.log.gaps import quantile_of_counts
from customer_value._kernels.log.purchases import list_gaps, longest, purchases_of, read_until
from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.log.purchases import DayArray, FloatArray, IntArray, Log

CodeArray = npt.NDArray[np.uint8]

PROSPECT, NEW, GROWING, STABLE, AT_RISK, REACTIVATED, LOST = 0, 1, 2, 3, 5, 6, 7
"""Codes of the stages; 4 is that of declining customers, which need a trend."""
N_STAGES = 8
_UNSEEN = 255

FIXED_LIMITS, EXPECTED_GAP, OWN_QUANTILE = 0, 1, 2


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
def write_history(log: Log, rules: Rules, limits: Limits, history: History) -> None:
    """Write the stages of the customers at each snapshot from the first that knows them.

    Args:
        log: The rows.
        rules: Thresholds.
        limits: What silence is measured by.
        history: Where to write.
    """
    room = longest(log.starts)
    days = np.empty(room, np.int32)
    orders = np.empty(room, np.int64)
    gaps = np.empty(room)
    known = log.known
    snapshots = log.snapshots
    own = rules.way == OWN_QUANTILE
    as_of = history.as_of
    stages = history.stage
    sinces = history.since
    typical_gap = limits.typical_gap
    at_risk = limits.at_risk
    lost = limits.lost
    for customer in range(log.starts.size - 1):
        row = log.starts[customer]
        stop = log.starts[customer + 1]
        size = 0
        out = history.starts[customer]
        was = _UNSEEN
        since = 0
        found = (0, 0, 0)
        own_risk, own_lost = np.nan, np.nan
        for k in range(np.searchsorted(snapshots, known[row]), snapshots.size):
            today = snapshots[k]
            if row < stop and known[row] <= today:
                row, size = read_until(log, (row, stop), today, days, orders, size)
                found = purchases_of(days, orders, size, log.each_order)
                if own:
                    n = list_gaps(days, orders, size, log.each_order, gaps)
                    own_risk, own_lost = _own_limits(rules, gaps[:n])
            silence = (own_risk, own_lost, typical_gap[k])
            if np.isnan(own_risk):
                silence = (at_risk[k], lost[k], typical_gap[k])
            stage = _judge(rules, found, today, was, silence)
            since, was = since if stage == was else today, stage
            if k >= history.first:
                as_of[out] = today
                stages[out] = stage
                sinces[out] = since
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
def _own_limits(rules: Rules, gaps: FloatArray) -> tuple[float, float]:
    """Quantiles of the customer's own gaps; NaN where there are too few."""
    if gaps.size < rules.min_gaps:
        return np.nan, np.nan
    ascending, once = np.sort(gaps), np.ones(gaps.size, np.int64)
    return quantile_of_counts(ascending, once, rules.at_risk), quantile_of_counts(
        ascending, once, rules.lost
    )
