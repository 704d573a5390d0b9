from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.log.purchases import Log, list_gaps, purchases_of, read_until

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
def test_purchases_known_by_a_day(shop: list[list[Event]], *, each_order: bool) -> None:
    log, stop = log_of(shop[:1], each_order=each_order), len(shop[0])
    days, orders = np.empty(stop, np.int32), np.empty(stop, np.int64)
    row, size = 0, 0
    for today in SNAPSHOTS:
        row, size = read_until(log, (row, stop), int(today), days, orders, size)
        bought = dict.fromkeys((day for _, day, _ in shop[0]), 0)
        for known, day, change in shop[0]:
            bought[day] += change if known <= today else 0
        counting = {day: n if each_order else 1 for day, n in sorted(bought.items()) if n > 0}
        ends = (min(counting), max(counting)) if counting else (0, 0)
        found = purchases_of(days, orders, size, each_order)
        assert found == (sum(counting.values()), *ends)
        gaps = np.full(stop, -1.0)
        n = list_gaps(days, orders, size, each_order, gaps)
        assert n == max(found[0] - 1, 0)
        assert gaps[:n].sum() == ends[1] - ends[0]
