from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv


def panel(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(columns)


def test_card_and_krueger_from_the_means() -> None:
    """20.44 to 21.03 against 23.33 to 21.17: 0.59 - (-2.16) = 2.75."""
    wobble = np.array([-1.0, 0.0, 1.0])
    frame = panel(
        group=["treated"] * 3 + ["control"] * 3,
        before=[*(20.44 + wobble), *(23.33 + wobble)],
        after=[*(21.03 + wobble[::-1]), *(21.17 + wobble)],
    )
    effect = cv.effects.difference_in_differences(frame, before="before", after="after")
    assert effect.estimate == pytest.approx(2.75)
    assert (effect.mean_treated, effect.mean_control) == pytest.approx((0.59, -2.16))
    assert effect.basis == "quasi_experiment"
    assert "changed alike" in effect.warnings[0]


def test_it_is_the_difference_of_the_changes() -> None:
    rng = np.random.default_rng(1)
    group = rng.random(200) < 0.4
    before = rng.normal(10, 3, 200) + 5 * group
    after = before + rng.normal(1, 2, 200) + 2.0 * group
    frame = panel(group=group, before=before, after=after, change=after - before)
    effect = cv.effects.difference_in_differences(frame, before="before", after="after")
    plain = cv.effects.evaluate_effect(frame, outcome="change")
    assert effect.estimate == pytest.approx(plain.estimate)
    assert (effect.low, effect.high) == pytest.approx((plain.low, plain.high))


def test_groups_that_part_before_the_treatment_are_named() -> None:
    rng = np.random.default_rng(2)
    group = np.arange(200) < 100
    q1 = rng.normal(10, 1, 200)
    q2 = q1 + 3.0 * group + rng.normal(0, 1, 200)
    q3 = q2 + 3.0 * group + rng.normal(0, 1, 200)
    frame = panel(group=group, q1=q1, q2=q2, q3=q3)
    effect = cv.effects.difference_in_differences(frame, before=["q1", "q2"], after="q3")
    assert effect.estimate == pytest.approx(3.0, abs=0.6)
    assert "changed apart before the treatment" in effect.warnings[1]
    calm = frame.with_columns(q2=pl.col("q1") + pl.Series(rng.normal(0, 1, 200)))
    assert (
        len(cv.effects.difference_in_differences(calm, before=["q1", "q2"], after="q3").warnings)
        == 1
    )


def test_clusters_widen_the_interval_where_stores_move_together() -> None:
    rng = np.random.default_rng(3)
    covered = {True: 0, False: 0}
    for _ in range(150):
        store = np.repeat(np.arange(30), 10)
        group = store % 2 == 0
        after = rng.normal(0, 1, 30)[store] + rng.normal(0, 1, 300) + 1.0 * group
        frame = panel(group=group, before=np.zeros(300), after=after, store=store)
        for clustered in covered:
            effect = cv.effects.difference_in_differences(
                frame, before="before", after="after", cluster="store" if clustered else None
            )
            assert effect.low is not None
            assert effect.high is not None
            covered[clustered] += effect.low <= 1.0 <= effect.high
    assert covered[True] >= 0.9 * 150
    assert covered[False] <= 0.75 * 150


def test_too_few_clusters_have_no_interval() -> None:
    frame = panel(group=[True, False], before=[0.0, 0.0], after=[1.0, 0.0], store=["a", "b"])
    effect = cv.effects.difference_in_differences(
        frame, before="before", after="after", cluster="store"
    )
    assert (effect.estimate, effect.low) == (1.0, None)


def test_low_customers_recover_without_any_treatment() -> None:
    """Regression to the mean: the change is real, and no effect."""
    rng = np.random.default_rng(4)
    customer = rng.normal(100, 10, 5000)
    frame = panel(
        before=customer + rng.normal(0, 30, 5000), after=customer + rng.normal(0, 30, 5000)
    )
    worst = frame.filter(pl.col("before") < pl.col("before").quantile(0.2))
    change = cv.effects.before_after(worst, before="before", after="after")
    assert change.low is not None
    assert change.low > 20
    assert change.basis == "descriptive"
    assert "regression to the mean" in change.warnings[0]
    assert change.n_control == 0


def test_nobody_or_nothing_known_is_refused() -> None:
    frame = panel(before=[1.0], after=[float("nan")])
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.effects.before_after(frame, before="before", after="after")
    with pytest.raises(cv.CustomerValueError, match="no customers"):
        cv.effects.before_after(frame.clear(), before="before", after="after")
    with pytest.raises(cv.CustomerValueError, match="before names no column"):
        cv.effects.difference_in_differences(frame, before=[], after="after")
    assert (
        cv.effects.before_after(
            panel(before=[1.0], after=[2.0]), before="before", after="after"
        ).low
        is None
    )
