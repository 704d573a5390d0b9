"""What each customer is worth.

One transaction log in; scores, classes, tiers, lifetime values, profit and lifecycle stages out.

- the log: `load_cdnow`, `simulate_transactions`, `Columns`, `TransactionOptions`,
  `clean_transactions`, `summarize`, `split_holdout`
- RFM: `RfmOptions`, `fit_rfm`, `score_rfm`, `segment_rfm`, `check_rules`, `rfm_grid`,
  `RFM_LIST_125`, `RFM_GRID_25`, `RFM_R_PACKAGE`, `RFM_EIGHT_TYPES`
- ABC and tiers: `AbcOptions`, `classify_abc`, `lorenz_curve`, `gini`, `top_share`, `classify_xyz`,
  `abc_xyz_matrix`, `TierOptions`, `assign_tiers`, `service_levels`
- marks and segments: `customer_marks`, `MarkRules`, `busy_but_low_value`, `one_off_large`,
  `profile_segments`, `compare_mix`
- lifetime value: `fit_bg_nbd`, `fit_mbg_nbd`, `fit_mbg_cnbd`, `fit_nbd`, `fit_gamma_gamma`,
  `load_model`, `probability_alive`, `purchase_probability`, `next_purchase_quantile`,
  `expected_purchases`, `expected_spend`, `customer_lifetime_value`, `value_interval`,
  `fit_conformal_interval`, `conformal_interval`
- profit: `customer_pnl`
- lifecycle: `LifecycleRules`, `assign_stages`
- everything at once: `value_report`

Importing this package loads none of its dependencies; each name loads what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from customer_value.abc_analysis import (
        AbcOptions,
        abc_xyz_matrix,
        classify_abc,
        classify_xyz,
        gini,
        lorenz_curve,
        top_share,
    )
    from customer_value.clv import (
        BgNbd,
        ConformalGroup,
        ConformalInterval,
        FitOptions,
        FitSummary,
        GammaGamma,
        IntervalOptions,
        MbgCnbd,
        MbgNbd,
        Nbd,
        PurchaseModel,
        SpendModel,
        ValueInterval,
        conformal_interval,
        customer_lifetime_value,
        expected_purchases,
        expected_purchases_new_customer,
        expected_spend,
        fit_bg_nbd,
        fit_conformal_interval,
        fit_gamma_gamma,
        fit_mbg_cnbd,
        fit_mbg_nbd,
        fit_nbd,
        load_model,
        log_likelihood,
        next_purchase_quantile,
        probability_alive,
        purchase_probability,
        purchase_probability_new_customer,
        value_interval,
    )
    from customer_value.datasets import (
        load_cdnow,
        simulate_transactions,
    )
    from customer_value.exceptions import (
        CustomerValueError,
        DataError,
        FitError,
        SchemaError,
    )
    from customer_value.lifecycle import (
        LifecycleRules,
        assign_stages,
    )
    from customer_value.marks import (
        DEFAULT_MARKS,
        MarkCondition,
        MarkRule,
        MarkRules,
        busy_but_low_value,
        customer_marks,
        one_off_large,
    )
    from customer_value.profitability import (
        customer_pnl,
    )
    from customer_value.report import (
        ValueReport,
        value_report,
    )
    from customer_value.rfm import (
        RFM_EIGHT_TYPES,
        RFM_GRID_25,
        RFM_LIST_125,
        RFM_R_PACKAGE,
        RfmDimension,
        RfmOptions,
        RfmRules,
        RfmScale,
        RfmSegment,
        RuleCoverage,
        check_rules,
        fit_rfm,
        rfm_grid,
        score_rfm,
        segment_rfm,
    )
    from customer_value.segmentation import (
        compare_mix,
        profile_segments,
    )
    from customer_value.tiers import (
        TierOptions,
        assign_tiers,
        service_levels,
    )
    from customer_value.transactions import (
        Columns,
        DataQualityReport,
        RuleCount,
        TransactionOptions,
        clean_transactions,
        split_holdout,
        summarize,
    )

__all__ = [
    "DEFAULT_MARKS",
    "RFM_EIGHT_TYPES",
    "RFM_GRID_25",
    "RFM_LIST_125",
    "RFM_R_PACKAGE",
    "AbcOptions",
    "BgNbd",
    "Columns",
    "ConformalGroup",
    "ConformalInterval",
    "CustomerValueError",
    "DataError",
    "DataQualityReport",
    "FitError",
    "FitOptions",
    "FitSummary",
    "GammaGamma",
    "IntervalOptions",
    "LifecycleRules",
    "MarkCondition",
    "MarkRule",
    "MarkRules",
    "MbgCnbd",
    "MbgNbd",
    "Nbd",
    "PurchaseModel",
    "RfmDimension",
    "RfmOptions",
    "RfmRules",
    "RfmScale",
    "RfmSegment",
    "RuleCount",
    "RuleCoverage",
    "SchemaError",
    "SpendModel",
    "TierOptions",
    "TransactionOptions",
    "ValueInterval",
    "ValueReport",
    "__version__",
    "abc_xyz_matrix",
    "assign_stages",
    "assign_tiers",
    "busy_but_low_value",
    "check_rules",
    "classify_abc",
    "classify_xyz",
    "clean_transactions",
    "compare_mix",
    "conformal_interval",
    "customer_lifetime_value",
    "customer_marks",
    "customer_pnl",
    "expected_purchases",
    "expected_purchases_new_customer",
    "expected_spend",
    "fit_bg_nbd",
    "fit_conformal_interval",
    "fit_gamma_gamma",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_nbd",
    "fit_rfm",
    "gini",
    "load_cdnow",
    "load_model",
    "log_likelihood",
    "lorenz_curve",
    "next_purchase_quantile",
    "one_off_large",
    "probability_alive",
    "profile_segments",
    "purchase_probability",
    "purchase_probability_new_customer",
    "rfm_grid",
    "score_rfm",
    "segment_rfm",
    "service_levels",
    "simulate_transactions",
    "split_holdout",
    "summarize",
    "top_share",
    "value_interval",
    "value_report",
]

_MODULE_OF = {
    "AbcOptions": "abc_analysis",
    "BgNbd": "clv",
    "Columns": "transactions",
    "ConformalGroup": "clv",
    "ConformalInterval": "clv",
    "CustomerValueError": "exceptions",
    "DEFAULT_MARKS": "marks",
    "DataError": "exceptions",
    "DataQualityReport": "transactions",
    "FitError": "exceptions",
    "FitOptions": "clv",
    "FitSummary": "clv",
    "GammaGamma": "clv",
    "IntervalOptions": "clv",
    "LifecycleRules": "lifecycle",
    "MarkCondition": "marks",
    "MarkRule": "marks",
    "MarkRules": "marks",
    "MbgCnbd": "clv",
    "MbgNbd": "clv",
    "Nbd": "clv",
    "PurchaseModel": "clv",
    "RFM_EIGHT_TYPES": "rfm",
    "RFM_GRID_25": "rfm",
    "RFM_LIST_125": "rfm",
    "RFM_R_PACKAGE": "rfm",
    "RfmDimension": "rfm",
    "RfmOptions": "rfm",
    "RfmRules": "rfm",
    "RfmScale": "rfm",
    "RfmSegment": "rfm",
    "RuleCount": "transactions",
    "RuleCoverage": "rfm",
    "SchemaError": "exceptions",
    "SpendModel": "clv",
    "TierOptions": "tiers",
    "TransactionOptions": "transactions",
    "ValueInterval": "clv",
    "ValueReport": "report",
    "abc_xyz_matrix": "abc_analysis",
    "assign_stages": "lifecycle",
    "assign_tiers": "tiers",
    "busy_but_low_value": "marks",
    "check_rules": "rfm",
    "classify_abc": "abc_analysis",
    "classify_xyz": "abc_analysis",
    "clean_transactions": "transactions",
    "compare_mix": "segmentation",
    "conformal_interval": "clv",
    "customer_lifetime_value": "clv",
    "customer_marks": "marks",
    "customer_pnl": "profitability",
    "expected_purchases": "clv",
    "expected_purchases_new_customer": "clv",
    "expected_spend": "clv",
    "fit_bg_nbd": "clv",
    "fit_conformal_interval": "clv",
    "fit_gamma_gamma": "clv",
    "fit_mbg_cnbd": "clv",
    "fit_mbg_nbd": "clv",
    "fit_nbd": "clv",
    "fit_rfm": "rfm",
    "gini": "abc_analysis",
    "load_cdnow": "datasets",
    "load_model": "clv",
    "log_likelihood": "clv",
    "lorenz_curve": "abc_analysis",
    "next_purchase_quantile": "clv",
    "one_off_large": "marks",
    "probability_alive": "clv",
    "profile_segments": "segmentation",
    "purchase_probability": "clv",
    "purchase_probability_new_customer": "clv",
    "rfm_grid": "rfm",
    "score_rfm": "rfm",
    "segment_rfm": "rfm",
    "service_levels": "tiers",
    "simulate_transactions": "datasets",
    "split_holdout": "transactions",
    "summarize": "transactions",
    "top_share": "abc_analysis",
    "value_interval": "clv",
    "value_report": "report",
}


if not TYPE_CHECKING:  # a checker sees the imports above, and so finds misspelt names

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
