from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import customer_value as cv
from customer_value._typing import TimeUnit
from customer_value.clv.fit import fitting
from golden import golden

GOLDEN = golden("clv")
WEEK = 7.0


def histories(x: list[int], t_x: list[float], age: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {"repeat_purchases": x, "t_x": t_x, "T": age},
        schema={"repeat_purchases": pl.Int64, "t_x": pl.Float64, "T": pl.Float64},
    )


def parameters(model: cv.BgNbd) -> list[float]:
    return [model.r, model.alpha, model.a, model.b]


def test_published_fit_to_39_weeks(bg: cv.BgNbd) -> None:
    expected = GOLDEN["bg_nbd_cdnow_39"]
    assert bg.fit is not None
    assert bg.fit.status == "converged"
    assert bg.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-3)
    assert parameters(bg) == pytest.approx(list(expected["parameters"].values()), rel=1e-5)
    assert bg.fit.standard_errors == pytest.approx(expected["standard_errors"], rel=1e-4)
    assert bg.fit.aic == pytest.approx(expected["aic"], abs=1e-3)
    assert bg.fit.bic == pytest.approx(expected["bic"], abs=1e-3)
    assert bg.fit.n_customers == 2357
    assert bg.fit.gradient_norm < 1e-9


def test_published_fit_to_78_weeks() -> None:
    expected = GOLDEN["bg_nbd_cdnow_78"]
    model = cv.fit_bg_nbd(cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)))
    assert model.fit is not None
    assert model.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-3)
    assert parameters(model) == pytest.approx(list(expected["parameters"].values()), rel=1e-4)


@pytest.mark.parametrize(("unit", "days"), [("day", 1.0), ("month", 30.4375), ("year", 365.25)])
def test_time_unit_changes_only_alpha(
    cdnow: pl.DataFrame, bg: cv.BgNbd, unit: TimeUnit, days: float
) -> None:
    model = cv.fit_bg_nbd(cdnow, time_unit=unit)
    assert model.alpha * days == pytest.approx(bg.alpha * WEEK, rel=1e-9)
    assert [model.r, model.a, model.b] == pytest.approx([bg.r, bg.a, bg.b], rel=1e-9)
    assert model.fit is not None
    total = cv.clv.log_likelihood(cdnow, model)["log_likelihood"].sum()
    assert model.fit.log_likelihood == pytest.approx(total, rel=1e-12)


def test_row_order_changes_no_bit(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    assert cv.fit_bg_nbd(cdnow.sample(fraction=1, shuffle=True, seed=3)) == bg
    assert cv.fit_bg_nbd(cdnow.lazy()) == bg


def test_weights_are_replication(cdnow: pl.DataFrame) -> None:
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = cv.fit_bg_nbd(weighted, weights="weight"), cv.fit_bg_nbd(replicated)
    assert parameters(a) == pytest.approx(parameters(b), rel=1e-9)
    assert a.fit is not None
    assert b.fit is not None
    assert a.fit.n_customers == b.fit.n_customers == replicated.height


def test_parameters_of_a_simulation_are_found_again() -> None:
    truth = cv.BgNbd(r=0.6, alpha=5.0, a=0.9, b=3.0)
    log = cv.simulate_transactions(
        30_000, start=date(2022, 1, 1), end=date(2023, 12, 31), seed=5, purchases=truth
    )
    model = cv.fit_bg_nbd(cv.summarize(log, as_of=date(2023, 12, 31)))
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, error in model.fit.standard_errors.items():
        # Same-day merging and whole days cost a little accuracy beside the sampling error.
        assert getattr(model, name) == pytest.approx(getattr(truth, name), abs=5 * error)


def test_nobody_bought_twice_is_a_boundary_said_in_words() -> None:
    model = cv.fit_bg_nbd(histories([0, 0, 0], [0, 0, 0], [100, 200, 300]))
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert model.fit.standard_errors is None
    assert "do not identify" in model.fit.warnings[0]
    assert model.new_customer_purchases(365) < 0.01


@pytest.mark.parametrize(
    "frame",
    [
        histories([3], [80], [100]),
        histories([0], [0], [0]),
        histories([5] * 50, [90] * 50, [100] * 50),
        histories([0, 1], [0, 0], [0, 0]),
        histories([5000, 0], [3600, 0], [3650, 1]),
    ],
    ids=["one customer", "first day", "all alike", "no time", "extreme"],
)
def test_degenerate_customers_give_a_finite_model(frame: pl.DataFrame) -> None:
    model = cv.fit_bg_nbd(frame)
    assert model.fit is not None
    assert model.fit.status in {"converged", "boundary"}
    assert model.fit.warnings or model.fit.status == "converged"
    predicted = cv.expected_purchases(frame, model, horizon="1y")["expected_purchases"]
    assert predicted.is_finite().all()


def test_customers_without_a_purchase_are_left_out_and_counted(
    cdnow: pl.DataFrame, bg: cv.BgNbd
) -> None:
    returned = pl.DataFrame({"repeat_purchases": [None], "t_x": [None], "T": [None]})
    columns = ["repeat_purchases", "t_x", "T"]
    frame = pl.concat([cdnow.select(columns), returned.cast(cdnow.select(columns).schema)])
    model = cv.fit_bg_nbd(frame)
    assert parameters(model) == parameters(bg)
    assert model.fit is not None
    assert model.fit.warnings == ("1 customers left out: no purchase",)


def test_nothing_to_fit() -> None:
    with pytest.raises(cv.FitError, match="no customers to fit: 0 rows"):
        cv.fit_bg_nbd(histories([], [], []))


def test_impossible_histories_are_all_named() -> None:
    frame = histories([1, -1, 2, 0], [50, 0, float("nan"), 3], [40, 10, 10, 10])
    with pytest.raises(cv.DataError) as caught:
        cv.fit_bg_nbd(frame)
    message = str(caught.value)
    for words in ("1 row with NaN", "1 row with repeat_purchases not", "1 row with t_x outside"):
        assert words in message
    assert "t_x above 0 without a repeat purchase" in message


def test_bad_weights_are_refused(cdnow: pl.DataFrame) -> None:
    with pytest.raises(cv.DataError, match="2,357 rows with a weight that is not 0 or more"):
        cv.fit_bg_nbd(cdnow.with_columns(w=pl.lit(-1)), weights="w")
    with pytest.raises(cv.SchemaError, match="missing column 'w'"):
        cv.fit_bg_nbd(cdnow, weights="w")


def test_parameters_must_be_positive_and_finite() -> None:
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="alpha"):
            cv.BgNbd(r=1, alpha=bad, a=1, b=1)


def test_a_fit_that_starts_from_a_sample_ends_where_others_do(
    cdnow: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cv.fit_bg_nbd(cdnow)
    monkeypatch.setattr(fitting, "_SAMPLE", 200)
    sampled = cv.fit_bg_nbd(cdnow)
    assert sampled == cv.fit_bg_nbd(cdnow.reverse())
    for name in ("r", "alpha", "a", "b"):
        assert getattr(sampled, name) == pytest.approx(getattr(whole, name), rel=1e-8)
    assert sampled.fit is not None
    assert whole.fit is not None
    assert sampled.fit.iterations < whole.fit.iterations
    assert sampled.fit.log_likelihood == pytest.approx(whole.fit.log_likelihood, rel=1e-13)
