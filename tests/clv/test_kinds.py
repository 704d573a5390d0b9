"""Two kinds of purchase models, and the same answers alone, in halves and from any library."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv

DONORS = cv.BgBb(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)


def test_a_model_is_of_one_kind() -> None:
    for timed in (cv.BgNbd, cv.MbgNbd, cv.MbgCnbd, cv.Nbd, cv.ParetoNbd):
        assert issubclass(timed, cv.clv.TimedModel)
        assert not issubclass(timed, cv.clv.OpportunityModel)
    assert not isinstance(DONORS, cv.clv.TimedModel)
    assert isinstance(DONORS, cv.clv.OpportunityModel)
    assert DONORS.days_per_length == 365.25
    assert cv.BgNbd(r=1, alpha=1, a=1, b=1).days_per_length == 1.0


def test_what_needs_days_refuses_opportunities(cdnow: pl.DataFrame) -> None:
    with pytest.raises(cv.OptionError, match="a BgBb counts opportunities, not days"):
        cv.clv.track_purchases(cv.load_cdnow(), DONORS, as_of=date(1998, 6, 30))
    with pytest.raises(cv.OptionError, match=r"\['bg_bb'\] count opportunities"):
        cv.compare_models(cdnow, [DONORS])


def scored(frame: Any, bg: cv.BgNbd, gg: cv.GammaGamma, widths: cv.clv.ConformalModel) -> Any:
    return (
        cv.customer_lifetime_value(
            frame,
            purchases=bg,
            spend=gg,
            margin=0.3,
            interval=cv.IntervalOptions(draws=40, confidence=0.9),
            seed=1,
        )
        .pipe(cv.purchase_probability, bg, horizon="3mo")
        .pipe(cv.clv.add_conformal_interval, widths)
    )


def test_one_customer_gets_the_answer_of_the_crowd(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    predicted = cv.expected_purchases(cdnow, bg, horizon="39w")
    widths = cv.clv.fit_conformal(
        predicted, prediction="expected_purchases", actual="holdout_purchases"
    )
    assert widths.fitted_on is not None
    assert widths.fitted_on.as_of == date(1997, 9, 30)
    assert cv.load_model(widths.model_dump_json()) == widths
    few = cdnow.head(60)
    whole = scored(few, bg, gg, widths)
    halves = pl.concat([scored(few[:30], bg, gg, widths), scored(few[30:], bg, gg, widths)])
    assert_frame_equal(halves, whole, check_exact=True)
    alone = pl.concat([scored(few[row], bg, gg, widths) for row in range(12)])
    assert_frame_equal(alone, whole.head(12), check_exact=True)


def test_a_frame_of_pandas_passes_through(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    pandas = pytest.importorskip("pandas")
    table = cdnow.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert cv.fit_bg_nbd(table) == bg
    assert cv.fit_gamma_gamma(table) == gg
    terms: Any = {"purchases": bg, "spend": gg, "margin": 0.3}
    added = ["p_alive", "expected_purchases", "expected_spend", "clv", "clv_if_alive"]
    assert_frame_equal(
        cv.customer_lifetime_value(table, **terms).select(added),
        cv.customer_lifetime_value(cdnow, **terms).select(added),
        check_exact=True,
    )
    assert cv.value_interval(
        table, seed=1, options=cv.IntervalOptions(draws=40), **terms
    ) == cv.value_interval(cdnow, seed=1, options=cv.IntervalOptions(draws=40), **terms)
    report = cv.evaluate_holdout(table, bg, spend=gg)
    assert report.errors.equals(cv.evaluate_holdout(cdnow, bg, spend=gg).errors)
    assert cv.clv.data_sufficiency(table) == cv.clv.data_sufficiency(cdnow)
    assert cv.compare_models(table, ["nbd"]).best == "nbd"
