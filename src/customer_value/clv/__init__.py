"""Customer lifetime value: models of purchase and spend, and what they say of each customer."""

from customer_value.clv.base import (
    FitOptions,
    FitSummary,
    OpportunityModel,
    PurchaseModel,
    SpendModel,
    TimedModel,
)
from customer_value.clv.formulas import berger_nasr_value, constant_retention_value, present_value
from customer_value.clv.markov import markov_value, recency_transitions
from customer_value.clv.models.bdw import Bdw, fit_bdw
from customer_value.clv.models.bg_bb import BgBb, fit_bg_bb
from customer_value.clv.models.bg_nbd import BgNbd, fit_bg_nbd
from customer_value.clv.models.contract import ContractModel
from customer_value.clv.models.covariates import (
    CovariateEffects,
    CovariateModel,
    CovariateTerms,
    LikelihoodRatioTest,
    likelihood_ratio_test,
)
from customer_value.clv.models.gamma_gamma import GammaGamma, fit_gamma_gamma
from customer_value.clv.models.log_normal import LogNormalSpend, fit_log_normal_spend
from customer_value.clv.models.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from customer_value.clv.models.mbg_nbd import MbgNbd, fit_mbg_nbd
from customer_value.clv.models.nbd import Nbd, fit_nbd
from customer_value.clv.models.pareto_nbd import ParetoNbd, fit_pareto_nbd
from customer_value.clv.models.sbg import Sbg, fit_sbg
from customer_value.clv.opportunities import summarize_opportunities
from customer_value.clv.predict.conformal import (
    ConformalGroup,
    ConformalModel,
    add_conformal_interval,
    fit_conformal,
)
from customer_value.clv.predict.contractual import contractual_value, retention_curve
from customer_value.clv.predict.drawing import IntervalOptions
from customer_value.clv.predict.intervals import ValueInterval, value_interval
from customer_value.clv.predict.predictions import (
    expected_purchases,
    expected_purchases_new_customer,
    expected_spend,
    log_likelihood,
    next_purchase_quantile,
    probability_alive,
    purchase_probability,
    purchase_probability_new_customer,
)
from customer_value.clv.predict.value import ValueTerms, customer_lifetime_value
from customer_value.clv.validate.checks import (
    DataSufficiency,
    SpendFrequencyCorrelation,
    SufficiencyOptions,
    data_sufficiency,
    spend_frequency_correlation,
)
from customer_value.clv.validate.compare import ModelComparison, compare_models
from customer_value.clv.validate.holdout import HoldoutReport, evaluate_holdout
from customer_value.clv.validate.track import track_purchases

__all__ = [
    "Bdw",
    "BgBb",
    "BgNbd",
    "ConformalGroup",
    "ConformalModel",
    "ContractModel",
    "CovariateEffects",
    "CovariateModel",
    "CovariateTerms",
    "DataSufficiency",
    "FitOptions",
    "FitSummary",
    "GammaGamma",
    "HoldoutReport",
    "IntervalOptions",
    "LikelihoodRatioTest",
    "LogNormalSpend",
    "MbgCnbd",
    "MbgNbd",
    "ModelComparison",
    "Nbd",
    "OpportunityModel",
    "ParetoNbd",
    "PurchaseModel",
    "Sbg",
    "SpendFrequencyCorrelation",
    "SpendModel",
    "SufficiencyOptions",
    "TimedModel",
    "ValueInterval",
    "ValueTerms",
    "add_conformal_interval",
    "berger_nasr_value",
    "compare_models",
    "constant_retention_value",
    "contractual_value",
    "customer_lifetime_value",
    "data_sufficiency",
    "evaluate_holdout",
    "expected_purchases",
    "expected_purchases_new_customer",
    "expected_spend",
    "fit_bdw",
    "fit_bg_bb",
    "fit_bg_nbd",
    "fit_conformal",
    "fit_gamma_gamma",
    "fit_log_normal_spend",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_pareto_nbd",
    "fit_sbg",
    "likelihood_ratio_test",
    "log_likelihood",
    "markov_value",
    "next_purchase_quantile",
    "present_value",
    "probability_alive",
    "purchase_probability",
    "purchase_probability_new_customer",
    "recency_transitions",
    "retention_curve",
    "spend_frequency_correlation",
    "summarize_opportunities",
    "track_purchases",
    "value_interval",
]
