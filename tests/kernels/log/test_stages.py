from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from customer_value._kernels.log.stages import (
    FIXED_LIMITS,
    GROWING,
    LOST,
    NEW,
    OWN_QUANTILE,
    PROSPECT,
    REACTIVATED,
    STABLE,
    History,
    Limits,
    Rules,
    count_history,
    write_history,
)
from kernels.log.test_purchases import SNAPSHOTS, Event, log_of


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


@pytest.mark.parametrize(("new_days", "stage"), [(7, GROWING), (8, NEW)])
def test_new_ends_with_the_last_of_its_days(new_days: int, stage: int) -> None:
    rules = Rules(FIXED_LIMITS, 0.0, 0.0, 1.0, 1, new_days, 9)
    _, codes = stages_of([[(3, 3, 1), (4, 4, 1)]], rules, (500.0, 500.0))
    assert codes == [[stage, GROWING, GROWING]]


@pytest.mark.parametrize(("purchases", "stage"), [(2, GROWING), (3, STABLE)])
def test_trusted_from_a_number_of_purchases(purchases: int, stage: int) -> None:
    rules = Rules(FIXED_LIMITS, 0.0, 0.0, 1.0, 1, 0, 3)
    _, codes = stages_of([[(k, k, 1) for k in range(purchases)]], rules, (500.0, 500.0))
    assert codes[0][-3:] == [stage] * 3
