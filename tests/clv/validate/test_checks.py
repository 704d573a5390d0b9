from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv

ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.floats(-50, 200, allow_subnormal=False)),
    min_size=0,
    max_size=30,
)


def spenders(x: Any, spend: Any) -> pl.DataFrame:
    schema = {"repeat_purchases": pl.Int64, "repeat_spend": pl.Float64}
    return pl.DataFrame({"repeat_purchases": x, "repeat_spend": spend}, schema=schema)


def histories(n: int, x: int, t_x: float, age: float) -> pl.DataFrame:
    return pl.DataFrame({"repeat_purchases": [x] * n, "t_x": [t_x] * n, "T": [age] * n})


def test_correlation_of_cdnow(cdnow: pl.DataFrame) -> None:
    found = cv.clv.spend_frequency_correlation(cdnow)
    repeaters = cdnow.filter(pl.col("repeat_purchases") > 0)
    expected = np.corrcoef(repeaters["repeat_purchases"], repeaters["repeat_spend"])[0, 1]
    assert found.correlation == pytest.approx(expected, rel=1e-12)
    assert round(found.correlation or 0.0, 3) == 0.114
    assert found.customers == 946
    assert found.verdict.startswith("weak: frequent customers spend somewhat more")


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_correlations_are_those_of_numpy_and_polars(rows: list[tuple[int, float]]) -> None:
    frame = spenders([x for x, _ in rows], [round(m, 3) for _, m in rows])
    found = cv.clv.spend_frequency_correlation(frame)
    known = frame.filter(pl.col("repeat_purchases") > 0)
    x, spend = known["repeat_purchases"].to_numpy(), known["repeat_spend"].to_numpy()
    assert found.customers == x.size
    if len(set(x)) < 2 or len(set(spend)) < 2:
        assert found.correlation is found.rank_correlation is found.low is None
        assert found.verdict.startswith("not known")
        return
    assert found.correlation == pytest.approx(np.corrcoef(x, spend)[0, 1], abs=1e-9)
    ranks = known.select(pl.corr("repeat_purchases", "repeat_spend", method="spearman")).item()
    assert found.rank_correlation == pytest.approx(ranks, abs=1e-9)


def test_interval_covers_and_one_time_customers_do_not_count() -> None:
    rng = np.random.default_rng(4)
    hits, frame = 0, spenders([], [])
    for _ in range(300):
        shared, own = rng.normal(size=(2, 60))
        x = np.floor(np.exp(3 + 0.1 * shared))  # nearly normal, in whole numbers
        frame = spenders(x.astype(int), 50 + 0.4 * shared + math.sqrt(0.84) * own)
        found = cv.clv.spend_frequency_correlation(frame)
        assert found.low is not None
        assert found.high is not None
        hits += found.low < 0.4 < found.high
    assert 0.91 < hits / 300 < 0.985
    found = cv.clv.spend_frequency_correlation(frame)
    with_zeros = pl.concat([frame, spenders([0] * 50, [1e6] * 50), spenders([None, 2], [1, None])])
    assert cv.clv.spend_frequency_correlation(with_zeros) == found


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (0.05, "next to none"),
        (0.2, "weak: frequent customers spend somewhat more"),
        (-0.4, "moderate: frequent customers spend less"),
        (0.9, "strong: frequent customers spend much more"),
        (-0.9, "strong: frequent customers spend much less, and the value of the best is over"),
    ],
)
def test_words_follow_the_correlation(slope: float, words: str) -> None:
    x = np.tile(np.arange(1, 21), 2)
    noise = np.concatenate([np.ones(20), -np.ones(20)])  # not correlated with x
    spend = slope * (x - 10.5) / x.std() + math.sqrt(1 - slope * slope) * noise
    found = cv.clv.spend_frequency_correlation(spenders(x, spend + 10))
    assert found.correlation == pytest.approx(slope)
    assert found.verdict.startswith(words)


def test_correlation_keeps_to_scale_order_and_extremes() -> None:
    rng = np.random.default_rng(1)
    frame = spenders(rng.integers(1, 9, 50), rng.gamma(2.0, 20.0, 50))
    found = cv.clv.spend_frequency_correlation(frame)
    shuffled: Any = frame.sample(fraction=1, shuffle=True, seed=3).lazy()
    assert cv.clv.spend_frequency_correlation(shuffled) == found
    large = cv.clv.spend_frequency_correlation(frame.with_columns(pl.col("repeat_spend") * 1e18))
    assert large.correlation == pytest.approx(found.correlation, rel=1e-12)
    line = cv.clv.spend_frequency_correlation(spenders([1, 2, 3, 4], [10.0, 20.0, 30.0, 40.0]))
    assert line.correlation == pytest.approx(1.0)
    assert line.low is not None
    assert 0.99 < line.low <= 1.0
    few = cv.clv.spend_frequency_correlation(spenders([1, 2], [10.0, 20.0]))
    assert few.correlation == pytest.approx(1.0)
    assert few.low is None


def test_bad_spends_are_refused(cdnow: pl.DataFrame) -> None:
    with pytest.raises(cv.SchemaError, match="'repeat_spend'"):
        cv.clv.spend_frequency_correlation(cdnow.drop("repeat_spend"))
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        cv.clv.spend_frequency_correlation(spenders([1, 2], [math.inf, 1.0]))
    with pytest.raises(cv.DataError, match="too large"):
        cv.clv.spend_frequency_correlation(spenders([1, 2], [1e200, 1.0]))
    with pytest.raises(cv.DataError, match="not 0, 1, 2"):
        cv.clv.spend_frequency_correlation(spenders([-1, 2], [1.0, 1.0]))


def test_numbers_of_cdnow(cdnow: pl.DataFrame) -> None:
    found = cv.clv.data_sufficiency(cdnow)
    assert (found.customers, found.repeaters, found.repeat_purchases) == (2357, 946, 2457)
    assert found.one_time_share == 1411 / 2357
    assert found.gap_days == pytest.approx(cdnow["t_x"].sum() / 2457)
    assert found.history_days == cdnow["T"].median()
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("60 % of the customers have no repeat purchase")
    relaxed = cv.clv.data_sufficiency(cdnow, options=cv.clv.SufficiencyOptions(one_time_share=0.6))
    assert relaxed.warnings == ()
    assert str(relaxed) == "2,357 customers, 946 with 2,457 repeat purchases"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (histories(499, 2, 200.0, 400.0), "only 499 customers, fewer than 500"),
        (
            pl.concat([histories(99, 1, 200.0, 900.0), histories(501, 0, 0.0, 900.0)]),
            "only 99 customers with a repeat purchase, fewer than 100",
        ),
        (histories(600, 0, 0.0, 300.0), "100 % of the customers have no repeat purchase"),
        (histories(600, 1, 100.0, 250.0), "histories of 250 days hold 2.5 gaps of 100 days"),
        (histories(600, 200, 399.0, 400.0), "100.0 % of the customers buy on every other day"),
    ],
)
def test_each_shortage_is_told(frame: pl.DataFrame, words: str) -> None:
    assert any(words in warning for warning in cv.clv.data_sufficiency(frame).warnings)


def test_enough_is_no_warning() -> None:
    assert cv.clv.data_sufficiency(histories(500, 2, 200.0, 400.0)).warnings == ()
    assert cv.clv.data_sufficiency(histories(500, 199, 399.0, 400.0)).warnings == ()


def test_nobody_and_unknown_customers() -> None:
    nobody = cv.clv.data_sufficiency(histories(0, 0, 0.0, 0.0).cast(pl.Float64))
    assert (nobody.customers, nobody.one_time_share, nobody.history_days) == (0, None, None)
    assert len(nobody.warnings) == 2
    frame = histories(3, 1, 10.0, 20.0)
    holes = frame.with_columns(t_x=pl.lit(None, pl.Float64))
    found = cv.clv.data_sufficiency(pl.concat([frame, holes]).lazy())
    assert (found.customers, found.unknown) == (3, 3)
    assert found.gaps_per_history == 2.0
    on_the_day = cv.clv.data_sufficiency(histories(3, 0, 0.0, 0.0))
    assert (on_the_day.history_days, on_the_day.gap_days, on_the_day.regular_share) == (0, None, 0)


def test_bad_histories_and_limits_are_refused() -> None:
    with pytest.raises(cv.SchemaError, match="'T'"):
        cv.clv.data_sufficiency(histories(3, 1, 10.0, 20.0).drop("T"))
    with pytest.raises(cv.DataError, match="3 rows with t_x outside"):
        cv.clv.data_sufficiency(histories(3, 1, 30.0, 20.0))
    with pytest.raises(ValueError, match="less than or equal to 1"):
        cv.clv.SufficiencyOptions(one_time_share=2)


def test_a_short_calibration_is_told() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 3, 31))
    assert any("take a longer" in words for words in cv.clv.data_sufficiency(customers).warnings)
