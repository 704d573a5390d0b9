"""Customer lifetime value: models of purchase and spend, and what they say of each customer."""

from customer_value.clv.base import FitOptions, FitSummary, PurchaseModel
from customer_value.clv.bg_nbd import BgNbd, fit_bg_nbd
from customer_value.clv.covariates import (
    CovariateEffects,
    CovariateTerms,
    LikelihoodRatioTest,
    likelihood_ratio_test,
)
from customer_value.clv.gamma_gamma import GammaGamma, fit_gamma_gamma
from customer_value.clv.models import load_model
from customer_value.clv.pareto_nbd import ParetoNbd, fit_pareto_nbd
from customer_value.clv.predictions import (
    expected_purchases,
    expected_purchases_new_customer,
    expected_spend,
    log_likelihood,
    probability_alive,
)
from customer_value.clv.value import ValueTerms, customer_lifetime_value

__all__ = [
    "BgNbd",
    "CovariateEffects",
    "CovariateTerms",
    "FitOptions",
    "FitSummary",
    "GammaGamma",
    "LikelihoodRatioTest",
    "ParetoNbd",
    "PurchaseModel",
    "ValueTerms",
    "customer_lifetime_value",
    "expected_purchases",
    "expected_purchases_new_customer",
    "expected_spend",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_pareto_nbd",
    "likelihood_ratio_test",
    "load_model",
    "log_likelihood",
    "probability_alive",
]
