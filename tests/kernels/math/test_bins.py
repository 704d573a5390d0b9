from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math import bins

laws = settings(max_examples=60, deadline=None)
numbers = st.lists(st.integers(-5, 9) | st.integers(-(10**12), 10**12), min_size=1, max_size=30)
floats = st.lists(
    st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, -1.7e308, 0.1, 1.0])
    | st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=30,
)


@given(values=numbers, edges=st.lists(st.integers(-5, 9), max_size=9).map(sorted))
@laws
def test_places_count_the_edges_below(values: list[int], edges: list[int]) -> None:
    cuts = np.array(edges, np.float64)
    for array in (np.array(values, np.int64), np.array(values, np.float64)):
        below = bins.bin_places(array, cuts).tolist()
        upto = bins.bin_places(array, cuts, equal=True).tolist()
        assert below == [sum(v > edge for edge in edges) for v in values]
        assert upto == [sum(v >= edge for edge in edges) for v in values]


@given(
    rows=st.lists(st.tuples(st.integers(-3, 12), st.integers(0, 2)), min_size=1, max_size=20),
    equal=st.booleans(),
)
@laws
def test_places_by_rows_of_a_table(rows: list[tuple[int, int]], *, equal: bool) -> None:
    table = [[0.0, 3.0], [3.0, 3.0], [-1.0, 9.0]]
    values, row = (np.array(column) for column in zip(*rows, strict=True))
    found = bins.bin_places(values, np.array(table), equal=equal, rows=row.astype(np.uint8))
    assert found.tolist() == [
        sum(value > edge or (equal and value == edge) for edge in table[k]) for value, k in rows
    ]


def test_nan_lies_above_no_edge() -> None:
    values = np.array([np.nan, 1.0])
    assert bins.bin_places(values, np.array([-5.0, 0.0])).tolist() == [0, 2]
    assert bins.bin_places(values, np.array([-5.0, 0.0]), equal=True).tolist() == [0, 2]


@given(values=numbers | floats, edges=floats.map(sorted), equal=st.booleans())
@laws
def test_counts_are_those_of_the_places(
    values: list[float], edges: list[float], *, equal: bool
) -> None:
    array, cuts = np.array(values), np.array(edges)
    places = bins.bin_places(array, cuts, equal=equal)
    counts = bins.bin_counts(array, cuts, equal=equal)
    assert counts.tolist() == np.bincount(places, minlength=len(edges) + 1).tolist()


def test_long_columns_take_many_chunks() -> None:
    values = np.random.default_rng(5).gamma(2.0, 50.0, 2 * bins._CHUNK + 7)
    cuts = np.array([10.0, 60.0, 60.0, 1e9])
    places = np.searchsorted(cuts, values, side="left")
    assert bins.bin_places(values, cuts).tolist() == places.tolist()
    assert bins.bin_counts(values, cuts).tolist() == np.bincount(places, minlength=5).tolist()


def test_no_values_and_no_edges() -> None:
    assert bins.bin_counts(np.array([]), np.array([1.0])).tolist() == [0, 0]
    assert bins.bin_counts(np.array([3.0]), np.array([])).tolist() == [1]
    assert bins.bin_places(np.array([]), np.array([1.0])).tolist() == []
    assert bins.bin_places(np.array([3.0]), np.array([])).tolist() == [0]


@given(values=st.lists(st.floats(), max_size=9), whole=numbers)
@laws
def test_extent_leaves_out_nan_and_counts_what_is_not_finite(
    values: list[float], whole: list[int]
) -> None:
    known = [v for v in values if not math.isnan(v)]
    found = bins.extent(np.array(values))
    assert found.lowest == min(known, default=math.inf)
    assert found.highest == max(known, default=-math.inf)
    assert found.not_finite == sum(not math.isfinite(v) for v in values)
    assert bins.extent(np.array(whole, np.int64)) == (min(whole), max(whole), 0)


def test_extents_of_parts_make_that_of_all() -> None:
    values = np.array([3.0, np.nan, -1.0, np.nan, 8.0])
    parts = [bins.extent(values[:2]), bins.extent(values[2:])]
    assert bins.joint_extent(parts) == bins.extent(values) == (-1.0, 8.0, 2)
    assert bins.joint_extent([]) == (math.inf, -math.inf, 0)


def test_tally() -> None:
    assert bins.tally(np.array([0, 2, 2, 4], np.uint8), 6).tolist() == [1, 0, 2, 0, 1, 0]


def test_the_values_stay_writable_and_unchanged() -> None:
    values = np.array([3.0, 1.0, 2.0])
    bins.bin_places(values, np.array([1.5]))
    assert values.flags.writeable
    assert values.tolist() == [3.0, 1.0, 2.0]


def looked_up(values: np.ndarray, ranks: list[int]) -> dict[int, tuple[float, int]]:
    ascending = sorted(map(float, values))
    found = {rank: ascending[rank] for rank in ranks}
    return {rank: (v, sum(own <= v for own in ascending)) for rank, v in found.items()}


@pytest.fixture(params=[(4, 100), (64, 100), (64, 1 << 12)], ids=str)
def _small_sample(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Bracket the ranks of few values as if they were many, well or hardly at all, or count all."""
    sample, span = request.param
    monkeypatch.setattr(bins, "_SAMPLE", sample)
    monkeypatch.setattr(bins, "_SPAN", span)
    monkeypatch.setattr(bins, "_MARGIN", 1)
    monkeypatch.setattr(bins, "_CHUNK", 90)


@given(values=numbers | floats, seed=st.integers(0, 99))
@laws
def test_order_statistics_are_those_of_the_sorted(values: list[float], seed: int) -> None:
    array = np.array(values)
    ranks = np.random.default_rng(seed).integers(0, array.size, 4).tolist()
    assert bins.order_statistics(array, ranks) == looked_up(array, ranks)


@pytest.mark.usefixtures("_small_sample")
@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).gamma(2.0, 50.0, 700),
        np.random.default_rng(2).geometric(0.6, 700),
        np.random.default_rng(3).normal(0, 1e300, 700),
        np.append(np.full(300, -np.finfo(np.float64).max), np.arange(400.0)),
        np.random.default_rng(4).choice([0.0, -0.0, 5e-324, 1.7e308, -1.7e308], 700),
        np.arange(700),
        np.arange(700)[::-1],
        np.random.default_rng(6).integers(-(2**63), 2**63 - 1, 700),
        np.random.default_rng(7).integers(-20, 40, 700),
        np.random.default_rng(8).integers(-20, 40, 700) + 2**60,  # floats cannot tell them apart
        np.tile([7.0, 1.0, 2.0, 9.0, 4.0], 140),  # the sample's stride hits one value only
        np.zeros(700),
        np.append(np.zeros(699), 1.0),
    ],
    ids=str,
)
def test_order_statistics_of_a_sampled_array(values: np.ndarray) -> None:
    ranks = [0, 1, 139, 140, 141, 350, 351, 650, 698, 699]
    expected = looked_up(values, ranks)
    assert bins.order_statistics(values, ranks) == expected
    assert bins.order_statistics(values, ranks, bins.extent(values)) == expected


@pytest.mark.parametrize("size", [1, 2 * bins._SAMPLE + 1])
def test_no_ranks_no_statistics(size: int) -> None:
    assert bins.order_statistics(np.arange(size) / 7, []) == {}
