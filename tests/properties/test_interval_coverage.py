"""Intervals of single customers hold what comes 93 to 97 times in a hundred, for each model."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import customer_value as cv
from oracles.cohorts import cohort, opportunity_cohort

GG = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
LOG_NORMAL = cv.LogNormalSpend(median=30.0, between=0.5, within=0.6)
PARETO = cv.ParetoNbd(r=0.9, alpha=8.0, s=0.8, beta=15.0)
REGULAR = cv.MbgCnbd(k=2, r=1.5, alpha=5.0, a=0.6, b=4.0)
TRUTHS: dict[str, tuple[cv.clv.PurchaseModel, Any]] = {
    "bg_nbd": (cv.BgNbd(r=0.8, alpha=6.0, a=0.6, b=3.0), cv.fit_bg_nbd),
    "mbg_nbd": (cv.MbgNbd(r=0.8, alpha=6.0, a=0.6, b=3.0), cv.fit_mbg_nbd),
    "pareto_nbd": (PARETO, cv.fit_pareto_nbd),
    "nbd": (cv.Nbd(r=0.8, alpha=12.0), cv.fit_nbd),
    "mbg_cnbd": (REGULAR, lambda customers: cv.fit_mbg_cnbd(customers, k=2)),
}
GUESTS = cv.BgBb(alpha=1.5, beta=2.5, gamma=0.8, delta=8.0, time_unit="month")
DONORS = cv.BgBb(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
YEAR = "365d"


def coverage(
    customers: pl.DataFrame, purchases: Any, spend: Any, draws: int = 200, horizon: Any = YEAR
) -> float:
    valued = cv.customer_lifetime_value(
        customers,
        purchases=purchases,
        spend=spend,
        margin=1.0,
        horizon=horizon,
        discount_rate=0.0,
        interval=cv.IntervalOptions(
            draws=draws, parameters="laplace" if purchases.fit else "fixed"
        ),
        seed=1,
    )
    came, low, high = valued.select("holdout_revenue", "clv_low", "clv_high").to_numpy().T
    inside = (came * (1 + 1e-9) >= low) & (came * (1 - 1e-9) <= high)
    return float(inside.mean())


@pytest.mark.parametrize("model", TRUTHS)
def test_each_fitted_model(model: str) -> None:
    truth, fit = TRUTHS[model]
    customers = cohort(2_500, truth, GG, horizon=365.0, seed=11)
    fitted, spend = fit(customers), cv.fit_gamma_gamma(customers)
    assert fitted.fit.status == "converged"
    assert 0.93 <= coverage(customers, fitted, spend) <= 0.97


def test_log_normal_spend() -> None:
    customers = cohort(2_500, REGULAR, LOG_NORMAL, horizon=365.0, seed=12)
    fitted, spend = cv.fit_mbg_cnbd(customers, k=2), cv.fit_log_normal_spend(customers)
    assert 0.93 <= coverage(customers, fitted, spend) <= 0.97


@pytest.mark.parametrize("wrong", [GG, cv.LogNormalSpend(median=30.0, between=0.5, within=0.01)])
def test_coverage_tells_a_wrong_model_of_spend(wrong: cv.clv.SpendModel) -> None:
    """Purchases that really spread more than the model says: the test above can fail."""
    truth = cv.LogNormalSpend(median=30.0, between=1.5, within=3.0)
    customers = cohort(2_500, cv.Nbd(r=3.0, alpha=30.0), truth, horizon=365.0, seed=13)
    assert coverage(customers, cv.Nbd(r=3.0, alpha=30.0), wrong) < 0.9


def test_regular_gaps_taken_for_random_ones_are_told() -> None:
    """Twelve purchases a year, one a month: by chance they would spread much more."""
    regular = cv.MbgCnbd(k=10, r=60.0, alpha=26.0, a=0.1, b=20.0)
    random = cv.MbgCnbd(k=1, r=60.0, alpha=260.0, a=0.1, b=20.0)
    spend = cv.GammaGamma(p=50.0, q=50.0, v=50.0)
    customers = cohort(1_500, regular, spend, horizon=365.0, seed=14)
    assert 0.93 <= coverage(customers, regular, spend) <= 0.97
    assert coverage(customers, random, spend) > 0.98


@pytest.mark.parametrize(
    ("truth", "horizon", "most"), [(GUESTS, 12, 20), (DONORS, 5, 6)], ids=["months", "years"]
)
@pytest.mark.parametrize("spend", [GG, LOG_NORMAL], ids=["gamma", "log-normal"])
def test_opportunities(truth: cv.BgBb, horizon: int, most: int, spend: cv.clv.SpendModel) -> None:
    customers = opportunity_cohort(2_500, truth, spend, seed=11, horizon=horizon, most=most)
    fitted = cv.fit_bg_bb(customers, time_unit=truth.time_unit)
    fit = cv.fit_gamma_gamma if spend is GG else cv.fit_log_normal_spend
    assert fitted.fit is not None
    assert fitted.fit.status == "converged"
    assert 0.93 <= coverage(customers, fitted, fit(customers), horizon=horizon) <= 0.97
    for wrong in ({"gamma": 8.0}, {"beta": 10.0}):
        taken = truth.model_copy(update=wrong)
        assert coverage(customers, taken, spend, horizon=horizon) < 0.91


@pytest.mark.parametrize("model", TRUTHS)
def test_the_mean_of_the_draws_is_the_value(model: str) -> None:
    """The total of many equal customers, over draws, against the exact expectation."""
    truth, _ = TRUTHS[model]
    one = pl.DataFrame(
        {"repeat_purchases": [4], "t_x": [210.0], "T": [300.0], "repeat_spend": [25.0]}
    )
    many = pl.concat([one] * 4000)
    got = cv.value_interval(
        many,
        purchases=truth,
        spend=LOG_NORMAL,
        margin=1.0,
        seed=3,
        horizon="2y",
        options=cv.IntervalOptions(draws=40, parameters="fixed", confidence=0.9),
    )
    # Of 40 draws the widest interval that leaves out 10 %: about 1.6 standard errors to each side.
    assert got.low < got.total < got.high
    assert (got.high - got.low) / got.total < 0.1


def test_a_purchase_of_a_known_customer_is_log_normal() -> None:
    """Given three purchases of mean spend 55: the sampler's numbers against scipy's."""
    future = LOG_NORMAL.spend_futures(np.array([3.0]), np.array([55.0]))
    v, square = np.log1p(0.36 / 3), 0.25
    k = square / (square + v)
    assert future.first[0] == pytest.approx((1 - k) * np.log(30) + k * (np.log(55) + v / 2))
    assert future.second[0] == pytest.approx(np.sqrt(k * v))
    mean = stats.lognorm(future.second[0], scale=np.exp(future.first[0])).mean()
    assert mean == pytest.approx(LOG_NORMAL.expected_spend(np.array([3.0]), np.array([55.0]))[0])
