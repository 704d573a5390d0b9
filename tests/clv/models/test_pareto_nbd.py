from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value._kernels.run.parallel import FloatArray
from customer_value._typing import TimeUnit
from customer_value.clv.base import HISTORY
from customer_value.clv.fit import fitting
from golden import golden

GOLDEN = golden("pareto_nbd")
WEEK = 7.0
YEARLY_15 = math.log(1.15) / 52 / WEEK  # per day


@pytest.fixture(scope="module")
def pn(cdnow: pl.DataFrame) -> cv.ParetoNbd:
    return cv.fit_pareto_nbd(cdnow)


def published(name: str) -> cv.ParetoNbd:
    return cv.ParetoNbd(**GOLDEN[name]["parameters"])


def weeks(x: list[float], t_x: float, T: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Histories in days of customers who are t_x and T weeks old."""
    count = np.array(x, dtype=np.float64)
    return count, np.full(count.size, t_x * WEEK), np.full(count.size, T * WEEK)


def columns(frame: pl.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, t_x, T = (frame[name].cast(pl.Float64).to_numpy() for name in HISTORY)
    return x, t_x, T


def histories(x: list[int], t_x: list[float], age: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"repeat_purchases": x, "t_x": t_x, "T": age},
        schema={"repeat_purchases": pl.Int64, "t_x": pl.Float64, "T": pl.Float64},
    )


def parameters(model: cv.ParetoNbd) -> list[float]:
    return [model.r, model.alpha, model.s, model.beta]


def test_published_fit_to_39_weeks(pn: cv.ParetoNbd) -> None:
    expected = GOLDEN["cdnow_39"]
    assert pn.fit is not None
    assert pn.fit.status == "converged"
    assert pn.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    assert parameters(pn) == pytest.approx(list(expected["parameters"].values()), rel=1e-5)
    assert pn.fit.standard_errors == pytest.approx(expected["standard_errors"], rel=1e-4)
    assert pn.fit.aic == pytest.approx(expected["aic"], abs=1e-3)
    assert pn.fit.bic == pytest.approx(expected["bic"], abs=1e-3)
    assert pn.fit.gradient_norm < 1e-9


def test_published_fit_to_78_weeks() -> None:
    expected = GOLDEN["cdnow_78"]
    model = cv.fit_pareto_nbd(cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)))
    assert model.fit is not None
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    assert parameters(model) == pytest.approx(list(expected["parameters"].values()), rel=1e-5)


def test_published_customers() -> None:
    expected = GOLDEN["customer_1516"]
    model, at = published("customer_1516"), weeks([26], 30.86, 31)
    assert model.probability_alive(*at)[0] == pytest.approx(
        expected["probability_alive"], rel=1e-11
    )
    assert model.expected_purchases(*at, 52 * WEEK)[0] == pytest.approx(
        expected["expected_purchases_52"], rel=1e-11
    )
    alive = published("no_repeat").probability_alive(*weeks([0], 0, 39))[0]
    assert alive == pytest.approx(GOLDEN["no_repeat"]["probability_alive"], rel=1e-8)


def test_increasing_frequency_paradox(pn: cv.ParetoNbd) -> None:
    expected = GOLDEN["increasing_frequency_paradox"]
    got = pn.expected_purchases(*weeks(expected["x"], 20, 39), 52 * WEEK)
    assert got == pytest.approx(expected["expected_purchases_52"], rel=1e-3)


def test_published_purchases_of_a_new_customer(pn: cv.ParetoNbd) -> None:
    expected, model = GOLDEN["new_customer"], published("new_customer")
    got = [model.new_customer_purchases(t * WEEK) for t in expected["weeks"]]
    assert got == pytest.approx(expected["expected_purchases"], rel=1e-7)
    assert pn.new_customer_purchases(52 * WEEK) == pytest.approx(
        expected["expected_purchases_52_at_the_maximum"], abs=1e-6
    )


def test_published_probabilities_of_counts() -> None:
    expected, model = GOLDEN["probability_of_count"], published("probability_of_count")
    for t, n in ((2, 10), (39, 0), (30, 11), (30, 20)):
        got = model.new_customer_probability(t * WEEK, n)
        assert got == pytest.approx(expected[f"P(X({t})={n})"], rel=1e-8), (t, n)
    first, model = GOLDEN["first_customer"], published("first_customer")
    got_all = [model.new_customer_probability(first["T"] * WEEK, n) for n in range(4)]
    assert got_all == pytest.approx(first["probability_of_count"], rel=1e-8)


def test_published_residual_purchases() -> None:
    expected, model = GOLDEN["residual_purchases"], published("residual_purchases")
    rate = expected["delta"] / WEEK
    one = model.discounted_purchases(*weeks([7], 35, 77.86), math.inf, rate)
    assert one[0] == pytest.approx(expected["value"], rel=1e-11)
    many = model.discounted_purchases(*weeks(list(range(1, 11)), 30, 77.86), math.inf, rate)
    assert many == pytest.approx(expected["t_x_30"], rel=1e-8)


def test_published_aggregates(cdnow: pl.DataFrame) -> None:
    expected, at, model = GOLDEN["aggregates"], columns(cdnow), published("first_customer")
    purchases = model.expected_purchases(*at, 39 * WEEK)
    actual = cdnow["holdout_purchases"].to_numpy()
    assert purchases.sum() == pytest.approx(expected["expected_holdout"], abs=5e-4)
    assert np.abs(purchases - actual).mean() == pytest.approx(
        expected["mean_absolute_error"], abs=5e-7
    )
    assert model.probability_alive(*at).mean() == pytest.approx(expected["mean_p_alive"], abs=5e-6)
    value = model.discounted_purchases(*at, math.inf, YEARLY_15)
    assert value.sum() == pytest.approx(expected["residual_purchases"], abs=5e-4)
    by_x = [purchases[np.minimum(at[0], 7) == x].mean() for x in range(8)]
    assert by_x == pytest.approx(expected["by_x"], abs=1e-3)


def test_published_first_customer(cdnow: pl.DataFrame) -> None:
    expected, model = GOLDEN["first_customer"], published("first_customer")
    at = columns(cdnow.sort("customer_id").head(1))
    assert model.probability_alive(*at)[0] == pytest.approx(expected["probability_alive"], rel=1e-8)
    assert model.expected_purchases(*at, 39 * WEEK)[0] == pytest.approx(
        expected["expected_purchases_39"], rel=1e-8
    )
    value = model.discounted_purchases(*at, math.inf, YEARLY_15)[0]
    assert value == pytest.approx(expected["residual_purchases"], rel=1e-8)


def test_where_lifetimes_gives_nan(pn: cv.ParetoNbd) -> None:
    """Its test_conditional_expectation_underflow; and s = 1, where its formula is 0 / 0."""
    regular = np.array([132.0]), np.array([200.0]), np.array([200.0])
    assert 0.99 < pn.probability_alive(*regular)[0] <= 1.0
    assert math.isfinite(pn.log_likelihood(*regular)[0])
    at = weeks([2], 30.43, 38.86)
    below, one, above = (
        cv.ParetoNbd(r=0.55, alpha=10.6, s=s, beta=11.7).expected_purchases(*at, 39 * WEEK)[0]
        for s in (1 - 1e-7, 1, 1 + 1e-7)
    )
    assert below > one > above
    assert one == pytest.approx((below + above) / 2, rel=1e-12)


@pytest.mark.parametrize(("unit", "days"), [("day", 1.0), ("month", 30.4375), ("year", 365.25)])
def test_time_unit_changes_only_the_scale(
    cdnow: pl.DataFrame, pn: cv.ParetoNbd, unit: TimeUnit, days: float
) -> None:
    model = cv.fit_pareto_nbd(cdnow, time_unit=unit)
    assert [model.r, model.alpha * days, model.s, model.beta * days] == pytest.approx(
        [pn.r, pn.alpha * WEEK, pn.s, pn.beta * WEEK], rel=1e-8
    )
    assert model.fit is not None
    total = cv.clv.log_likelihood(cdnow, model)["log_likelihood"].sum()
    assert model.fit.log_likelihood == pytest.approx(total, rel=1e-12)
    at = columns(cdnow)
    value = model.discounted_purchases(*at, 365.0, YEARLY_15)
    assert value == pytest.approx(pn.discounted_purchases(*at, 365.0, YEARLY_15), rel=1e-8)


def test_row_order_changes_no_bit(
    cdnow: pl.DataFrame, pn: cv.ParetoNbd, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = cdnow.sample(fraction=1, shuffle=True, seed=3)
    assert cv.fit_pareto_nbd(shuffled) == pn
    assert cv.fit_pareto_nbd(cdnow.lazy()) == pn
    monkeypatch.setattr(fitting, "_SAMPLE", 200)
    assert cv.fit_pareto_nbd(shuffled) == cv.fit_pareto_nbd(cdnow)


def test_a_pilot_changes_the_way_and_not_the_end(
    cdnow: pl.DataFrame, pn: cv.ParetoNbd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_SAMPLE", 200)
    model = cv.fit_pareto_nbd(cdnow)
    assert parameters(model) == pytest.approx(parameters(pn), rel=1e-8)
    assert model.fit is not None
    assert pn.fit is not None
    assert model.fit.iterations < pn.fit.iterations
    assert model.fit.standard_errors == pytest.approx(pn.fit.standard_errors, rel=1e-7)


def test_weights_are_replication(cdnow: pl.DataFrame) -> None:
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = cv.fit_pareto_nbd(weighted, weights="weight"), cv.fit_pareto_nbd(replicated)
    assert parameters(a) == pytest.approx(parameters(b), rel=1e-8)
    assert a.fit is not None
    assert b.fit is not None
    assert a.fit.n_customers == b.fit.n_customers == replicated.height


def test_parameters_of_a_simulation_are_found_again() -> None:
    truth = cv.ParetoNbd(r=0.9, alpha=20.0, s=0.8, beta=30.0)
    log = cv.simulate_transactions(
        30_000, start=date(2021, 1, 1), end=date(2023, 12, 31), seed=5, purchases=truth
    )
    model = cv.fit_pareto_nbd(cv.summarize(log, as_of=date(2023, 12, 31)))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, error in model.fit.standard_errors.items():
        # Same-day merging and whole days cost a little accuracy beside the sampling error.
        assert getattr(model, name) == pytest.approx(getattr(truth, name), abs=4 * error)


def test_the_median_wait_splits_simulated_customers_in_half() -> None:
    """Given no purchase yet, half of those who were going to have bought by then."""
    model = cv.ParetoNbd(r=2.0, alpha=4.0, s=0.5, beta=20.0)
    rng = np.random.default_rng(7)
    rate, death = rng.gamma(2.0, 1 / 4.0, 400_000), rng.gamma(0.5, 1 / 20.0, 400_000)
    first, dies = rng.exponential(1 / rate), rng.exponential(1 / np.maximum(death, 1e-300))
    bought = np.where(first < dies, first, math.inf) * WEEK
    zero = np.zeros(1)
    for q in (0.1, 0.5, 0.8):
        wait = model.next_purchase_quantile(zero, zero, zero, q)[0]
        assert np.mean(bought <= wait) == pytest.approx(q, abs=0.003)
    ever = np.isfinite(bought).mean()
    assert model.next_purchase_quantile(zero, zero, zero, ever + 0.01)[0] == math.inf


def test_frame_functions_take_the_model(cdnow: pl.DataFrame, pn: cv.ParetoNbd) -> None:
    gg = cv.fit_gamma_gamma(cdnow)
    valued = cv.customer_lifetime_value(cdnow, purchases=pn, spend=gg, margin=0.3, horizon=None)
    assert valued["clv"].is_finite().all()
    assert cv.load_model(pn.model_dump_json()) == pn
    forever = cv.ParetoNbd(r=0.5, alpha=10, s=1.0, beta=11)
    with pytest.raises(cv.CustomerValueError, match="no finite value"):
        cv.customer_lifetime_value(
            cdnow, purchases=forever, spend=gg, margin=0.3, horizon=None, discount_rate=0.0
        )


def test_nobody_bought_twice_is_a_boundary_said_in_words() -> None:
    model = cv.fit_pareto_nbd(histories([0, 0, 0], [0, 0, 0], [100, 200, 300]))
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert model.fit.standard_errors is None
    assert "do not identify" in model.fit.warnings[0]
    assert model.new_customer_purchases(365) < 0.01


@pytest.mark.parametrize(
    "frame",
    [
        histories([3], [80], [100]),
        histories([0], [0], [0]),
        histories([5] * 50, [90] * 50, [100] * 50),
        histories([0, 1], [0, 0], [0, 0]),
        histories([5000, 0], [3600, 0], [3650, 1]),
    ],
    ids=["one customer", "first day", "all alike", "no time", "extreme"],
)
def test_degenerate_customers_give_a_finite_model(frame: pl.DataFrame) -> None:
    model = cv.fit_pareto_nbd(frame)
    assert model.fit is not None
    assert model.fit.status in {"converged", "boundary"}
    assert model.fit.warnings or model.fit.status == "converged"
    predicted = cv.expected_purchases(frame, model, horizon="1y")["expected_purchases"]
    assert predicted.is_finite().all()


def test_bad_customers_and_weights_are_refused(cdnow: pl.DataFrame) -> None:
    with pytest.raises(cv.FitError, match="no customers to fit: 0 rows"):
        cv.fit_pareto_nbd(histories([], [], []))
    with pytest.raises(cv.DataError, match=r"1 row with repeat_purchases not .* t_x outside"):
        cv.fit_pareto_nbd(histories([-1, 2, 3], [0, 50, 2], [10, 10, 10]))
    with pytest.raises(cv.DataError, match="2,357 rows with a weight that is not 0 or more"):
        cv.fit_pareto_nbd(cdnow.with_columns(w=pl.lit(-1)), weights="w")
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="beta"):
            cv.ParetoNbd(r=1, alpha=1, s=1, beta=bad)
