from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import pareto_nbd as oracle

TRUTH = {"r": 0.9, "alpha": 12.0, "s": 0.7, "beta": 15.0}
PURCHASE = {"online": 0.5, "income": -0.2}
ATTRITION = {"online": -0.6, "income": 0.3}


def simulated(n: int, seed: int) -> pl.DataFrame:
    """Customers whose rates of purchase and attrition depend on two covariates, in weeks."""
    rng = np.random.default_rng(seed)
    online, income = rng.integers(0, 2, n).astype(float), rng.normal(3.0, 1.0, n)
    T = rng.uniform(40.0, 104.0, n)
    faster = np.exp(PURCHASE["online"] * online + PURCHASE["income"] * income)
    sooner = np.exp(ATTRITION["online"] * online + ATTRITION["income"] * income)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n) * faster
    death = rng.gamma(TRUTH["s"], 1 / TRUTH["beta"], n) * sooner
    life = np.minimum(rng.exponential(1.0, n) / death, T)
    x = rng.poisson(rate * life)
    t_x = np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return pl.DataFrame(
        {
            "customer_id": np.arange(n),
            "repeat_purchases": x,
            "t_x": 7 * t_x,
            "T": 7 * T,
            "online": online,
            "income": income,
        }
    )


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return simulated(6_000, seed=3)


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
    for name, value in TRUTH.items():
        assert getattr(full, name) == pytest.approx(value, abs=3 * errors(full)[name]), name
    for process, truth, found in (
        ("purchase", PURCHASE, full.effects.purchase),
        ("attrition", ATTRITION, full.effects.attrition),
    ):
        for name, value in truth.items():
            error = errors(full)[f"{process}:{name}"]
            assert error < 0.2
            assert found[name] == pytest.approx(value, abs=3 * error), (process, name)


def test_reported_likelihood_is_that_of_the_frame_and_of_the_oracle(
    customers: pl.DataFrame, full: cv.ParetoNbd
) -> None:
    likelihood = cv.log_likelihood(customers, full)["log_likelihood"]
    assert log_likelihood(full) == pytest.approx(likelihood.sum(), rel=1e-12)
    row = customers.row(17, named=True)
    alpha = full.alpha / math.exp(sum(c * row[n] for n, c in full.effects.purchase.items()))
    beta = full.beta / math.exp(sum(c * row[n] for n, c in full.effects.attrition.items()))
    expected = oracle.log_likelihood(
        row["repeat_purchases"], row["t_x"] / 7, row["T"] / 7, full.r, alpha, full.s, beta
    )
    assert likelihood[17] == pytest.approx(float(expected), rel=1e-10)


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
    fall = log_likelihood(full) - float(cv.log_likelihood(customers, moved)["log_likelihood"].sum())
    assert fall == pytest.approx(0.5, rel=0.05)


def test_likelihood_never_falls_below_that_of_a_smaller_model(
    customers: pl.DataFrame, null: cv.ParetoNbd, full: cv.ParetoNbd
) -> None:
    noise = customers.with_columns(noise=pl.col("customer_id").hash(seed=1) % 1000)
    with_noise = cv.fit_pareto_nbd(noise, covariates=["noise"])
    assert log_likelihood(null) <= log_likelihood(with_noise) < log_likelihood(full)
    test = cv.likelihood_ratio_test(null, with_noise)
    assert 0.001 < test.p_value < 1
    shared = cv.CovariateTerms(shared=("online", "income"))
    alike = cv.fit_pareto_nbd(customers, covariates=shared)
    assert log_likelihood(null) < log_likelihood(alike) < log_likelihood(full)
    assert alike.effects.purchase == alike.effects.attrition


def test_likelihood_ratio_test(null: cv.ParetoNbd, full: cv.ParetoNbd) -> None:
    test = cv.likelihood_ratio_test(null, full)
    assert test.degrees_of_freedom == 4
    assert test.statistic == 2 * (log_likelihood(full) - log_likelihood(null))
    # The tail of chi-squared with 4 degrees of freedom in closed form.
    half = test.statistic / 2
    assert test.p_value == pytest.approx(math.exp(-half) * (1 + half), rel=1e-9)


def test_likelihood_ratio_test_refuses_what_is_not_nested(
    customers: pl.DataFrame, null: cv.ParetoNbd, full: cv.ParetoNbd
) -> None:
    with pytest.raises(cv.CustomerValueError, match="full has 4 parameters, null 8"):
        cv.likelihood_ratio_test(full, null)
    with pytest.raises(cv.CustomerValueError, match="must be fitted"):
        cv.likelihood_ratio_test(null, cv.ParetoNbd(r=1, alpha=1, s=1, beta=1))
    with pytest.raises(cv.CustomerValueError, match="differ in their customers"):
        cv.likelihood_ratio_test(cv.fit_pareto_nbd(customers.head(1000)), full)


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


def test_one_process_only_and_the_model_of_one_kind_of_customer(customers: pl.DataFrame) -> None:
    terms = cv.CovariateTerms(purchase=("online",))
    model = cv.fit_pareto_nbd(customers, covariates=terms)
    assert model.effects.attrition == {}
    plain = model.with_covariates({"online": 1.0})
    assert plain.covariates == ()
    assert plain.beta == model.beta
    assert plain.alpha == pytest.approx(model.alpha * math.exp(-model.effects.purchase["online"]))
    online = customers.filter(pl.col("online") == 1)
    assert_frame_equal(
        cv.probability_alive(online, model), cv.probability_alive(online, plain), rel_tol=1e-13
    )
    for bad in ({}, {"online": math.nan}, {"online": 1.0, "age": 30.0}):
        with pytest.raises(cv.CustomerValueError, match=r"\['online'\] is needed"):
            model.with_covariates(bad)


def test_value_and_laziness(customers: pl.DataFrame, full: cv.ParetoNbd) -> None:
    spent = customers.with_columns(repeat_spend=pl.lit(20.0))
    gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
    eager = cv.customer_lifetime_value(spent, purchases=full, spend=gg, margin=0.3)
    lazy = cv.customer_lifetime_value(spent.lazy(), purchases=full, spend=gg, margin=0.3)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(eager, lazy.collect().sort("customer_id"))
    assert eager["clv"].is_finite().all()
    assert cv.load_model(full.model_dump_json()) == full


def test_unknown_covariates(customers: pl.DataFrame, full: cv.ParetoNbd) -> None:
    with pytest.raises(cv.SchemaError, match="missing column 'online'"):
        cv.probability_alive(customers.drop("online"), full)
    some = customers.with_columns(
        online=pl.when(pl.col("customer_id") >= 10).then(pl.col("online"))
    )
    alive = cv.probability_alive(some, full)["p_alive"]
    assert alive.null_count() == 10
    assert alive[:10].null_count() == 10
    model = cv.fit_pareto_nbd(some, covariates=["online", "income"])
    assert model.fit is not None
    assert model.fit.warnings == ("10 customers left out: no purchase, or an unknown covariate",)
    broken = customers.with_columns(online=pl.lit(math.nan))
    with pytest.raises(cv.DataError, match="6,000 rows with NaN or infinite covariates"):
        cv.fit_pareto_nbd(broken, covariates=["online"])
    with pytest.raises(cv.DataError, match="NaN or infinite covariates"):
        cv.probability_alive(broken, full)


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


def test_terms_act_once_on_a_process() -> None:
    with pytest.raises(ValueError, match=r"more than once on a process: \['a'\]"):
        cv.CovariateTerms(purchase=("a",), shared=("a",))
    with pytest.raises(ValueError, match=r"the history itself is no covariate: \['T'\]"):
        cv.CovariateTerms(attrition=("T",))
    assert cv.CovariateTerms(purchase=("a",), attrition=("a", "b")).columns == ("a", "b")


def test_cdnow_first_purchase(cdnow: pl.DataFrame) -> None:
    """Those who came late in the quarter; the day of the first purchase says little."""
    late = cdnow.with_columns(late=(pl.col("first_purchase") > date(1997, 2, 15)).cast(pl.Float64))
    null, full = cv.fit_pareto_nbd(late), cv.fit_pareto_nbd(late, covariates=["late"])
    assert log_likelihood(null) == pytest.approx(-9594.9762, abs=1e-3)
    assert cv.likelihood_ratio_test(null, full).statistic >= 0


def simulated_bg(n: int, seed: int) -> pl.DataFrame:
    """BG/NBD customers: a channel with other rates and other odds of stopping, in weeks."""
    rng = np.random.default_rng(seed)
    online, T = rng.integers(0, 2, n).astype(float), rng.uniform(40.0, 104.0, n)
    rate = rng.gamma(0.8, 1 / 6.0, n) * np.exp(0.4 * online)
    share = 1 / (1 + np.exp(math.log(3.0) + 0.7 * online))  # a / (a + b), less online
    stop = rng.beta(4.0 * share, 4.0 * (1 - share))
    rows = []
    for each_rate, each_stop, end in zip(rate, stop, T, strict=True):
        x, last, now = 0, 0.0, rng.exponential(1 / each_rate)
        while now < end:
            x, last = x + 1, now
            if rng.random() < each_stop:
                break
            now += rng.exponential(1 / each_rate)
        rows.append((x, 7 * last))
    x_all, t_x_all = zip(*rows, strict=True)
    return pl.DataFrame({"repeat_purchases": x_all, "t_x": t_x_all, "T": 7 * T, "online": online})


def test_bg_nbd_coefficients_of_a_simulation_are_found_again() -> None:
    customers = simulated_bg(6_000, seed=1)
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
    assert cv.likelihood_ratio_test(null, full).p_value < 1e-6
    total = cv.log_likelihood(customers, full)["log_likelihood"].sum()
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


def test_bg_nbd_predictions_are_those_of_each_kind_of_customer() -> None:
    customers = simulated_bg(300, seed=2)
    model = cv.BgNbd(
        r=0.8,
        alpha=6.0,
        a=1.0,
        b=3.0,
        effects=cv.CovariateEffects(purchase={"online": 0.4}, attrition={"online": -0.7}),
    )
    gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
    spent = customers.with_columns(repeat_spend=pl.lit(20.0))
    together = cv.customer_lifetime_value(spent, purchases=model, spend=gg, margin=0.3)
    for online in (0.0, 1.0):
        kind = spent.filter(pl.col("online") == online)
        plain = model.with_covariates({"online": online})
        assert_frame_equal(
            together.filter(pl.col("online") == online),
            cv.customer_lifetime_value(kind, purchases=plain, spend=gg, margin=0.3),
        )
