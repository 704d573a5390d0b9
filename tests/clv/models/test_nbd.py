from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from golden import golden

GOLDEN = golden("mbg_nbd")["nbd_cdnow_39"]


@pytest.fixture(scope="module")
def nbd(cdnow: pl.DataFrame) -> cv.Nbd:
    return cv.fit_nbd(cdnow)


def test_published_fit_to_39_weeks(nbd: cv.Nbd, bg: cv.BgNbd) -> None:
    assert nbd.fit is not None
    assert nbd.fit.status == "converged"
    assert nbd.fit.log_likelihood == pytest.approx(GOLDEN["log_likelihood"], abs=1e-4)
    assert nbd.r == pytest.approx(GOLDEN["parameters"]["r"], abs=5e-6)
    assert nbd.alpha == pytest.approx(GOLDEN["parameters"]["alpha"], abs=5e-5)
    assert nbd.fit.gradient_norm < 1e-9
    assert bg.fit is not None
    assert bg.fit.log_likelihood > nbd.fit.log_likelihood + 100


def test_log_likelihood_is_the_others_without_leaving(cdnow: pl.DataFrame, nbd: cv.Nbd) -> None:
    """A BG/NBD in which next to no one leaves, and the sum is that of the fit."""
    stays = cv.BgNbd(r=nbd.r, alpha=nbd.alpha, a=1e-30, b=1.0)
    rows = cv.clv.log_likelihood(cdnow, nbd)["log_likelihood"]
    others = cv.clv.log_likelihood(cdnow, stays)["log_likelihood"]
    np.testing.assert_allclose(rows, others, atol=1e-8)
    assert nbd.fit is not None
    assert rows.sum() == pytest.approx(nbd.fit.log_likelihood, rel=1e-12)


def test_predictions_are_a_gamma_mixture_of_poisson_counts(cdnow: pl.DataFrame) -> None:
    nbd = cv.Nbd(r=0.4, alpha=12.0)
    rng = np.random.default_rng(1)
    rate = rng.gamma(0.4 + 2, 1 / (12 + 38.86), 1_000_000)
    at = np.array([2.0]), np.array([213.01]), np.array([272.02])
    assert nbd.probability_alive(*at, 500.0).tolist() == [1.0]
    assert nbd.expected_purchases(*at, 273.0)[0] == pytest.approx((rate * 39).mean(), rel=4e-3)
    counts = rng.poisson(rate * 39)
    for n in (0, 1, 5):
        got = nbd.purchase_probability(*at, 273.0, n)[0]
        assert got == pytest.approx((counts == n).mean(), abs=4 * (got / 1e6) ** 0.5)
        got = nbd.at_least_probability(*at, 273.0, n + 1)[0]
        assert got == pytest.approx((counts > n).mean(), abs=4 * (got / 1e6) ** 0.5)
    wait = nbd.next_purchase_quantile(*at, 0.7)[0]
    assert nbd.purchase_probability(*at, wait, 0)[0] == pytest.approx(0.3, rel=1e-12)
    scored = cv.purchase_probability(cdnow, nbd, horizon="39w", n=0)
    assert scored["purchase_probability"].is_between(0, 1).all()


def test_discounting(cdnow: pl.DataFrame, nbd: cv.Nbd, gg: cv.GammaGamma) -> None:
    at = np.array([2.0]), np.array([213.0]), np.array([272.0])
    plain = nbd.expected_purchases(*at, 364.0)[0]
    assert nbd.discounted_purchases(*at, 364.0, 0.0)[0] == plain
    assert nbd.discounted_purchases(*at, 364.0, 1e-9)[0] == pytest.approx(plain, rel=1e-6)
    life = nbd.discounted_purchases(*at, np.inf, 0.001)[0]
    assert life == pytest.approx(plain / 364 / 0.001, rel=1e-12)
    with pytest.raises(cv.CustomerValueError, match="no finite value without discount"):
        cv.customer_lifetime_value(
            cdnow, purchases=nbd, spend=gg, margin=0.3, horizon=None, discount_rate=0
        )


def test_new_customer(nbd: cv.Nbd) -> None:
    counts = [nbd.new_customer_probability(364, n) for n in range(300)]
    assert sum(counts) == pytest.approx(1, rel=1e-12)
    mean = sum(n * p for n, p in enumerate(counts))
    assert mean == pytest.approx(nbd.new_customer_purchases(364), rel=1e-10)


def test_time_unit_row_order_and_weights(cdnow: pl.DataFrame, nbd: cv.Nbd) -> None:
    months = cv.fit_nbd(cdnow, time_unit="month")
    assert months.alpha * 30.4375 == pytest.approx(nbd.alpha * 7, rel=1e-9)
    assert months.r == pytest.approx(nbd.r, rel=1e-9)
    assert cv.fit_nbd(cdnow.sample(fraction=1, shuffle=True, seed=3)) == nbd
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = cv.fit_nbd(weighted, weights="weight"), cv.fit_nbd(replicated)
    assert [a.r, a.alpha] == pytest.approx([b.r, b.alpha], rel=1e-9)
    assert cv.load_model(nbd.model_dump_json()) == nbd


def test_parameters_of_a_simulation_are_found_again() -> None:
    truth = cv.Nbd(r=0.8, alpha=15.0)
    log = cv.simulate_transactions(
        5_000, start=date(2022, 1, 1), end=date(2023, 12, 31), seed=5, purchases=truth
    )
    model = cv.fit_nbd(cv.summarize(log, as_of=date(2023, 12, 31)))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, error in model.fit.standard_errors.items():
        assert getattr(model, name) == pytest.approx(getattr(truth, name), abs=4 * error)


@pytest.mark.parametrize("r", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("alpha", [1e-3, 1e3])
def test_all_is_finite_over_the_box(r: float, alpha: float) -> None:
    nbd = cv.Nbd(r=r, alpha=alpha, time_unit="day")
    x = np.array([0.0, 1.0, 5000.0, 5000.0])
    T = np.array([0.0, 1e4, 1e-3, 1e4])
    for horizon in (1e-6, 1e4):
        for n in (0, 1, 60):
            assert np.isfinite(nbd.purchase_probability(x, 0 * T, T, horizon, n)).all()
        assert (nbd.discounted_purchases(x, 0 * T, T, horizon, 0.01) > 0).all()
        assert np.isfinite(nbd.expected_purchases(x, 0 * T, T, horizon)).all()
    assert np.isfinite(nbd.log_likelihood(x, 0 * T, T)).all()


@pytest.mark.parametrize(
    ("x", "age"),
    [([0, 0], [100.0, 300.0]), ([3], [100.0]), ([5] * 50, [100.0] * 50), ([0, 1], [0.0, 0.0])],
    ids=["no one bought twice", "one customer", "all alike", "no time"],
)
def test_degenerate_customers_give_a_model_that_says_so(x: list[int], age: list[float]) -> None:
    t_x = [t if n else 0.0 for n, t in zip(x, age, strict=True)]
    frame = pl.DataFrame({"repeat_purchases": x, "t_x": t_x, "T": age})
    model = cv.fit_nbd(frame)
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert model.fit.warnings
    predicted = cv.expected_purchases(frame, model, horizon="1y")["expected_purchases"]
    assert predicted.is_finite().all()


def test_bad_input() -> None:
    none = pl.DataFrame({"repeat_purchases": [None], "t_x": [None], "T": [None]})
    with pytest.raises(cv.FitError, match="no customers to fit"):
        cv.fit_nbd(none.cast(pl.Float64))
    with pytest.raises(ValueError, match="alpha"):
        cv.Nbd(r=1, alpha=float("nan"))
