from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars._typing import PolarsDataType

import customer_value as cv
from customer_value.abc import gini, lorenz_curve, top_share
from oracles import concentration as oracle
from parity.shared_data import order_customers

TEXTBOOK = [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]
MEASURES: list[Callable[..., Any]] = [lorenz_curve, gini, top_share]
NUMBERS: list[Callable[..., float | None]] = [gini, top_share]

cents = st.lists(st.none() | st.integers(-300, 3000) | st.integers(0, 4), max_size=40)
gains = st.lists(st.integers(0, 3000) | st.integers(0, 4), min_size=1, max_size=40)
shares = st.fractions(0, 1, max_denominator=60)
laws = settings(max_examples=80, deadline=None)


def frame(
    values: Sequence[float | Decimal | None], dtype: PolarsDataType = pl.Float64
) -> pl.DataFrame:
    return pl.DataFrame({"revenue": values}, schema={"revenue": dtype})


def money(values: list[int | None]) -> pl.DataFrame:
    return frame([None if v is None else v / 100 for v in values])


def slack(values: list[int]) -> float:
    """Rounding errors are those of the gross amounts, shares are of the net."""
    return 1e-13 * max(1.0, sum(map(abs, values)) / max(1, sum(values)))


def near(got: float | None, want: Fraction | None, values: list[int]) -> bool:
    if got is None or want is None:
        return got is None and want is None
    return abs(got - float(want)) <= slack(values)


# --- against the twins ---


@given(values=cents)
@laws
def test_the_curve_is_that_of_the_twin(values: list[int | None]) -> None:
    known = [v for v in values if v is not None]
    curve = lorenz_curve(money(values))
    twin = oracle.lorenz(known)
    assert curve["customer_share"].to_list() == [float(people) for people, _ in twin]
    for got, (_, want) in zip(curve["value_share"], twin, strict=True):
        assert near(got, want, known)


@given(values=cents)
@laws
def test_gini_is_that_of_the_twin(values: list[int | None]) -> None:
    known = [v for v in values if v is not None]
    assert near(gini(money(values)), oracle.gini(known), known)


@given(values=cents)
@laws
def test_gini_has_three_formulas(values: list[int | None]) -> None:
    known = [v for v in values if v is not None]
    assume(sum(known) > 0)
    by_rank, by_area = oracle.gini_by_rank(known), oracle.gini_by_area(known)
    assert oracle.gini(known) == by_rank == by_area
    assert near(gini(money(values)), by_area, known)


@given(values=cents, share=shares)
@laws
def test_top_share_is_that_of_the_twin(values: list[int | None], share: Fraction) -> None:
    known = [v for v in values if v is not None]
    got = top_share(money(values), share=float(share))
    assert near(got, oracle.top_share(known, share), [3000, *known] if sum(known) > 0 else known)


# --- laws ---


@given(values=cents, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_changes_no_bit(values: list[int | None], seed: int) -> None:
    shop = money(values)
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    assert lorenz_curve(shuffled).equals(lorenz_curve(shop))
    assert gini(shuffled) == gini(shop)
    assert top_share(shuffled) == top_share(shop)


def test_the_order_of_many_rows_changes_no_bit() -> None:
    shop = frame([v * 7919 % 10_007 / 7 - 100 for v in range(100_000)])
    for seed in range(3):
        shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
        assert lorenz_curve(shuffled).equals(lorenz_curve(shop))
        assert gini(shuffled) == gini(shop)
        assert top_share(shuffled) == top_share(shop)


def test_zero_has_no_sign() -> None:
    curves = [lorenz_curve(frame(v))["value_share"] for v in ([-0.0, 0.0, 1], [0.0, -0.0, 1])]
    assert [math.copysign(1, v) for v in [*curves[0], *curves[1]]] == [1.0] * 6


@given(values=gains, more=st.lists(st.text(max_size=3), min_size=40, max_size=40))
@laws
def test_names_do_not_matter(values: list[int], more: list[str]) -> None:
    shop = money([*values])
    named = shop.with_columns(customer_id=pl.Series(more[: len(values)], dtype=pl.String))
    assert gini(named) == gini(shop)
    assert lorenz_curve(named).equals(lorenz_curve(shop))


@given(values=cents, exponent=st.integers(-60, 60))
@laws
def test_a_power_of_two_as_unit_changes_no_bit(values: list[int | None], exponent: int) -> None:
    shop = money(values)
    other = shop.with_columns(pl.col("revenue") * 2.0**exponent)
    assert lorenz_curve(other).equals(lorenz_curve(shop))
    assert gini(other) == gini(shop)
    assert top_share(other) == top_share(shop)


@given(values=cents, factor=st.sampled_from([1e-3, 0.7, 7.0, 100.0]))
@laws
def test_the_currency_does_not_matter(values: list[int | None], factor: float) -> None:
    known = [v for v in values if v is not None]
    other = frame([None if v is None else v / 100 * factor for v in values])
    assert near(gini(other), oracle.gini(known), known)
    for measure in NUMBERS:
        ours, theirs = measure(money(values)), measure(other)
        assert ours == pytest.approx(theirs, abs=2 * slack(known))


@given(values=gains)
@laws
def test_gini_is_at_least_0_and_below_1(values: list[int]) -> None:
    measured = gini(money([*values]))
    assert (measured is None) == (sum(values) == 0)
    if measured is not None:
        assert 0 <= measured <= 1 - 1 / len(values) + 1e-15
        assert measured < 1
        assert (measured == 0) == (len(set(values)) == 1)


@given(values=gains, some=st.lists(shares, min_size=2, max_size=8))
@laws
def test_top_share_grows_from_0_to_1(values: list[int], some: list[Fraction]) -> None:
    assume(sum(values))
    shop = money([*values])
    tops = [top_share(shop, share=float(s)) or 0.0 for s in sorted(some)]
    assert all(less <= more + 1e-15 for less, more in pairwise(tops))
    assert all(top >= float(s) - 1e-13 for s, top in zip(sorted(some), tops, strict=True))
    assert (top_share(shop, share=0.0), top_share(shop, share=1.0)) == (0.0, 1.0)


@given(values=cents)
@laws
def test_the_curve_is_convex_and_runs_from_corner_to_corner(values: list[int | None]) -> None:
    known = [v for v in values if v is not None]
    assume(sum(known) > 0)
    curve = lorenz_curve(money(values)).rows()
    assert (curve[0], curve[-1]) == ((0.0, 0.0), (1.0, 1.0))
    slopes = [(h1 - h0) / (p1 - p0) for (p0, h0), (p1, h1) in pairwise(curve)]
    assert all(a <= b + 100 * slack(known) for a, b in pairwise(slopes))
    assert len(curve) == len(set(known)) + 1
    if min(known) >= 0:
        assert all(held <= people + 1e-13 for people, held in curve)


@given(values=cents, times=st.integers(2, 4))
@laws
def test_the_same_customers_again_change_nothing(values: list[int | None], times: int) -> None:
    known = [v for v in values if v is not None]
    shop = money(values)
    again = pl.concat([shop] * times)
    ours, theirs = lorenz_curve(shop), lorenz_curve(again)
    assert theirs["customer_share"].to_list() == ours["customer_share"].to_list()
    for a, b in zip(ours["value_share"], theirs["value_share"], strict=True):
        assert a == pytest.approx(b, abs=slack(known))
    for measure in NUMBERS:
        assert measure(again) == pytest.approx(measure(shop), abs=10 * slack(known))


@given(values=gains)
@laws
def test_top_share_lies_on_the_curve(values: list[int]) -> None:
    assume(sum(values))
    shop = money([*values])
    for people, held in lorenz_curve(shop).rows():
        assert top_share(shop, share=1 - people) == pytest.approx(1 - held, abs=1e-12)


# --- published and worked numbers ---


def test_textbook() -> None:
    assert gini(frame(TEXTBOOK)) == 0.648
    assert top_share(frame(TEXTBOOK)) == 0.7
    curve = lorenz_curve(frame([2, 1, 1]))
    assert curve.rows() == [(0.0, 0.0), (2 / 3, 0.5), (1.0, 1.0)]


def test_the_orders_of_r() -> None:
    customers = order_customers()
    assert gini(customers) == pytest.approx(0.289603, abs=5e-7)
    assert top_share(customers) == pytest.approx(0.356232, abs=5e-7)
    best = sorted(customers["revenue"].to_list(), reverse=True)  # 20 % are 199 of 995 exactly
    assert top_share(customers) == pytest.approx(sum(best[:199]) / sum(best), abs=1e-15)


def test_the_customer_at_the_cut_counts_in_part() -> None:
    shop = frame([6, 3, 1])
    assert top_share(shop, share=0.5) == pytest.approx(0.75, abs=1e-15)
    assert top_share(shop, share=0.2) == pytest.approx(0.36, abs=1e-15)


def test_negative_values_bend_the_curve_below_zero() -> None:
    shop = frame([10, -4])
    assert lorenz_curve(shop).rows() == [(0.0, 0.0), (0.5, -4 / 6), (1.0, 1.0)]
    assert gini(shop) == pytest.approx(7 / 6)
    assert top_share(shop, share=0.5) == pytest.approx(10 / 6)


# --- values that are no share of anything ---


@pytest.mark.parametrize("value", [0.1, 1, 7.3, 1e300, 5e-324])
@pytest.mark.parametrize("n", [1, 2, 3, 49, 1000])
def test_equal_customers_have_equal_shares(value: float, n: int) -> None:
    shop = frame([value] * n)
    assert gini(shop) == 0.0
    assert lorenz_curve(shop).rows() == [(0.0, 0.0), (1.0, 1.0)]
    assert top_share(shop, share=0.25) == pytest.approx(0.25)


def test_one_customer_has_everything() -> None:
    assert gini(frame([0.0] * 999 + [5.0])) == 0.999
    assert top_share(frame([0.0] * 999 + [5.0]), share=0.001) == 1.0


def test_the_largest_numbers_do_not_overflow() -> None:
    assert gini(frame([1.7e308, 1.7e308, 0.0])) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "values", [[0.0], [0.0, 0.0], [-1.0, -2.0], [5.0, -5.0], [0.1, 0.2, -0.3], [3.0, -9.0]]
)
def test_without_a_total_there_are_no_shares(values: list[float]) -> None:
    shop = frame(values)
    curve = lorenz_curve(shop)
    assert curve["value_share"].to_list() == [None] * (len(set(values)) + 1)
    assert curve["customer_share"][-1] == 1.0
    assert (gini(shop), top_share(shop)) == (None, None)


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_nobody(values: list[None]) -> None:
    shop = frame(values)
    curve = lorenz_curve(shop)
    assert curve.is_empty()
    assert dict(curve.schema) == {"customer_share": pl.Float64, "value_share": pl.Float64}
    assert (gini(shop), top_share(shop)) == (None, None)


@given(values=cents)
@laws
def test_unknown_values_are_left_out(values: list[int | None]) -> None:
    shop = money(values)
    assert lorenz_curve(shop).equals(lorenz_curve(shop.drop_nulls()))
    assert gini(shop) == gini(shop.drop_nulls())
    assert top_share(shop) == top_share(shop.drop_nulls())


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("lazy", [False, True])
def test_values_that_are_no_numbers_are_refused(measure: Callable[..., Any], *, lazy: bool) -> None:
    shop = pl.concat([frame([1.0, math.nan]), frame([math.inf, None, -math.inf])], rechunk=False)
    with pytest.raises(cv.DataError, match=r"3 rows with NaN or infinite .*revenue"):
        measure(shop.lazy() if lazy else shop)


# --- frames and options ---


@pytest.mark.parametrize("measure", MEASURES)
def test_a_lazy_or_a_foreign_frame_comes_in(measure: Callable[..., Any]) -> None:
    shop = frame(TEXTBOOK)
    for other in (shop.lazy(), shop.to_pandas(), shop.to_arrow()):
        result = measure(other)
        if isinstance(result, pl.DataFrame):
            assert result.equals(measure(shop))
        else:
            assert result == measure(shop)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Float32, pl.Decimal(12, 2)])
def test_values_of_any_number_type(dtype: PolarsDataType) -> None:
    shop = frame(TEXTBOOK).with_columns(pl.col("revenue").cast(dtype))
    assert (gini(shop), top_share(shop)) == (0.648, 0.7)
    assert lorenz_curve(shop).equals(lorenz_curve(frame(TEXTBOOK)))


@pytest.mark.parametrize("measure", MEASURES)
def test_any_value_column(measure: Callable[..., Any]) -> None:
    shop = frame(TEXTBOOK).select(clv="revenue", name=pl.lit("x"))
    measure(shop, value="clv")
    with pytest.raises(cv.SchemaError, match="missing column 'revenue'"):
        measure(shop)
    with pytest.raises(cv.SchemaError, match="'name' is String, must be a number"):
        measure(shop, value="name")
    with pytest.raises(cv.SchemaError, match="is not a table"):
        measure([1, 2])


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf])
def test_shares_are_within_0_and_1(share: float) -> None:
    with pytest.raises(cv.OptionError):
        top_share(frame(TEXTBOOK), share=share)
