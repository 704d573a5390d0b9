from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value.rfm import cuts
from oracles import rfm as oracle
from oracles import tiers

laws = settings(max_examples=80, deadline=None)
few = st.lists(st.integers(-20, 60) | st.integers(0, 4), min_size=1, max_size=12)
extreme = st.lists(
    st.sampled_from([-1.7e308, 1.7e308, 0.0, 5e-324, 1.0, -1.0])
    | st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=12,
)


@given(values=few, bins=st.integers(1, 10))
@laws
def test_quantiles_are_those_of_type_7(values: list[int], bins: int) -> None:
    expected = [float(cut) for cut in oracle.cut_points(values, bins)]
    for array in (np.array(values), np.array(values, np.float64)):
        found, _ = cuts.quantile_cuts(array, bins)
        assert found == pytest.approx(expected, rel=1e-15, abs=1e-14)


@given(
    values=few | extreme | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    bins=st.integers(1, 10),
)
@laws
def test_quantiles_come_with_the_numbers_of_values_between_them(
    values: list[float], bins: int
) -> None:
    array = np.array(values)
    found, counts = cuts.quantile_cuts(array, bins)
    scores = cuts.place_scores(array, found, reverse=False, equal=False)
    assert list(counts) == np.bincount(scores, minlength=bins + 1)[1:].tolist()


@given(values=extreme, bins=st.integers(2, 10))
@laws
def test_cuts_of_any_floats_are_finite_and_ascend(values: list[float], bins: int) -> None:
    for found in (
        cuts.quantile_cuts(np.array(values), bins)[0],
        cuts.kmeans_cuts(np.array(values), bins),
    ):
        assert len(found) == bins - 1
        assert list(found) == sorted(found)
        assert all(min(values) <= cut <= max(values) and math.isfinite(cut) for cut in found)


@given(values=few, bins=st.integers(2, 5))
@laws
def test_kmeans_leaves_the_least_squares_of_all_ways(values: list[int], bins: int) -> None:
    found = [int(cut) for cut in cuts.kmeans_cuts(np.array(values), bins) if cut < max(values)]
    best = [cut for cut in tiers.natural_cuts(values, bins) if cut is not None]
    assert found == sorted(best)
    leaves = tiers.spread(values, found[::-1])
    assert leaves == tiers.spread(values, best)
    assert leaves <= Fraction(tiers.spread(values, []))


def test_kmeans_finds_clumps() -> None:
    values = np.array([1, 2, 3, 50, 51, 52, 900, 910])
    assert cuts.kmeans_cuts(values, 3) == (3.0, 52.0)
    assert cuts.kmeans_cuts(values * 1e-300, 3) == (3e-300, 52e-300)
    assert cuts.kmeans_cuts(values, 1) == ()


def test_with_fewer_values_than_bins_the_highest_stay_empty() -> None:
    assert cuts.kmeans_cuts(np.array([4, 4, 9]), 4) == (4.0, 9.0, 9.0)
    assert cuts.kmeans_cuts(np.zeros(3), 3) == (0.0, 0.0)
