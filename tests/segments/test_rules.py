from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.rfm import RFM_EIGHT_TYPES, RFM_GRID_25

NAMES = [segment.name for segment in cv.RFM_LIST_125.segments]
SCHEMA: Any = {
    "segment": pl.String,
    "recency_days": pl.Int64,
    "purchases": pl.Int64,
    "revenue": pl.Float64,
}

customers = st.lists(
    st.tuples(
        st.sampled_from([None, "other", "champions", "lost", "at_risk"]),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(1, 4),
        st.none() | st.sampled_from([0.1, 0.2, 0.3, -5.0, 1e15, 3.0]),
    ),
    max_size=20,
)


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@given(rows=customers, seed=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_profile_is_a_count_by_hand(rows: list[tuple[Any, ...]], seed: int) -> None:
    segmented = frame(rows)
    profile = cv.profile_segments(segmented, rules="rfm_list_125")
    present = {row[0] for row in rows}
    assert profile["segment"].to_list() == [
        *NAMES, *(name for name in ("other", None) if name in present)
    ]  # fmt: skip
    grand = sum(Fraction(str(row[3])) for row in rows if row[3] is not None)
    for row in profile.iter_rows(named=True):
        own = [r for r in rows if r[0] == row["segment"]]
        known = [r[3] for r in own if r[3] is not None]
        money = sum(Fraction(str(value)) for value in known)
        assert row["customers"] == len(own)
        assert row["customer_share"] == (len(own) / len(rows) if rows else None)
        assert row["value_total"] == (float(money) if known or not own else None)
        share = pytest.approx(float(money / grand), rel=1e-15, abs=1e-15) if grand > 0 else None
        assert row["value_share"] == (share if known or not own else None)
        for place, name in enumerate(("recency_days", "purchases", "value"), 1):
            told = [r[place] for r in own if r[place] is not None]
            middle = pytest.approx(median(told), rel=1e-15) if told else None
            assert row[f"{name}_median"] == middle
    if rows:
        assert profile["customer_share"].sum() == pytest.approx(1, rel=1e-15)
    shuffled = segmented.sample(fraction=1, shuffle=True, seed=seed)
    assert cv.profile_segments(shuffled, rules="rfm_list_125").equals(profile)
    assert cv.profile_segments(segmented.lazy(), rules="rfm_list_125").equals(profile)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_actions_say_what_to_do_in_the_language_of_the_names(locale: Any) -> None:
    everybody = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    scored = cv.score_rfm(everybody, cv.fit_rfm(everybody))
    segmented = cv.segment_rfm(scored, rules="rfm_grid_25", locale=locale)
    profile = cv.profile_segments(segmented, rules="rfm_grid_25", locale=locale)
    first = RFM_GRID_25.segments[0]
    named = {"en": (first.name, first.action), "zh": (first.name_zh, first.action_zh)}[locale]
    assert profile.select("segment", "action").row(0) == named
    assert profile["action"].null_count() == 0
    assert profile["customers"].sum() == everybody.height
    assert profile["customer_share"].sum() == pytest.approx(1)
    assert profile["value_share"].sum() == pytest.approx(1)
    cents = round(100 * math.fsum(everybody["revenue"]))
    assert round(100 * math.fsum(profile["value_total"])) == cents


def test_conditions_have_a_profile_without_actions() -> None:
    segmented = frame([("big", 1, 2, 50.0), ("other", 9, 1, 1.0)])
    rules = {"big": pl.col("revenue") > 9, "none": pl.lit(value=False)}
    profile = cv.profile_segments(segmented, rules=rules)
    assert profile.select("segment", "customers", "action").rows() == [
        ("big", 1, None),
        ("none", 0, None),
        ("other", 1, None),
    ]


def test_nobody_has_a_profile_of_zeros() -> None:
    profile = cv.profile_segments(frame([]), rules=RFM_EIGHT_TYPES)
    assert profile["customers"].to_list() == [0] * 8
    assert profile["value_total"].to_list() == [0.0] * 8
    assert profile.select("customer_share", "value_share").null_count().row(0) == (8, 8)


def test_what_cannot_be_profiled_is_refused() -> None:
    with pytest.raises(cv.DataError, match="the rules do not have: rich, 冠军客户"):
        cv.profile_segments(
            frame([("rich", 1, 1, 1.0), ("冠军客户", 1, 1, 1.0)]), rules="rfm_list_125"
        )
    with pytest.raises(cv.DataError, match="1 row with NaN"):
        cv.profile_segments(frame([("lost", 1, 1, math.nan)]), rules="rfm_list_125")
    with pytest.raises(cv.DataError, match="1 row with values too large to sum"):
        cv.profile_segments(frame([("lost", 1, 1, 1e30)]), rules="rfm_list_125")
    with pytest.raises(cv.SchemaError, match="missing column 'segment'"):
        cv.profile_segments(frame([]).drop("segment"), rules="rfm_list_125")
    with pytest.raises(cv.CustomerValueError, match="conditions have no Chinese name of big"):
        cv.profile_segments(frame([]), rules={"big": pl.lit(value=True)}, locale="zh")


def test_all_bad_columns_are_named_at_once() -> None:
    bad = pl.DataFrame(
        {
            "segment": ["champions", "lost"],
            "recency_days": [float("nan"), 1.0],
            "purchases": [float("inf"), 1.0],
            "revenue": [float("nan"), 2.0],
        }
    )
    with pytest.raises(cv.DataError) as caught:
        cv.profile_segments(bad, rules="rfm_list_125")
    assert all(name in str(caught.value) for name in ("recency_days", "purchases", "revenue"))
    with pytest.raises(cv.DataError) as caught:
        cv.profile_segments(bad, by=["segment"])
    assert all(name in str(caught.value) for name in ("recency_days", "purchases", "revenue"))
