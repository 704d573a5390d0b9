from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math.survival import kaplan_meier

# Weeks in remission of 21 patients on 6-mercaptopurine.
REMISSION = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
rows = st.lists(
    st.tuples(st.integers(1, 8), st.booleans(), st.integers(1, 3), st.integers(0, 7)),
    min_size=1,
    max_size=20,
)


def arrays(data: list[tuple[int, bool, int, int]]) -> tuple[np.ndarray, ...]:
    duration, ended, weight, entry = (np.array(column) for column in zip(*data, strict=True))
    entry = np.minimum(entry, duration - 1)
    return duration.astype(float), ended, weight.astype(float), entry.astype(float)


def test_remission_of_leukaemia() -> None:
    duration = np.array(REMISSION + STILL_IN_REMISSION, dtype=np.float64)
    table = kaplan_meier(duration, np.arange(21) < len(REMISSION))
    assert table.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    published = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert table.survival.round(4).tolist() == published


@given(data=rows)
@settings(max_examples=60)
def test_against_fractions(data: list[tuple[int, bool, int, int]]) -> None:
    duration, ended, weight, entry = arrays(data)
    table = kaplan_meier(duration, ended, weight, entry)
    survival, total = Fraction(1), Fraction(0)
    times = sorted(set(duration[ended].tolist()))

    def all_leave(time: float) -> bool:
        there = (duration >= time) & (entry < time)
        return bool((there == (there & (duration == time) & ended)).all())

    # Where everyone there leaves and others come later, the curve starts anew.
    emptied = [k for k, time in enumerate(times[:-1]) if all_leave(time)]
    times = times[emptied[-1] + 1 :] if emptied else times
    assert table.time.tolist() == times
    for k, time in enumerate(times):
        n = int(weight[(duration >= time) & (entry < time)].sum())
        d = int(weight[(duration == time) & ended].sum())
        survival *= 1 - Fraction(d, n)
        total = total + Fraction(d, n * (n - d)) if n > d else total
        assert (table.at_risk[k], table.events[k]) == (n, d)
        assert table.survival[k] == pytest.approx(float(survival), rel=1e-14)
        assert table.variance[k] == pytest.approx(float(survival**2 * total), rel=1e-12)


@given(data=rows)
@settings(max_examples=60)
def test_a_weight_is_that_many_rows(data: list[tuple[int, bool, int, int]]) -> None:
    duration, ended, weight, entry = arrays(data)
    n = weight.astype(int)
    many = kaplan_meier(np.repeat(duration, n), np.repeat(ended, n), None, np.repeat(entry, n))
    for one, other in zip(kaplan_meier(duration, ended, weight, entry), many, strict=True):
        assert one == pytest.approx(other, rel=1e-14)


def test_without_an_end_there_is_nothing_to_tell() -> None:
    table = kaplan_meier(np.array([1.0, 2.0]), np.array([False, False]))
    assert all(column.size == 0 and column.dtype == np.float64 for column in table)


def test_fractional_weights_that_all_end_leave_nobody() -> None:
    weight = np.array([0.1, 0.2, 0.3])
    table = kaplan_meier(np.array([1.0, 1.0, 1.0]), np.array([True] * 3), weight)
    assert (table.survival[0], table.variance[0]) == (0.0, 0.0)
