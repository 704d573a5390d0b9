from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import customer_value as cv


def snapshot(values: Any, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": np.arange(len(values)), "revenue": values} | columns)


def groups(numbers: list[int], values: list[float]) -> pl.DataFrame:
    tiers = [name for name, n in zip("abc", numbers, strict=True) for _ in range(n)]
    worth = [value for value, n in zip(values, numbers, strict=True) for _ in range(n)]
    return snapshot(worth, tier=tiers)


# --- the bridge ---


def test_mix_and_rate_of_the_worked_example() -> None:
    bridge = cv.changes.value_bridge(
        groups([100, 300, 600], [500.0, 100.0, 10.0]),
        groups([120, 300, 780], [480.0, 110.0, 8.0]),
        by="tier",
    )
    assert bridge["mix"].sum() == pytest.approx(-4.8)
    assert bridge["rate"].sum() == pytest.approx(-0.5)


def test_every_tier_rises_and_the_average_falls() -> None:
    bridge = cv.changes.value_bridge(
        groups([100, 300, 600], [500.0, 100.0, 10.0]),
        groups([80, 300, 900], [520.0, 105.0, 11.0]),
        by="tier",
    )
    mix, rate = sum(bridge["mix"]), sum(bridge["rate"])
    assert min(bridge["rate"]) > 0
    assert mix < 0
    assert mix + rate == pytest.approx(64.84375 - 86.0)


customers = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(-1000, 1000)), min_size=1, max_size=12
)


@given(before=customers, after=customers)
@settings(max_examples=60, deadline=None)
def test_the_bridge_closes(before: list[Any], after: list[Any]) -> None:
    frames = [
        snapshot(
            pl.Series([v for _, v in rows], dtype=pl.Float64),
            tier=pl.Series([t for t, _ in rows], dtype=pl.String),
        )
        for rows in (before, after)
    ]
    bridge = cv.changes.value_bridge(*frames, by="tier")
    means = [statistics.mean(frame["revenue"]) for frame in frames]
    change = math.fsum([*bridge["mix"], *bridge["rate"]])
    assert change == pytest.approx(means[1] - means[0], abs=1e-9)
    assert bridge["customers_before"].sum() == len(before)
    assert bridge["share_after"].sum() == pytest.approx(1.0)


# --- alerts ---


def test_a_large_change_stands_out_of_the_noise() -> None:
    rng = np.random.default_rng(1)
    before = rng.gamma(2, 50, 2000)
    after = before + rng.normal(0, 3, 2000)
    after[:5] += 60
    equal = cv.changes.AlertOptions(noise_growth="none")
    alerts = cv.changes.value_alerts(snapshot(before), snapshot(after), options=equal)
    found = alerts.filter(pl.col("alert") == "up")["customer_id"]
    assert set(range(5)) <= set(found)
    assert found.len() <= 7


def test_false_alerts_are_rare_where_nothing_happened() -> None:
    rng = np.random.default_rng(2)
    before = snapshot(np.full(400, 100.0))
    with_alert = sum(
        cv.changes.value_alerts(
            before, snapshot(100 + rng.normal(0, 5, 400), sd=np.full(400, 5.0)), noise="sd"
        )["alert"]
        .is_not_null()
        .any()
        for _ in range(100)
    )
    assert with_alert <= 12  # 5 expected


def test_q_values_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(0, 2, 50)
    alerts = cv.changes.value_alerts(
        snapshot(np.zeros(50)), snapshot(z, sd=np.ones(50)), noise="sd"
    ).sort("customer_id")
    p_value = 2 * stats.norm.sf(np.abs(z))
    assert alerts["p_value"].to_numpy() == pytest.approx(p_value, rel=1e-12)
    expected = stats.false_discovery_control(p_value)
    assert alerts["q_value"].to_numpy() == pytest.approx(expected, rel=1e-12)


def test_small_changes_and_unknown_values_are_no_alert() -> None:
    before = snapshot([100.0] * 4 + [None])
    after = snapshot([100.0, 100.0, 100.0, 101.0, 5.0])
    alerts = cv.changes.value_alerts(before, after, options=cv.changes.AlertOptions(min_change=1.0))
    assert alerts["customer_id"].to_list() == [3, 0, 1, 2]
    assert alerts["alert"].null_count() == 4


def test_groups_have_their_own_noise() -> None:
    rng = np.random.default_rng(4)
    tier = ["calm"] * 200 + ["wild"] * 200
    change = np.concatenate([rng.normal(0, 1, 200), rng.normal(0, 100, 200)])
    change[0] = 7.0
    before, after = snapshot(np.full(400, 1e3)), snapshot(1e3 + change, tier=tier)
    assert (
        cv.changes.value_alerts(before, after, by="tier").filter(customer_id=0)["alert"][0] == "up"
    )
    assert cv.changes.value_alerts(before, after).filter(customer_id=0)["alert"][0] is None


def spent(rng: np.random.Generator, purchases: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Revenue of half a year: Poisson purchases of gamma spend."""
    n = rng.poisson(purchases)
    return np.where(n > 0, rng.gamma(6.0 * np.maximum(n, 1), price / 6), 0.0)


@pytest.mark.parametrize(("growth", "often"), [("root", True), ("proportional", False)])
def test_noise_grows_with_the_value(growth: Any, *, often: bool) -> None:
    """Nobody changes but the first fifty, of whom nine tenths of the purchases are gone."""
    rng, n = np.random.default_rng(5), 5000
    purchases = rng.gamma(1.0, 30.0, n) if often else np.full(n, 12.0)
    price = np.full(n, 35.0) if often else np.exp(rng.normal(6.0, 1.5, n))
    left = np.where(np.arange(n) < 50, 0.1, 1.0)
    before, after = spent(rng, purchases, price), spent(rng, purchases * left, price)
    false, found = {}, {}
    for how in ("none", growth):
        options = cv.changes.AlertOptions(noise_growth=how)
        alerts = cv.changes.value_alerts(snapshot(before), snapshot(after), options=options)
        alert = alerts.filter(pl.col("alert").is_not_null())["customer_id"]
        false[how], found[how] = (alert >= 50).sum(), (alert < 50).sum()
    assert false["none"] > 100
    assert false[growth] <= 10
    assert found[growth] >= 8


@pytest.mark.parametrize("growth", ["none", "root", "proportional"])
def test_values_of_any_size_have_a_finite_z(growth: Any) -> None:
    values = [0.0, 0.0, 5e-324, -1e15, 1e15, 3.0, -2.0]
    options = cv.changes.AlertOptions(noise_growth=growth)
    alerts = cv.changes.value_alerts(
        snapshot(values), snapshot([*values[:0:-1], 0.0]), options=options
    )
    assert alerts.height == len(values)
    assert alerts["p_value"].is_between(0, 1).all()
    assert alerts["q_value"].is_between(0, 1).all()


def test_nobody_changed() -> None:
    alerts = cv.changes.value_alerts(snapshot([1.0, 1.0]), snapshot([1.0, 1.0]))
    assert alerts["z"].to_list() == [None, None]
    assert alerts["alert"].to_list() == [None, None]
    assert cv.changes.value_alerts(snapshot([1.0]).clear(), snapshot([1.0])).height == 0


def test_noise_must_be_above_zero() -> None:
    with pytest.raises(cv.DataError, match="2 rows with noise not above 0"):
        cv.changes.value_alerts(
            snapshot([1.0] * 3), snapshot([1.0] * 3, sd=[0.0, np.nan, 1.0]), noise="sd"
        )


def test_the_direction_is_that_of_the_deviation() -> None:
    """Everybody gained 100; who gained nothing lost ground."""
    rng = np.random.default_rng(0)
    before = np.full(50, 1000.0)
    after = np.append(1100 + rng.normal(0, 2, 49), 1001.0)
    alerts = cv.changes.value_alerts(snapshot(before), snapshot(after))
    assert alerts.filter(customer_id=49)["alert"].to_list() == ["down"]
