from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.log.gaps import (
    gap_changes,
    gap_totals,
    quantile_of_counts,
    running_quantiles,
)
from kernels.log.test_purchases import SNAPSHOTS, Event, log_of, shops


def gaps_at(own: list[Event], snapshot: int, *, each_order: bool) -> list[int]:
    """Days between the purchases known by a day, by counting the orders of each day."""
    bought: dict[int, int] = {}
    for known, day, change in own:
        if known <= snapshot:
            bought[day] = bought.get(day, 0) + change
    days = sorted(day for day, n in bought.items() for _ in range(n if each_order else n > 0))
    return [int(b - a) for a, b in pairwise(days)]


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


def test_a_rank_that_is_whole_takes_the_value_there() -> None:
    """0.29 * 100 is 28.999999999999996."""
    squares = np.arange(101.0) ** 2
    once = np.ones(101, np.int64)
    assert quantile_of_counts(squares, once, 0.29) == 29.0**2
    assert np.isnan(quantile_of_counts(squares, 0 * once, 0.29))
    counts = np.array([0, 2, 0, 1, 0], dtype=np.int64)
    quarters = [quantile_of_counts(squares[:5], counts, k / 4) for k in range(5)]
    assert quarters == [1.0, 1.0, 1.0, 5.0, 9.0]
