from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from golden import golden
from oracles import validation as oracle

GOLDEN = golden("validation")
FIXED = cv.IntervalOptions(parameters="fixed", draws=200)


def of(report: cv.clv.HoldoutReport, forecast: str, outcome: str = "purchases") -> dict[str, Any]:
    wanted = (pl.col("forecast") == forecast) & (pl.col("outcome") == outcome)
    return report.errors.row(by_predicate=wanted, named=True)


def steady(n: int = 30) -> pl.DataFrame:
    """Customers who go on at exactly their own rate."""
    x = [k % 6 for k in range(n)]
    return pl.DataFrame(
        {
            "repeat_purchases": x,
            "t_x": [90.0 if k else 0.0 for k in x],
            "T": [100.0] * n,
            "repeat_spend": [10.0 if k else None for k in x],
            "holdout_purchases": x,
            "holdout_revenue": [10.0 * k for k in x],
            "holdout_days": [100.0] * n,
        }
    )


@pytest.fixture(scope="module")
def simulated() -> tuple[cv.BgNbd, cv.GammaGamma, pl.DataFrame]:
    """Customers who do what the models say, with their holdout."""
    bg = cv.BgNbd(r=0.5, alpha=20.0, a=0.8, b=2.5)
    gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
    log = cv.simulate_transactions(
        20_000, start=date(2023, 1, 1), end=date(2024, 12, 31), seed=3, purchases=bg, spend=gg
    )
    split = cv.split_holdout(log, calibration_end=date(2024, 3, 31), holdout_end=date(2024, 12, 31))
    return bg, gg, split


def test_published_total_and_error_of_pareto_nbd(cdnow: pl.DataFrame) -> None:
    published = GOLDEN["holdout_pareto_nbd"]
    report = cv.evaluate_holdout(cdnow, cv.ParetoNbd(**published["parameters"]))
    row = of(report, "model")
    assert row["expected"] == pytest.approx(published["expected"], abs=0.01)
    assert row["actual"] == published["actual"]
    assert row["mae"] == pytest.approx(published["mae"], abs=1e-6)


@pytest.mark.parametrize(("name", "fit"), [("bg_nbd", cv.fit_bg_nbd), ("mbg_nbd", cv.fit_mbg_nbd)])
def test_published_totals_and_errors_at_the_maximum(
    cdnow: pl.DataFrame, name: str, fit: Any
) -> None:
    row = of(cv.evaluate_holdout(cdnow, fit(cdnow)), "model")
    published = GOLDEN["holdout_at_the_maximum"][name]
    assert row["expected"] == pytest.approx(published["expected"], rel=2e-5)
    assert row["mae"] == pytest.approx(published["mae"], abs=2e-6)


def test_published_means_by_repeat_purchases(cdnow: pl.DataFrame) -> None:
    published = GOLDEN["holdout_by_repeats"]
    table = cv.evaluate_holdout(cdnow, cv.fit_pareto_nbd(cdnow)).by_repeats
    assert table["repeat_purchases"].to_list() == published["repeat_purchases"]
    assert table["customers"].to_list() == published["customers"]
    assert table["expected"].to_list() == pytest.approx(published["expected"], abs=1e-3)
    assert table["actual"].to_list() == pytest.approx(published["actual"], abs=6e-4)


def test_naive_forecasts_stand_beside_the_model(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    report = cv.evaluate_holdout(cdnow, bg)
    x, age, came = (
        cdnow[name].to_numpy() for name in ("repeat_purchases", "T", "holdout_purchases")
    )
    own, mean = x / age * 273, np.full(x.size, x.sum() / age.sum() * 273)
    for name, forecast in {"own_rate": own, "everyone_average": mean}.items():
        row = of(report, name)
        assert row["mae"] == pytest.approx(np.abs(forecast - came).mean())
        assert row["rmse"] == pytest.approx(math.sqrt(((forecast - came) ** 2).mean()))
        assert row["bias"] == pytest.approx((forecast - came).mean())
    assert report.beats_naive
    assert report.verdict.startswith("purchases: the model beats the forecasts without one (RMSE")
    assert "expects 1,653.4 where 1,882 came (-12.1 %)" in report.verdict
    assert str(report).startswith(report.verdict)


def test_tables_add_up_to_the_totals(cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    report = cv.evaluate_holdout(cdnow, bg, spend=gg)
    for outcome in ("purchases", "revenue"):
        row = of(report, "model", outcome)
        for table in (report.deciles, report.by_repeats):
            part = table.filter(pl.col("outcome") == outcome)
            assert part["customers"].sum() == row["customers"] == report.customers == 2357
            for column in ("expected", "actual"):
                total = (part["customers"] * part[column]).sum()
                assert total == pytest.approx(row[column], rel=1e-12)
    assert of(report, "model", "revenue")["actual"] == pytest.approx(cdnow["holdout_revenue"].sum())
    assert report.deciles["expected"][:10].is_sorted()


def test_revenue_is_purchases_times_spend(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    both = cdnow.pipe(cv.expected_purchases, bg, horizon="39w").pipe(cv.expected_spend, gg)
    value = both["expected_purchases"] * both["expected_spend"]
    row = of(cv.evaluate_holdout(cdnow, bg, spend=gg), "model", "revenue")
    assert row["expected"] == pytest.approx(value.sum(), rel=1e-12)
    own = of(cv.evaluate_holdout(cdnow, bg, spend=gg), "own_rate", "revenue")
    spent = (cdnow["repeat_purchases"] * cdnow["repeat_spend"]).fill_null(0) / cdnow["T"] * 273
    assert own["expected"] == pytest.approx(spent.sum(), rel=1e-12)


def test_a_model_that_loses_says_so() -> None:
    bad = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    report = cv.evaluate_holdout(steady(), bad)
    assert not report.beats_naive
    assert "the model loses to the forecasts without one" in report.verdict
    assert "against 0 of own_rate" in report.verdict
    assert of(report, "own_rate")["mae"] == pytest.approx(0.0, abs=1e-12)


def test_a_forecast_that_orders_better_is_named(cdnow: pl.DataFrame) -> None:
    report = cv.evaluate_holdout(cdnow, cv.fit_mbg_nbd(cdnow))
    own, naive = of(report, "model")["gini"], of(report, "own_rate")["gini"]
    assert own < naive
    assert report.beats_naive
    assert report.verdict.endswith(
        f"own_rate orders the customers better (Gini {naive:.3f} against {own:.3f})"
    )


def test_a_column_may_be_the_baseline(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    knows = cdnow.with_columns(oracle=pl.col("holdout_purchases"))
    report = cv.evaluate_holdout(knows, bg, baselines=["oracle"])
    row = of(report, "oracle")
    assert (row["mae"], row["rmse"], row["gini"]) == (0.0, 0.0, 1.0)
    assert not report.beats_naive
    assert "against 0 of oracle" in report.verdict


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_intervals_of_counts_cover_their_level(
    simulated: tuple[cv.BgNbd, cv.GammaGamma, pl.DataFrame], level: float
) -> None:
    bg, _, split = simulated
    report = cv.evaluate_holdout(split, bg, interval=cv.IntervalOptions(confidence=level))
    assert report.coverage is not None
    assert report.coverage["confidence"].to_list() == [level]
    assert report.coverage["coverage"].item() == pytest.approx(level, abs=0.008)
    busier = bg.model_copy(update={"r": 2 * bg.r})
    wrong = cv.evaluate_holdout(
        split, busier, interval=cv.IntervalOptions(confidence=level)
    ).coverage
    assert wrong is not None
    assert abs(wrong["coverage"].item() - level) > 0.02


def test_coverage_of_counts_is_that_of_the_oracle(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    some = cdnow.sort("holdout_purchases", descending=True)[::80]
    history = [some[name].cast(pl.Float64).to_numpy() for name in ("repeat_purchases", "t_x", "T")]

    def probability(i: int, n: int) -> float:
        x, t_x, age = (column[i : i + 1] for column in history)
        return float(bg.purchase_probability(x, t_x, age, 273.0, n)[0])

    expected = oracle.coverage_of_counts(some["holdout_purchases"].to_list(), probability, 0.8)
    coverage = cv.evaluate_holdout(some, bg, interval=cv.IntervalOptions(confidence=0.8)).coverage
    assert coverage is not None
    assert coverage["coverage"].item() == pytest.approx(expected, abs=1e-4)


def test_intervals_of_revenue_cover_their_level(
    simulated: tuple[cv.BgNbd, cv.GammaGamma, pl.DataFrame],
) -> None:
    bg, gg, split = simulated
    some = split.head(3000)
    options = cv.IntervalOptions(confidence=0.9, parameters="fixed", draws=300)
    report = cv.evaluate_holdout(some, bg, spend=gg, interval=options, seed=1)
    assert report.coverage is not None
    assert report.coverage["outcome"].to_list() == ["purchases", "revenue"]
    assert 0.89 < report.coverage["coverage"][1] < 0.92


def test_a_true_model_is_calibrated(
    simulated: tuple[cv.BgNbd, cv.GammaGamma, pl.DataFrame],
) -> None:
    bg, gg, split = simulated
    report = cv.evaluate_holdout(split, bg, spend=gg)
    assert report.beats_naive
    row = of(report, "model")
    assert row["expected"] == pytest.approx(row["actual"], rel=0.02)
    money = of(report, "model", "revenue")
    assert money["expected"] == pytest.approx(money["actual"], rel=0.03)
    best = report.deciles.filter(pl.col("outcome") == "purchases")[-1]
    assert best["expected"].item() == pytest.approx(best["actual"].item(), rel=0.1)


def test_order_laziness_and_unit_change_nothing(cdnow: pl.DataFrame, gg: cv.GammaGamma) -> None:
    bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    by_day = cv.BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426, time_unit="day")
    asked: Any = {"spend": gg, "interval": FIXED, "seed": 1}
    told = cv.evaluate_holdout(cdnow, bg, **asked)
    shuffled: Any = cdnow.sample(fraction=1, shuffle=True, seed=5).lazy()
    again = cv.evaluate_holdout(shuffled, bg, **asked)
    assert again.verdict == told.verdict
    for name in ("errors", "deciles", "by_repeats", "coverage"):
        assert_frame_equal(getattr(again, name), getattr(told, name), check_exact=True)
    days = cv.evaluate_holdout(cdnow, by_day, spend=gg)
    assert_frame_equal(days.errors, told.errors)


def test_every_customer_twice_and_money_in_cents(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    some = cdnow.head(300)
    told = cv.evaluate_holdout(
        some, bg, spend=gg, interval=cv.IntervalOptions(confidence=0.8), seed=1
    )
    twice = cv.evaluate_holdout(
        pl.concat([some, some]), bg, spend=gg, interval=cv.IntervalOptions(confidence=0.8), seed=1
    )
    measures = ["bias", "mae", "rmse", "gini"]
    assert_frame_equal(twice.errors.select(measures), told.errors.select(measures))
    for one, two in ((told.deciles, twice.deciles), (told.by_repeats, twice.by_repeats)):
        assert_frame_equal(one.with_columns(pl.col("customers") * 2), two)
    assert told.coverage is not None
    assert twice.coverage is not None
    assert twice.coverage["coverage"].to_list() == pytest.approx(
        told.coverage["coverage"].to_list()
    )
    money = pl.col("repeat_spend", "holdout_revenue") * 100
    cents = gg.model_copy(update={"v": gg.v * 100})
    in_cents = cv.evaluate_holdout(some.with_columns(money), bg, spend=cents)
    for measure, factor in {"mae": 100, "rmse": 100, "bias": 100, "gini": 1}.items():
        row, other = (of(report, "model", "revenue") for report in (told, in_cents))
        assert other[measure] == pytest.approx(row[measure] * factor, rel=1e-9)
        assert of(in_cents, "own_rate", "revenue")[measure] == pytest.approx(
            of(told, "own_rate", "revenue")[measure] * factor, rel=1e-9
        )


def test_later_purchases_change_nothing(bg: cv.BgNbd) -> None:
    log = cv.load_cdnow()
    later = log.with_columns(pl.col("ordered_at") + timedelta(days=1000))
    ends: Any = {"calibration_end": date(1997, 9, 30), "holdout_end": date(1998, 3, 31)}
    told, again = (
        cv.evaluate_holdout(cv.split_holdout(rows, **ends), bg)
        for rows in (log, pl.concat([log, later]))
    )
    assert_frame_equal(again.errors, told.errors, check_exact=True)


def test_unknown_customers_are_counted() -> None:
    bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = steady(12)
    holes = rows.head(3).with_columns(
        repeat_purchases=pl.Series([None, 1, 1]),
        t_x=pl.Series([None, 1.0, 1.0]),
        holdout_purchases=pl.Series([1, None, 1]),
        holdout_days=pl.Series([100.0, 100.0, None]),
    )
    told = cv.evaluate_holdout(pl.concat([rows, holes]), bg)
    assert (told.customers, told.left_out) == (12, 3)
    assert_frame_equal(told.errors, cv.evaluate_holdout(rows, bg).errors)


def test_money_of_customers_without_known_spend_is_left_out(bg: cv.BgNbd) -> None:
    no_mean = cv.GammaGamma(p=6.0, q=0.9, v=15.0)  # new customers have no mean spend
    report = cv.evaluate_holdout(steady(), bg, spend=no_mean)
    assert of(report, "model", "revenue")["customers"] == 25
    assert of(report, "model")["customers"] == 30
    with pytest.raises(cv.DataError, match="expected spend of none is known"):
        cv.evaluate_holdout(steady().filter(pl.col("repeat_purchases") == 0), bg, spend=no_mean)


def test_opportunities_have_a_horizon_of_their_own() -> None:
    donors = cv.BgBb(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    rows = pl.DataFrame(
        {
            "repeat_purchases": [0, 3, 6],
            "last_opportunity": [0, 4, 6],
            "opportunities": [6, 6, 6],
            "holdout_purchases": [0, 2, 5],
        }
    )
    report = cv.evaluate_holdout(
        rows, donors, horizon=5, interval=cv.IntervalOptions(confidence=0.9)
    )
    expected = cv.expected_purchases(rows, donors, horizon=5)["expected_purchases"].sum()
    assert of(report, "model")["expected"] == pytest.approx(expected)
    assert of(report, "own_rate")["expected"] == pytest.approx(7.5)


def test_covariates_count(cdnow: pl.DataFrame) -> None:
    some = cdnow.with_columns(odd=(pl.col("customer_id") % 2).cast(pl.Float64))
    model = cv.fit_bg_nbd(some, covariates=["odd"])
    told = cv.evaluate_holdout(some, model, interval=cv.IntervalOptions(confidence=0.8))
    expected = cv.expected_purchases(some, model, horizon="39w")["expected_purchases"].sum()
    assert of(told, "model")["expected"] == pytest.approx(expected)
    halves = [
        cv.evaluate_holdout(
            some.filter(odd=value),
            model.with_covariates({"odd": value}),
            interval=cv.IntervalOptions(confidence=0.8),
        )
        for value in (0.0, 1.0)
    ]
    assert told.coverage is not None
    hits = sum(
        half.coverage["coverage"].item() * half.customers
        for half in halves
        if half.coverage is not None
    )
    assert told.coverage["coverage"].item() * told.customers == pytest.approx(hits)


@pytest.mark.parametrize(
    "model",
    [
        cv.BgNbd(r=1e-3, alpha=1e3, a=1e3, b=1e-3),
        cv.ParetoNbd(r=1e3, alpha=1e-3, s=1.0, beta=1e-3),
        cv.MbgNbd(r=1e3, alpha=1e3, a=1.0, b=1e-3),
        cv.Nbd(r=1e-3, alpha=1e-3),
    ],
)
def test_extreme_customers_give_finite_numbers(model: cv.clv.PurchaseModel) -> None:
    rows = pl.DataFrame(
        {
            "repeat_purchases": [0, 0, 1, 5000, 5000],
            "t_x": [0.0, 0.0, 1e4, 1e4, 1.0],
            "T": [0.0, 1e4, 1e4, 1e4, 1e4],
            "holdout_purchases": [0, 300, 0, 300, 1],
            "holdout_days": [1e4] * 5,
        }
    )
    report = cv.evaluate_holdout(rows, model, interval=cv.IntervalOptions(confidence=0.95))
    numbers = report.errors.drop("outcome", "forecast").to_numpy()
    assert np.isfinite(numbers.astype(float)).all()
    assert report.coverage is not None
    assert 0 <= report.coverage["coverage"].item() <= 1
    assert report.deciles["customers"].sum() == 5


@pytest.mark.parametrize("n", [1, 2])
def test_one_customer_and_all_equal(n: int) -> None:
    bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = pl.concat([steady(12)[5:6]] * n)
    told = cv.evaluate_holdout(rows, bg, interval=cv.IntervalOptions(confidence=0.5))
    assert of(told, "model")["gini"] is None
    assert told.deciles["customers"].to_list() == [n]
    nothing = rows.with_columns(holdout_purchases=0)
    assert "where 0 came" in cv.evaluate_holdout(nothing, bg).verdict


def test_bad_input_is_refused(cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    with pytest.raises(cv.SchemaError, match="'holdout_purchases', 'holdout_days'"):
        cv.evaluate_holdout(cdnow.drop("holdout_purchases", "holdout_days"), bg)
    with pytest.raises(cv.DataError, match="none of 0 has a known history and holdout"):
        cv.evaluate_holdout(cdnow.head(0), bg)
    with pytest.raises(cv.DataError, match="t_x outside 0"):
        cv.evaluate_holdout(cdnow.with_columns(t_x=pl.col("T") + 1, repeat_purchases=1), bg)
    with pytest.raises(cv.DataError, match="2,357 rows with values not 0, 1, 2"):
        cv.evaluate_holdout(cdnow.with_columns(holdout_purchases=0.5), bg)
    mixed = pl.when(pl.col("customer_id") == 1).then(7.0).otherwise("holdout_days")
    with pytest.raises(cv.DataError, match="must be one number above 0, and is 7, 273"):
        cv.evaluate_holdout(cdnow.with_columns(holdout_days=mixed), bg)
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.evaluate_holdout(cdnow.with_columns(holdout_revenue=math.inf), bg, spend=gg)
    with pytest.raises(cv.DataError, match="not a finite number from 0"):
        cv.evaluate_holdout(cdnow.with_columns(rule=-1.0), bg, baselines=["rule"])
    with pytest.raises(cv.CustomerValueError, match=r"taken, rename the columns: \['model'\]"):
        cv.evaluate_holdout(cdnow.with_columns(model=1.0), bg, baselines=["model"])
    with pytest.raises(cv.CustomerValueError, match="seed"):
        cv.evaluate_holdout(cdnow, bg, spend=gg, interval=cv.IntervalOptions(confidence=0.9))
    with pytest.raises(cv.CustomerValueError, match="not 'mean'"):
        cv.evaluate_holdout(cdnow, bg, interval=cv.IntervalOptions(interval_method="mean"))
    with pytest.raises(cv.CustomerValueError, match="interval must be True, or"):
        cv.evaluate_holdout(cdnow, bg, interval=0.9)  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="not a duration"):
        cv.evaluate_holdout(cdnow, bg, horizon="soon")
