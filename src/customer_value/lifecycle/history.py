"""The stage of every customer at every period end, in one pass over the log."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from customer_value._frames.periods import period_of, period_start
from customer_value._frames.time import check_day
from customer_value._kernels.parallel import map_chunks
from customer_value._kernels.stages import (
    EXPECTED_GAP,
    FIXED_LIMITS,
    N_STAGES,
    OWN_QUANTILE,
    History,
    Limits,
    Log,
    Rules,
    count_history,
    gap_changes,
    gap_totals,
    running_quantiles,
    write_history,
)
from customer_value.exceptions import CustomerValueError
from customer_value.lifecycle.known import known_rows
from customer_value.lifecycle.rules import (
    STAGES,
    AliveOnly,
    FixedDays,
    LifecycleRules,
    OwnGaps,
    PooledGaps,
)
from customer_value.transactions._source import Source

if TYPE_CHECKING:
    from customer_value._frames.periods import Period
    from customer_value._kernels.stages import DayArray, IntArray
    from customer_value._typing import FloatArray, Frame
    from customer_value.transactions.options import Columns, TransactionOptions

_STAGE, _EPOCH = pl.Enum(STAGES), date(1970, 1, 1)


class _Snapshots(NamedTuple):
    """The log of all customers as arrays, and what to make of it."""

    customers: pl.Series
    log: Log
    rules: Rules
    limits: Limits
    first: int
    """First snapshot that is asked for."""
    rows: IntArray
    """First row of each customer's history, and the number of rows at the end."""


def stage_history(
    transactions: Frame,
    *,
    as_of: date,
    start: date | None = None,
    period: Period = "month",
    rules: LifecycleRules | None = None,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
) -> pl.DataFrame:
    """Give the stage of every customer at the end of every period.

    The same as `summarize` and `assign_stages` at one period end after another, each with the one
    before as `previous` (and `purchase_gaps` of that day where the rules need it), but in one pass
    over the sorted purchases. Nothing later than a snapshot reaches it: a refund takes its order
    back from the day of the refund on.

    Where the log begins, only short gaps have ended yet, and whoever is silent for longer looks
    lost. `typical_gap_days` or `FixedDays` in the rules hold the measure still over time.

    Two million customers over 36 months make 72 million rows, of 21 bytes each; `stage_counts`
    adds them up without ever holding them.

    Args:
        transactions: A raw or a cleaned log.
        as_of: Last day that counts, and the last snapshot, whether a period ends on it or not.
        start: First day on which a snapshot is wanted; by default the log's first. Periods
            before it are followed all the same, so that who comes back is known.
        period: `"day"`, `"week"` (to Sunday), `"month"`, `"quarter"` or `"year"`.
        rules: The thresholds. A log has no `p_alive`, `trend` and contracts: they decide nothing.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.

    Returns:
        One row per customer and snapshot, from the first at which the log knows the customer:
        `customer_id` (type kept), `as_of` (Date), `stage` (Enum) and `stage_since` (Date, the
        first snapshot that saw this stage without interruption). Sorted by customer and day.

    Raises:
        CustomerValueError: The rules are `AliveOnly`.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> rules = cv.LifecycleRules(typical_gap_days=90)
        >>> history = cv.stage_history(
        ...     cv.load_cdnow(), as_of=date(1998, 6, 30), period="quarter", rules=rules
        ... )
        >>> history.head(6)["stage"].to_list()
        ['growing', 'at_risk', 'growing', 'stable', 'stable', 'stable']
    """
    snapshots = _snapshots(transactions, (as_of, start, period), rules, columns, options)
    history = _empty(snapshots, snapshots.rows)

    def write(begin: int, end: int) -> None:
        log = snapshots.log._replace(starts=snapshots.log.starts[begin : end + 1])
        part = history._replace(starts=history.starts[begin : end + 1])
        write_history(log, snapshots.rules, snapshots.limits, part)

    map_chunks(write, snapshots.customers.len())
    which = np.repeat(
        np.arange(snapshots.customers.len(), dtype=np.uint32), np.diff(snapshots.rows)
    )
    return pl.DataFrame(
        {
            "customer_id": snapshots.customers.gather(which),
            "as_of": pl.Series(history.as_of).cast(pl.Date),
            "stage": pl.Series(history.stage).cat.to(_STAGE),
            "stage_since": pl.Series(history.since).cast(pl.Date),
        }
    )


def stage_counts(
    transactions: Frame,
    *,
    as_of: date,
    start: date | None = None,
    period: Period = "month",
    rules: LifecycleRules | None = None,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
) -> pl.DataFrame:
    """Count the customers of each stage at the end of every period.

    The counts of `stage_history`, whose rows it never holds all at once.

    Args:
        transactions: A raw or a cleaned log.
        as_of: Last day that counts, and the last snapshot, whether a period ends on it or not.
        start: First day on which a snapshot is wanted; by default the log's first.
        period: `"day"`, `"week"` (to Sunday), `"month"`, `"quarter"` or `"year"`.
        rules: The thresholds.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.

    Returns:
        One row per snapshot and stage, in the order of the stages: `as_of` (Date), `stage`
        (Enum), `customers` (Int64) and `share` (Float64, of the customers known by then; null
        without any).

    Raises:
        CustomerValueError: The rules are `AliveOnly`.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> counts = cv.stage_counts(cv.load_cdnow(), as_of=date(1998, 6, 30), period="quarter")
        >>> counts.filter(stage="lost")["customers"].to_list()
        [435, 1013, 1698, 1662, 1599, 1609]
    """
    snapshots = _snapshots(transactions, (as_of, start, period), rules, columns, options)
    days = snapshots.log.snapshots[snapshots.first :]

    def count(begin: int, end: int) -> IntArray:
        log = snapshots.log._replace(starts=snapshots.log.starts[begin : end + 1])
        rows = snapshots.rows[begin : end + 1]
        part = _empty(snapshots, rows - rows[0])
        write_history(log, snapshots.rules, snapshots.limits, part)
        counts = np.zeros((days.size, N_STAGES), np.int64)
        count_history(part, counts)
        return counts

    parts = map_chunks(count, snapshots.customers.len())
    counts = sum(parts, np.zeros((days.size, N_STAGES), np.int64))
    n = pl.col("customers")
    known = n.sum().over("as_of")
    return pl.DataFrame(
        {
            "as_of": pl.Series(np.repeat(days, N_STAGES)).cast(pl.Date),
            "stage": pl.Series(list(STAGES) * days.size, dtype=_STAGE),
            "customers": counts.ravel(),
        }
    ).with_columns(share=pl.when(known > 0).then(n / known))


def _empty(snapshots: _Snapshots, rows: IntArray) -> History:
    n = int(rows[-1])
    return History(
        snapshots.first, rows, np.empty(n, np.int32), np.empty(n, np.uint8), np.empty(n, np.int32)
    )


def _snapshots(
    transactions: Frame,
    when: tuple[date, date | None, Period],
    rules: LifecycleRules | None,
    columns: Columns | None,
    options: TransactionOptions | None,
) -> _Snapshots:
    end, rules = check_day("as_of", when[0]), rules or LifecycleRules()
    begin = None if when[1] is None else check_day("start", when[1])
    if begin is not None and begin > end:
        raise CustomerValueError(f"start {begin} must not be after as_of {end}")
    if isinstance(rules.silence, AliveOnly):
        raise CustomerValueError("a log has no p_alive: judge silence by gaps or days instead")
    source = Source.of(transactions, columns, options)
    rows = source.by_parts(lambda log: known_rows(log, end, source.options)).collect()
    rows = rows.sort("customer_id", "known").rechunk()
    customer = pl.col("customer_id")
    enters = rows.select((customer != customer.shift(1)).fill_null(value=True)).to_series()
    starts = np.append(np.flatnonzero(enters), rows.height)
    known, day = (rows[name].to_physical().to_numpy() for name in ("known", "day"))
    days = _period_ends(rows["known"], end, when[2])
    by_order = source.options.occasion == "order"
    log = Log(known, day, rows["orders"].to_numpy(), starts, days, by_order)
    first = 0 if begin is None else int(np.searchsorted(days, (begin - _EPOCH).days))
    entry = np.searchsorted(days, known[starts[:-1]])
    written = np.cumsum(np.append(0, days.size - np.maximum(entry, first)))
    customers = rows["customer_id"].gather(starts[:-1])
    numbers, limits = _numbers(rules), _limits(log, rules)
    return _Snapshots(customers, log, numbers, limits, first, written)


def _period_ends(known: pl.Series, end: date, period: Period) -> DayArray:
    """Last days of the periods from that of the first row, the last one cut at the end."""
    first = known.min()
    if not isinstance(first, date):
        return np.empty(0, np.int32)
    numbers = pl.int_range(period_of(first, period), period_of(end, period), dtype=pl.Int32)
    ends = pl.select(period_start(numbers + 1, period).to_physical() - 1).to_series()
    return np.append(ends.to_numpy(), np.int32((end - _EPOCH).days)).astype(np.int32)


def _numbers(rules: LifecycleRules) -> Rules:
    """The rules as numbers, for the kernels."""
    way, own = rules.silence, OwnGaps()
    code = EXPECTED_GAP if way is None else FIXED_LIMITS
    if isinstance(way, OwnGaps):
        code, own = OWN_QUANTILE, way
    return Rules(
        code,
        own.at_risk,
        own.lost,
        rules.prior_gaps,
        own.min_gaps,
        rules.new_days,
        rules.trusted_purchases,
    )


def _limits(log: Log, rules: LifecycleRules) -> Limits:
    """What silence is measured by at each snapshot, learnt from what was known by then."""
    way, n = rules.silence, log.snapshots.size
    unknown = np.full(n, np.nan)
    if isinstance(way, FixedDays):
        return Limits(unknown, np.full(n, way.at_risk), np.full(n, way.lost))
    if isinstance(way, PooledGaps | OwnGaps):
        return Limits(unknown, *_pooled_quantiles(log, (way.at_risk, way.lost)))
    if rules.typical_gap_days is not None:
        typical = np.full(n, rules.typical_gap_days)
    else:
        typical = _typical_gaps(log)
    return Limits(typical, np.full(n, rules.at_risk_silence), np.full(n, rules.lost_silence))


def _typical_gaps(log: Log) -> FloatArray:
    def add(begin: int, end: int) -> IntArray:
        sums = np.zeros((2, log.snapshots.size), np.int64)
        gap_totals(log._replace(starts=log.starts[begin : end + 1]), sums[0], sums[1])
        return sums

    parts = map_chunks(add, log.starts.size - 1)
    days, gaps = np.cumsum(sum(parts, np.zeros((2, log.snapshots.size), np.int64)), axis=1)
    with np.errstate(invalid="ignore"):  # nothing of nothing, before the first gap
        return np.asarray(days / gaps, dtype=np.float64)


def _pooled_quantiles(log: Log, shares: tuple[float, float]) -> FloatArray:
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
