from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv

scores = st.lists(st.none() | st.integers(0, 10), max_size=20)
Z = 1.959963984540054


def answers(values: Any, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"score": pl.Series(values, dtype=pl.Int64)} | columns)


# --- Net Promoter Score ---


def test_the_published_case() -> None:
    """n 100, p 0.5, d 0.2: 30.0, standard error 7.81, interval 14.69 to 45.31."""
    row = cv.loyalty.nps(answers([10] * 50 + [7] * 30 + [0] * 20)).row(0, named=True)
    assert row["nps"] == pytest.approx(30.0)
    assert row["standard_error"] == pytest.approx(7.81, abs=0.005)
    assert (row["low"], row["high"]) == pytest.approx((14.69, 45.31), abs=0.005)


@given(values=scores)
@settings(max_examples=60, deadline=None)
def test_nps_counted_by_hand(values: list[int | None]) -> None:
    row = cv.loyalty.nps(answers(values)).row(0, named=True)
    given_ = [value for value in values if value is not None]
    n = len(given_)
    assert (row["asked"], row["responses"]) == (len(values), n)
    if not n:
        assert row["nps"] is row["low"] is row["promoters"] is None
        return
    p, d = sum(v >= 9 for v in given_) / n, sum(v <= 6 for v in given_) / n
    error = 100 * math.sqrt(max(p + d - (p - d) ** 2, 0.0) / n)
    assert row["promoters"] + row["passives"] + row["detractors"] == pytest.approx(1.0)
    assert row["nps"] == pytest.approx(100 * (p - d))
    assert row["standard_error"] == pytest.approx(error, abs=1e-6)
    assert -100 <= row["low"] <= row["nps"] + 1e-9 <= row["high"] + 2e-9 <= 100 + 2e-9


def test_where_all_promote_only_the_adjusted_interval_has_a_width() -> None:
    row = cv.loyalty.nps(answers([10] * 10)).row(0, named=True)
    assert (row["standard_error"], row["low"], row["high"]) == (0.0, 100.0, 100.0)
    adjusted = cv.loyalty.nps(answers([10] * 10), interval_method="adjusted").row(0, named=True)
    p, d = 11 / 12, 1 / 12
    error = 100 * math.sqrt((p + d - (p - d) ** 2) / 12)
    assert adjusted["nps"] == 100.0
    assert adjusted["low"] == pytest.approx(100 * (p - d) - Z * error)
    assert adjusted["high"] == 100.0


@pytest.mark.parametrize("interval", ["wald", "adjusted"])
def test_intervals_cover(interval: Any) -> None:
    rng = np.random.default_rng(7)
    draws = rng.choice([10, 8, 3], size=(400, 60), p=[0.6, 0.3, 0.1])
    frame = pl.DataFrame({"score": draws.ravel(), "sample": np.repeat(np.arange(400), 60)})
    table = cv.loyalty.nps(frame, by="sample", interval_method=interval)
    covered = table.select(((pl.col("low") <= 50) & (pl.col("high") >= 50)).mean()).item()
    assert 0.92 <= covered <= 0.98


def test_zero_is_a_detractor() -> None:
    assert cv.loyalty.nps(answers([0, 10]))["nps"].item() == 0.0


@given(values=st.lists(st.tuples(st.integers(0, 10), st.integers(0, 3)), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_shares_by_weight_are_those_of_that_many_answers(values: list[tuple[int, int]]) -> None:
    weights = [w for _, w in values]
    weighted = cv.loyalty.nps(answers([v for v, _ in values], w=weights), weights="w")
    many = cv.loyalty.nps(answers([v for v, w in values for _ in range(w)]))
    names = ["promoters", "passives", "detractors", "nps"]
    assert_frame_equal(weighted.select(names), many.select(names))


def test_unequal_weights_widen_the_interval() -> None:
    values = [10, 10, 3, 8, 9, 2]
    error = [
        cv.loyalty.nps(answers(values, w=weights), weights="w")["standard_error"].item()
        for weights in ([1.0] * 6, [2.0] * 6, [5.0, 1, 1, 1, 1, 1])
    ]
    assert error[0] == pytest.approx(error[1])
    assert error[2] > error[0]


def test_groups_and_row_order() -> None:
    frame = answers([10, 0, 8, None], tier=["b", "a", "b", None])
    table = cv.loyalty.nps(frame, by="tier")
    assert table["tier"].to_list() == ["a", "b", None]
    assert table["response_rate"].to_list() == [1.0, 1.0, 0.0]
    assert_frame_equal(cv.loyalty.nps(frame.reverse().lazy(), by="tier"), table)
    assert cv.loyalty.nps(frame.clear(), by="tier").height == 0


def test_scores_off_the_scale_are_counted() -> None:
    frame = answers([11, -1, 5], w=[1.0, math.nan, -1.0])
    with pytest.raises(cv.DataError) as error:
        cv.loyalty.nps(frame, weights="w")
    assert "2 rows with score not a whole number 0 to 10" in str(error.value)
    assert "2 rows with w null, negative, NaN or infinite" in str(error.value)
    with pytest.raises(cv.DataError, match="1 row with score not a whole number"):
        cv.loyalty.csat(pl.DataFrame({"score": [4.5]}))
    with pytest.raises(cv.OptionError, match="confidence"):
        cv.loyalty.nps(frame, confidence=1.0)


# --- satisfaction and effort ---


def test_satisfaction_of_ten() -> None:
    row = cv.loyalty.csat(answers([5, 4, 4, 3, 2, 5, 1, 4, 5, 5])).row(0, named=True)
    assert (row["csat"], row["mean"]) == (0.7, 3.8)
    # Wilson's interval of 7 in 10.
    assert (row["low"], row["high"]) == pytest.approx((0.3968, 0.8922), abs=5e-5)


def test_satisfied_without_exception_is_no_certainty() -> None:
    row = cv.loyalty.csat(answers([5] * 4)).row(0, named=True)
    assert row["high"] == 1.0
    assert row["low"] == pytest.approx(4 / (4 + Z * Z))


def test_effort_has_a_direction() -> None:
    frame = answers([7, 6, 4, 1])
    easy = cv.loyalty.ces(frame, scale=(1, 7), higher_is_easier=True).row(0, named=True)
    hard = cv.loyalty.ces(frame, scale=(1, 7), higher_is_easier=False).row(0, named=True)
    assert (easy["easy"], easy["hard"], easy["net_easy"]) == (0.5, 0.25, 25.0)
    assert (hard["easy"], hard["hard"], hard["net_easy"]) == (0.25, 0.5, -25.0)
    assert easy["mean"] == hard["mean"] == 4.5
    assert easy["ease"] + hard["ease"] == pytest.approx(100.0)


@pytest.mark.parametrize("scale", [(5, 1), (1, 1)])
def test_a_scale_has_a_lower_and_an_upper_end(scale: tuple[int, int]) -> None:
    with pytest.raises(cv.OptionError, match="lowest, highest"):
        cv.loyalty.csat(answers([1]), scale=scale)
    with pytest.raises(cv.OptionError, match="top boxes"):
        cv.loyalty.csat(answers([1]), scale=(1, 5), top=5)


# --- who answered last ---

ASKED = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 3, 3, 4],
        "answered_at": [date(2024, m, 5) for m in (1, 3, 3, 2, 2, 6)],
        "score": [2.0, 9.0, None, 4.0, 7.0, 1.0],
    }
)


def test_the_last_answer_counts_and_silence_is_kept() -> None:
    latest = cv.loyalty.latest_responses(ASKED, as_of=date(2024, 3, 31))
    assert latest.rows() == [
        (1, date(2024, 3, 5), 9.0),
        (2, None, None),
        (3, date(2024, 2, 5), 5.5),
    ]
    assert_frame_equal(
        cv.loyalty.latest_responses(ASKED.reverse(), as_of=date(2024, 3, 31)), latest
    )
    assert cv.loyalty.nps(ASKED.head(3))["response_rate"].item() == pytest.approx(2 / 3)


def test_a_window_forgets_old_answers() -> None:
    latest = cv.loyalty.latest_responses(ASKED, as_of=date(2024, 3, 31), window="30d")
    assert latest["customer_id"].to_list() == [1, 2]
    edge = cv.loyalty.latest_responses(ASKED.head(1), as_of=date(2024, 2, 4), window="30d")
    assert edge.height == 0  # 30 days ago
    assert (
        cv.loyalty.latest_responses(ASKED.head(1), as_of=date(2024, 2, 3), window="30d").height == 1
    )


def test_answers_of_nobody_are_refused() -> None:
    bad = ASKED.with_columns(customer_id=pl.lit(None, pl.Int64), answered_at=pl.lit(None, pl.Date))
    with pytest.raises(cv.DataError, match=r"6 rows with no customer_id.*; 6 rows with no"):
        cv.loyalty.latest_responses(bad, as_of=date(2024, 3, 31))


def test_words_and_groups_are_checked() -> None:
    frame = answers([10, 0], nps=["a", "b"])
    with pytest.raises(cv.CustomerValueError, match="rename them: nps"):
        cv.loyalty.nps(frame, by=["nps"])
    with pytest.raises(cv.CustomerValueError, match="interval_method must be one of"):
        cv.loyalty.nps(frame, interval_method="wilson")  # type: ignore[arg-type]


def test_groups_are_a_text_or_texts() -> None:
    frame = answers([10, 0, 4], tier=["a", "b", "b"])
    assert_frame_equal(cv.loyalty.nps(frame, by="tier"), cv.loyalty.nps(frame, by=["tier"]))
    small = frame.with_columns(score=3)
    assert cv.loyalty.csat(small, by="tier")["tier"].to_list() == ["a", "b"]
    effort = cv.loyalty.ces(small, scale=(1, 5), higher_is_easier=True, by="tier")
    assert effort["asked"].to_list() == [1, 2]


def test_times_are_days_and_those_with_a_zone_need_one() -> None:
    late = pl.Series(["2024-03-05 23:30"]).str.to_datetime()
    asked = pl.DataFrame({"customer_id": [1], "answered_at": late, "score": [9]})
    latest = cv.loyalty.latest_responses(asked, as_of=date(2024, 3, 31))
    assert latest["answered_at"].to_list() == [date(2024, 3, 5)]
    zoned = asked.with_columns(pl.col("answered_at").dt.replace_time_zone("UTC"))
    with pytest.raises(cv.OptionError, match="have the zone UTC; say in which zone a day begins"):
        cv.loyalty.latest_responses(zoned, as_of=date(2024, 3, 31))
    with pytest.raises(cv.OptionError, match="tz must be a time zone"):
        cv.loyalty.latest_responses(zoned, as_of=date(2024, 3, 31), tz="Berlin")
    latest = cv.loyalty.latest_responses(zoned, as_of=date(2024, 3, 31), tz="Europe/Berlin")
    assert latest["answered_at"].to_list() == [date(2024, 3, 6)]
    pandas = asked.with_columns(pl.col("answered_at").dt.truncate("1d")).to_pandas()
    assert cv.loyalty.latest_responses(pandas, as_of=date(2024, 3, 31))["score"].item() == 9.0
