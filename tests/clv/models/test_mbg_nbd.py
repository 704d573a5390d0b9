from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value._typing import TimeUnit
from golden import golden

GOLDEN = golden("mbg_nbd")
WEEK = 7.0


def histories(x: list[int], t_x: list[float], age: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"repeat_purchases": x, "t_x": t_x, "T": age},
        schema={"repeat_purchases": pl.Int64, "t_x": pl.Float64, "T": pl.Float64},
    )


def parameters(model: cv.MbgNbd) -> list[float]:
    return [model.r, model.alpha, model.a, model.b]


@pytest.fixture(scope="module")
def mbg(cdnow: pl.DataFrame) -> cv.MbgNbd:
    return cv.fit_mbg_nbd(cdnow)


def test_published_fit_to_39_weeks(mbg: cv.MbgNbd) -> None:
    expected = GOLDEN["mbg_nbd_cdnow_39"]
    assert mbg.fit is not None
    assert mbg.fit.status == "converged"
    assert mbg.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    assert parameters(mbg) == pytest.approx(list(expected["parameters"].values()), rel=2e-6)
    assert mbg.fit.standard_errors == pytest.approx(expected["standard_errors"], rel=1e-5)
    assert mbg.fit.n_customers == 2357
    assert mbg.fit.gradient_norm < 1e-9


def test_published_predictions(cdnow: pl.DataFrame, mbg: cv.MbgNbd) -> None:
    expected, one = GOLDEN["aggregates"], GOLDEN["customers"]
    scored = cdnow.pipe(cv.probability_alive, mbg).pipe(cv.expected_purchases, mbg, horizon="39w")
    predicted = scored["expected_purchases"]
    assert predicted.sum() == pytest.approx(expected["expected_holdout"], rel=2e-5)
    error = (predicted - scored["holdout_purchases"]).abs().mean()
    assert error == pytest.approx(expected["mean_absolute_error"], abs=2e-6)
    assert scored["p_alive"].mean() == pytest.approx(expected["mean_p_alive"], abs=1e-5)
    # customer 1 has these two repeat purchases
    assert predicted[0] == pytest.approx(one["expected_39w_of_the_first"], rel=2e-5)
    frame = histories(
        one["x"], [WEEK * t for t in one["t_x_weeks"]], [WEEK * t for t in one["T_weeks"]]
    )
    alive = cv.probability_alive(frame, mbg)["p_alive"]
    assert alive.to_list() == pytest.approx(one["p_alive"], rel=1e-5)


def test_one_time_buyers_are_not_sure_to_be_alive(mbg: cv.MbgNbd, bg: cv.BgNbd) -> None:
    """The reason for this model: in the BG/NBD no one can leave before the second purchase."""
    frame = histories([0, 0, 0], [0, 0, 0], [0, 70, 700])
    alive = cv.probability_alive(frame, mbg)["p_alive"].to_list()
    assert alive[0] == pytest.approx(mbg.b / (mbg.a + mbg.b), rel=1e-14)
    assert 1 > alive[0] > alive[1] > alive[2] > 0
    assert cv.probability_alive(frame, bg)["p_alive"].to_list() == [1, 1, 1]


@pytest.mark.parametrize(("unit", "days"), [("day", 1.0), ("month", 30.4375), ("year", 365.25)])
def test_time_unit_changes_only_alpha(
    cdnow: pl.DataFrame, mbg: cv.MbgNbd, unit: TimeUnit, days: float
) -> None:
    model = cv.fit_mbg_nbd(cdnow, time_unit=unit)
    assert model.alpha * days == pytest.approx(mbg.alpha * WEEK, rel=1e-9)
    assert [model.r, model.a, model.b] == pytest.approx([mbg.r, mbg.a, mbg.b], rel=1e-9)
    assert model.fit is not None
    total = cv.clv.log_likelihood(cdnow, model)["log_likelihood"].sum()
    assert model.fit.log_likelihood == pytest.approx(total, rel=1e-12)


def test_money_does_not_depend_on_the_unit(
    cdnow: pl.DataFrame, mbg: cv.MbgNbd, gg: cv.GammaGamma
) -> None:
    by_day = cv.MbgNbd(r=mbg.r, alpha=mbg.alpha * 7, a=mbg.a, b=mbg.b, time_unit="day")
    first, second = (
        cv.customer_lifetime_value(cdnow.head(200), purchases=model, spend=gg, margin=0.3)["clv"]
        for model in (mbg, by_day)
    )
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_row_order_changes_no_bit(cdnow: pl.DataFrame, mbg: cv.MbgNbd) -> None:
    assert cv.fit_mbg_nbd(cdnow.sample(fraction=1, shuffle=True, seed=3)) == mbg
    assert cv.fit_mbg_nbd(cdnow.lazy()) == mbg


def test_weights_are_replication(cdnow: pl.DataFrame) -> None:
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = cv.fit_mbg_nbd(weighted, weights="weight"), cv.fit_mbg_nbd(replicated)
    assert parameters(a) == pytest.approx(parameters(b), rel=1e-9)
    assert a.fit is not None
    assert b.fit is not None
    assert a.fit.n_customers == b.fit.n_customers == replicated.height


def test_counts_of_a_new_customer(mbg: cv.MbgNbd) -> None:
    counts = [mbg.new_customer_probability(364, n) for n in range(300)]
    assert sum(counts) == pytest.approx(1, rel=1e-9)
    mean = sum(n * p for n, p in enumerate(counts))
    assert mean == pytest.approx(mbg.new_customer_purchases(364), rel=1e-7)
    assert mbg.new_customer_probability(1e-9, 0) == pytest.approx(1, abs=1e-9)
    assert mbg.new_customer_purchases(0) == 0


def test_futures_have_the_expected_purchases_as_their_mean(mbg: cv.MbgNbd) -> None:
    at = np.array([2.0]), np.array([213.0]), np.array([272.0])
    future = mbg.futures(*at)
    rng = np.random.default_rng(1)
    rate = rng.gamma(future.shape[0], 1 / future.rate[0], 400_000)
    leave = rng.beta(future.first[0], future.second[0], rate.size)
    purchases = future.alive[0] * -np.expm1(-rate * leave * 273) / leave
    error = purchases.std() / rate.size**0.5
    assert purchases.mean() == pytest.approx(mbg.expected_purchases(*at, 273.0)[0], abs=4 * error)
    assert future.end == "at_purchase"
    same = cv.MbgCnbd(k=1, r=mbg.r, alpha=mbg.alpha, a=mbg.a, b=mbg.b)
    assert same.futures(*at) == future


def test_model_survives_json(mbg: cv.MbgNbd) -> None:
    assert cv.load_model(mbg.model_dump_json()) == mbg


def test_nobody_bought_twice_is_a_boundary_said_in_words() -> None:
    model = cv.fit_mbg_nbd(histories([0, 0, 0], [0, 0, 0], [100, 200, 300]))
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
    model = cv.fit_mbg_nbd(frame)
    assert model.fit is not None
    assert model.fit.status in {"converged", "boundary"}
    assert model.fit.warnings or model.fit.status == "converged"
    predicted = cv.expected_purchases(frame, model, horizon="1y")["expected_purchases"]
    assert predicted.is_finite().all()


def test_customers_without_a_purchase_are_left_out_and_counted(
    cdnow: pl.DataFrame, mbg: cv.MbgNbd
) -> None:
    columns = ["repeat_purchases", "t_x", "T"]
    frame = pl.concat([cdnow.select(columns), cdnow.select(columns).head(1).clear(1)])
    model = cv.fit_mbg_nbd(frame)
    assert parameters(model) == parameters(mbg)
    assert model.fit is not None
    assert model.fit.warnings == ("1 customers left out: no purchase",)


def test_nothing_to_fit_and_impossible_histories() -> None:
    with pytest.raises(cv.FitError, match="no customers to fit: 0 rows"):
        cv.fit_mbg_nbd(histories([], [], []))
    with pytest.raises(cv.DataError, match="1 row with NaN"):
        cv.fit_mbg_nbd(histories([1, 2], [float("nan"), 3], [10, 10]))
    with pytest.raises(ValueError, match="alpha"):
        cv.MbgNbd(r=1, alpha=0, a=1, b=1)


def test_parameters_of_a_simulation_are_found_again() -> None:
    truth = cv.MbgNbd(r=0.8, alpha=5.0, a=0.9, b=2.5)
    log = cv.simulate_transactions(
        30_000, start=date(2022, 1, 1), end=date(2023, 12, 31), seed=5, purchases=truth
    )
    model = cv.fit_mbg_nbd(cv.summarize(log, as_of=date(2023, 12, 31)))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, error in model.fit.standard_errors.items():
        # Same-day merging and whole days cost a little accuracy beside the sampling error.
        assert getattr(model, name) == pytest.approx(getattr(truth, name), abs=5 * error)
