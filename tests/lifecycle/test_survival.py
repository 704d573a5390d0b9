from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv

NONE_LEFT = ["standard_error", "low", "high"]


def durations(*rows: tuple[float, bool], **columns: Any) -> pl.DataFrame:
    data = {"duration": [d for d, _ in rows], "event": [e for _, e in rows]}
    return pl.DataFrame(data | columns, schema_overrides={"duration": pl.Float64})


LIVES = durations((1, True), (2, False), (2, True), (4, True), (5, False), g=[*"aabbb"])


def test_by_hand() -> None:
    curve = cv.survival_curve(LIVES)
    assert curve["time"].to_list() == [1, 2, 4]
    assert curve["at_risk"].to_list() == [5, 4, 2]
    assert curve["survival"].to_list() == pytest.approx([0.8, 0.6, 0.3])
    greenwood = 0.3**2 * (1 / 20 + 1 / 12 + 1 / 2)
    assert curve["standard_error"][-1] == pytest.approx(math.sqrt(greenwood))
    plain = cv.survival_curve(LIVES, interval_method="plain")
    assert plain["low"][0] == pytest.approx(0.8 - 1.959963985 * math.sqrt(0.8 * 0.2 / 5))
    assert plain["high"][0] == 1.0  # cut there
    log_log = 1.959963985 * math.sqrt(1 / 20) / -math.log(0.8)
    assert curve["low"][0] == pytest.approx(0.8 ** math.exp(log_log))
    assert curve["high"][0] == pytest.approx(0.8 ** math.exp(-log_log))


def test_where_nobody_is_left_the_interval_is_unknown() -> None:
    curve = cv.survival_curve(durations((1, True), (2, True)))
    assert curve["survival"].to_list() == [0.5, 0.0]
    assert curve.select(NONE_LEFT).row(1) == (None, None, None)


def test_groups_are_curves_of_their_own() -> None:
    curves = cv.survival_curve(LIVES.reverse().lazy(), by=["g"])
    for name in ("a", "b"):
        alone = cv.survival_curve(LIVES.filter(pl.col("g") == name))
        assert_frame_equal(curves.filter(pl.col("g") == name).drop("g"), alone)
    assert curves["g"].to_list() == ["a", "b", "b"]
    assert cv.survival_curve(LIVES.clear(), by=["g"]).columns[:2] == ["g", "time"]


def test_late_entry_takes_the_unseen_past_out_of_the_risk() -> None:
    lives = durations((1, True), (3, True), (3, False), began=[None, 2.0, 0.0])
    assert cv.survival_curve(lives, entry="began")["at_risk"].to_list() == [2, 2]
    assert cv.survival_curve(lives)["at_risk"].to_list() == [3, 2]


def test_constant_churn_is_found_in_spite_of_those_still_there() -> None:
    rng = np.random.default_rng(5)
    life, seen = rng.geometric(0.1, 20_000), rng.integers(1, 20, 20_000)
    data = pl.DataFrame({"duration": np.minimum(life, seen), "event": life <= seen})
    curve = cv.survival_curve(data)
    truth = 0.9 ** curve["time"].to_numpy()
    z = (curve["survival"].to_numpy() - truth) / curve["standard_error"].to_numpy()
    assert np.abs(z).max() < 4
    # The mean life of those who already left is far too short.
    assert data.filter("event")["duration"].mean() == pytest.approx(5.0, abs=1.5)


def test_bad_rows_are_refused_in_one_error() -> None:
    rows = (-1, True), (1, True), (math.nan, False)
    bad = durations(*rows, w=[1.0, -1.0, 1.0], began=[None, 1, None])
    with pytest.raises(cv.DataError) as error:
        cv.survival_curve(bad, weights="w", entry="began")
    text = str(error.value)
    assert "2 rows with duration null, negative, NaN or infinite" in text
    assert "1 row with w null" in text
    assert "1 row with an entry not below the duration" in text
    with pytest.raises(cv.DataError, match="1 row with event null"):
        cv.survival_curve(durations((1, True)).with_columns(event=pl.lit(None, pl.Boolean)))
    with pytest.raises(cv.SchemaError, match="'event' is Int32, not Boolean"):
        cv.survival_curve(durations((1, True)).with_columns(event=pl.lit(1)))
    with pytest.raises(cv.OptionError, match="confidence"):
        cv.survival_curve(LIVES, confidence=1.0)


def test_words_and_groups_are_checked() -> None:
    with pytest.raises(
        cv.CustomerValueError, match="interval_method must be one of 'log-log', 'plain'"
    ):
        cv.survival_curve(LIVES, interval_method="loglog")  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="rename them: time"):
        cv.survival_curve(LIVES.rename({"g": "time"}), by=["time"])


def test_a_risk_set_that_empties_early_starts_the_curve_anew() -> None:
    late = pl.DataFrame(
        {"entry": [0, 2, 2, 3], "duration": [1, 5, 6, 7], "event": [True, True, False, True]}
    )
    with pytest.warns(UserWarning, match="at 1 everyone observed had left"):
        curve = cv.survival_curve(late, entry="entry")
    assert curve["time"].to_list() == [5.0, 7.0]
    assert curve["survival"].to_list() == [pytest.approx(2 / 3), 0.0]
