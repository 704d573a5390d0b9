from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv


def learned(frame: Any, **options: Any) -> cv.clv.ConformalModel:
    return cv.clv.fit_conformal(
        frame, prediction="guess", actual="came", **({"breaks": [0, 2]} | options)
    )


def customers(n: int, seed: int) -> pl.DataFrame:
    """Skewed, of unequal spread, and the guess is bad: the guarantee asks for none of it."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(2.0, n).astype(float)
    came = rng.gamma(0.5, 1.0 + x**2)
    return pl.DataFrame({"repeat_purchases": x, "guess": 3.0 * x, "came": came})


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_coverage_in_every_group(confidence: float) -> None:
    """Over many small holdouts, each with a new sample: at least the confidence, hardly more."""
    inside = []
    for seed in range(60):
        fitted = learned(customers(400, seed), confidence=confidence)
        new = cv.clv.add_conformal_interval(customers(400, 10_000 + seed), fitted)
        inside.append(
            new.with_columns(
                group=pl.col("repeat_purchases").clip(0, 3).replace(2, 1),
                hit=pl.col("came").is_between("guess_low", "guess_high"),
            )
        )
    by_group = pl.concat(inside).group_by("group").agg(pl.col("hit").mean(), n=pl.len())
    assert by_group.height == 3
    for hit in by_group["hit"]:
        assert confidence - 0.012 <= hit <= confidence + 0.035


@settings(max_examples=30, deadline=None)
@given(
    errors=st.lists(st.floats(-100, 100), min_size=1, max_size=40),
    confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95]),
)
def test_the_half_width_is_the_finite_sample_quantile(
    errors: list[float], confidence: float
) -> None:
    n = len(errors)
    frame = pl.DataFrame({"repeat_purchases": [1] * n, "guess": [0.0] * n, "came": errors})
    found = learned(frame, confidence=confidence).groups[1]
    rank = next((k for k in range(1, n + 1) if k / (n + 1) >= confidence - 1e-12), None)
    assert found.customers == n
    assert found.radius == (None if rank is None else sorted(map(abs, errors))[rank - 1])


def test_groups_are_closed_above() -> None:
    x = [0.0, 1.0, 2.0, 3.0]
    frame = pl.DataFrame({"repeat_purchases": x, "guess": [0.0] * 4, "came": [1.0, 2.0, 3.0, 4.0]})
    fitted = learned(frame, confidence=0.3)
    assert [(group.upper, group.customers) for group in fitted.groups] == [
        (0, 1),
        (2, 2),
        (None, 1),
    ]
    assert cv.clv.add_conformal_interval(frame, fitted)["guess_high"].to_list() == [
        1.0,
        2.0,
        2.0,
        4.0,
    ]


def test_nothing_goes_below_the_lowest_value() -> None:
    frame = customers(500, 1)
    bounded = cv.clv.add_conformal_interval(frame, learned(frame, lowest=0))
    free = cv.clv.add_conformal_interval(frame, learned(frame))
    assert (free["guess_low"] < 0).any()
    assert (bounded["guess_low"] == free["guess_low"].clip(0)).all()
    assert (bounded["guess_high"] == free["guess_high"]).all()
    with pytest.raises(cv.CustomerValueError, match="'came' is as low as"):
        learned(frame.with_columns(came=pl.col("came") - 10), lowest=0)


def test_order_changes_nothing_and_lazy_is_eager() -> None:
    frame = customers(300, 2)
    fitted = learned(frame)
    assert learned(frame.sample(fraction=1, shuffle=True, seed=1).lazy()) == fitted
    lazy: Any = cv.clv.add_conformal_interval(frame.lazy(), fitted)
    assert_frame_equal(
        lazy.collect(), cv.clv.add_conformal_interval(frame, fitted), check_exact=True
    )


def test_unknown_values_are_left_out_and_stay_unknown() -> None:
    frame = customers(100, 3)
    holes = pl.DataFrame(
        {"repeat_purchases": [None, 1.0, 1.0], "guess": [1.0, None, 1.0], "came": [1.0, 1.0, None]}
    )
    fitted = learned(pl.concat([frame, holes]))
    assert fitted.left_out == 3
    assert fitted.groups == learned(frame).groups
    scored = cv.clv.add_conformal_interval(holes, fitted)
    assert scored["guess_low"].is_null().to_list() == [True, True, False]


def test_too_few_customers_have_no_interval() -> None:
    frame = customers(18, 4).with_columns(repeat_purchases=pl.lit(0.0))
    fitted = learned(frame)
    assert [group.radius for group in fitted.groups] == [None] * 3
    assert cv.clv.add_conformal_interval(frame, fitted)["guess_high"].null_count() == 18
    empty = learned(frame.head(0))
    assert [group.customers for group in empty.groups] == [0, 0, 0]


def test_it_is_plain_json() -> None:
    fitted = learned(customers(300, 5))
    assert cv.clv.ConformalModel.model_validate_json(fitted.model_dump_json()) == fitted


def test_bad_input_is_refused() -> None:
    frame = customers(50, 6)
    with pytest.raises(ValueError, match="less than 1"):
        learned(frame, confidence=1.0)
    with pytest.raises(cv.CustomerValueError, match="breaks must rise"):
        learned(frame, breaks=[2, 2])
    with pytest.raises(cv.SchemaError, match="'guess', 'came'"):
        learned(frame.drop("guess", "came"))
    bad = frame.with_columns(came=pl.when(pl.col("came") > 1).then(math.inf).otherwise("came"))
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        learned(bad)
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.clv.add_conformal_interval(bad.with_columns(guess=math.nan), learned(frame))


def test_any_column_may_group() -> None:
    frame = customers(400, 7)
    fitted = learned(frame, group="guess", breaks=[0.0, 6.0])
    by_x = learned(frame)
    assert [g.radius for g in fitted.groups] == [g.radius for g in by_x.groups]
    alone = learned(frame, breaks=[])
    assert [(g.upper, g.customers) for g in alone.groups] == [(None, 400)]
