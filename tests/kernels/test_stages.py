from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.stages import (
    FIXED_LIMITS,
    GROWING,
    LOST,
    NEW,
    OWN_QUANTILE,
    PROSPECT,
    REACTIVATED,
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

Event = tuple[int, int, int]
"""When it became known, of which day, and the change of its orders."""
SNAPSHOTS = np.arange(0, 40, 10, dtype=np.int32)


def log_of(customers: list[list[Event]], *, each_order: bool = False) -> Log:
    rows = np.array([row for own in customers for row in sorted(own)], dtype=np.int64)
    known, day, orders = rows.reshape(-1, 3).T
    starts = np.cumsum([0, *map(len, customers)], dtype=np.int64)
    return Log(
        known.astype(np.int32),
        day.astype(np.int32),
        orders.astype(np.int8),
        starts,
        SNAPSHOTS,
        each_order,
    )


def gaps_at(own: list[Event], snapshot: int, *, each_order: bool) -> list[int]:
    """Days between the purchases known by a day, by counting the orders of each day."""
    bought: dict[int, int] = {}
    for known, day, change in own:
        if known <= snapshot:
            bought[day] = bought.get(day, 0) + change
    days = sorted(day for day, n in bought.items() for _ in range(n if each_order else n > 0))
    return [int(b - a) for a, b in pairwise(days)]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Orders, some of which are taken back later."""
    rows: list[Event] = []
    for day in draw(st.lists(st.integers(0, 30), min_size=1, max_size=6)):
        rows.append((day, day, 1))
        back = draw(st.none() | st.integers(1, 30))
        if back and day + back <= 30:
            rows.append((day + back, day, -1))
            again = draw(st.none() | st.integers(1, 5))
            if again and day + back + again <= 30:
                rows.append((day + back + again, day, 1))
    return rows


shops = st.lists(histories(), min_size=1, max_size=4)


@given(shop=shops, each_order=st.booleans())
@settings(max_examples=40, deadline=None)
def test_gaps_at_each_snapshot(shop: list[list[Event]], *, each_order: bool) -> None:
    log = log_of(shop, each_order=each_order)
    all_gaps = [
        sorted(gap for own in shop for gap in gaps_at(own, int(day), each_order=each_order))
        for day in SNAPSHOTS
    ]
    sums = np.zeros((2, SNAPSHOTS.size), np.int64)
    gap_totals(log, sums[0], sums[1])
    assert np.cumsum(sums[0]).tolist() == [sum(gaps) for gaps in all_gaps]
    assert np.cumsum(sums[1]).tolist() == [len(gaps) for gaps in all_gaps]

    n = gap_changes(log, np.empty(0, np.int32), np.empty(0), np.empty(0, np.int64))
    snapshot, gap, change = np.empty(n, np.int32), np.empty(n), np.empty(n, np.int64)
    assert gap_changes(log, snapshot, gap, change) == n
    order = np.argsort(snapshot, kind="stable")
    ascending, place = np.unique(gap, return_inverse=True)
    quantiles = np.empty((2, SNAPSHOTS.size))
    changes = (snapshot[order], place[order].astype(np.int64), change[order])
    running_quantiles(ascending, changes, (0.3, 0.8), quantiles)
    for k, gaps in enumerate(all_gaps):
        expected = np.quantile(gaps, [0.3, 0.8]) if gaps else [np.nan, np.nan]
        np.testing.assert_allclose(quantiles[:, k], expected, rtol=1e-14)


def stages_of(
    shop: list[list[Event]], rules: Rules, limit: tuple[float, float], first: int = 0
) -> tuple[History, list[list[int]]]:
    log, n = log_of(shop), SNAPSHOTS.size
    entry = [int(np.searchsorted(SNAPSHOTS, min(own)[0])) for own in shop]
    starts = np.cumsum([0, *(n - max(k, first) for k in entry)], dtype=np.int64)
    rows = int(starts[-1])
    history = History(
        first, starts, np.empty(rows, np.int32), np.empty(rows, np.uint8), np.empty(rows, np.int32)
    )
    limits = Limits(*(np.full(n, value) for value in (np.nan, *limit)))
    write_history(log, rules, limits, history)
    codes = [history.stage[a:b].tolist() for a, b in pairwise(starts)]
    return history, codes


def test_stages_by_days() -> None:
    rules = Rules(FIXED_LIMITS, 0.0, 0.0, 1.0, 1, 5, 9)
    shop = [[(3, 3, 1), (25, 25, 1)], [(15, 0, 0)], [(3, 3, 1), (13, 3, -1)]]
    history, codes = stages_of(shop, rules, (8.0, 15.0))
    assert codes == [[NEW, LOST, REACTIVATED], [PROSPECT, PROSPECT], [NEW, PROSPECT, PROSPECT]]
    assert history.as_of.tolist() == [10, 20, 30, 20, 30, 10, 20, 30]
    assert history.since.tolist() == [10, 20, 30, 20, 20, 10, 20, 20]
    counts = np.zeros((SNAPSHOTS.size, 8), np.int64)
    count_history(history, counts)
    assert counts.sum(axis=1).tolist() == [0, 2, 3, 3]
    assert counts[2, LOST] == counts[3, REACTIVATED] == 1


def test_what_comes_before_the_first_snapshot_asked_for_is_followed() -> None:
    rules = Rules(FIXED_LIMITS, 0.0, 0.0, 1.0, 1, 5, 9)
    history, codes = stages_of([[(3, 3, 1), (25, 25, 1)]], rules, (8.0, 15.0), first=3)
    assert codes == [[REACTIVATED]]
    assert history.as_of.tolist() == [30]


@pytest.mark.parametrize(("min_gaps", "stage"), [(2, LOST), (3, GROWING)])
def test_own_gaps_count_from_their_number(min_gaps: int, stage: int) -> None:
    rules = Rules(OWN_QUANTILE, 0.5, 1.0, 1.0, min_gaps, 0, 9)
    _, codes = stages_of([[(0, 0, 1), (5, 5, 1), (9, 9, 1)]], rules, (500.0, 500.0))
    assert codes == [[NEW, GROWING, stage, stage]]
