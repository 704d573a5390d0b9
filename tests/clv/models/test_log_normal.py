from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from oracles import log_normal as oracle

MODEL = cv.LogNormalSpend(median=30.0, between=0.5, within=0.8)


def spends(x: list[int | None], m: list[float | None]) -> pl.DataFrame:
    schema = {"repeat_purchases": pl.Int64, "repeat_spend": pl.Float64}
    return pl.DataFrame({"repeat_purchases": x, "repeat_spend": m}, schema=schema)


def expected(frame: pl.DataFrame, model: cv.LogNormalSpend) -> list[float | None]:
    return cv.expected_spend(frame, model)["expected_spend"].to_list()


def parameters(model: cv.LogNormalSpend) -> list[float]:
    return [model.median, model.between, model.within]


@pytest.fixture(scope="module")
def spend(cdnow: pl.DataFrame) -> cv.LogNormalSpend:
    return cv.fit_log_normal_spend(cdnow)


def test_fit_of_real_customers(cdnow: pl.DataFrame, spend: cv.LogNormalSpend) -> None:
    assert spend.fit is not None
    assert spend.fit.status == "converged"
    assert spend.fit.n_customers == 946
    assert spend.fit.gradient_norm < 1e-9
    repeaters = cdnow.filter((pl.col("repeat_purchases") > 0) & (pl.col("repeat_spend") > 0))
    x, m = (
        repeaters[name].cast(pl.Float64).to_numpy()
        for name in repeaters.columns
        if name in ("repeat_purchases", "repeat_spend")
    )
    rows = sum(
        float(oracle.log_likelihood(a, b, *parameters(spend)))
        for a, b in zip(x[:40], m[:40], strict=True)
    )
    assert spend.log_likelihood(x[:40], m[:40]).sum() == pytest.approx(rows, rel=1e-12)
    total = spend.log_likelihood(x, m).sum()
    assert spend.fit.log_likelihood == pytest.approx(total, rel=1e-12)
    for name in ("median", "between", "within"):
        for step in (0.98, 1.02):
            other = spend.model_copy(update={name: getattr(spend, name) * step})
            assert other.log_likelihood(x, m).sum() < total


def test_expected_spend_is_the_posterior_mean() -> None:
    rows = [(1, 20.0), (3, 55.0), (40, 8.0), (2, 400.0)]
    got = expected(spends([x for x, _ in rows], [m for _, m in rows]), MODEL)
    for (x, m), value in zip(rows, got, strict=True):
        _, mean = oracle.integrals(x, m, *parameters(MODEL))
        assert value == pytest.approx(float(mean), rel=1e-10)


def test_who_did_not_come_back_gets_the_mean_of_all() -> None:
    frame = spends([0, 0, None, 2, 2, 2], [None, 9.0, 9.0, None, 0.0, -3.0])
    mean = MODEL.mean_spend
    assert mean == pytest.approx(30 * np.exp(0.125))
    assert expected(frame, MODEL) == [mean, mean, None, None, 0.0, 0.0]
    assert cv.LogNormalSpend(median=1.0, between=50.0, within=1.0).mean_spend is None


@settings(max_examples=40, deadline=None)
@given(
    x=st.integers(1, 5000),
    m=st.floats(1e-6, 1e9),
    between=st.floats(1e-3, 30),
    within=st.floats(1e-3, 1e3),
)
def test_expected_spend_grows_with_spend_and_is_finite(
    x: int, m: float, between: float, within: float
) -> None:
    model = cv.LogNormalSpend(median=25.0, between=between, within=within)
    less, more = expected(spends([x, x], [m, m * 1.5]), model)
    assert less is not None
    assert more is not None
    assert 0 < less <= more < float("inf")


def test_many_purchases_outweigh_the_mean_of_all() -> None:
    one, many, all_of_them = expected(spends([1, 30, 10**6], [100.0] * 3), MODEL)
    assert one is not None
    assert many is not None
    assert 30 < one < many < 101
    assert all_of_them == pytest.approx(100.0, rel=1e-5)


def test_parameters_of_a_simulation_are_found_again() -> None:
    """Means drawn from the model itself."""
    rng = np.random.default_rng(4)
    size = 40_000
    x = 1 + rng.poisson(rng.gamma(1.0, 3.0, size))
    v = np.log1p(0.8**2 / x)
    own = np.log(30.0) + 0.5 * rng.normal(size=size)
    m = np.exp(own - v / 2 + np.sqrt(v) * rng.normal(size=size))
    model = cv.fit_log_normal_spend(pl.DataFrame({"repeat_purchases": x, "repeat_spend": m}))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, error in model.fit.standard_errors.items():
        assert abs(getattr(model, name) - getattr(MODEL, name)) < 4 * error


def test_single_purchases_that_are_log_normal_are_predicted_well() -> None:
    """Purchases, not means, are log-normal: better than Gamma-Gamma, next year too."""
    rng = np.random.default_rng(9)
    size = 4_000
    x = 1 + rng.poisson(2.0, size)
    own = np.log(30.0) + 0.6 * rng.normal(size=size)
    sigma = np.sqrt(np.log1p(0.8**2))
    m = np.array(
        [
            np.exp(k - sigma**2 / 2 + sigma * rng.normal(size=n)).mean()
            for k, n in zip(own, x, strict=True)
        ]
    )
    frame = pl.DataFrame({"repeat_purchases": x, "repeat_spend": m})
    model, gamma = cv.fit_log_normal_spend(frame), cv.fit_gamma_gamma(frame)
    assert model.fit is not None
    assert gamma.fit is not None
    assert model.fit.aic < gamma.fit.aic
    assert model.median == pytest.approx(30.0, rel=0.03)
    assert model.within == pytest.approx(0.8, rel=0.05)
    predicted = np.array(expected(frame, model), dtype=np.float64)
    assert predicted.mean() == pytest.approx(np.exp(own).mean(), rel=0.02)
    # Means of a decile by what is expected of it.
    for part in np.array_split(np.argsort(predicted), 10):
        assert predicted[part].mean() == pytest.approx(np.exp(own)[part].mean(), rel=0.1)


def test_currency_scales_the_median_alone(cdnow: pl.DataFrame, spend: cv.LogNormalSpend) -> None:
    model = cv.fit_log_normal_spend(cdnow.with_columns(pl.col("repeat_spend") * 1000))
    assert parameters(model) == pytest.approx(
        [spend.median * 1000, spend.between, spend.within], rel=1e-9
    )
    assert model.fit is not None
    assert spend.fit is not None
    assert model.fit.log_likelihood == pytest.approx(
        spend.fit.log_likelihood - 946 * np.log(1000), rel=1e-9
    )


def test_row_order_and_weights(cdnow: pl.DataFrame, spend: cv.LogNormalSpend) -> None:
    assert cv.fit_log_normal_spend(cdnow.sample(fraction=1, shuffle=True, seed=3).lazy()) == spend
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = (
        cv.fit_log_normal_spend(weighted, weights="weight"),
        cv.fit_log_normal_spend(replicated),
    )
    assert parameters(a) == pytest.approx(parameters(b), rel=1e-8)


@pytest.mark.parametrize(
    "frame",
    [
        spends([3], [20.0]),
        spends([2] * 30, [9.99] * 30),
        spends([2] * 3, [5.0, 6.0, 9.0]),
        spends([1, 5000], [1e-2, 1e9]),
        spends([1, 2], [1e-100, 1e200]),
    ],
    ids=["one customer", "all alike", "equally often", "extreme", "beyond"],
)
def test_degenerate_customers_give_a_finite_model(frame: pl.DataFrame) -> None:
    model = cv.fit_log_normal_spend(frame)
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert model.fit.warnings
    assert all(value is not None and np.isfinite(value) for value in expected(frame, model))


def test_customers_without_spend_are_left_out_and_bad_values_refused() -> None:
    good = spends([2, 3, 1, 5, 4] * 20, [10.0, 12.5, 30.0, 22.0, 8.0] * 20)
    bad = spends([0, 2, 3, None], [None, 0.0, -4.0, 5.0])
    model, alone = cv.fit_log_normal_spend(pl.concat([good, bad])), cv.fit_log_normal_spend(good)
    assert parameters(model) == parameters(alone)
    assert model.fit is not None
    assert model.fit.warnings[0].startswith("4 customers left out")
    with pytest.raises(cv.FitError, match="no customers to fit: 1 rows"):
        cv.fit_log_normal_spend(spends([0], [None]))
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        cv.fit_log_normal_spend(spends([1, 2], [float("inf"), 3.0]))


def test_json(spend: cv.LogNormalSpend) -> None:
    assert cv.load_model(spend.model_dump_json()) == spend
