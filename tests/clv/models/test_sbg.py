from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from golden import golden

GOLDEN = golden("contracts")
COHORTS = ["regular", "high_end"]


def survivors(cohort: str, renewals: int = 7) -> pl.DataFrame:
    counts = GOLDEN["survivors"][cohort][: renewals + 1]
    return pl.DataFrame({"period": range(renewals + 1), "survivors": counts})


def customers(table: pl.DataFrame) -> pl.DataFrame:
    """One row per customer of a table of survivors."""
    counts = table["survivors"].to_list()
    rows = [(t, True) for t in range(len(counts) - 1) for _ in range(counts[t] - counts[t + 1])]
    rows += [(len(counts) - 1, False)] * counts[-1]
    return pl.DataFrame(rows, schema=["renewals", "churned"], orient="row")


@pytest.mark.parametrize("cohort", COHORTS)
def test_published_fit(cohort: str) -> None:
    expected = GOLDEN["sbg"][cohort]
    model = cv.fit_sbg(survivors(cohort))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    assert model.fit.status == "converged"
    assert model.fit.n_customers == 1000
    assert [model.alpha, model.beta] == pytest.approx(
        [expected["alpha"], expected["beta"]], rel=1e-5
    )
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    errors = list(model.fit.standard_errors.values())
    assert errors == pytest.approx(expected["standard_errors"], abs=1e-4)


@pytest.mark.parametrize("cohort", COHORTS)
def test_published_survival_and_lifetimes(cohort: str) -> None:
    expected = GOLDEN["sbg"][cohort]
    model = cv.fit_sbg(survivors(cohort))
    kept = 100 * model.survival(np.arange(1.0, 13.0))
    assert kept.tolist() == pytest.approx(expected["survival"], abs=5e-3)
    assert model.lifetime(0.10) == pytest.approx(expected["del"], abs=1e-5)
    residual = model.residual_lifetime(np.arange(8.0), 0.10)
    assert residual.tolist() == pytest.approx(expected["derl"], abs=1e-4)


@pytest.mark.parametrize("cohort", COHORTS)
def test_published_fit_to_four_renewals(cohort: str) -> None:
    expected = GOLDEN["sbg_four_renewals"][cohort]
    model = cv.fit_sbg(survivors(cohort, 4))
    assert model.fit is not None
    assert [model.alpha, model.beta] == pytest.approx(
        [expected["alpha"], expected["beta"]], rel=1e-5
    )
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)


def test_published_fit_to_several_cohorts() -> None:
    expected = GOLDEN["cohorts"]
    table = pl.DataFrame(
        [
            {"cohort": f"year {k}", "period": t, "survivors": count}
            for k, counts in enumerate(expected["survivors"])
            for t, count in enumerate(counts)
        ]
    )
    model = cv.fit_sbg(table)
    assert model.fit is not None
    assert model.fit.n_customers == 40_000
    assert [model.alpha, model.beta] == pytest.approx(
        [expected["alpha"], expected["beta"]], rel=1e-5
    )
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-2)
    assert cv.fit_sbg(table.sample(fraction=1, shuffle=True, seed=1)) == model


def test_two_retention_rates_fit_exactly() -> None:
    expected = GOLDEN["two_points"]
    table = pl.DataFrame({"period": range(3), "survivors": expected["survivors"]})
    model = cv.fit_sbg(table, time_unit="month")
    assert [model.alpha, model.beta] == pytest.approx(
        [expected["alpha"], expected["beta"]], abs=1e-4
    )
    assert model.survival(np.arange(3.0)).tolist() == pytest.approx(expected["survivors"])
    value = 1 + model.discounted_renewals(np.zeros(1), periods=24)[0]
    assert value == pytest.approx(expected["value_of_24_renewals"], abs=5e-3)
    assert model.fit is not None
    shares = "the survivors look like shares: the standard errors need numbers"
    assert shares in model.fit.warnings


def test_customers_give_the_fit_of_their_table() -> None:
    model = cv.fit_sbg(survivors("regular"))
    by_customer = cv.fit_sbg(customers(survivors("regular")))
    assert by_customer == model
    rows = customers(survivors("regular"))
    counted = rows.group_by("renewals", "churned").agg(pl.len().alias("n"))
    assert cv.fit_sbg(counted.sort("n"), weights="n") == model
    assert cv.fit_sbg(rows.sample(fraction=1, shuffle=True, seed=1).lazy()) == model


def test_weights_are_replication() -> None:
    table = survivors("high_end").with_columns(w=pl.lit(3))
    weighted = cv.fit_sbg(table, weights="w")
    tripled = cv.fit_sbg(table.with_columns(pl.col("survivors") * 3))
    assert weighted == tripled


def test_a_cohort_seen_late_counts_from_there() -> None:
    """Survivors of three renewals, without their beginning: ln S(t)/S(3), and a warning."""
    early = survivors("regular").with_columns(cohort=pl.lit("a"))
    late = survivors("high_end").filter(pl.col("period") >= 3).with_columns(cohort=pl.lit("b"))
    model = cv.fit_sbg(pl.concat([early, late]))
    assert model.fit is not None
    assert "1 cohorts without period 0 (e.g. b)" in model.fit.warnings[0]

    def total(alpha: float, beta: float) -> float:
        log_kept = cv.Sbg(alpha=alpha, beta=beta).log_retention(np.arange(1.0, 8.0))
        value = 0.0
        for counts, first in ((early, 0), (late, 3)):
            n = counts["survivors"].to_numpy()
            r = log_kept[first:]
            value += float(n[1:] @ r + (n[:-1] - n[1:]) @ np.log(-np.expm1(r)))
        return value

    best = total(model.alpha, model.beta)
    assert model.fit.log_likelihood == pytest.approx(best, rel=1e-12)
    for step in (0.99, 1.01):
        assert total(model.alpha * step, model.beta) < best
        assert total(model.alpha, model.beta * step) < best


def test_parameters_of_a_simulation_are_found_again() -> None:
    rng = np.random.default_rng(7)
    lifetimes = rng.geometric(rng.beta(0.8, 2.5, 50_000))  # the renewal that did not happen
    seen = rng.integers(1, 9, lifetimes.size)  # renewals that each could have had so far
    frame = pl.DataFrame(
        {"renewals": np.minimum(lifetimes - 1, seen), "churned": lifetimes <= seen}
    )
    model = cv.fit_sbg(frame)
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    assert abs(model.alpha - 0.8) < 4 * model.fit.standard_errors["alpha"] < 0.2
    assert abs(model.beta - 2.5) < 4 * model.fit.standard_errors["beta"] < 0.6


@pytest.mark.parametrize(
    "counts",
    [
        [10, 0],
        [10, 10],
        [10, 5],
        [10, 10, 10, 0],
        [1, 1, 0],
        [1000, 900, 810, 729, 656, 590],
        [1e9, 5e8, 0],
    ],
)
def test_data_that_do_not_identify_the_model_say_so(counts: list[float]) -> None:
    table = pl.DataFrame({"period": range(len(counts)), "survivors": counts})
    for model in (cv.fit_sbg(table), cv.fit_bdw(table)):
        assert model.fit is not None
        assert model.fit.status == "boundary"
        assert "do not identify" in model.fit.warnings[-1]
        assert model.fit.standard_errors is None
        assert np.isfinite(model.survival(np.arange(50.0))).all()
        assert np.isfinite(model.lifetime(0.1))
