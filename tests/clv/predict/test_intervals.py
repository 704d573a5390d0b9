from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from oracles.cohorts import opportunity_cohort

GG = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
BG = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def interval(frame: Any, **terms: Any) -> cv.clv.ValueInterval:
    settings: dict[str, Any] = {"purchases": BG, "spend": GG, "margin": 1.0, "seed": 1}
    settings["options"] = cv.IntervalOptions(draws=100, parameters="fixed")
    return cv.value_interval(frame, **(settings | terms))


def test_total_is_the_sum_of_the_customers(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    got = interval(cdnow, purchases=bg, spend=gg, margin=0.3)
    valued = cv.customer_lifetime_value(cdnow, purchases=bg, spend=gg, margin=0.3)
    assert got.total == math.fsum(valued["clv"])
    assert got.low < got.total < got.high
    assert (got.customers, got.unknown) == (2357, 0)


def test_the_interval_of_the_total_holds_what_comes() -> None:
    """Twelve worlds: one in twenty may miss, three would be one case in fifty."""
    truth = cv.BgNbd(r=0.6, alpha=5.0, a=0.9, b=3.0)
    missed = 0
    for seed in range(1000, 1012):
        log = cv.simulate_transactions(
            1_000,
            start=date(2022, 1, 1),
            end=date(2023, 12, 31),
            seed=seed,
            purchases=truth,
            acquisition_days=180,
        )
        customers = cv.split_holdout(
            cv.read_transactions(log, options=cv.TransactionOptions(occasion="order")),
            calibration_end=date(2022, 12, 31),
            holdout_end=date(2023, 12, 31),
        )
        got = interval(
            customers,
            purchases=cv.fit_bg_nbd(customers),
            spend=cv.fit_gamma_gamma(customers),
            horizon="365d",
            discount_rate=0.0,
            options=cv.IntervalOptions(draws=80),
        )
        missed += not got.low <= customers["holdout_revenue"].sum() <= got.high
    assert missed <= 2


def test_the_interval_of_the_total_holds_what_comes_at_opportunities() -> None:
    """Likewise, for customers with one chance a month."""
    truth = cv.BgBb(alpha=1.5, beta=2.5, gamma=0.8, delta=8.0, time_unit="month")
    missed = 0
    for seed in range(1000, 1012):
        customers = opportunity_cohort(600, truth, GG, seed=seed, horizon=12)
        got = interval(
            customers,
            purchases=cv.fit_bg_bb(customers, time_unit="month"),
            spend=cv.fit_gamma_gamma(customers),
            horizon=12,
            discount_rate=0.0,
            options=cv.IntervalOptions(draws=80),
        )
        missed += not got.low <= customers["holdout_revenue"].sum() <= got.high
    assert missed <= 2


def test_order_changes_no_bit_and_lazy_is_eager(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    frame = cdnow.with_columns(share=0.1 + pl.col("customer_id") % 7 / 10)
    options = cv.IntervalOptions(draws=50)
    terms: dict[str, Any] = {"purchases": bg, "spend": gg, "margin": "share", "options": options}
    expected = interval(frame, **terms)
    assert interval(frame.sample(fraction=1, shuffle=True, seed=4), **terms) == expected
    assert interval(frame.lazy(), **terms) == expected
    assert interval(frame, **(terms | {"seed": 2})) != expected


def test_equal_customers_have_fates_of_their_own(cdnow: pl.DataFrame) -> None:
    """A hundred alike spread some ten times as far as one, not a hundred times."""
    one = cdnow.filter(pl.col("repeat_purchases") == 7).head(1)
    options = cv.IntervalOptions(draws=1000, parameters="fixed", confidence=0.8)
    alone, many = (interval(pl.concat([one] * n), options=options, horizon="5y") for n in (1, 100))
    assert many.total == pytest.approx(100 * alone.total, rel=1e-12)
    assert 7 < (many.high - many.low) / (alone.high - alone.low) < 30


def test_chance_adds_to_what_is_not_known_of_the_parameters(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    width = {}
    for name, options in {
        "mean": cv.IntervalOptions(interval_method="mean", draws=150),
        "chance": cv.IntervalOptions(parameters="fixed", draws=150),
        "both": cv.IntervalOptions(draws=150),
    }.items():
        got = interval(cdnow, purchases=bg, spend=gg, options=options)
        width[name] = got.high - got.low
    assert width["both"] == pytest.approx(math.hypot(width["mean"], width["chance"]), rel=0.25)


def test_parameters_and_total_spread_as_refits_do(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    """A weighted bootstrap (Rubin 1981): refits with exponential weights for the customers."""
    assert bg.fit is not None
    assert bg.fit.standard_errors is not None
    rng = np.random.default_rng(2)
    shapes: list[float] = []
    totals: list[float] = []
    for _ in range(15):
        weighted = cdnow.with_columns(w=pl.Series(rng.exponential(size=cdnow.height)))
        model = cv.fit_bg_nbd(weighted, weights="w")
        spend = cv.fit_gamma_gamma(weighted, weights="w")
        valued = cv.customer_lifetime_value(cdnow, purchases=model, spend=spend, margin=1.0)
        shapes.append(model.r)
        totals.append(float(valued["clv"].sum()))
    assert np.std(np.log(shapes)) == pytest.approx(bg.fit.standard_errors["r"] / bg.r, rel=0.5)
    options = cv.IntervalOptions(interval_method="mean", draws=150)
    got = interval(cdnow, purchases=bg, spend=gg, options=options)
    assert np.std(totals) == pytest.approx((got.high - got.low) / 3.92, rel=0.5)


def test_unknown_customers_are_counted(cdnow: pl.DataFrame) -> None:
    known = cdnow.select("repeat_purchases", "t_x", "T", "repeat_spend").head(5)
    nobody = pl.DataFrame({name: [None] for name in known.columns}, schema=known.schema)
    got = interval(pl.concat([known, nobody]))
    assert (got.customers, got.unknown) == (5, 1)
    assert got.model_copy(update={"unknown": 0}) == interval(known)


def test_no_customers_are_worth_nothing(cdnow: pl.DataFrame) -> None:
    got = interval(cdnow.head(0))
    assert (got.total, got.low, got.high, got.customers) == (0.0, 0.0, 0.0, 0)


def test_bad_terms_are_refused(cdnow: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"(?s)discount_rate.*margin"):
        interval(cdnow, discount_rate=-1, margin=5)
    with pytest.raises(cv.CustomerValueError, match="no finite value"):
        interval(cdnow, horizon=None, discount_rate=0.0)
    with pytest.raises(cv.CustomerValueError, match="give a seed"):
        interval(cdnow, seed=-3)
    with pytest.raises(cv.SchemaError, match="repeat_spend"):
        interval(cdnow.drop("repeat_spend"))


def test_it_is_plain_json(cdnow: pl.DataFrame) -> None:
    got = interval(cdnow.head(9))
    assert cv.clv.ValueInterval.model_validate_json(got.model_dump_json()) == got
