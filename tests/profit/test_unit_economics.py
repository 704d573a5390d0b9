from __future__ import annotations

from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import unit_economics as oracle

GOLDEN = golden("unit_economics")
PAYBACK = ["payback_months", "payback_payments", "payback_reached"]


def units(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(columns)


# --- published numbers ---


def test_the_channels() -> None:
    table = GOLDEN["channels"]
    channels = units(**{name: table[name] for name in ("cac", "profit_per_period", "churn")})
    result = (
        channels.pipe(cv.profit.simple_clv)
        .pipe(cv.profit.clv_to_cac)
        .pipe(cv.profit.payback_months, discount_rate=0.0)
    )
    assert result["clv"].round(1).to_list() == table["clv"]
    assert result["clv_to_cac"].round(2).to_list() == table["clv_to_cac"]
    assert result["payback_months"].to_list() == pytest.approx(table["payback_months"], abs=0.051)
    assert not result["clv_capped"].any()


def test_the_paybacks() -> None:
    table = GOLDEN["payback"]
    channels = units(**{name: table[name] for name in ("cac", "profit_per_period", "churn")})
    simple = cv.profit.payback_months(channels, discount_rate=0.0)
    assert simple["payback_months"].to_list() == table["simple"]
    assert simple["payback_payments"].to_list() == table["payments_without_churn"]
    adjusted = cv.profit.payback_months(channels, churn="churn", discount_rate=0.0)
    assert adjusted["payback_months"].to_list() == table["simple"]
    assert adjusted["payback_payments"].to_list() == table["payments"]
    ceiling = table["ceiling_of_the_second"]
    around = units(cac=[ceiling - 0.01, ceiling], profit_per_period=16.0, churn=0.09)
    assert cv.profit.payback_months(around, churn="churn", discount_rate=0.0)[
        "payback_reached"
    ].to_list() == [
        True,
        False,
    ]


# --- payback ---


@given(
    cost=st.integers(0, 5000),
    margin=st.integers(-10, 400),
    churn=st.sampled_from([0, 1, 5, 20, 50, 99, 100]) | st.integers(0, 100),
)
@settings(deadline=None, max_examples=150)
def test_payments_are_counted_one_by_one(cost: int, margin: int, churn: int) -> None:
    frame = units(cac=[cost], profit_per_period=[margin], churn=[churn / 100])
    simple, payments, reached = (
        cv.profit.payback_months(frame, churn="churn", discount_rate=0.0).select(PAYBACK).row(0)
    )
    expected = oracle.payments(Fraction(cost), Fraction(margin), 1 - Fraction(churn, 100))
    if expected is not None and expected > 300:  # the last ones add less than the slack
        return
    assert (payments, reached) == (expected, expected is not None)
    if expected is None or cost == 0:
        assert simple == (None if expected is None else 0.0)
    else:
        assert simple == cost / margin


def test_interest_delays_it_and_may_prevent_it() -> None:
    frame = units(cac=[1000.0], profit_per_period=[10.0], churn=[0.0])
    kept = Fraction((1 + 0.10) ** (-1 / 12))
    result = cv.profit.payback_months(frame, discount_rate=0.10)
    assert result["payback_payments"][0] == oracle.payments(Fraction(1000), Fraction(10), kept)
    assert result["payback_payments"][0] > 100
    late = cv.profit.payback_months(frame, discount_rate=0.20)
    assert late.row(0)[-3:] == (None, None, False)


def test_sums_of_decimal_fractions_reach_what_they_reach() -> None:
    frame = units(cac=[0.3, 1.1, 0.7, 60.0], profit_per_period=[0.1, 0.1, 0.1, 20.0])
    assert cv.profit.payback_months(frame, discount_rate=0.0)["payback_payments"].to_list() == [
        3,
        11,
        7,
        3,
    ]


def test_more_churn_or_cost_never_pays_back_sooner() -> None:
    n = 200
    grid = units(
        cac=[100.0] * n, profit_per_period=[10.0] * n, churn=[k / (10 * n) for k in range(n)]
    )
    payments = cv.profit.payback_months(grid, churn="churn", discount_rate=0.0)["payback_payments"]
    known = payments.drop_nulls()
    assert known.is_sorted()
    assert payments[: known.len()].null_count() == 0
    assert 10 == known[0] < known[-1]


def test_unknown_is_unknown_and_never_is_false() -> None:
    frame = units(
        cac=[None, 10.0, 10.0, 0.0, 10.0, 1e22, 5e-324],
        profit_per_period=[1.0, None, 0.0, -5.0, -1.0, 1e-300, 1e22],
        churn=[0.1] * 7,
    )
    result = (
        cv.profit.payback_months(frame, churn="churn", discount_rate=0.0).select(PAYBACK).rows()
    )
    never = (None, None, False)
    unknown = (None, None, None)
    assert result[:6] == [unknown, unknown, never, (0.0, 0, True), never, never]
    assert result[6][1:] in [(0, True), (1, True)]
    lazy = cv.profit.payback_months(frame.lazy(), churn="churn", discount_rate=0.0)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.select(PAYBACK).collect().rows() == result


def test_bad_units_are_refused() -> None:
    frame = units(cac=[-1.0, 1.0], profit_per_period=[1.0, float("inf")], churn=[6.0, 0.1])
    message = (
        "units: 1 row with values below zero in 'cac' .*; 1 row with NaN or infinite values in "
        "'profit_per_period' .*; 1 row with values not within 0 to 1 in 'churn'"
    )
    with pytest.raises(cv.DataError, match=message):
        cv.profit.payback_months(frame, churn="churn", discount_rate=0.0)
    with pytest.raises(cv.OptionError, match="payback_months: discount_rate"):
        cv.profit.payback_months(frame, discount_rate=10)


# --- lifetime value ---


def test_a_life_without_an_end_is_cut_and_said_to_be() -> None:
    frame = units(
        profit_per_period=[18.0, 18.0, 18.0, -3.0, 18.0], churn=[0.0, 1e-300, 0.01, 0.0, None]
    )
    result = cv.profit.simple_clv(frame, max_months=100)
    assert result["clv"].to_list() == [1800.0, 1800.0, 1800.0, -300.0, None]
    assert result["clv_capped"].to_list() == [True, True, False, True, None]


def test_a_lucky_sample_does_not_live_for_ever() -> None:
    frame = units(profit_per_period=[10.0] * 4, churn=[0.0, 1 / 12, 0.0, 0.0], n=[12, 12, 1200, 0])
    result = cv.profit.simple_clv(frame, sample="n")
    # Upper end of Wilson's interval at 0 of n: z^2 / (n + z^2).
    z2 = 1.6448536269514722**2
    assert result["clv_at_high_churn"][0] == pytest.approx(10 * (12 + z2) / z2, rel=1e-12)
    assert result["clv_at_high_churn"][1] < result["clv_at_high_churn"][0]
    assert result["clv_at_high_churn"][2] == pytest.approx(10 * (1200 + z2) / z2) or (
        result["clv_at_high_churn"][2] == 1200.0
    )
    assert result["clv_at_high_churn"][3] is None
    assert result["clv"].to_list() == [1200.0, 120.0, 1200.0, 1200.0]


def test_the_ratio_of_nothing_is_unknown() -> None:
    frame = units(clv=[100.0, 100.0, None, -50.0, 1e22], cac=[50.0, 0.0, 1.0, 25.0, 5e-324])
    assert cv.profit.clv_to_cac(frame)["clv_to_cac"].to_list() == [2.0, None, None, -2.0, None]
    assert cv.profit.clv_to_cac(frame.lazy()).collect().equals(cv.profit.clv_to_cac(frame))


@pytest.mark.parametrize(("churn", "margin", "payments"), [(0.1, 10.0, 197), (0.05, 5.0, 405)])
def test_sums_that_come_within_a_billionth_count(
    churn: float, margin: float, payments: int
) -> None:
    units = pl.DataFrame({"cac": [100.0], "margin": [margin], "churn": [churn]})
    paid = cv.profit.payback_months(
        units, cac="cac", profit_per_period="margin", churn="churn", discount_rate=0.0
    )
    assert paid["payback_payments"].to_list() == [payments]
    gathered = sum(margin * (1 - churn) ** k for k in range(payments))
    assert gathered >= 100 * (1 - 1e-9) > gathered - margin * (1 - churn) ** (payments - 1)
