from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from oracles import covariates as simulation
from oracles import pareto_nbd as oracle

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_reported_likelihood_is_that_of_the_frame_and_of_the_oracle(
    customers: pl.DataFrame, full: cv.ParetoNbd
) -> None:
    likelihood = cv.clv.log_likelihood(customers, full)["log_likelihood"]
    assert log_likelihood(full) == pytest.approx(likelihood.sum(), rel=1e-12)
    row = customers.row(17, named=True)
    alpha = full.alpha / math.exp(sum(c * row[n] for n, c in full.effects.purchase.items()))
    beta = full.beta / math.exp(sum(c * row[n] for n, c in full.effects.attrition.items()))
    expected = oracle.log_likelihood(
        row["repeat_purchases"], row["t_x"] / 7, row["T"] / 7, full.r, alpha, full.s, beta
    )
    assert likelihood[17] == pytest.approx(float(expected), rel=1e-10)


def test_likelihood_ratio_test(null: cv.ParetoNbd, full: cv.ParetoNbd) -> None:
    test = cv.clv.likelihood_ratio_test(null, full)
    assert test.degrees_of_freedom == 4
    assert test.statistic == 2 * (log_likelihood(full) - log_likelihood(null))
    # The tail of chi-squared with 4 degrees of freedom in closed form.
    half = test.statistic / 2
    assert test.p_value == pytest.approx(math.exp(-half) * (1 + half), rel=1e-9)


def test_likelihood_ratio_test_refuses_what_is_not_nested(
    customers: pl.DataFrame, null: cv.ParetoNbd, full: cv.ParetoNbd
) -> None:
    with pytest.raises(cv.CustomerValueError, match="full has 4 parameters, null 8"):
        cv.clv.likelihood_ratio_test(full, null)
    with pytest.raises(cv.CustomerValueError, match="must be fitted"):
        cv.clv.likelihood_ratio_test(null, cv.ParetoNbd(r=1, alpha=1, s=1, beta=1))
    with pytest.raises(cv.CustomerValueError, match="differ in their customers"):
        cv.clv.likelihood_ratio_test(cv.fit_pareto_nbd(customers.head(1000)), full)


def test_one_process_only_and_the_model_of_one_kind_of_customer(customers: pl.DataFrame) -> None:
    terms = cv.clv.CovariateTerms(purchase=("online",))
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


def test_terms_act_once_on_a_process() -> None:
    with pytest.raises(ValueError, match=r"more than once on a process: \['a'\]"):
        cv.clv.CovariateTerms(purchase=("a",), shared=("a",))
    with pytest.raises(ValueError, match=r"the history itself cannot be a covariate: \['T'\]"):
        cv.clv.CovariateTerms(attrition=("T",))
    assert cv.clv.CovariateTerms(purchase=("a",), attrition=("a", "b")).columns == ("a", "b")


def test_bg_nbd_predictions_are_those_of_each_kind_of_customer() -> None:
    customers = simulation.bg_nbd(300, seed=2)
    model = cv.BgNbd(
        r=0.8,
        alpha=6.0,
        a=1.0,
        b=3.0,
        effects=cv.clv.CovariateEffects(purchase={"online": 0.4}, attrition={"online": -0.7}),
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


EFFECTS = cv.clv.CovariateEffects(
    purchase={"online": 0.4, "income": -0.2}, attrition={"online": -0.7, "income": 0.3}
)
MODELS = {
    "BG/NBD": cv.BgNbd(r=0.8, alpha=6.0, a=1.1, b=3.0, effects=EFFECTS),
    "Pareto/NBD": cv.ParetoNbd(r=0.9, alpha=12.0, s=0.7, beta=15.0, effects=EFFECTS),
    "one process": cv.BgNbd(
        r=0.8,
        alpha=6.0,
        a=1.1,
        b=3.0,
        effects=cv.clv.CovariateEffects(attrition={"online": -0.7, "income": 0.3}),
    ),
}
GG = cv.GammaGamma.model_validate(simulation.SPEND)


def worth(frame: pl.DataFrame, model: cv.clv.PurchaseModel, **terms: Any) -> pl.DataFrame:
    return cv.customer_lifetime_value(frame, purchases=model, spend=GG, margin=0.3, **terms)


PREDICTIONS: dict[str, Callable[[pl.DataFrame, Any], pl.DataFrame]] = {
    "alive": cv.probability_alive,
    "alive later": lambda frame, model: cv.probability_alive(frame, model, horizon="1y"),
    "expected": lambda frame, model: cv.expected_purchases(frame, model, horizon="1y"),
    "none": lambda frame, model: cv.purchase_probability(frame, model, horizon="1y", n=0),
    "two": lambda frame, model: cv.purchase_probability(frame, model, horizon="1y", n=2),
    "any": lambda frame, model: cv.purchase_probability(frame, model, horizon="1y"),
    "three on": lambda frame, model: cv.purchase_probability(
        frame, model, horizon="1y", at_least=3
    ),
    "wait": lambda frame, model: cv.clv.next_purchase_quantile(frame, model, q=0.3),
    "likelihood": cv.clv.log_likelihood,
    "value": worth,
    "steps": lambda frame, model: worth(frame, model, steps="month"),
    "life": lambda frame, model: worth(frame, model, horizon=None),
    "interval": lambda frame, model: worth(
        frame,
        model,
        seed=1,
        interval=cv.IntervalOptions(parameters="fixed", draws=40, confidence=0.9),
    ),
}


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_predictions_are_those_of_each_kind_of_customer(
    model: cv.BgNbd | cv.ParetoNbd, name: str
) -> None:
    """Of customers who differ in a number, too; in any order and next to anybody."""
    predict = PREDICTIONS[name]
    frame = simulation.bg_nbd(24, seed=2).with_columns(
        income=pl.Series([0.1 * (i % 9) - 1.3 for i in range(24)])
    )
    together = predict(frame, model)
    assert together["customer_id"].to_list() == list(range(24))
    new = together.columns[len(frame.columns) :]
    for (online, income), kind in frame.group_by("online", "income"):
        values = {"online": float(str(online)), "income": float(str(income))}
        plain = model.with_covariates(values)
        assert plain.covariates == ()
        alone = predict(kind, plain).select(new)
        got = together.filter(pl.col("customer_id").is_in(kind["customer_id"].to_list()))
        if name == "interval":  # a draw depends on all that is known of a customer
            assert got.select((pl.col("clv_low") <= pl.col("clv_high")).all()).item()
            assert got.select(new[-2:]).null_count().row(0) == (0, 0)
            got, alone = got.select(new[:-2]), alone.select(new[:-2])
        assert_frame_equal(got.select(alone.columns), alone, rel_tol=1e-11, abs_tol=0)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_no_covariate_is_too_large(model: cv.BgNbd | cv.ParetoNbd) -> None:
    """Every prediction stays finite, however absurd the customer."""
    history = pl.DataFrame(
        {
            "repeat_purchases": [0, 0, 1, 1, 5000, 5000],
            "t_x": [0.0, 0.0, 0.0, 30.0, 3650.0, 1.0],
            "T": [0.0, 1e4, 1e-3, 30.0, 3650.0, 1e4],
            "repeat_spend": [None, None, 0.0, 20.0, 1e9, 1e-9],
        }
    )
    extremes = pl.DataFrame({"online": [0.0, 80.0, -1e9, 1e9]}).join(
        pl.DataFrame({"income": [0.0, 120.0, -1e9, 1e9]}), how="cross"
    )
    frame = history.join(extremes, how="cross")
    for name, predict in PREDICTIONS.items():
        found = predict(frame, model).drop(frame.columns)
        for column in found.iter_columns():
            known = column.drop_nulls()
            assert known.is_finite().all(), (name, column.name)
            if column.name == "clv_if_alive":  # unknown of those who are surely gone
                gone = found["p_alive"] < 1e-290
                assert known.len() == frame.height - gone.sum()
            elif name not in {"wait", "life"}:
                assert known.len() == frame.height, (name, column.name)
            elif column.name == "clv":
                assert known.len() == frame.height


def test_effects_are_numbers() -> None:
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            cv.clv.CovariateEffects(purchase={"online": bad})


def test_a_life_without_discount_is_refused_where_a_covariate_may_make_it_endless() -> None:
    """In BG/NBD purchases do not end in the mean where a <= 1, and here a is the customer's."""
    model = MODELS["BG/NBD"]
    assert isinstance(model, cv.BgNbd)
    assert model.a > 1
    frame = simulation.bg_nbd(5, seed=2).with_columns(income=pl.lit(-10.0))
    with pytest.raises(cv.CustomerValueError, match="no finite value without discount"):
        worth(frame, model, horizon=None, discount_rate=0.0)
    faster = model.model_copy(update={"effects": cv.clv.CovariateEffects(purchase={"income": 0.1})})
    endless = worth(frame, faster, horizon=None, discount_rate=0.0)
    assert endless["clv"].is_finite().all()


FITS: dict[str, Callable[..., Any]] = {"BG/NBD": cv.fit_bg_nbd, "Pareto/NBD": cv.fit_pareto_nbd}
SIMULATIONS = {"BG/NBD": simulation.bg_nbd, "Pareto/NBD": simulation.pareto_nbd}


@pytest.mark.parametrize("name", FITS)
def test_drawn_coefficients_have_the_covariance_of_the_fit(name: str) -> None:
    """With the parameters' logarithms, and each coefficient in units of its standard error."""
    customers = SIMULATIONS[name](2_000, seed=4).with_columns(
        income=1e6 * pl.Series(np.random.default_rng(6).normal(size=2_000))
    )
    terms = cv.clv.CovariateTerms(purchase=("income",), shared=("online",))
    model = FITS[name](customers, covariates=terms)
    assert model.fit is not None
    assert list(model.fit.standard_errors)[4:] == ["purchase:income", "online"]
    parameters = list(model.fit.standard_errors)[:4]
    drawn = model.draw_parameters(4_000, np.random.default_rng(3))
    assert all(m.effects.attrition == {"online": m.effects.purchase["online"]} for m in drawn)
    moves = np.array(
        [
            [
                *(math.log(getattr(m, p) / getattr(model, p)) for p in parameters),
                *(m.effects.purchase[c] - model.effects.purchase[c] for c in ("income", "online")),
            ]
            for m in drawn
        ]
    )
    scales = np.append([getattr(model, p) for p in parameters], [1.0, 1.0])
    expected = np.array(model.fit.covariance) / np.outer(scales, scales)
    errors = np.sqrt(np.diag(expected))
    got = np.cov((moves / errors).T)
    np.testing.assert_allclose(got, expected / np.outer(errors, errors), atol=0.08)
    np.testing.assert_allclose((moves / errors).mean(axis=0), 0.0, atol=0.06)


@pytest.mark.parametrize("name", FITS)
def test_intervals_cover_what_comes(name: str) -> None:
    """93 to 97 % of the customers; and the total of a channel."""
    customers = SIMULATIONS[name](2_000, seed=11)
    covariates = ["online"] if name == "BG/NBD" else ["online", "income"]
    model = FITS[name](customers, covariates=covariates)
    year: dict[str, Any] = {"spend": cv.fit_gamma_gamma(customers), "margin": 1.0, "seed": 1}
    year |= {"horizon": "364d", "discount_rate": 0.0}
    options = cv.IntervalOptions(draws=200)
    valued = cv.customer_lifetime_value(customers, purchases=model, interval=options, **year)
    came = pl.col("holdout_revenue")
    inside = (came >= pl.col("clv_low") - 1e-9) & (came <= pl.col("clv_high") * (1 + 1e-9))
    assert 0.93 <= valued.select(inside.mean()).item() <= 0.97

    online = customers.filter(pl.col("online") == 1)
    total = online["holdout_revenue"].sum()
    known = cv.value_interval(online, purchases=model, options=options, **year)
    assert known.low < known.total < known.high
    assert known.low <= total <= known.high
    means = cv.customer_lifetime_value(
        online.head(300),
        purchases=model,
        interval=cv.IntervalOptions(interval_method="mean", draws=200),
        **year,
    )
    assert means.select((pl.col("clv").is_between("clv_low", "clv_high")).all()).item()
    fixed = cv.value_interval(
        online,
        purchases=model,
        options=cv.IntervalOptions(draws=200, parameters="fixed"),
        **year,
    )
    assert known.high - known.low > fixed.high - fixed.low


def test_equal_customers_of_equal_covariates_get_equal_intervals(full: cv.ParetoNbd) -> None:
    frame = simulation.pareto_nbd(100, seed=8)
    options = cv.IntervalOptions(draws=40, confidence=0.9)
    ends = ["customer_id", "clv_low", "clv_high"]
    terms: dict[str, Any] = {"purchases": full, "margin": 0.3, "interval": options, "seed": 1}
    terms["spend"] = cv.fit_gamma_gamma(simulation.pareto_nbd(500, seed=9))
    expected = cv.customer_lifetime_value(frame, **terms).select(ends)
    twice = pl.concat([frame, frame]).sample(fraction=1, shuffle=True, seed=1)
    got = cv.customer_lifetime_value(twice, **terms).select(ends)
    assert_frame_equal(got.unique().sort("customer_id"), expected, check_exact=True)
    moved = frame.with_columns(online=1 - pl.col("online"))
    other = cv.customer_lifetime_value(moved, **terms)["clv_high"]
    busy = expected["clv_high"] > 0
    assert busy.sum() > 20
    assert (other != expected["clv_high"]).filter(busy).all()
