"""Arguments of a wrong kind: one family of errors, which says what to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

PURCHASES: dict[str, Callable[..., Any]] = {
    "probability_alive": cv.probability_alive,
    "expected_purchases": lambda c, m: cv.expected_purchases(c, m, horizon="1y"),
    "purchase_probability": lambda c, m: cv.purchase_probability(c, m, horizon="1y"),
    "next_purchase_quantile": cv.clv.next_purchase_quantile,
    "log_likelihood": cv.clv.log_likelihood,
    "new customer": lambda _, m: cv.clv.expected_purchases_new_customer(m, horizon="1y"),
    "new customer's number": lambda _, m: cv.clv.purchase_probability_new_customer(
        m, horizon="1y", n=1
    ),
    "evaluate_holdout": cv.evaluate_holdout,
    "compare_models": lambda c, m: cv.compare_models(c, [m]),
}
FITS: dict[str, Callable[..., Any]] = {
    "bg_nbd": cv.fit_bg_nbd,
    "mbg_nbd": cv.fit_mbg_nbd,
    "mbg_cnbd": cv.fit_mbg_cnbd,
    "nbd": cv.fit_nbd,
    "pareto_nbd": cv.fit_pareto_nbd,
    "bg_bb": cv.fit_bg_bb,
    "sbg": cv.fit_sbg,
    "bdw": cv.fit_bdw,
}


@pytest.mark.parametrize("name", PURCHASES)
def test_a_model_of_another_kind_is_refused(
    cdnow: pl.DataFrame, gg: cv.GammaGamma, name: str
) -> None:
    with pytest.raises(
        cv.OptionError, match=r"must be an? (str or )?PurchaseModel, got an? GammaGamma"
    ):
        PURCHASES[name](cdnow, gg)


def test_spend_and_contracts_need_their_models(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    with pytest.raises(cv.OptionError, match="must be a SpendModel, got a BgNbd"):
        cv.expected_spend(cdnow, bg)  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match="must be a ContractModel, got a BgNbd"):
        cv.contractual_value(cdnow, bg, profit_per_period=1.0, timing="end")  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match="must be a ContractModel, got a BgNbd"):
        cv.clv.retention_curve(bg, periods=3)  # type: ignore[arg-type]
    with pytest.raises(cv.OptionError, match="must be a ConformalModel, got a BgNbd"):
        cv.clv.add_conformal_interval(cdnow, bg)  # type: ignore[call-overload]


@pytest.mark.parametrize("name", FITS)
def test_units_and_options_of_a_fit_are_checked(cdnow: pl.DataFrame, name: str) -> None:
    with pytest.raises(cv.OptionError, match="time_unit must be one of 'day', 'week'"):
        FITS[name](cdnow, time_unit="months")
    with pytest.raises(cv.OptionError, match=r"options must be an? FitOptions, got a dict"):
        FITS[name](cdnow, options={"max_iterations": 3})


@pytest.mark.parametrize("fit", [cv.fit_gamma_gamma, cv.fit_log_normal_spend])
def test_options_of_a_fit_of_spend_are_checked(
    cdnow: pl.DataFrame, fit: Callable[..., Any]
) -> None:
    with pytest.raises(cv.OptionError, match=r"options must be an? FitOptions, got a dict"):
        fit(cdnow, options={})


def test_an_interval_is_asked_for_in_one_way(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    terms: Any = {"purchases": bg, "spend": gg, "margin": 0.3}
    few = cdnow.head(5)
    with pytest.raises(cv.OptionError, match=r"True, or IntervalOptions\(confidence=0.9\)"):
        cv.customer_lifetime_value(few, interval=0.95, seed=1, **terms)  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match=r"options must be an? IntervalOptions, got a dict"):
        cv.value_interval(few, seed=1, options={"confidence": 0.9}, **terms)  # type: ignore[arg-type]
    with pytest.raises(cv.OptionError, match="give a seed"):
        cv.customer_lifetime_value(few, interval=True, **terms)
    plain = cv.customer_lifetime_value(few, **terms)
    same = cv.customer_lifetime_value(few, interval=True, seed=1, **terms)
    assert same.drop("clv_low", "clv_high").equals(plain)
    options = cv.IntervalOptions(confidence=0.95)
    assert cv.customer_lifetime_value(few, interval=options, seed=1, **terms).equals(same)


def test_terms_out_of_range_are_of_the_family(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    terms: Any = {"purchases": bg, "spend": gg}
    with pytest.raises(cv.OptionError, match=r"(?s)customer_lifetime_value: .*discount_rate"):
        cv.customer_lifetime_value(cdnow, margin=0.3, discount_rate=10, **terms)
    with pytest.raises(cv.OptionError, match="margin: a share from -1 to 1"):
        cv.value_interval(cdnow, margin=30.0, seed=1, **terms)
