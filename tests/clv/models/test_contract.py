from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

import customer_value as cv

FITS: list[Callable[..., Any]] = [cv.fit_sbg, cv.fit_bdw]


def table(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns)


@pytest.mark.parametrize("fit", FITS)
def test_survivors_that_cannot_be_are_all_named(fit: Callable[..., Any]) -> None:
    bad = table(
        cohort=["a", "a", "b", "b", "c", "c", "d", "d", "e"],
        period=[0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.5, 0.0],
        survivors=[10.0, 11.0, 10.0, 5.0, 10.0, 8.0, 10.0, 5.0, -1.0],
    )
    with pytest.raises(cv.DataError) as caught:
        fit(bad)
    message = str(caught.value)
    assert "1 row with more survivors than the period before (e.g. a)" in message
    assert "2 rows with a period whose predecessor is missing (e.g. b, d)" in message
    assert "1 row with a period that is there twice; name the cohorts" in message
    assert "1 row with a period not 0, 1, 2 ... 100,000 (e.g. d)" in message
    assert "1 row with survivors that are not a number from 0 (e.g. e)" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_survivors_and_weights_are_numbers(value: float) -> None:
    with pytest.raises(cv.DataError, match="survivors that are not a number"):
        cv.fit_sbg(table(period=[0, 1], survivors=[10.0, value]))
    with pytest.raises(cv.DataError, match="weight that is not 0 or more"):
        cv.fit_sbg(table(period=[0, 1], survivors=[10.0, 5.0], w=[1.0, value]), weights="w")
    rows = table(renewals=[0, 1], churned=[True, False], w=[1.0, value])
    with pytest.raises(cv.DataError, match="weight that is not 0 or more"):
        cv.fit_sbg(rows, weights="w")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.5, 1e6, None])
def test_periods_are_counts(value: float | None) -> None:
    with pytest.raises(cv.DataError, match="1 row with a period not 0, 1, 2"):
        cv.fit_sbg(table(period=[0.0, 1.0, value], survivors=[10, 5, 4]))


def test_a_period_may_be_unknown_at_the_end_but_not_between() -> None:
    known = cv.fit_sbg(table(period=[0, 1, 2], survivors=[10, 7, 6]))
    padded = cv.fit_sbg(table(period=[0, 1, 2, 3], survivors=[10, 7, 6, None]))
    assert (padded.alpha, padded.beta) == (known.alpha, known.beta)
    assert padded.fit is not None
    assert "1 rows left out: survivors unknown" in padded.fit.warnings
    with pytest.raises(cv.DataError, match="predecessor is missing"):
        cv.fit_sbg(table(period=[0, 1, 2], survivors=[10, None, 6]))


def test_customers_that_cannot_be_are_named() -> None:
    with pytest.raises(cv.DataError, match=r"3 rows with renewals not 0, 1, 2 \.\.\. 100,000"):
        cv.fit_sbg(table(renewals=[-1.0, 0.5, 1e6, 2.0], churned=[True] * 4))
    with pytest.raises(cv.SchemaError, match="'churned' is Int64, must be Boolean"):
        cv.fit_sbg(table(renewals=[1], churned=[1]))
    with pytest.raises(cv.SchemaError, match="missing column 'churned'"):
        cv.fit_sbg(table(renewals=[1]))
    with pytest.raises(cv.SchemaError, match=r"missing columns 'period', 'survivors'.*renewals"):
        cv.fit_sbg(table(other=[1]))
    with pytest.raises(cv.SchemaError, match="'survivors' is String"):
        cv.fit_sbg(table(period=[0], survivors=["many"]))


def test_unknown_customers_are_left_out_and_counted() -> None:
    rows = table(renewals=[0, 1, 2, 4, None, 3], churned=[True, True, True, False, True, None])
    model = cv.fit_sbg(rows)
    alone = cv.fit_sbg(rows.drop_nulls())
    assert (model.alpha, model.beta) == (alone.alpha, alone.beta)
    assert model.fit is not None
    assert model.fit.n_customers == 4
    assert model.fit.warnings[0].startswith("2 customers left out")


@pytest.mark.parametrize(
    "rows",
    [
        table(period=[0], survivors=[10]),
        table(period=[0, 1], survivors=[0, 0]),
        table(renewals=[0, 0], churned=[False, False]),
        pl.DataFrame(schema={"period": pl.Int64, "survivors": pl.Int64}),
    ],
    ids=["no renewal", "no one", "all new", "empty"],
)
def test_nothing_to_fit(rows: pl.DataFrame) -> None:
    for fit in FITS:
        with pytest.raises(cv.FitError, match="no renewals to fit"):
            fit(rows)


def test_models_come_back_from_json() -> None:
    rows = table(period=[0, 1, 2, 3, 4], survivors=[1000, 700, 560, 480, 430])
    for fit in FITS:
        model = fit(rows, time_unit="month")
        assert cv.load_model(model.model_dump_json()) == model
        assert model.time_unit == "month"
