from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math.breaks import natural_breaks

weighted = st.dictionaries(st.integers(-50, 300), st.integers(1, 5), min_size=1, max_size=9)


def spread(points: np.ndarray, weights: np.ndarray, breaks: tuple[int, ...]) -> float:
    """Weighted squared deviations from the means, group by group."""
    whole = 0.0
    for p, w in zip(np.split(points, breaks), np.split(weights, breaks), strict=True):
        whole += float((w * (p - np.average(p, weights=w)) ** 2).sum())
    return whole


@given(data=weighted, groups=st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_no_split_leaves_less(data: dict[int, int], groups: int) -> None:
    groups = min(groups, len(data))
    points = np.array(sorted(data), np.float64)
    weights = np.array([data[int(point)] for point in points], np.float64)
    found = tuple(natural_breaks(points, weights, groups).tolist())
    ways = list(combinations(range(1, points.size), groups - 1))
    best = min(spread(points, weights, way) for way in ways)
    assert found in ways
    assert spread(points, weights, found) == pytest.approx(best, rel=1e-9, abs=1e-9)


@given(data=weighted, groups=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_more_of_all_and_other_units_change_nothing(data: dict[int, int], groups: int) -> None:
    groups = min(groups, len(data))
    points = np.array(sorted(data), np.float64)
    weights = np.array([data[int(point)] for point in points], np.float64)
    whole = natural_breaks(points, weights, groups)
    assert natural_breaks(points, 7 * weights, groups).tolist() == whole.tolist()
    assert natural_breaks(3 * points - 8, weights, groups).tolist() == whole.tolist()


def test_of_equal_splits_the_smaller_upper_group_is_taken() -> None:
    assert natural_breaks(np.arange(3.0), np.ones(3), 2).tolist() == [2]
    assert natural_breaks(np.arange(5.0), np.ones(5), 3).tolist() == [2, 4]


def test_as_many_groups_as_points() -> None:
    assert natural_breaks(np.array([1.0, 5.0, 6.0]), np.ones(3), 3).tolist() == [1, 2]
    assert natural_breaks(np.array([1.0]), np.ones(1), 1).tolist() == []
