from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math.allocation import efficient_offers, take_in_order
from oracles import allocation as oracle

offer = st.tuples(st.integers(0, 8), st.integers(-2, 9))


@given(st.lists(st.lists(offer, min_size=1, max_size=6), max_size=4))
@settings(deadline=None, max_examples=80)
def test_the_hull_is_what_no_mixture_beats(customers: list[list[tuple[int, int]]]) -> None:
    rows = [
        (who, cost, value)
        for who, offers in enumerate(customers)
        for cost, value in sorted(offers, key=lambda o: (o[0], -o[1]))
    ]
    who = np.array([row[0] for row in rows], np.int64)
    cost, value = (np.array([row[k] for row in rows], np.float64) for k in (1, 2))
    kept = np.empty(len(rows), np.int64)
    more_cost, more_value = np.empty(len(rows)), np.empty(len(rows))
    n = efficient_offers(who, cost, value, kept, more_cost, more_value)
    found = [(rows[k][0], rows[k][1], rows[k][2]) for k in kept[:n].tolist()]
    expected = [(w, *point) for w, offers in enumerate(customers) for point in oracle.hull(offers)]
    assert found == expected
    for w in set(who.tolist()):
        mine = [k for k in range(n) if who[kept[k]] == w]
        assert sum(more_cost[k] for k in mine) == (cost[kept[mine[-1]]] if mine else 0)
        assert sum(more_value[k] for k in mine) == (value[kept[mine[-1]]] if mine else 0)
        slopes = [more_value[k] / more_cost[k] for k in mine if more_cost[k]]
        assert slopes == sorted(slopes, reverse=True)


def test_a_step_needs_the_steps_before_it() -> None:
    who = np.array([0, 1, 0, 1, 2], np.int64)
    cost = np.array([2.0, 3.0, 9.0, 1.0, 4.0])
    taken, stopped = np.empty(5, np.int64), np.zeros(3, np.int64)
    first = take_in_order(who, cost, 10.0, stopped, taken)
    assert first == 2
    assert taken.tolist() == [1, 1, 0, 1, 1]
    assert stopped.tolist() == [1, 0, 0]
    stopped = np.zeros(3, np.int64)
    assert take_in_order(who, cost, 1.5, stopped, taken) == 0
    assert taken.tolist() == [0, 0, 0, 0, 0]
