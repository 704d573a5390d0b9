from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from golden import golden

GOLDEN = golden("clv")
PUBLISHED = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def customer(history: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "repeat_purchases": [history["repeat_purchases"]],
            "t_x": [history["t_x_weeks"] * 7],
            "T": [history["T_weeks"] * 7],
        }
    )


def test_published_customer_at_rounded_parameters() -> None:
    expected = GOLDEN["expected_purchases_39"]
    frame, model = customer(expected["history"]), cv.BgNbd(**expected["parameters"])
    purchases = cv.expected_purchases(frame, model, horizon=expected["horizon"])
    alive = cv.probability_alive(frame, model)
    assert purchases["expected_purchases"].item() == pytest.approx(
        expected["expected_purchases"], abs=1e-8
    )
    assert alive["p_alive"].item() == pytest.approx(expected["p_alive"], abs=1e-8)


def test_published_customer_1516(bg: cv.BgNbd) -> None:
    expected = GOLDEN["customer_1516"]
    frame = customer(expected["history"])
    purchases = cv.expected_purchases(frame, bg, horizon=expected["horizon"])
    assert purchases["expected_purchases"].item() == pytest.approx(
        expected["expected_purchases"], rel=1e-4
    )
    assert cv.probability_alive(frame, bg)["p_alive"].item() == pytest.approx(
        expected["p_alive"], rel=1e-5
    )


def test_increasing_frequency_paradox(bg: cv.BgNbd) -> None:
    expected = GOLDEN["increasing_frequency_paradox"]
    frame = pl.DataFrame({"repeat_purchases": expected["x"], "t_x": [140.0] * 4, "T": [273.0] * 4})
    purchases = cv.expected_purchases(frame, bg, horizon=expected["horizon"])
    assert purchases["expected_purchases"].to_list() == pytest.approx(
        expected["expected_purchases"], rel=1e-4
    )


def test_published_aggregates(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    expected = GOLDEN["aggregates"]
    predicted = cv.expected_purchases(cdnow, bg, horizon="39w")["expected_purchases"]
    alive = cv.probability_alive(cdnow, bg)["p_alive"]
    assert predicted.sum() == pytest.approx(expected["expected_holdout"], abs=2e-3)
    assert alive.mean() == pytest.approx(expected["mean_p_alive"], abs=1e-5)
    new = cv.clv.expected_purchases_new_customer(bg, horizon="52w")
    assert new == pytest.approx(expected["new_customer_52w"], abs=2e-5)


def test_log_likelihood_adds_up_to_that_of_the_fit(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    assert bg.fit is not None
    total = cv.clv.log_likelihood(cdnow, bg)["log_likelihood"].sum()
    assert total == pytest.approx(bg.fit.log_likelihood, rel=1e-12)


def test_a_model_from_json_scores_a_frame_that_it_never_saw(bg: cv.BgNbd) -> None:
    stranger = pl.DataFrame({"repeat_purchases": [7], "t_x": [10.0], "T": [1000.0]})
    stored = cv.load_model(bg.model_dump_json())
    assert isinstance(stored, cv.BgNbd)
    assert_frame_equal(cv.probability_alive(stranger, stored), cv.probability_alive(stranger, bg))


def test_the_dead_and_the_living_make_one(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    none = cv.purchase_probability(cdnow, bg, horizon="39w", n=0)["purchase_probability"]
    some = cv.purchase_probability(cdnow, bg, horizon="39w")["purchase_probability"]
    assert (none + some).to_list() == pytest.approx([1.0] * cdnow.height, abs=1e-12)
    buyers = (cdnow["holdout_purchases"] > 0).sum()
    assert some.sum() == pytest.approx(buyers, rel=0.1)  # what happened in the 39 weeks


def test_expected_number_is_the_sum_of_reaching_each(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    frame = cdnow.filter(pl.col("repeat_purchases") < 4).head(50)
    reached = sum(
        cv.purchase_probability(frame, bg, horizon="39w", at_least=k)["purchase_probability"]
        for k in range(1, 150)
    )
    assert isinstance(reached, pl.Series)
    expected = cv.expected_purchases(frame, bg, horizon="39w")["expected_purchases"]
    assert reached.to_list() == pytest.approx(expected.to_list(), rel=1e-6)


def test_at_least_of_a_model_that_has_only_exact_probabilities(bg: cv.BgNbd) -> None:
    at = np.array([2.0, 0.0]), np.array([213.0, 0.0]), np.array([272.0, 10.0])
    for n in (1, 2, 5):
        plain = cv.clv.PurchaseModel.at_least_probability(bg, *at, 273.0, n)
        assert plain == pytest.approx(bg.at_least_probability(*at, 273.0, n), abs=1e-12)


def test_alive_later_falls_from_alive_now(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    frame = cdnow.head(200)
    now = cv.probability_alive(frame, bg)["p_alive"]
    for horizon in ("1d", "1y", "20y"):
        later = cv.probability_alive(frame, bg, horizon=horizon)["p_alive_later"]
        assert (later < now).all()
        now = later


def test_next_purchase_is_a_day_or_none(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    """A customer seldom seen waits longer; one who is probably gone has no such day."""
    early, late = (
        cv.clv.next_purchase_quantile(cdnow, bg, q=q)["next_purchase_days"] for q in (0.2, 0.6)
    )
    both = early.is_not_null() & late.is_not_null()
    assert (early.filter(both) < late.filter(both)).all()
    alive = cv.probability_alive(cdnow, bg)["p_alive"]
    assert ((alive > 0.6) == late.is_not_null()).all()
    dated = cv.clv.next_purchase_quantile(cdnow.lazy(), bg, q=0.2).with_columns(
        next_purchase=pl.col("as_of") + pl.duration(days=pl.col("next_purchase_days").ceil())
    )
    assert dated.collect_schema()["next_purchase"] == pl.Date
    assert (dated.collect()["next_purchase"].drop_nulls() > date(1997, 9, 30)).all()


def test_new_customer_is_one_of_age_zero() -> None:
    frame = pl.DataFrame({"repeat_purchases": [0], "t_x": [0.0], "T": [0.0]})
    for n in (0, 1, 5):
        known = cv.purchase_probability(frame, PUBLISHED, horizon="39w", n=n)
        new = cv.clv.purchase_probability_new_customer(PUBLISHED, horizon="39w", n=n)
        assert known["purchase_probability"].item() == pytest.approx(new, rel=1e-14)


def test_impossible_questions_are_refused() -> None:
    frame = pl.DataFrame({"repeat_purchases": [0], "t_x": [0.0], "T": [0.0]})
    ask: Any = lambda **terms: cv.purchase_probability(frame, PUBLISHED, **terms)  # noqa: E731
    for terms in ({"n": -1}, {"n": 1.5}, {"at_least": 0}, {"n": float("nan")}):
        with pytest.raises(cv.CustomerValueError, match="whole number from"):
            ask(horizon="1y", **terms)
    with pytest.raises(cv.CustomerValueError, match="not both"):
        ask(horizon="1y", n=1, at_least=1)
    with pytest.raises(cv.CustomerValueError, match="not a duration"):
        ask(horizon=12)
    for q in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(cv.CustomerValueError, match="above 0 and below 1"):
            cv.clv.next_purchase_quantile(frame, PUBLISHED, q=q)


def test_a_model_may_read_columns_of_its_own() -> None:
    """As a model with covariates or one that counts opportunities does."""

    class Scaled(cv.BgNbd, frozen=True):
        history = (*cv.BgNbd.history, "speed")

        def probability_alive(self, *at: Any) -> Any:
            x, t_x, age, speed = at[:4]
            return super().probability_alive(x, t_x * speed, age * speed, *at[4:])

    frame = pl.DataFrame({"repeat_purchases": [2], "t_x": [30.0], "T": [40.0], "speed": [2.0]})
    model = Scaled(**PUBLISHED.model_dump())
    twice = frame.with_columns(pl.col("t_x", "T") * 2)
    assert (
        cv.probability_alive(frame, model)["p_alive"].item()
        == cv.probability_alive(twice, PUBLISHED)["p_alive"].item()
    )
    with pytest.raises(cv.SchemaError, match="missing column 'speed'"):
        cv.probability_alive(frame.drop("speed"), model)
    with pytest.raises(cv.DataError, match="t_x outside"):
        cv.probability_alive(frame.with_columns(T=pl.lit(1.0)), model)


def test_lazy_equals_eager(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    lazy = cv.probability_alive(cdnow.lazy(), bg)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), cv.probability_alive(cdnow, bg), check_exact=True)


def test_order_and_other_columns_are_kept(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    shuffled = cdnow.sample(fraction=1, shuffle=True, seed=1)
    scored = cv.probability_alive(shuffled, bg)
    assert_frame_equal(scored.drop("p_alive"), shuffled)
    assert_frame_equal(
        scored.sort("customer_id"), cv.probability_alive(cdnow, bg), check_exact=True
    )


def test_unknown_history_gives_null_in_its_place() -> None:
    frame = pl.DataFrame(
        {"repeat_purchases": [0, None, 3], "t_x": [0.0, None, 20.0], "T": [30.0, None, 60.0]}
    )
    alive = cv.probability_alive(frame, PUBLISHED)["p_alive"]
    assert alive.is_null().to_list() == [False, True, False]
    assert alive[0] == 1.0
    assert 0 < alive[2] < 1


def test_impossible_history_is_refused_when_computed() -> None:
    frame = pl.DataFrame({"repeat_purchases": [1], "t_x": [50.0], "T": [40.0]})
    with pytest.raises(cv.DataError, match=r"1 row with t_x outside 0 .. T"):
        cv.probability_alive(frame, PUBLISHED)
    with pytest.raises(cv.DataError, match=r"1 row with t_x outside 0 .. T"):
        cv.probability_alive(frame.lazy(), PUBLISHED).collect()


def test_more_purchases_than_any_customer_makes_are_refused() -> None:
    frame = pl.DataFrame({"repeat_purchases": [1e7, 1e300], "t_x": [9.0, 9.0], "T": [9.0, 9.0]})
    with pytest.raises(cv.DataError, match="1 row with more than 10,000,000 repeat_purchases"):
        cv.clv.log_likelihood(frame, PUBLISHED)
    assert cv.clv.log_likelihood(frame.head(1), PUBLISHED)["log_likelihood"].is_finite().all()


def test_missing_columns_are_all_named() -> None:
    with pytest.raises(cv.SchemaError, match="'repeat_purchases', 't_x', 'T'"):
        cv.probability_alive(pl.DataFrame({"x": [1]}), PUBLISHED)


def test_durations_agree() -> None:
    year = 365.25
    same: list[str | timedelta] = ["1y", "12mo", "4q", "365.25d", timedelta(days=year)]
    values = {cv.clv.expected_purchases_new_customer(PUBLISHED, horizon=h) for h in same}
    assert max(values) - min(values) < 1e-12
    wrong: list[str | timedelta] = ["", "12", "m", "-3w", "0d", "12 months", timedelta(0)]
    for bad in wrong:
        with pytest.raises(cv.CustomerValueError, match="duration"):
            cv.clv.expected_purchases_new_customer(PUBLISHED, horizon=bad)


log_parameter = st.floats(-3, 3).map(lambda power: 10.0**power)


models = st.builds(
    cv.BgNbd,
    r=log_parameter,
    alpha=log_parameter,
    a=log_parameter,
    b=log_parameter,
    time_unit=st.just("day"),
)


@given(models, st.integers(0, 5000), st.floats(0, 1e4), st.floats(0, 1))
def test_predictions_are_finite_and_possible(
    model: cv.BgNbd, x: int, age: float, part: float
) -> None:
    frame = pl.DataFrame({"repeat_purchases": [x], "t_x": [age * part if x else 0.0], "T": [age]})
    scored = (
        frame.pipe(cv.probability_alive, model)
        .pipe(cv.expected_purchases, model, horizon="1y")
        .pipe(cv.clv.log_likelihood, model)
        .pipe(cv.probability_alive, model, horizon="1y")
        .pipe(cv.purchase_probability, model, horizon="1y", n=x % 7)
        .pipe(cv.clv.next_purchase_quantile, model)
    )
    for name in ("p_alive_later", "purchase_probability"):
        assert 0 <= scored[name].item() <= 1
    assert 0 < (scored["next_purchase_days"].item() or 1) < float("inf")
    assert 0 <= scored["p_alive"].item() <= 1
    assert 0 <= scored["expected_purchases"].item() < float("inf")
    assert abs(scored["log_likelihood"].item()) < float("inf")
