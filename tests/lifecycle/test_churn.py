from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import stages as oracle

silences = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=25).filter(
    lambda gaps: len({ended for _, ended in gaps}) == 2
)


def frame(gaps: list[tuple[int, bool]]) -> pl.DataFrame:
    return pl.DataFrame(gaps, schema=["gap_days", "ended"], orient="row")


@given(gaps=silences)
@settings(max_examples=60, deadline=None)
def test_both_errors_against_fractions(gaps: list[tuple[int, bool]]) -> None:
    curve = cv.lifecycle.churn_error_curve(frame(gaps))
    assert curve["days"].to_list() == sorted({gap + 1.0 for gap, ended in gaps if ended})
    for days, type_i, type_ii, error in curve.rows():
        expected = [float(part) for part in oracle.errors(gaps, int(days))]
        assert [type_i, type_ii] == pytest.approx(expected, abs=1e-12)
        assert error == type_i + type_ii
    # No other whole number of days does better: before the first gap ends, all who return err.
    least = min(sum(oracle.errors(gaps, day)) for day in range(14))
    threshold = cv.lifecycle.churn_threshold(frame(gaps))
    assert float(sum(oracle.errors(gaps, int(threshold)))) == pytest.approx(float(least))


@given(gaps=silences, seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_row_order_and_copies_change_nothing(gaps: list[tuple[int, bool]], seed: int) -> None:
    rows = frame(gaps)
    more = pl.concat([rows, rows, rows]).sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(
        cv.lifecycle.churn_error_curve(more), cv.lifecycle.churn_error_curve(rows), abs_tol=1e-12
    )


def test_by_hand() -> None:
    """One of two purchases is followed after 2 days; the other's silence of 10 days is open.

    Taken for lost from day 3 on, the one who came back never was, and the other is.
    """
    gaps = frame([(2, True), (10, False)])
    assert cv.lifecycle.churn_error_curve(gaps).rows() == [(3.0, 0.0, 0.0, 0.0)]
    assert cv.lifecycle.churn_threshold(gaps) == 3.0


def test_it_finds_the_least_error_of_a_shop_whose_truth_is_known() -> None:
    """Exponential gaps of mean 30 days, a share of 0.2 leaving after each purchase, for 3 years."""
    rng = np.random.default_rng(1)
    gaps: list[tuple[int, bool]] = []
    silent_gone: list[int] = []
    for start in rng.uniform(0, 900, 4000):
        day = start
        while True:
            gone = rng.random() < 0.2
            following = math.inf if gone else day + rng.exponential(30.0)
            if following > 1095:
                gaps.append((int(1095 - day), False))
                silent_gone += [int(1095 - day)] * gone
                break
            gaps.append((int(following - day), True))
            day = following
    waits, gone_days = rng.exponential(30.0, 100_000), np.array(silent_gone)

    def true_error(days: float) -> float:
        return float(np.mean(waits >= days) + np.mean(gone_days < days))

    threshold = cv.lifecycle.churn_threshold(frame(gaps))
    least = min(true_error(days) for days in range(1, 400))
    assert true_error(threshold) < least + 0.01
    curve = cv.lifecycle.churn_error_curve(frame(gaps))
    for days in (20, 60, 120):
        estimate = curve.filter(pl.col("days") == days).item(0, "error")
        assert estimate == pytest.approx(true_error(days), abs=0.02)
    # Half of the gaps that will end do so in 21 days; those known to have ended look shorter.
    assert cv.lifecycle.churn_threshold(frame(gaps), method="survival", share=0.4) == pytest.approx(
        -30 * math.log(0.5), abs=2
    )


@pytest.mark.parametrize(("share", "days"), [(0.25, 2.0), (0.5, 3.0), (0.75, 4.25), (0.9, 6.5)])
def test_quantiles_are_of_type_7(share: float, days: float) -> None:
    gaps = frame([(1, True), (2, True), (3, True), (4, True), (8, True), (99, False)])
    values = [1, 2, 3, 4, 8]
    expected = float(np.quantile(values, share))
    assert cv.lifecycle.churn_threshold(gaps, method="quantile", share=share) == pytest.approx(
        expected
    )
    assert days in (expected, 4.25, 6.5)


def test_a_survival_that_does_not_get_there() -> None:
    gaps = frame([(2, True), (10, False)])
    assert cv.lifecycle.churn_threshold(gaps, method="survival", share=0.5) == 2.0
    with pytest.raises(cv.FitError, match=r"only 0\.5000 of the purchases .* not 0\.6"):
        cv.lifecycle.churn_threshold(gaps, method="survival", share=0.6)


@pytest.mark.parametrize("method", ["d_curve", "quantile", "survival"])
def test_no_gap_that_ended(method: Any) -> None:
    with pytest.raises(cv.FitError, match="gap"):
        cv.lifecycle.churn_threshold(frame([(3, False)]), method=method)
    with pytest.raises(cv.FitError, match="gap"):
        cv.lifecycle.churn_threshold(frame([(3, False)]).clear(), method=method)


def test_no_silence_that_is_open() -> None:
    with pytest.raises(cv.FitError, match="no silence is open"):
        cv.lifecycle.churn_error_curve(frame([(3, True)]))


def test_one_length_only() -> None:
    gaps = frame([(5, True), (5, False)])
    assert cv.lifecycle.churn_threshold(gaps) == 6.0
    assert cv.lifecycle.churn_error_curve(gaps).rows() == [(6.0, 0.0, 1.0, 1.0)]


def test_extreme_lengths() -> None:
    gaps = frame([(0, True), (3_652_058, True), (3_652_058, False), (0, False)])
    curve = cv.lifecycle.churn_error_curve(gaps)
    assert curve.select(pl.all().is_finite().all()).row(0) == (True,) * 4


def test_bad_input() -> None:
    rows = pl.DataFrame(
        {"gap_days": [1.0, -1.0, math.nan, None, 2.0], "ended": [True, True, False, True, None]}
    )
    with pytest.raises(cv.DataError, match=r"3 rows with gap_days null.*; 1 row with ended null"):
        cv.lifecycle.churn_threshold(rows)
    with pytest.raises(cv.SchemaError, match="'ended' is Int64, must be Boolean"):
        cv.lifecycle.churn_error_curve(pl.DataFrame({"gap_days": [1], "ended": [1]}))
    with pytest.raises(cv.SchemaError, match=r"missing column 'gap_days'.*purchase_gaps"):
        cv.lifecycle.churn_error_curve(pl.DataFrame({"ended": [True]}))
    with pytest.raises(cv.OptionError, match="share"):
        cv.lifecycle.churn_threshold(rows, method="quantile", share=1.0)
    with pytest.raises(cv.OptionError, match="method"):
        cv.lifecycle.churn_threshold(rows, method="guess")  # type: ignore[arg-type]
