from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv

DAY = date(2024, 6, 30)
histories = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 300), st.integers(0, 200)), min_size=1, max_size=8
)


def frame(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "last_purchase": [DAY - timedelta(days=recency) for _, _, recency in rows],
            "recency_days": [recency for _, _, recency in rows],
            "repeat_purchases": [x for x, _, _ in rows],
            "t_x": [float(t_x if x else 0) for x, t_x, _ in rows],
        }
    )


@given(rows=histories)
@settings(max_examples=60, deadline=None)
def test_by_hand(rows: list[tuple[int, int, int]]) -> None:
    rhythm = cv.lifecycle.purchase_rhythm(frame(rows))
    gaps = sum(x for x, _, _ in rows)
    typical = sum(t for x, t, _ in rows if x) / gaps if gaps else None
    for (x, t_x, recency), row in zip(rows, rhythm.iter_rows(named=True), strict=True):
        gap = None if typical is None else ((t_x if x else 0) + typical) / (x + 1)
        if not gap:
            assert row["usual_gap_days"] is row["next_purchase_due"] is row["silence"] is None
            continue
        assert row["usual_gap_days"] == pytest.approx(gap)
        assert row["silence"] == pytest.approx(recency / gap)
        wait = math.ceil(row["usual_gap_days"])
        assert row["next_purchase_due"] == row["last_purchase"] + timedelta(days=wait)
        assert row["overdue_days"] == max(0, recency - wait)
    back = cv.lifecycle.purchase_rhythm(frame(rows[::-1]).lazy()).collect()
    assert_frame_equal(back.reverse(), rhythm)


def test_it_is_the_silence_that_stages_judge_by() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    rhythm = cv.lifecycle.purchase_rhythm(cv.assign_stages(customers))
    lost = rhythm.filter(pl.col("silence") >= 4)
    assert set(lost["stage"]) == {"lost"}
    assert rhythm.filter(pl.col("stage") == "lost").height == lost.height


def test_who_never_bought_and_who_is_far_ahead() -> None:
    never = frame([(1, 10, 0)]).with_columns(
        pl.lit(None, pl.Date).alias("last_purchase"),
        pl.lit(None, pl.Int64).alias("repeat_purchases"),
    )
    assert cv.lifecycle.purchase_rhythm(never)["next_purchase_due"].to_list() == [None]
    rules = cv.StageOptions(typical_gap_days=1e30)
    assert cv.lifecycle.purchase_rhythm(frame([(0, 0, 0)]), options=rules)[
        "overdue_days"
    ].to_list() == [0]


def test_ages_must_be_numbers() -> None:
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.lifecycle.purchase_rhythm(frame([(1, 10, 0)]).with_columns(t_x=pl.lit(math.nan)))
