from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.math import ranking

EXTREMES = [
    0.0,
    -0.0,
    5e-324,
    2.0**-1022,
    1e300,
    1.7e308,
    -1e300,
    math.nan,
    1.0,
    math.nextafter(1, 2),
]
amounts = st.lists(
    st.sampled_from(EXTREMES) | st.integers(-3, 9).map(float) | st.floats(-1e12, 1e12), max_size=30
)
laws = settings(max_examples=60, deadline=None)


def known(values: list[float]) -> list[float]:
    return sorted((v for v in values if not math.isnan(v)), reverse=True)


@given(values=amounts)
@laws
def test_steps_are_the_distinct_values_with_the_customers_and_the_sums_up_to_them(
    values: list[float],
) -> None:
    curve = ranking.steps(np.array(values), merge=True)
    falling = known(values)
    assert curve.worth.tolist() == sorted(set(falling), reverse=True)
    assert curve.reached.tolist() == [
        sum(v >= worth for v in falling) for worth in curve.worth.tolist()
    ]
    total = sum(Fraction(max(v, 0.0)) for v in falling)
    for worth, held in zip(curve.worth.tolist(), curve.held.tolist(), strict=True):
        upto = sum(Fraction(max(v, 0.0)) for v in falling if v >= worth)
        if total > 2**-900:
            assert held / curve.held[-1] == pytest.approx(float(upto / total), rel=1e-15, abs=0)


@given(values=amounts)
@laws
def test_single_values_are_counted_from_the_first_on(values: list[float]) -> None:
    curve = ranking.steps(np.array(values), merge=True)
    expected = 0
    while expected < curve.reached.size and curve.reached[expected] == expected + 1:
        expected += 1
    assert curve.single == expected
    assert ranking.steps(np.array(values), merge=False).single == len(known(values))


@pytest.mark.parametrize("threads", [1, 3])
@given(values=amounts, limits=st.tuples(*[st.integers(0, 30)] * 3).map(sorted))
@laws
def test_each_value_finds_its_step(threads: int, values: list[float], limits: list[int]) -> None:
    array = np.array(values)
    curve = ranking.steps(array, merge=True)
    first, second, third = limits
    found = ranking.places(array, curve, (first, second, third), threads=threads)
    falling = known(values)
    for value, rank, share, code in zip(
        values, found.rank.tolist(), found.share.tolist(), found.code.tolist(), strict=True
    ):
        if math.isnan(value):
            assert math.isnan(rank)
            assert math.isnan(share)
            assert code == ranking.UNKNOWN
            continue
        step = curve.worth.tolist().index(value)
        assert rank == 1 + sum(v > value for v in falling)
        assert share == curve.held[step]
        assert code == sum(step >= limit for limit in limits)


@given(values=amounts, seed=st.integers(0, 99))
@laws
def test_equal_values_take_turns_in_the_order_given(values: list[float], seed: int) -> None:
    array = np.array(values)
    order = np.random.default_rng(seed).permutation(array.size)
    curve = ranking.steps(array, merge=False)
    found = ranking.places(array, curve, (0, 0, 0), order)
    turns = sorted(
        (row for row in order.tolist() if not math.isnan(values[row])),
        key=lambda row: -values[row],  # stable: equal ones stay in the order
    )
    assert [int(found.rank[row]) for row in turns] == list(range(1, len(turns) + 1))
    assert [float(found.share[row]) for row in turns] == curve.held.tolist()


def test_one_value_far_above_the_others_leaves_them_in_one_bucket() -> None:
    values = np.concatenate((np.linspace(1, 2, 500), [1e300]))
    found = ranking.places(values, ranking.steps(values, merge=True), (0, 0, 0))
    assert found.rank.tolist() == [*range(501, 1, -1), 1]


def test_a_sum_rounds_once_however_many_values_there_are() -> None:
    values = np.concatenate(([1e16], np.ones(1_000)))
    curve = ranking.steps(values, merge=False)
    assert curve.held[-1] == 1e16 + 1_000
    assert np.cumsum(values)[-1] == 1e16  # what a plain sum makes of it


def test_sums_of_the_largest_values_are_finite() -> None:
    curve = ranking.steps(np.full(1_000, 1.7e308), merge=False)
    assert np.isfinite(curve.held).all()
    assert curve.held[499] / curve.held[-1] == 0.5


def test_threads_change_no_bit() -> None:
    values = np.random.default_rng(1).lognormal(3, 2, 40_000)  # more than two chunks
    curve = ranking.steps(values, merge=True)
    one, many = (ranking.places(values, curve, (5, 50, 500), threads=t) for t in (1, 3))
    assert np.array_equal(one.rank, many.rank)
    assert np.array_equal(one.share, many.share)
    assert np.array_equal(one.code, many.code)


def test_the_input_is_left_alone() -> None:
    values = np.array([3.0, 1.0, 2.0])
    values.flags.writeable = False
    ranking.places(values, ranking.steps(values, merge=True), (1, 2, 3))
    assert values.tolist() == [3.0, 1.0, 2.0]
