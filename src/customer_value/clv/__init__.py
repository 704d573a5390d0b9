"""Customer lifetime value: models of purchase and spend, and what they say of each customer."""

from customer_value.clv.base import FitOptions, FitSummary, PurchaseModel, SpendModel
from customer_value.clv.bg_nbd import BgNbd, fit_bg_nbd
from customer_value.clv.conformal import (
    ConformalGroup,
    ConformalInterval,
    conformal_interval,
    fit_conformal_interval,
)
from customer_value.clv.drawing import IntervalOptions
from customer_value.clv.gamma_gamma import GammaGamma, fit_gamma_gamma
from customer_value.clv.intervals import ValueInterval, value_interval
from customer_value.clv.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from customer_value.clv.mbg_nbd import MbgNbd, fit_mbg_nbd
from customer_value.clv.models import load_model
from customer_value.clv.nbd import Nbd, fit_nbd
from customer_value.clv.predictions import (
    expected_purchases,
    expected_purchases_new_customer,
    expected_spend,
    log_likelihood,
    next_purchase_quantile,
    probability_alive,
    purchase_probability,
    purchase_probability_new_customer,
)
from customer_value.clv.value import ValueTerms, customer_lifetime_value

__all__ = [
    "BgNbd",
    "ConformalGroup",
    "ConformalInterval",
    "FitOptions",
    "FitSummary",
    "GammaGamma",
    "IntervalOptions",
    "MbgCnbd",
    "MbgNbd",
    "Nbd",
    "PurchaseModel",
    "SpendModel",
    "ValueInterval",
    "ValueTerms",
    "conformal_interval",
    "customer_lifetime_value",
    "expected_purchases",
    "expected_purchases_new_customer",
    "expected_spend",
    "fit_bg_nbd",
    "fit_conformal_interval",
    "fit_gamma_gamma",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_nbd",
    "load_model",
    "log_likelihood",
    "next_purchase_quantile",
    "probability_alive",
    "purchase_probability",
    "purchase_probability_new_customer",
    "value_interval",
]
