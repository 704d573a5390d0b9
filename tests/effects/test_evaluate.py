from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import customer_value as cv

CUPED = pl.DataFrame(
    {
        "group": ["treated"] * 4 + ["control"] * 4,
        "y": [12.0, 15.0, 9.0, 20.0, 14.0, 18.0, 11.0, 25.0],
        "x": [10.0, 14.0, 8.0, 15.0, 12.0, 13.0, 9.0, 20.0],
    }
).with_columns(group=pl.Series([False] * 4 + [True] * 4))

values = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=10)


def trial(treated: Any, control: Any, **columns: Any) -> pl.DataFrame:
    y = [*treated, *control]
    group = ["treated"] * len(treated) + ["control"] * len(control)
    return pl.DataFrame({"group": group, "y": pl.Series(y, dtype=pl.Float64)} | columns)


# --- means ---


@given(treated=values, control=values)
@settings(max_examples=60, deadline=None)
def test_means_are_those_of_scipy(treated: list[float], control: list[float]) -> None:
    effect = cv.effects.evaluate_effect(trial(treated, control), outcome="y")
    if min(np.ptp(treated), np.ptp(control)) == 0:  # scipy warns of those
        treated, control = [*treated, 60.0], [*control, 60.0]
        effect = cv.effects.evaluate_effect(trial(treated, control), outcome="y")
    want = stats.ttest_ind(treated, control, equal_var=False)
    limits = want.confidence_interval(0.95)
    assert effect.estimate == pytest.approx(np.mean(treated) - np.mean(control), abs=1e-12)
    assert effect.p_value == pytest.approx(want.pvalue, rel=1e-9)
    assert (effect.low, effect.high) == pytest.approx((limits.low, limits.high), abs=1e-9)


def test_history_takes_out_what_was_there_before() -> None:
    """Raw 3.0 (se 3.8297); theta 1.3237064, rho^2 0.938194; adjusted 0.683514 (se 0.959861)."""
    raw = cv.effects.evaluate_effect(CUPED, outcome="y")
    adjusted = cv.effects.evaluate_effect(CUPED, outcome="y", history="x")
    assert raw.estimate == 3.0
    assert raw.standard_error == pytest.approx(3.8297, abs=5e-5)
    assert adjusted.estimate == pytest.approx(0.683514, abs=5e-7)
    assert adjusted.standard_error == pytest.approx(0.959861, abs=5e-7)
    assert (adjusted.method, adjusted.basis) == (
        "difference of means adjusted by history",
        "experiment",
    )


def test_customers_without_a_history_stay_in() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(50, 10, 2000)
    treated = rng.random(2000) < 0.5
    y = x + 2.0 * treated + rng.normal(0, 2, 2000)
    y[:500] += 30.0  # newcomers, who spend more: the indicator takes that out
    history = [None if k < 500 else float(v) for k, v in enumerate(x)]
    frame = pl.DataFrame({"group": treated, "y": y, "x": history})
    raw = cv.effects.evaluate_effect(frame, outcome="y")
    effect = cv.effects.evaluate_effect(frame, outcome="y", history="x")
    assert effect.n_treated + effect.n_control == 2000
    assert raw.standard_error is not None
    assert effect.standard_error is not None
    assert effect.standard_error < 0.4 * raw.standard_error
    assert effect.estimate == pytest.approx(2.0, abs=4 * effect.standard_error)


def test_a_history_of_nobody_changes_nothing() -> None:
    frame = CUPED.with_columns(x=pl.lit(None, pl.Float64))
    plain = cv.effects.evaluate_effect(CUPED, outcome="y").estimate
    assert cv.effects.evaluate_effect(frame, outcome="y", history="x").estimate == plain


@pytest.mark.parametrize("history", [None, "x"])
def test_intervals_of_means_cover(history: str | None) -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        x = rng.gamma(2, 10, 60)
        y = x + rng.gamma(1, 5, 60) + 4.0 * (np.arange(60) < 25)
        frame = pl.DataFrame({"group": np.arange(60) < 25, "y": y, "x": x})
        effect = cv.effects.evaluate_effect(frame, outcome="y", history=history)
        assert effect.low is not None
        assert effect.high is not None
        covered += effect.low <= 4.0 <= effect.high
    assert 0.92 <= covered / 400 <= 0.975


# --- proportions ---


def test_the_worked_proportions() -> None:
    """0.12 against 0.10, 1000 each: 0.02, se 0.013986, Wald -0.0074 to 0.0474."""
    frame = trial([1] * 120 + [0] * 880, [1] * 100 + [0] * 900)
    wald = cv.effects.evaluate_effect(frame, outcome="y", kind="proportion", interval_method="wald")
    assert wald.estimate == pytest.approx(0.02)
    assert wald.standard_error == pytest.approx(0.013986, abs=5e-7)
    assert (wald.low, wald.high) == pytest.approx((-0.0074, 0.0474), abs=5e-5)


def test_newcombe_as_published() -> None:
    """56/70 against 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    frame = trial([1] * 56 + [0] * 14, [1] * 48 + [0] * 32)
    effect = cv.effects.evaluate_effect(frame, outcome="y", kind="proportion")
    assert (effect.low, effect.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_newcombe_keeps_a_width_where_nobody_bought() -> None:
    effect = cv.effects.evaluate_effect(trial([0] * 20, [0] * 20), outcome="y", kind="proportion")
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < 0 < effect.high
    assert effect.p_value == 1.0


def test_a_boolean_outcome_is_a_proportion() -> None:
    frame = trial([1, 0], [0, 0]).with_columns(y=pl.col("y") == 1)
    assert cv.effects.evaluate_effect(frame, outcome="y", kind="proportion").estimate == 0.5


# --- ratios ---


def test_a_ratio_is_of_sums_and_customers_are_the_sample() -> None:
    rng = np.random.default_rng(5)
    covered, n = 0, 300
    for _ in range(300):
        orders = rng.poisson(3, n) + 1.0
        treated = np.arange(n) < n // 2
        # Customers with many orders spend less an order: a mean of ratios would be another thing.
        spend = orders * (20 - orders + 3.0 * treated) + rng.normal(0, 5, n) * orders
        frame = pl.DataFrame({"group": treated, "y": spend, "d": orders})
        effect = cv.effects.evaluate_effect(frame, outcome="y", kind="ratio", denominator="d")
        truth = 3.0
        assert effect.low is not None
        assert effect.high is not None
        covered += effect.low <= truth <= effect.high
    assert 0.92 <= covered / 300 <= 0.98


def test_a_ratio_with_denominators_of_one_is_a_mean() -> None:
    frame = CUPED.with_columns(d=pl.lit(1.0))
    ratio = cv.effects.evaluate_effect(frame, outcome="y", kind="ratio", denominator="d")
    mean = cv.effects.evaluate_effect(frame, outcome="y")
    assert ratio.estimate == pytest.approx(mean.estimate)
    assert ratio.standard_error == pytest.approx(mean.standard_error)


# --- the arms ---


@given(treated=values, control=values)
@settings(max_examples=30, deadline=None)
def test_row_order_and_swapped_arms(treated: list[float], control: list[float]) -> None:
    frame = trial(treated, control)
    effect = cv.effects.evaluate_effect(frame, outcome="y")
    assert cv.effects.evaluate_effect(frame.reverse().lazy(), outcome="y") == effect
    swapped = cv.effects.evaluate_effect(frame, outcome="y", treated="control")
    assert swapped.estimate == pytest.approx(-effect.estimate)
    assert (swapped.n_treated, swapped.n_control) == (effect.n_control, effect.n_treated)


def test_one_customer_in_an_arm_has_no_interval() -> None:
    effect = cv.effects.evaluate_effect(trial([5.0], [1.0, 3.0]), outcome="y")
    assert (effect.estimate, effect.low, effect.p_value) == (3.0, None, None)
    assert effect.warnings == ("too few customers for a standard error",)
    assert "no interval" in str(effect)


def test_what_was_not_assigned_is_descriptive() -> None:
    effect = cv.effects.evaluate_effect(CUPED, outcome="y", assignment="observed")
    assert effect.basis == "descriptive"
    assert "not assigned at random" in effect.warnings[0]
    assert "descriptive" in str(effect)


def test_lost_customers_are_noticed() -> None:
    frame = trial([1.0] * 700, [1.0] * 500)
    effect = cv.effects.evaluate_effect(frame, outcome="y", expected_share=0.5)
    assert "customers got lost" in effect.warnings[0]
    assert cv.effects.evaluate_effect(frame, outcome="y", expected_share=7 / 12).warnings == ()
    assert cv.effects.sample_ratio_check(700, 500) == pytest.approx(
        stats.chisquare([700, 500]).pvalue, rel=1e-9
    )


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (trial([1.0], []), "must hold two arms, one of them 'treated'; it holds 'treated'"),
        (trial([1.0], [1.0]).clear(), "it holds nothing"),
        (trial([1.0], [1.0]).with_columns(group=pl.Series(["a", "b"])), "it holds 'a', 'b'"),
    ],
)
def test_two_arms_are_needed(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(cv.CustomerValueError, match=message):
        cv.effects.evaluate_effect(frame, outcome="y")


def test_bad_values_are_refused_in_one_error() -> None:
    frame = trial([1.0, math.nan], [1.0, 2.0]).with_columns(
        group=pl.Series(["treated", "treated", "control", None])
    )
    with pytest.raises(cv.DataError, match="1 row with no group; 1 row with y null, NaN, inf"):
        cv.effects.evaluate_effect(frame, outcome="y")
    with pytest.raises(cv.DataError, match="2 rows with y not 0 or 1"):
        cv.effects.evaluate_effect(trial([2.0, 1.0], [0.5, 0.0]), outcome="y", kind="proportion")
    with pytest.raises(cv.CustomerValueError, match="more than 0"):
        cv.effects.evaluate_effect(
            CUPED.with_columns(d=pl.lit(0.0)), outcome="y", kind="ratio", denominator="d"
        )
    with pytest.raises(cv.CustomerValueError, match="denominator is needed"):
        cv.effects.evaluate_effect(CUPED, outcome="y", kind="ratio")
    with pytest.raises(cv.CustomerValueError, match="history adjusts means only"):
        cv.effects.evaluate_effect(CUPED, outcome="y", kind="proportion", history="x")
    with pytest.raises(cv.OptionError, match="confidence"):
        cv.effects.evaluate_effect(CUPED, outcome="y", confidence=0.0)


def test_targeting_risk_wakes_sleeping_dogs() -> None:
    """Those most likely to leave are not those whom an offer keeps."""
    rng = np.random.default_rng(9)
    n = 40_000
    risk, uplift = rng.random(n), rng.normal(0, 0.2, n)
    uplift -= 0.4 * (risk - 0.5)  # the riskiest are annoyed
    group = rng.random(n) < 0.5
    stays = (rng.random(n) < np.clip(1 - risk + uplift * group, 0, 1)).astype(float)
    trial_ = pl.DataFrame({"group": group, "y": stays, "risk": risk, "uplift": uplift})
    assert cv.effects.qini_coefficient(trial_, outcome="y", score="risk") < 0
    assert cv.effects.qini_coefficient(trial_, outcome="y", score="uplift") > 0
    chosen = {
        name: trial_.filter(pl.col(name) > pl.col(name).quantile(0.7))
        for name in ("risk", "uplift")
    }
    effects = {
        name: cv.effects.evaluate_effect(own, outcome="y").estimate for name, own in chosen.items()
    }
    assert effects["risk"] < 0 < effects["uplift"]


def test_words_are_checked_and_numbers_too_large_to_square() -> None:
    with pytest.raises(cv.CustomerValueError, match="kind must be one of"):
        cv.effects.evaluate_effect(CUPED, outcome="y", kind="median")  # type: ignore[arg-type]
    with pytest.raises(cv.DataError, match="8 rows with y null, NaN, infinite or beyond 1e"):
        cv.effects.evaluate_effect(CUPED.with_columns(y=pl.lit(1e200)), outcome="y")
    with pytest.raises(cv.CustomerValueError, match="adjust must be one of"):
        cv.effects.uplift_by_segment(CUPED, outcome="y", by="x", adjust="none")  # type: ignore[arg-type]


def test_an_arm_of_one_has_no_error() -> None:
    table = pl.DataFrame({"group": ["treated", "control"], "y": [1, 0]})
    effect = cv.effects.evaluate_effect(table, outcome="y", kind="proportion")
    assert (effect.standard_error, effect.p_value, effect.low, effect.high) == (None,) * 4


def test_all_here_and_none_there_is_judged_as_if_both_were_one() -> None:
    table = pl.DataFrame({"group": ["treated"] * 3 + ["control"] * 3, "y": [1] * 3 + [0] * 3})
    effect = cv.effects.evaluate_effect(table, outcome="y", kind="proportion")
    assert effect.standard_error == pytest.approx((0.25 * 2 / 3) ** 0.5)
    assert effect.p_value == pytest.approx(0.0143, abs=1e-4)


def test_constant_arms_have_no_p_value() -> None:
    table = pl.DataFrame({"group": ["treated"] * 2 + ["control"] * 2, "y": [1.0, 1.0, 0.0, 0.0]})
    effect = cv.effects.evaluate_effect(table, outcome="y")
    assert (effect.standard_error, effect.p_value, effect.low) == (None, None, None)
    assert effect.warnings[-1] == "no variation within either arm, so no standard error"
    same = cv.effects.evaluate_effect(table.with_columns(y=pl.lit(2.0)), outcome="y")
    assert (same.estimate, same.p_value) == (0.0, 1.0)
