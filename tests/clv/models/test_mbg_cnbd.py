from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import customer_value as cv

DAY = date(2023, 12, 31)
EXTRAS = cv.TransactionOptions(extras=("log_gap_sum",))
REGULAR = cv.MbgCnbd(k=3, r=2.0, alpha=3.0, a=0.6, b=2.0)


def simulated(model: cv.MbgCnbd, n: int, seed: int) -> pl.DataFrame:
    log = cv.simulate_transactions(
        n, start=date(2022, 1, 1), end=DAY, seed=seed, purchases=model, acquisition_days=365
    )
    return cv.summarize(cv.read_transactions(log, options=EXTRAS), as_of=DAY)


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return simulated(REGULAR, 4_000, seed=3)


@pytest.fixture(scope="module")
def fitted(customers: pl.DataFrame) -> cv.MbgCnbd:
    return cv.fit_mbg_cnbd(customers)


def parameters(model: cv.MbgCnbd | cv.MbgNbd) -> list[float]:
    return [model.r, model.alpha, model.a, model.b]


def test_regularity_and_parameters_are_found_again(fitted: cv.MbgCnbd) -> None:
    assert fitted.k == 3
    assert fitted.fit is not None
    assert fitted.fit.status == "converged"
    assert fitted.fit.standard_errors is not None
    for name, error in fitted.fit.standard_errors.items():
        assert getattr(fitted, name) == pytest.approx(getattr(REGULAR, name), abs=3 * error), name


def test_likelihood_rises_to_the_true_k_and_falls_after_it(
    customers: pl.DataFrame, fitted: cv.MbgCnbd
) -> None:
    fits = [cv.fit_mbg_cnbd(customers, k=k) for k in (1, 2, 3, 4, 5)]
    values = [model.fit.log_likelihood for model in fits if model.fit is not None]
    assert values[0] < values[1] < values[2] > values[3] > values[4]
    assert values[2] - values[0] > 1_000
    assert fits[2] == fitted


def test_irregular_gaps_give_k_of_one() -> None:
    poisson = cv.MbgCnbd(k=1, r=2.0, alpha=9.0, a=0.6, b=2.0)
    assert cv.fit_mbg_cnbd(simulated(poisson, 2_000, seed=4)).k == 1


def test_cdnow_shows_no_regularity_and_k_of_one_is_the_mbg_nbd() -> None:
    """BTYDplus chooses k = 1 on these customers too."""
    customers = cv.summarize(
        cv.read_transactions(cv.load_cdnow(), options=EXTRAS), as_of=date(1997, 9, 30)
    )
    chosen, mbg = cv.fit_mbg_cnbd(customers), cv.fit_mbg_nbd(customers)
    assert chosen.k == 1
    assert parameters(chosen) == parameters(mbg)
    assert chosen.fit == mbg.fit
    assert cv.fit_mbg_cnbd(customers.drop("log_gap_sum"), k=1) == chosen
    for first, second in (
        (cv.probability_alive(customers, m) for m in (chosen, mbg)),
        (cv.expected_purchases(customers, m, horizon="39w") for m in (chosen, mbg)),
        (cv.clv.next_purchase_quantile(customers, m, q=0.2) for m in (chosen, mbg)),
        (cv.clv.log_likelihood(customers, m) for m in (chosen, mbg)),
    ):
        assert first.equals(second)
    assert chosen.new_customer_purchases(364) == mbg.new_customer_purchases(364)


def test_log_likelihood_of_all_customers_is_that_of_the_fit(
    customers: pl.DataFrame, fitted: cv.MbgCnbd
) -> None:
    assert fitted.fit is not None
    columns = ("repeat_purchases", "t_x", "T", "log_gap_sum")
    arrays = [customers[name].cast(pl.Float64).to_numpy() for name in columns]
    total = fitted.log_likelihood(*arrays).sum()
    assert fitted.fit.log_likelihood == pytest.approx(total, rel=1e-12)
    rows = cv.clv.log_likelihood(customers, fitted)["log_likelihood"]
    assert fitted.fit.log_likelihood == pytest.approx(rows.sum(), rel=1e-12)
    with pytest.raises(cv.SchemaError, match="missing column 'log_gap_sum'"):
        cv.clv.log_likelihood(customers.drop("log_gap_sum"), fitted)
    by_day = cv.MbgCnbd(
        k=3, r=fitted.r, alpha=fitted.alpha * 7, a=fitted.a, b=fitted.b, time_unit="day"
    )
    shift = np.log(7) * arrays[0].sum()  # densities per day, not per week
    assert by_day.log_likelihood(*arrays).sum() == pytest.approx(total - shift, rel=1e-12)


def test_likelihood_is_the_product_of_the_densities_of_the_gaps() -> None:
    """One customer's gaps, told by hand: Erlang densities mixed over rate and drop-out."""
    rng = np.random.default_rng(9)
    model = cv.MbgCnbd(k=2, r=1.5, alpha=2.0, a=0.8, b=1.9, time_unit="day")
    gaps, silence = np.array([3.0, 1.0, 4.0]), 2.0
    rate = rng.gamma(model.r, 1 / model.alpha, 400_000)
    leave = rng.beta(model.a, model.b, rate.size)
    density = np.prod([rate**2 * g * np.exp(-rate * g) for g in gaps], axis=0)
    quiet = np.exp(-rate * silence) * (1 + rate * silence)
    told = (1 - leave) ** 3 * density * ((1 - leave) * quiet + leave)
    got = model.log_likelihood(
        np.array([3.0]), np.array([8.0]), np.array([10.0]), np.array([np.log(gaps).sum()])
    )
    error = told.std() / told.mean() / rate.size**0.5
    assert got[0] == pytest.approx(np.log(told.mean()), abs=4 * error)
    assert error < 0.01


def test_time_unit_changes_only_alpha(customers: pl.DataFrame, fitted: cv.MbgCnbd) -> None:
    model = cv.fit_mbg_cnbd(customers, k=3, time_unit="month")
    assert model.alpha * 30.4375 == pytest.approx(fitted.alpha * 7, rel=1e-9)
    assert [model.r, model.a, model.b] == pytest.approx([fitted.r, fitted.a, fitted.b], rel=1e-9)
    few = customers.head(50)
    values = [
        cv.customer_lifetime_value(
            few, purchases=m, spend=cv.GammaGamma(p=6.25, q=3.74, v=15.44), margin=0.3
        )["clv"]
        for m in (model, fitted)
    ]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-8)


def test_row_order_changes_no_bit(customers: pl.DataFrame, fitted: cv.MbgCnbd) -> None:
    shuffled = customers.sample(fraction=1, shuffle=True, seed=3)
    assert cv.fit_mbg_cnbd(shuffled, k=3) == fitted
    assert cv.fit_mbg_cnbd(customers.lazy(), k=3) == fitted


def test_weights_are_replication(customers: pl.DataFrame) -> None:
    weighted = customers.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a = cv.fit_mbg_cnbd(weighted, k=3, weights="weight")
    b = cv.fit_mbg_cnbd(replicated, k=3)
    assert parameters(a) == pytest.approx(parameters(b), rel=1e-8)
    assert a.fit is not None
    assert b.fit is not None
    assert a.fit.log_likelihood == pytest.approx(b.fit.log_likelihood, rel=1e-12)


def test_regular_customers_are_predicted_better_than_by_the_mbg_nbd() -> None:
    """What the model is for: the holdout's error is smaller, as in the paper."""
    log = cv.simulate_transactions(
        4_000,
        start=date(2022, 1, 1),
        end=date(2023, 12, 31),
        seed=11,
        purchases=REGULAR,
        acquisition_days=90,
    )
    split = cv.split_holdout(
        cv.read_transactions(log, options=EXTRAS),
        calibration_end=date(2022, 12, 31),
        holdout_end=DAY,
    )

    def error(model: cv.clv.PurchaseModel) -> float:
        predicted = cv.expected_purchases(split, model, horizon="365d")["expected_purchases"]
        return float(np.abs((predicted - split["holdout_purchases"]).to_numpy()).mean())

    assert error(cv.fit_mbg_cnbd(split, k=3)) < 0.97 * error(cv.fit_mbg_nbd(split))


def test_model_survives_json(fitted: cv.MbgCnbd) -> None:
    assert cv.load_model(fitted.model_dump_json()) == fitted


@pytest.mark.parametrize("k", [0, 101, -3])
def test_k_out_of_range_is_refused(customers: pl.DataFrame, k: int) -> None:
    with pytest.raises(cv.CustomerValueError, match="k must be from 1 to 100"):
        cv.fit_mbg_cnbd(customers, k=k)
    with pytest.raises(ValueError, match="k\n"):
        cv.MbgCnbd(k=k, r=1, alpha=1, a=1, b=1)


def test_gaps_are_needed_and_checked(customers: pl.DataFrame) -> None:
    with pytest.raises(cv.SchemaError, match="missing column 'log_gap_sum'"):
        cv.fit_mbg_cnbd(customers.drop("log_gap_sum"))
    wrong = customers.head(20).with_columns(log_gap_sum=pl.lit(1e4))
    with pytest.raises(cv.DataError, match="log_gap_sum above x ln") as caught:
        cv.fit_mbg_cnbd(wrong, k=2)
    assert "log_gap_sum other than 0 without a repeat purchase" in str(caught.value)
    with pytest.raises(cv.DataError, match="NaN or infinite log_gap_sum"):
        cv.fit_mbg_cnbd(wrong.with_columns(log_gap_sum=pl.lit(float("nan"))), k=2)


def test_gaps_that_are_unknown_leave_the_customer_out_and_are_counted(
    customers: pl.DataFrame,
) -> None:
    some = customers.head(500)
    known = some.with_columns(log_gap_sum=pl.when(pl.int_range(pl.len()) >= 3).then("log_gap_sum"))
    model = cv.fit_mbg_cnbd(known, k=2)
    assert model.fit is not None
    assert model.fit.warnings == ("3 customers left out: no purchase or no log_gap_sum",)
    assert parameters(model) == parameters(cv.fit_mbg_cnbd(some[3:], k=2))


@pytest.mark.parametrize(
    ("x", "t_x", "age", "gaps"),
    [
        ([3], [80.0], [100.0], [9.0]),
        ([0], [0.0], [0.0], [0.0]),
        ([0, 0], [0.0, 0.0], [100.0, 300.0], [0.0, 0.0]),
        ([5] * 50, [90.0] * 50, [100.0] * 50, [14.4] * 50),
        ([800, 0], [800.0, 0.0], [850.0, 1.0], [0.0, 0.0]),
    ],
    ids=["one customer", "first day", "no one bought twice", "all alike", "extreme"],
)
def test_degenerate_customers_give_a_finite_model(
    x: list[int], t_x: list[float], age: list[float], gaps: list[float]
) -> None:
    frame = pl.DataFrame({"repeat_purchases": x, "t_x": t_x, "T": age, "log_gap_sum": gaps})
    for k in (1, 2, 7):
        model = cv.fit_mbg_cnbd(frame, k=k)
        assert model.fit is not None
        assert model.fit.status in {"converged", "boundary"}
        assert model.fit.warnings or model.fit.status == "converged"
        predicted = cv.expected_purchases(frame, model, horizon="1y")["expected_purchases"]
        assert predicted.is_finite().all()


def test_most_regular_gaps_are_said_to_want_a_larger_k() -> None:
    frame = pl.DataFrame(
        {"repeat_purchases": [10, 12, 8], "t_x": [70.0, 84.0, 56.0], "T": [72.0, 100.0, 90.0]}
    ).with_columns(log_gap_sum=pl.col("repeat_purchases") * np.log(7.0))
    model = cv.fit_mbg_cnbd(frame)
    assert model.k == 12
    assert model.fit is not None
    assert "still rises at k = 12" in model.fit.warnings[-1]
