"""A log as arrays for the kernels, and what silence is measured by at each period end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from customer_value._frames.periods import period_of, period_start
from customer_value._frames.time import check_day
from customer_value._kernels.log.gaps import gap_changes, gap_totals, running_quantiles
from customer_value._kernels.log.purchases import Log as History
from customer_value._kernels.log.stages import (
    EXPECTED_GAP,
    FIXED_LIMITS,
    OWN_QUANTILE,
    Limits,
    Rules,
)
from customer_value._kernels.run.parallel import map_chunks
from customer_value.exceptions import OptionError
from customer_value.lifecycle.known import known_rows, sort_rows
from customer_value.lifecycle.model import stage_terms
from customer_value.lifecycle.options import (
    AliveOnly,
    FixedDays,
    OwnGaps,
    PooledGaps,
    StageOptions,
)
from customer_value.transactions.log import Log, take
from customer_value.transactions.questions import by_parts

if TYPE_CHECKING:
    from customer_value._frames.periods import Period
    from customer_value._kernels.log.purchases import DayArray, IntArray
    from customer_value._typing import Day, FloatArray
    from customer_value.lifecycle.model import StageModel

_EPOCH = date(1970, 1, 1)


class Snapshots(NamedTuple):
    """The log of all customers as arrays, and what to make of it."""

    customers: pl.Series
    log: History
    rules: Rules
    limits: Limits
    first: int
    """First snapshot that is asked for."""
    rows: IntArray
    """First row of each customer's history, and the number of rows at the end."""


def read_snapshots(
    transactions: Log,
    when: tuple[Day, Day | None, Period],
    model: StageModel | None,
    options: StageOptions | None,
) -> Snapshots:
    """Read a log, sorted by customer, and learn the measures of silence of each period end.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        when: The last day, the first on which a snapshot is wanted, and the period.
        model: What was learnt from a log; None to learn it from this one, day by day.
        options: The thresholds, where there is no model.
    """
    end = check_day("as_of", when[0])
    terms, learnt = stage_terms(model, options)
    begin = None if when[1] is None else check_day("start", when[1])
    if begin is not None and begin > end:
        raise OptionError(f"start {begin} must not be after as_of {end}")
    if isinstance(terms.silence, AliveOnly):
        raise OptionError("a log has no p_alive: judge silence by gaps or days instead")
    source = take(transactions)
    rows = by_parts(source, lambda log: known_rows(log, end, source.options)).collect()
    rows = sort_rows(rows).rechunk()
    customer = pl.col("customer_id")
    enters = rows.select((customer != customer.shift(1)).fill_null(value=True)).to_series()
    starts = np.append(np.flatnonzero(enters), rows.height)
    known, day = (rows[name].to_physical().to_numpy() for name in ("known", "day"))
    days = _period_ends(rows["known"], end, when[2])
    by_order = source.options.occasion == "order"
    log = History(known, day, rows["orders"].to_numpy(), starts, days, by_order)
    first = 0 if begin is None else int(np.searchsorted(days, (begin - _EPOCH).days))
    entry = np.searchsorted(days, known[starts[:-1]])
    written = np.cumsum(np.append(0, days.size - np.maximum(entry, first)))
    customers = rows["customer_id"].gather(starts[:-1])
    numbers = _numbers(terms)
    limits = _limits(log, terms, learnt)
    return Snapshots(customers, log, numbers, limits, first, written)


def _period_ends(known: pl.Series, end: date, period: Period) -> DayArray:
    """Last days of the periods from that of the first row, the last one cut at the end."""
    first = known.min()
    if not isinstance(first, date):
        return np.empty(0, np.int32)
    numbers = pl.int_range(period_of(first, period), period_of(end, period), dtype=pl.Int32)
    ends = pl.select(period_start(numbers + 1, period).to_physical() - 1).to_series()
    return np.append(ends.to_numpy(), np.int32((end - _EPOCH).days)).astype(np.int32)


def _numbers(options: StageOptions) -> Rules:
    """The options as numbers, for the kernels."""
    way, own = options.silence, OwnGaps()
    code = EXPECTED_GAP if way is None else FIXED_LIMITS
    if isinstance(way, OwnGaps):
        code, own = OWN_QUANTILE, way
    return Rules(
        code,
        own.at_risk,
        own.lost,
        options.prior_gaps,
        own.min_gaps,
        options.new_days,
        options.trusted_purchases,
    )


def _limits(log: History, options: StageOptions, learnt: StageModel | None) -> Limits:
    """What silence is measured by at each snapshot, learnt from what was known by then."""
    way, n = options.silence, log.snapshots.size
    unknown = np.full(n, np.nan)
    if isinstance(way, FixedDays):
        return Limits(unknown, np.full(n, way.at_risk), np.full(n, way.lost))
    if isinstance(way, PooledGaps | OwnGaps) and learnt is not None:
        pooled = (learnt.at_risk_days, learnt.lost_days)
        return Limits(unknown, *(np.full(n, np.nan if days is None else days) for days in pooled))
    if isinstance(way, PooledGaps | OwnGaps):
        return Limits(unknown, *_pooled_quantiles(log, (way.at_risk, way.lost)))
    if options.typical_gap_days is not None:
        typical = np.full(n, options.typical_gap_days)
    else:
        typical = _typical_gaps(log)
    return Limits(typical, np.full(n, options.at_risk_silence), np.full(n, options.lost_silence))


def _typical_gaps(log: History) -> FloatArray:
    def add(begin: int, end: int) -> IntArray:
        sums = np.zeros((2, log.snapshots.size), np.int64)
        gap_totals(log._replace(starts=log.starts[begin : end + 1]), sums[0], sums[1])
        return sums

    parts = map_chunks(add, log.starts.size - 1)
    days, gaps = np.cumsum(sum(parts, np.zeros((2, log.snapshots.size), np.int64)), axis=1)
    with np.errstate(invalid="ignore"):  # nothing of nothing, before the first gap
        return np.asarray(days / gaps, dtype=np.float64)


def _pooled_quantiles(log: History, shares: tuple[float, float]) -> FloatArray:
    def changes(n: int) -> tuple[DayArray, FloatArray, IntArray]:
        return np.empty(n, np.int32), np.empty(n), np.empty(n, np.int64)

    found = changes(gap_changes(log, *changes(0)))
    gap_changes(log, *found)
    order = np.argsort(found[0], kind="stable")
    ascending, place = np.unique(found[1], return_inverse=True)
    quantiles = np.empty((2, log.snapshots.size))
    changes_in_order = (found[0][order], place[order].astype(np.int64), found[2][order])
    running_quantiles(ascending, changes_in_order, shares, quantiles)
    return quantiles
