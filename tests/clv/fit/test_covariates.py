from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import covariates as simulation


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return simulation.pareto_nbd(6_000, seed=3)


@pytest.fixture(scope="module")
def null(customers: pl.DataFrame) -> cv.ParetoNbd:
    return cv.fit_pareto_nbd(customers)


@pytest.fixture(scope="module")
def full(customers: pl.DataFrame) -> cv.ParetoNbd:
    return cv.fit_pareto_nbd(customers, covariates=["online", "income"])


def log_likelihood(model: cv.ParetoNbd) -> float:
    assert model.fit is not None
    return model.fit.log_likelihood


def errors(model: cv.ParetoNbd) -> dict[str, float]:
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    return model.fit.standard_errors


def test_coefficients_of_a_simulation_are_found_again(full: cv.ParetoNbd) -> None:
    assert full.fit is not None
    assert full.fit.status == "converged"
    for name, value in simulation.TRUTH.items():
        assert getattr(full, name) == pytest.approx(value, abs=3 * errors(full)[name]), name
    for process, truth, found in (
        ("purchase", simulation.PURCHASE, full.effects.purchase),
        ("attrition", simulation.ATTRITION, full.effects.attrition),
    ):
        for name, value in truth.items():
            error = errors(full)[f"{process}:{name}"]
            assert error < 0.2
            assert found[name] == pytest.approx(value, abs=3 * error), (process, name)


def test_standard_errors_are_those_of_the_curvature(
    customers: pl.DataFrame, full: cv.ParetoNbd
) -> None:
    """Along one coefficient the log-likelihood falls by half at 1 / sqrt(-H), others fixed."""
    assert full.fit is not None
    assert full.fit.covariance is not None
    information = np.linalg.inv(np.array(full.fit.covariance))
    step = 1 / math.sqrt(information[4, 4])
    effects = full.effects.model_copy(
        update={
            "purchase": full.effects.purchase | {"online": full.effects.purchase["online"] + step}
        }
    )
    moved = full.model_copy(update={"effects": effects})
    fall = log_likelihood(full) - float(
        cv.clv.log_likelihood(customers, moved)["log_likelihood"].sum()
    )
    assert fall == pytest.approx(0.5, rel=0.05)


def test_likelihood_never_falls_below_that_of_a_smaller_model(
    customers: pl.DataFrame, null: cv.ParetoNbd, full: cv.ParetoNbd
) -> None:
    noise = customers.with_columns(noise=pl.col("customer_id").hash(seed=1) % 1000)
    with_noise = cv.fit_pareto_nbd(noise, covariates=["noise"])
    assert log_likelihood(null) <= log_likelihood(with_noise) < log_likelihood(full)
    test = cv.clv.likelihood_ratio_test(null, with_noise)
    assert 0.001 < test.p_value < 1
    shared = cv.clv.CovariateTerms(shared=("online", "income"))
    alike = cv.fit_pareto_nbd(customers, covariates=shared)
    assert log_likelihood(null) < log_likelihood(alike) < log_likelihood(full)
    assert alike.effects.purchase == alike.effects.attrition


def test_another_zero_and_unit_of_a_covariate_change_no_prediction(
    customers: pl.DataFrame, full: cv.ParetoNbd
) -> None:
    other = customers.with_columns(
        online=1 - pl.col("online"), income=pl.col("income") * 1000 + 50_000
    )
    model = cv.fit_pareto_nbd(other, covariates=["online", "income"])
    assert log_likelihood(model) == pytest.approx(log_likelihood(full), abs=1e-7)
    assert model.effects.purchase["online"] == pytest.approx(-full.effects.purchase["online"])
    assert errors(model)["purchase:income"] * 1000 == pytest.approx(
        errors(full)["purchase:income"], rel=1e-5
    )
    assert [model.r, model.s] == pytest.approx([full.r, full.s], rel=1e-6)
    assert_frame_equal(
        cv.expected_purchases(customers, full, horizon="39w").select("expected_purchases"),
        cv.expected_purchases(other, model, horizon="39w").select("expected_purchases"),
        rel_tol=1e-6,
    )


def test_covariates_that_say_nothing_are_a_boundary(customers: pl.DataFrame) -> None:
    few = customers.head(800).with_columns(one=pl.lit(1.0), again=pl.col("online") * 2)
    for names in (["one"], ["online", "again"]):
        model = cv.fit_pareto_nbd(few, covariates=names)
        assert model.fit is not None
        assert model.fit.status == "boundary"
        assert model.fit.standard_errors is None


def test_a_covariate_may_have_any_name(customers: pl.DataFrame) -> None:
    few = customers.head(300).rename({"online": "weight"})
    model = cv.fit_bg_nbd(few, covariates=["weight"])
    renamed = cv.fit_bg_nbd(customers.head(300), covariates=["online"])
    assert model.effects.purchase["weight"] == renamed.effects.purchase["online"]


def test_a_shared_covariate_is_not_taken_for_a_parameter(customers: pl.DataFrame) -> None:
    few = customers.head(300).rename({"online": "r", "income": "alpha"})
    for fit in (cv.fit_bg_nbd, cv.fit_pareto_nbd):
        with pytest.raises(cv.CustomerValueError, match=r"named as a parameter .*\['alpha', 'r'\]"):
            fit(few, covariates=cv.clv.CovariateTerms(shared=("r", "alpha")))
        with pytest.raises(cv.OptionError, match=r"named as a parameter .*\['r'\]"):
            fit(few, covariates=["r"])


def test_row_order_and_weights(customers: pl.DataFrame) -> None:
    few = customers.head(900).with_columns(weight=pl.col("customer_id") % 3)
    model = cv.fit_pareto_nbd(few, covariates=["online"], weights="weight")
    shuffled = few.sample(fraction=1, shuffle=True, seed=5)
    assert cv.fit_pareto_nbd(shuffled, covariates=["online"], weights="weight") == model
    twice = pl.concat([few.filter(pl.col("weight") > k) for k in range(2)])
    replicated = cv.fit_pareto_nbd(twice, covariates=["online"])
    assert replicated.effects.purchase["online"] == pytest.approx(
        model.effects.purchase["online"], rel=1e-7
    )
    assert log_likelihood(replicated) == pytest.approx(log_likelihood(model), rel=1e-12)


def test_cdnow_first_purchase(cdnow: pl.DataFrame) -> None:
    """Those who came late in the quarter; the day of the first purchase says little."""
    late = cdnow.with_columns(late=(pl.col("first_purchase") > date(1997, 2, 15)).cast(pl.Float64))
    null, full = cv.fit_pareto_nbd(late), cv.fit_pareto_nbd(late, covariates=["late"])
    assert log_likelihood(null) == pytest.approx(-9594.9762, abs=1e-3)
    assert cv.clv.likelihood_ratio_test(null, full).statistic >= 0


def test_bg_nbd_coefficients_of_a_simulation_are_found_again() -> None:
    customers = simulation.bg_nbd(6_000, seed=1)
    null = cv.fit_bg_nbd(customers)
    full = cv.fit_bg_nbd(customers, covariates=["online"])
    assert null.fit is not None
    assert full.fit is not None
    assert full.fit.status == "converged"
    assert full.fit.standard_errors is not None
    expected = {"r": 0.8, "alpha": 6.0, "a": 1.0, "b": 3.0}
    found = {name: getattr(full, name) for name in expected}
    expected |= {"purchase:online": 0.4, "attrition:online": -0.7}
    found |= {"purchase:online": full.effects.purchase["online"]}
    found |= {"attrition:online": full.effects.attrition["online"]}
    for name, value in expected.items():
        error = full.fit.standard_errors[name]
        assert error < 0.5
        assert found[name] == pytest.approx(value, abs=3 * error), name
    assert cv.clv.likelihood_ratio_test(null, full).p_value < 1e-6
    total = cv.clv.log_likelihood(customers, full)["log_likelihood"].sum()
    assert full.fit.log_likelihood == pytest.approx(total, rel=1e-12)
    assert cv.load_model(full.model_dump_json()) == full

    other = customers.with_columns(online=1 - pl.col("online"))
    flipped = cv.fit_bg_nbd(other, covariates=["online"])
    assert flipped.a + flipped.b == pytest.approx(full.a + full.b, rel=1e-6)
    assert flipped.effects.attrition["online"] == pytest.approx(
        -full.effects.attrition["online"], rel=1e-6
    )
    plain = flipped.with_covariates({"online": 1.0})
    assert [plain.r, plain.alpha, plain.a, plain.b] == pytest.approx(
        [full.r, full.alpha, full.a, full.b], rel=1e-6
    )
    assert plain.fit is None
