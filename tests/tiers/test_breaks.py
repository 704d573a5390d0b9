from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value.tiers import breaks
from oracles import tiers as oracle

laws = settings(max_examples=80, deadline=None)
few = st.lists(st.integers(-20, 60) | st.integers(0, 4), min_size=1, max_size=14)
many = st.lists(st.integers(-3000, 30_000) | st.integers(0, 4), min_size=1, max_size=12)
rising = st.lists(
    st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0]), min_size=1, unique=True
).map(sorted)


def natural(values: list[int], tiers: int, unit: float = 1.0) -> list[int | None]:
    found = breaks.natural_cuts(np.array(values) * unit, tiers)
    return [None if np.isnan(cut) else round(cut / unit) for cut in found]


# --- natural breaks ---


@given(values=few, tiers=st.integers(2, 5), unit=st.sampled_from([1.0, 0.01, 7.0, 1e-200, 1e200]))
@laws
def test_natural_breaks_are_those_of_the_twin(values: list[int], tiers: int, unit: float) -> None:
    assert natural(values, tiers, unit) == oracle.natural_cuts(values, tiers)


@given(values=many, tiers=st.integers(2, 4))
@laws
def test_no_way_to_cut_is_better(values: list[int], tiers: int) -> None:
    found = [cut for cut in natural(values, tiers) if cut is not None]
    best = [cut for cut in oracle.natural_cuts(values, tiers) if cut is not None]
    assert len(found) == len(best)
    excess = oracle.spread(values, found) - oracle.spread(values, best)
    assert excess <= Fraction(1, 10**11) * oracle.spread(values, [])


@pytest.mark.parametrize("tiers", [2, 3, 4, 7])
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_of_a_plain_table(tiers: int, seed: int) -> None:
    """Every break against every other one, without the search's bounds."""
    draws = np.random.default_rng(seed)
    values = np.sort(draws.lognormal(3, 1.5, 150).round(1))
    n = values.size
    cost = np.full((n + 1, n + 1), np.inf)
    for i in range(n):
        for j in range(i + 1, n + 1):
            cost[i, j] = values[i:j].var() * (j - i)
    least = cost[0]
    for _ in range(tiers - 1):
        least = (least[:, None] + cost).min(axis=0)
    edges = [-np.inf, *breaks.natural_cuts(values, tiers)[::-1], np.inf]
    groups = [values[(values > a) & (values <= b)] for a, b in pairwise(edges)]
    assert len(groups) == tiers
    assert sum(g.var() * g.size for g in groups) == pytest.approx(least[n], rel=1e-9)


def test_three_clusters_by_hand() -> None:
    assert natural([1, 2, 3, 50, 51, 52, 900, 910], 3) == [52, 3]


def test_of_equal_splits_the_smaller_upper_tier_is_taken() -> None:
    """0 | 1 2 and 0 1 | 2 both leave a half."""
    assert natural([0, 1, 2], 2) == [1]
    assert natural([0, 1, 2, 3, 4], 3) == [3, 1]  # and not 2 | 0, which leaves as much


def test_counts_weigh() -> None:
    """Four customers at 0 and 1 each pull; a single one does not."""
    assert natural([0, 3, 5], 2) == [0]
    assert natural([0, 3, 3, 3, 3, 3, 5, 5, 5, 5, 5], 2) == [3]


@pytest.mark.parametrize(("values", "cuts"), [([7], [None] * 3), ([7, 7, 9], [None, None, 7])])
def test_fewer_values_than_tiers_leave_the_highest_empty(
    values: list[int], cuts: list[int | None]
) -> None:
    assert natural(values, 4) == cuts


def test_nobody() -> None:
    assert np.isnan(breaks.natural_cuts(np.array([]), 3)).all()
    assert breaks.cumulative_cuts(np.array([]), (0.8, 0.95)).tolist() == [0, 0]


def test_a_whale_does_not_hide_the_small_fish() -> None:
    """1e9 squared takes all digits that 1 to 100 have."""
    small = np.concatenate([np.arange(1.0, 11.0), np.arange(91.0, 101.0)])
    assert breaks.natural_cuts(np.append(small, 1e9), 3).tolist() == [100, 10]
    assert breaks.natural_cuts(np.append(-small, -1e9), 3).tolist() == [-91, -1e9]


# --- cumulative shares ---


@given(values=st.lists(st.integers(-300, 3000) | st.integers(0, 4), max_size=30), shares=rising)
@laws
def test_cumulative_cuts_are_those_of_the_twin(values: list[int], shares: list[float]) -> None:
    expected = oracle.cumulative_cuts(values, [Fraction(str(share)) for share in shares])
    for unit in (1.0, 0.01, 1e-200, 1e300):
        found = breaks.cumulative_cuts(np.array(values) * unit, shares)
        assert [round(cut / unit) for cut in found] == expected


def test_exactly_80_percent_is_inside() -> None:
    values = np.array([50, 20, 10, 8, 5, 3, 2, 1, 1, 0]) / 10
    assert breaks.cumulative_cuts(values, (0.8, 0.95)).tolist() == [0.8, 0.3]
    assert breaks.cumulative_cuts(values, (1.0,)).tolist() == [0]
