from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import customer_value as cv


def test_the_worked_sample_size() -> None:
    """0.10 against 0.12 with 80 % power, two-sided 5 %: 3,839 per arm."""
    assert cv.effects.required_sample_size(baseline=0.10, effect=0.02) == 3839
    assert cv.effects.required_sample_size(baseline=0.12, effect=-0.02) == 3839


def test_the_power_is_reached() -> None:
    n = cv.effects.required_sample_size(
        baseline=10.0, effect=1.0, standard_deviation=4.0, power=0.9
    )
    rng = np.random.default_rng(1)
    control, treated = rng.normal(10, 4, (2, 1500, n))
    treated = treated + 1.0
    spread = np.sqrt((control.var(axis=1, ddof=1) + treated.var(axis=1, ddof=1)) / n)
    found = (treated.mean(axis=1) - control.mean(axis=1)) / spread > 1.96
    assert found.mean() == pytest.approx(0.9, abs=0.03)


def test_more_power_or_a_smaller_effect_needs_more() -> None:
    base = cv.effects.required_sample_size(baseline=0.1, effect=0.02)
    assert cv.effects.required_sample_size(baseline=0.1, effect=0.02, power=0.9) > base
    assert cv.effects.required_sample_size(baseline=0.1, effect=0.01) > 3 * base
    assert cv.effects.required_sample_size(baseline=0.1, effect=0.02, confidence=0.99) > base


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": 0.0}, "effect of 0"),
        ({"baseline": 0.99, "effect": 0.02}, "give a standard_deviation for means"),
        ({"power": 1.0}, "power"),
        ({"standard_deviation": 0.0}, "standard_deviation"),
    ],
)
def test_impossible_designs_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(cv.OptionError, match=message):
        cv.effects.required_sample_size(**({"baseline": 0.1, "effect": 0.02} | change))


TRIAL = pl.DataFrame({"group": [True] * 3 + [False] * 3, "y": [30.0, 34, 32, 20, 24, 22]})


def test_return_is_on_margin_and_for_all_the_treated() -> None:
    effect = cv.effects.evaluate_effect(TRIAL, outcome="y")
    result = cv.effects.campaign_return(effect, cost=6.0, margin=0.4)
    assert result.incremental_margin == pytest.approx(10 * 0.4 * 3)
    assert result.profit == pytest.approx(6.0)
    assert result.roi == pytest.approx(1.0)
    assert effect.low is not None
    assert result.roi_low == pytest.approx((effect.low * 1.2 - 6) / 6)
    assert result.roi_low is not None
    assert result.roi_low < 1.0
    assert result.roi_high == pytest.approx(2.0 - result.roi_low)
    assert result.basis == "experiment"


def test_without_cost_there_is_no_ratio() -> None:
    effect = cv.effects.evaluate_effect(TRIAL, outcome="y", assignment="observed")
    result = cv.effects.campaign_return(effect, cost=0.0, margin=1.0)
    assert result.profit == pytest.approx(30.0)
    assert (result.roi, result.basis) == (None, "descriptive")
    with pytest.raises(cv.OptionError, match="cost"):
        cv.effects.campaign_return(effect, cost=-1.0, margin=1.0)


def test_a_negative_margin_turns_the_interval_round() -> None:
    effect = cv.effects.evaluate_effect(TRIAL, outcome="y")
    result = cv.effects.campaign_return(effect, cost=6.0, margin=-0.4)
    assert result.roi_low is not None
    assert result.roi_high is not None
    assert result.roi_low < result.roi_high
