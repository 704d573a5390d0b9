from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value._typing import FloatArray
from customer_value.clv.base import HISTORY, OPPORTUNITIES, SPEND, FitSummary
from oracles import covariates as simulation

START, END = date(2022, 1, 1), date(2022, 12, 31)
CUSTOMERS = 8_000
REFITS = 300
"""The standard deviation of so many is known to 4 %."""


class Case(NamedTuple):
    """A fit to simulated customers, equal ones counted in `n`."""

    fit: Callable[..., Any]
    table: pl.DataFrame
    log_likelihood: Callable[[Any, pl.DataFrame], FloatArray]


def counted(customers: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Equal rows counted; the gaps, whose factor holds no parameter, by their mean."""
    gaps = pl.col("^log_gap_sum$").mean()
    return customers.group_by(columns).agg(pl.len().alias("n"), gaps).sort(columns)


def of_rows(model: Any, table: pl.DataFrame) -> FloatArray:
    """The model's own log-likelihood of each row."""
    return cv.clv.log_likelihood(table, model)["log_likelihood"].to_numpy()


def of_spend(model: cv.GammaGamma | cv.LogNormalSpend, table: pl.DataFrame) -> FloatArray:
    x, m = (table[name].cast(pl.Float64).to_numpy() for name in SPEND)
    return model.log_likelihood(x, m)


def of_renewals(model: cv.clv.ContractModel, table: pl.DataFrame) -> FloatArray:
    """ln P(T = t) of who left, ln S(t) of who is still there."""
    renewals = table["renewals"].cast(pl.Float64).to_numpy()
    kept = model.survival(renewals)
    lost = kept * model.churn(renewals + 1)
    return np.log(np.where(table["churned"].to_numpy(), lost, kept))


def bought(purchases: Any, fit: Callable[..., Any], *, gaps: bool = False) -> Case:
    """Customers of one day, simulated for a year."""
    log = cv.simulate_transactions(
        CUSTOMERS, start=START, end=END, seed=1, purchases=purchases, acquisition_days=1
    )
    options = cv.TransactionOptions(occasion="order")
    if gaps:
        options = cv.TransactionOptions(extras=("log_gap_sum",))
    customers = cv.summarize(cv.read_transactions(log, options=options), as_of=END)
    return Case(fit, counted(customers, HISTORY), of_rows)


def fit_mbg_cnbd_2(customers: pl.DataFrame, **terms: Any) -> cv.MbgCnbd:
    return cv.fit_mbg_cnbd(customers, k=2, **terms)


def used_opportunities() -> Case:
    rng = np.random.default_rng(2)
    buys = rng.random((CUSTOMERS, 10)) < rng.beta(1.2, 0.8, CUSTOMERS)[:, None]
    lives = rng.geometric(rng.beta(0.7, 2.5, CUSTOMERS))  # gone at this opportunity
    number = np.arange(1, 11)
    used = buys & (number < lives[:, None])
    columns = (used.sum(axis=1), (used * number).max(axis=1), np.full(CUSTOMERS, 10))
    frame = pl.DataFrame(dict(zip(OPPORTUNITIES, columns, strict=True)))
    return Case(cv.fit_bg_bb, counted(frame, OPPORTUNITIES), of_rows)


def spent(draw: Callable[..., FloatArray], fit: Callable[..., Any]) -> Case:
    """Mean spend of one to a few purchases: all rows differ."""
    rng = np.random.default_rng(3)
    x = rng.geometric(0.3, CUSTOMERS // 2)
    frame = pl.DataFrame({"repeat_purchases": x, "repeat_spend": draw(rng, x)})
    return Case(fit, counted(frame, SPEND), of_spend)


def gamma_means(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    return rng.gamma(6.0 * x) / rng.gamma(4.0, 1 / 16.0, x.size) / x


def log_normal_means(rng: np.random.Generator, x: FloatArray) -> FloatArray:
    variance = np.log1p(0.8**2 / x)
    own = rng.normal(np.log(30.0), 0.5, x.size)
    return np.exp(own + rng.normal(-variance / 2, np.sqrt(variance)))


def renewed(c: float, fit: Callable[..., Any]) -> Case:
    """Contracts that were due once to twelve times, from P(T > t) = (1 - p)^(t^c)."""
    rng = np.random.default_rng(4)
    log_kept = np.log1p(-rng.beta(0.9, 2.5, CUSTOMERS))
    lost = np.ceil((np.log(rng.random(CUSTOMERS)) / log_kept) ** (1 / c))
    due = rng.integers(1, 13, CUSTOMERS)
    frame = pl.DataFrame(
        {"renewals": np.minimum(lost - 1, due).astype(np.int64), "churned": lost <= due}
    )
    return Case(fit, counted(frame, ("renewals", "churned")), of_renewals)


CASES: dict[str, Callable[[], Case]] = {
    "bg_nbd": lambda: bought(cv.BgNbd(r=1, alpha=10, a=1.2, b=4), cv.fit_bg_nbd),
    "mbg_nbd": lambda: bought(cv.MbgNbd(r=1, alpha=8, a=1.2, b=4), cv.fit_mbg_nbd),
    "pareto_nbd": lambda: bought(cv.ParetoNbd(r=1, alpha=10, s=1, beta=20), cv.fit_pareto_nbd),
    "mbg_cnbd_2": lambda: bought(
        cv.MbgCnbd(k=2, r=1.5, alpha=8, a=1.2, b=4), fit_mbg_cnbd_2, gaps=True
    ),
    "nbd": lambda: bought(cv.Nbd(r=1, alpha=10), cv.fit_nbd),
    "bg_bb": used_opportunities,
    "gamma_gamma": lambda: spent(gamma_means, cv.fit_gamma_gamma),
    "log_normal_spend": lambda: spent(log_normal_means, cv.fit_log_normal_spend),
    "sbg": lambda: renewed(1.0, cv.fit_sbg),
    "bdw": lambda: renewed(1.4, cv.fit_bdw),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def converged(model: Any) -> FitSummary:
    summary: FitSummary = model.fit
    assert summary.status == "converged"
    return summary


def centers(model: Any) -> FloatArray:
    """The parameters, and 1 for a coefficient, by the names of the fit."""
    return np.array([getattr(model, name, 1.0) for name in converged(model).standard_errors or ()])


def log_covariance(model: Any) -> FloatArray:
    """Covariance of the logarithms of the parameters, and of the coefficients as they are."""
    scales = centers(model)
    return np.array(converged(model).covariance) / np.outer(scales, scales)


def moved(model: Any, steps: FloatArray) -> Any:
    """The model with other logarithms of its parameters, and other coefficients."""
    update: dict[str, Any] = {}
    for name, step in zip(converged(model).standard_errors or (), steps.tolist(), strict=True):
        if hasattr(model, name):
            update[name] = getattr(model, name) * math.exp(step)
            continue
        process, column = name.split(":")
        effects = update.get("effects", model.effects)
        coefficients = getattr(effects, process)
        coefficients = coefficients | {column: coefficients[column] + step}
        update["effects"] = effects.model_copy(update={process: coefficients})
    return model.model_copy(update=update)


def curvature(function: Callable[[FloatArray], float], size: int) -> FloatArray:
    """Hessian at zero by central differences of two steps, whose errors of second order cancel."""
    unit = np.eye(size)

    def second(i: int, j: int, step: float) -> float:
        signs = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
        total = sum(s * function(step * (u * unit[i] + v * unit[j])) for u, v, s in signs)
        return total / (4 * step * step)

    rows = [
        [(4 * second(i, j, 0.005) - second(i, j, 0.01)) / 3 for j in range(size)]
        for i in range(size)
    ]
    return np.array(rows)


def test_covariance_is_symmetric_positive_and_that_of_the_standard_errors(case: Case) -> None:
    fit = converged(case.fit(case.table, weights="n"))
    assert fit.standard_errors is not None
    covariance, errors = np.array(fit.covariance), np.array([*fit.standard_errors.values()])
    np.testing.assert_array_equal(covariance, covariance.T)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), errors, rtol=1e-15)
    assert np.linalg.eigvalsh(covariance / np.outer(errors, errors))[0] > 1e-4


def test_covariance_is_that_of_the_curvature_of_the_log_likelihood(case: Case) -> None:
    model = case.fit(case.table, weights="n")
    counts = case.table["n"].to_numpy()

    def total(steps: FloatArray) -> float:
        return float(counts @ case.log_likelihood(moved(model, steps), case.table))

    expected = np.linalg.inv(-curvature(total, centers(model).size))
    np.testing.assert_allclose(log_covariance(model), expected, rtol=1e-5)


def test_parameters_of_refits_spread_and_correlate_as_the_covariance_says(case: Case) -> None:
    """Customers drawn with replacement (Efron 1979), as many as there are."""
    model = case.fit(case.table, weights="n")
    counts = case.table["n"].to_numpy()
    rng = np.random.default_rng(5)
    refits = []
    for drawn in rng.multinomial(counts.sum(), counts / counts.sum(), REFITS):
        refit = case.fit(case.table.with_columns(n=pl.Series(drawn)), weights="n")
        refits.append(np.log(centers(refit)))
    found, expected = np.cov(np.array(refits).T), log_covariance(model)
    spread, errors = np.sqrt(np.diag(found)), np.sqrt(np.diag(expected))
    np.testing.assert_allclose(spread, errors, rtol=0.15)
    np.testing.assert_allclose(
        found / np.outer(spread, spread), expected / np.outer(errors, errors), atol=0.15
    )


@pytest.mark.parametrize(
    ("fit", "customers"),
    [
        (cv.fit_bg_nbd, simulation.bg_nbd(2_000, seed=1)),
        (cv.fit_pareto_nbd, simulation.pareto_nbd(2_000, seed=3)),
    ],
    ids=["bg_nbd", "pareto_nbd"],
)
def test_covariance_with_covariates_is_that_of_the_curvature(
    fit: Callable[..., Any], customers: pl.DataFrame
) -> None:
    model = fit(customers, covariates=["online"])
    expected = np.linalg.inv(
        -curvature(lambda steps: float(of_rows(moved(model, steps), customers).sum()), 6)
    )
    np.testing.assert_allclose(log_covariance(model), expected, rtol=1e-5)


def test_parameters_that_the_data_tell_little_of_are_named() -> None:
    log = cv.load_cdnow()
    months = cv.clv.summarize_opportunities(log, as_of=date(1997, 9, 30), period="month")
    vague = cv.fit_bg_bb(months, time_unit="month")
    assert vague.fit is not None
    assert vague.fit.standard_errors is not None
    larger = [n for n, e in vague.fit.standard_errors.items() if e > getattr(vague, n)]
    assert 0 < len(larger) < 4
    assert f"larger than the parameter for {', '.join(larger)}: " in vague.fit.warnings[-1]


@pytest.mark.parametrize("covariates", [None, cv.clv.CovariateTerms(purchase=("loud",))])
def test_few_customers_leave_the_end_vague_more_do_not(covariates: Any) -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
    customers = customers.with_columns(loud=pl.int_range(pl.len()) % 2)
    few, more = (cv.fit_bg_nbd(customers.head(n), covariates=covariates).fit for n in (80, 400))
    assert few is not None
    assert "larger than the parameter for a, b: " in few.warnings[-1]
    assert more is not None
    assert more.warnings == ()
