from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import customer_value as cv


def trial(seed: int, effects: dict[str, float], n: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    segment = np.repeat(list(effects), n)
    group = rng.random(segment.size) < 0.5
    y = rng.normal(0, 1, segment.size) + group * np.repeat(list(effects.values()), n)
    return pl.DataFrame({"segment": segment, "group": group, "y": y})


def uplift(frame: pl.DataFrame, **keywords: Any) -> pl.DataFrame:
    return cv.effects.uplift_by_segment(frame, outcome="y", by="segment", **keywords)


def test_each_segment_is_a_trial_of_its_own() -> None:
    frame = trial(1, {"a": 1.0, "b": 0.0})
    table = uplift(frame)
    for row in table.iter_rows(named=True):
        alone = cv.effects.evaluate_effect(frame.filter(segment=row["segment"]), outcome="y")
        assert row["uplift"] == pytest.approx(alone.estimate)
        assert (row["low"], row["high"]) == pytest.approx((alone.low, alone.high))
        assert row["p_value"] == pytest.approx(alone.p_value)
    assert table["significant"].to_list() == [True, False]
    assert_frame_equal(uplift(frame.reverse()), table)


def test_looking_at_many_finds_nothing_where_nothing_is() -> None:
    nothing = {f"s{k:02}": 0.0 for k in range(20)}
    finds = {"raw": 0, "holm": 0, "benjamini_hochberg": 0}
    for seed in range(40):
        frame = trial(seed, nothing, n=40)
        for adjust in ("holm", "benjamini_hochberg"):
            finds[adjust] += bool(uplift(frame, adjust=adjust)["significant"].any())
        finds["raw"] += bool((uplift(frame)["p_value"] < 0.05).any())
    assert finds["raw"] > 15
    assert finds["holm"] <= 6
    assert finds["benjamini_hochberg"] <= 6


def test_corrections_by_definition() -> None:
    table = uplift(trial(5, {"a": 0.5, "b": 0.3, "c": 0.0, "d": 0.1}))
    p_value = table["p_value"].to_numpy()
    ordered = np.sort(p_value)
    holm = [max(min(1.0, (4 - k) * ordered[k]) for k in range(j + 1)) for j in range(4)]
    got = dict(zip(p_value, table["p_adjusted"], strict=True))
    assert [got[p] for p in ordered] == pytest.approx(holm)
    other = uplift(trial(5, {"a": 0.5, "b": 0.3, "c": 0.0, "d": 0.1}), adjust="benjamini_hochberg")
    want = stats.false_discovery_control(p_value)
    assert other["p_adjusted"].to_numpy() == pytest.approx(want)


def test_a_segment_with_one_arm_is_kept_without_an_effect() -> None:
    frame = pl.concat(
        [trial(1, {"a": 0.0}), pl.DataFrame({"segment": ["b"], "group": [True], "y": [1.0]})]
    )
    row = uplift(frame).row(1, named=True)
    assert (row["segment"], row["n_treated"], row["mean_treated"]) == ("b", 1, 1.0)
    assert row["uplift"] is row["p_adjusted"] is row["significant"] is None


def test_history_takes_out_what_was_there_before() -> None:
    rng = np.random.default_rng(2)
    frame = trial(1, {"a": 0.0, "b": 0.0}).with_columns(
        before=pl.lit(pl.Series(rng.normal(0, 50, 400)))
    )
    frame = frame.with_columns(y=pl.col("y") + pl.col("before"))
    plain, adjusted = uplift(frame), uplift(frame, history="before")
    assert (adjusted["standard_error"] < plain["standard_error"] / 20).all()
    assert adjusted["uplift"].abs().max() < 0.5  # type: ignore[operator]
    one = frame.with_columns(segment=pl.lit("all"))
    whole = cv.effects.evaluate_effect(one, outcome="y", history="before")
    row = uplift(one, history="before").row(0, named=True)
    assert (row["uplift"], row["p_value"]) == pytest.approx((whole.estimate, whole.p_value))


def test_a_tiny_segment_does_not_fit_itself() -> None:
    """Four customers and two slopes of their own would leave no noise to judge by."""
    tiny = pl.DataFrame(
        {"segment": "b", "group": [True, True, False, False], "y": [1.0, 3.0, 0.0, 5.0]}
    )
    frame = pl.concat([trial(1, {"a": 0.0}), tiny], how="diagonal_relaxed")
    frame = frame.with_columns(before=pl.int_range(pl.len()) % 7)
    row = uplift(frame, history="before").row(1, named=True)
    assert row["standard_error"] > 1


def test_without_random_assignment_nothing_is_significant() -> None:
    frame = trial(1, {"a": 5.0, "b": 0.0})
    table = uplift(frame, assignment="observed")
    assert table["basis"].unique().to_list() == ["descriptive"]
    assert table["significant"].null_count() == 2
    assert uplift(frame)["basis"].unique().to_list() == ["experiment"]


def test_segments_of_two_columns() -> None:
    frame = trial(1, {"a": 1.0, "b": 0.0}).with_columns(half=pl.int_range(pl.len()) % 2)
    table = cv.effects.uplift_by_segment(frame, outcome="y", by=["segment", "half"])
    assert table.select("segment", "half").rows() == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    with pytest.raises(cv.OptionError, match="names no column"):
        cv.effects.uplift_by_segment(frame, outcome="y", by=())


# --- Qini ---


def test_the_curve_counts_by_hand() -> None:
    frame = pl.DataFrame(
        {
            "score": [3, 3, 2, 2, 2, 1],
            "group": [True, False, True, True, False, False],
            "y": [1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
        }
    )
    curve = cv.effects.qini_curve(frame, outcome="y", score="score")
    assert curve["n_treated"].to_list() == [0, 1, 3, 3]
    assert curve["n_control"].to_list() == [0, 1, 2, 3]
    assert curve["incremental"].to_list() == pytest.approx([0.0, 1.0, 2 - 1 * 3 / 2, 2 - 2.0])
    assert curve["share"].to_list() == pytest.approx([0, 1 / 3, 5 / 6, 1])


def test_a_score_that_tells_nothing_has_no_area() -> None:
    rng = np.random.default_rng(8)
    n = 20_000
    group, persuadable = rng.random(n) < 0.5, rng.random(n) < 0.5
    y = (rng.random(n) < 0.1 + 0.3 * group * persuadable).astype(float)
    frame = pl.DataFrame(
        {"group": group, "y": y, "luck": rng.random(n), "truth": persuadable * 1.0}
    )
    assert cv.effects.qini_coefficient(frame, outcome="y", score="luck") == pytest.approx(
        0, abs=0.01
    )
    good = cv.effects.qini_coefficient(frame, outcome="y", score="truth")
    # Half the customers bring 0.3 each and the others nothing: a triangle of 1/2 x 1 x 0.15 / 2.
    assert good == pytest.approx(0.0375, abs=0.006)
    flipped = frame.with_columns(truth=-pl.col("truth"))
    assert cv.effects.qini_coefficient(flipped, outcome="y", score="truth") == pytest.approx(
        -good, abs=0.01
    )


def test_one_score_for_all_is_the_random_line() -> None:
    frame = trial(1, {"a": 1.0}).with_columns(score=pl.lit(1.0))
    assert cv.effects.qini_coefficient(frame, outcome="y", score="score") == 0.0


def test_holm_finds_nothing_in_a_thousand_tiny_segments_without_effect() -> None:
    rng, n = np.random.default_rng(1), 1000
    table = pl.DataFrame(
        {
            "segment": np.repeat(np.arange(n), 6).astype(str),
            "group": np.tile(["treated"] * 3 + ["control"] * 3, n),
            "bought": rng.integers(0, 2, 6 * n),
        }
    )
    found = cv.effects.uplift_by_segment(table, outcome="bought", by="segment")
    assert not found["significant"].any()
    constant = found.filter(pl.col("uplift").abs() == 1)
    assert constant.height
    assert constant["p_value"].null_count() == constant.height
