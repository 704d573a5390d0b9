from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from golden import golden

GOLDEN = golden("contracts")


@pytest.mark.parametrize("cohort", ["regular", "high_end"])
def test_published_fit(cohort: str) -> None:
    expected = GOLDEN["bdw"][cohort]
    table = pl.DataFrame({"period": range(8), "survivors": GOLDEN["survivors"][cohort][:8]})
    model, simple = cv.fit_bdw(table), cv.fit_sbg(table)
    assert model.fit is not None
    assert simple.fit is not None
    assert model.fit.status == "converged"
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    assert [model.alpha, model.beta, model.c] == pytest.approx(
        [expected["alpha"], expected["beta"], expected["c"]], rel=1e-5
    )
    assert model.fit.log_likelihood > simple.fit.log_likelihood


def test_an_exponent_of_one_is_the_shifted_beta_geometric() -> None:
    bdw, sbg = cv.Bdw(alpha=0.7, beta=1.2, c=1.0), cv.Sbg(alpha=0.7, beta=1.2)
    near = cv.Bdw(alpha=0.7, beta=1.2, c=1.0 + 1e-12)  # another path through the kernel
    t = np.arange(1.0, 200.0)
    assert (bdw.survival(t) == sbg.survival(t)).all()
    np.testing.assert_allclose(near.retention(t), sbg.retention(t), rtol=1e-10)
    np.testing.assert_allclose(near.churn(t), sbg.churn(t), rtol=1e-9)
    assert near.lifetime(0.02) == pytest.approx(sbg.lifetime(0.02), rel=1e-10)


def test_parameters_of_a_simulation_are_found_again() -> None:
    rng = np.random.default_rng(11)
    theta = rng.beta(1.5, 6.0, 60_000)
    # P(T > t) = (1 - theta)^(t^c), solved for t.
    survived = (np.log(rng.uniform(size=theta.size)) / np.log1p(-theta)) ** (1 / 1.4)
    renewals = np.minimum(np.floor(survived), 8)
    model = cv.fit_bdw(pl.DataFrame({"renewals": renewals, "churned": survived < 8}))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, truth in {"alpha": 1.5, "beta": 6.0, "c": 1.4}.items():
        assert abs(getattr(model, name) - truth) < 4 * model.fit.standard_errors[name]


def test_mean_lifetime_is_infinite_where_survival_falls_no_faster_than_1_over_t() -> None:
    assert cv.Bdw(alpha=0.5, beta=1.0, c=2.0).lifetime() == float("inf")
    assert not cv.Bdw(alpha=0.5, beta=1.0, c=2.0).has_finite_value(0.0)
    model = cv.Bdw(alpha=0.5, beta=1.0, c=2.5)
    assert model.has_finite_value(0.0)
    # The tail of S falls as t^-1.25: summed to t, it lacks about 4 t S(t).
    t = np.arange(200_000.0)
    survival = model.survival(t)
    rest = 4 * t[-1] * survival[-1]
    assert model.lifetime() == pytest.approx(survival.sum() + rest, rel=1e-5)
