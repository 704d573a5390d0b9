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
- lifetime value: `fit_bg_nbd`, `fit_gamma_gamma`, `load_model`, `probability_alive`,
  `expected_purchases`, `expected_spend`, `customer_lifetime_value`
- profit: `customer_pnl`
- unit economics: `acquisition_cost`, `simple_ltv`, `ltv_to_cac`, `payback_months`, `mrr_bridge`,
  `revenue_retention`, `channel_economics`, `channel_shift`
- the three values: `existing_value`, `potential_value`, `wallet_from_peers`, `wallet_from_ranks`,
  `influence_value`, `referral_value`, `value_cube`, `referral_segments`, `customer_equity`,
  `equity_bridge`, `future_equity`
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
        FitOptions,
        FitSummary,
        GammaGamma,
        PurchaseModel,
        customer_lifetime_value,
        expected_purchases,
        expected_purchases_new_customer,
        expected_spend,
        fit_bg_nbd,
        fit_gamma_gamma,
        load_model,
        log_likelihood,
        probability_alive,
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
        ChannelShift,
        ChannelWeights,
        acquisition_cost,
        channel_economics,
        channel_shift,
        customer_pnl,
        ltv_to_cac,
        mrr_bridge,
        payback_months,
        revenue_retention,
        simple_ltv,
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
    from customer_value.value_components import (
        CubeOptions,
        InfluenceOptions,
        PotentialOptions,
        customer_equity,
        equity_bridge,
        existing_value,
        future_equity,
        influence_value,
        potential_value,
        referral_segments,
        referral_value,
        value_cube,
        wallet_from_peers,
        wallet_from_ranks,
    )

__all__ = [
    "DEFAULT_MARKS",
    "RFM_EIGHT_TYPES",
    "RFM_GRID_25",
    "RFM_LIST_125",
    "RFM_R_PACKAGE",
    "AbcOptions",
    "BgNbd",
    "ChannelShift",
    "ChannelWeights",
    "Columns",
    "CubeOptions",
    "CustomerValueError",
    "DataError",
    "DataQualityReport",
    "FitError",
    "FitOptions",
    "FitSummary",
    "GammaGamma",
    "InfluenceOptions",
    "LifecycleRules",
    "MarkCondition",
    "MarkRule",
    "MarkRules",
    "PotentialOptions",
    "PurchaseModel",
    "RfmDimension",
    "RfmOptions",
    "RfmRules",
    "RfmScale",
    "RfmSegment",
    "RuleCount",
    "RuleCoverage",
    "SchemaError",
    "TierOptions",
    "TransactionOptions",
    "ValueReport",
    "__version__",
    "abc_xyz_matrix",
    "acquisition_cost",
    "assign_stages",
    "assign_tiers",
    "busy_but_low_value",
    "channel_economics",
    "channel_shift",
    "check_rules",
    "classify_abc",
    "classify_xyz",
    "clean_transactions",
    "compare_mix",
    "customer_equity",
    "customer_lifetime_value",
    "customer_marks",
    "customer_pnl",
    "equity_bridge",
    "existing_value",
    "expected_purchases",
    "expected_purchases_new_customer",
    "expected_spend",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_rfm",
    "future_equity",
    "gini",
    "influence_value",
    "load_cdnow",
    "load_model",
    "log_likelihood",
    "lorenz_curve",
    "ltv_to_cac",
    "mrr_bridge",
    "one_off_large",
    "payback_months",
    "potential_value",
    "probability_alive",
    "profile_segments",
    "referral_segments",
    "referral_value",
    "revenue_retention",
    "rfm_grid",
    "score_rfm",
    "segment_rfm",
    "service_levels",
    "simple_ltv",
    "simulate_transactions",
    "split_holdout",
    "summarize",
    "top_share",
    "value_cube",
    "value_report",
    "wallet_from_peers",
    "wallet_from_ranks",
]

_MODULE_OF = {
    "AbcOptions": "abc_analysis",
    "BgNbd": "clv",
    "ChannelShift": "profitability",
    "ChannelWeights": "profitability",
    "Columns": "transactions",
    "CubeOptions": "value_components",
    "CustomerValueError": "exceptions",
    "DEFAULT_MARKS": "marks",
    "DataError": "exceptions",
    "DataQualityReport": "transactions",
    "FitError": "exceptions",
    "FitOptions": "clv",
    "FitSummary": "clv",
    "GammaGamma": "clv",
    "InfluenceOptions": "value_components",
    "LifecycleRules": "lifecycle",
    "MarkCondition": "marks",
    "MarkRule": "marks",
    "MarkRules": "marks",
    "PotentialOptions": "value_components",
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
    "TierOptions": "tiers",
    "TransactionOptions": "transactions",
    "ValueReport": "report",
    "abc_xyz_matrix": "abc_analysis",
    "acquisition_cost": "profitability",
    "assign_stages": "lifecycle",
    "assign_tiers": "tiers",
    "busy_but_low_value": "marks",
    "channel_economics": "profitability",
    "channel_shift": "profitability",
    "check_rules": "rfm",
    "classify_abc": "abc_analysis",
    "classify_xyz": "abc_analysis",
    "clean_transactions": "transactions",
    "compare_mix": "segmentation",
    "customer_equity": "value_components",
    "customer_lifetime_value": "clv",
    "customer_marks": "marks",
    "customer_pnl": "profitability",
    "equity_bridge": "value_components",
    "existing_value": "value_components",
    "expected_purchases": "clv",
    "expected_purchases_new_customer": "clv",
    "expected_spend": "clv",
    "fit_bg_nbd": "clv",
    "fit_gamma_gamma": "clv",
    "fit_rfm": "rfm",
    "future_equity": "value_components",
    "gini": "abc_analysis",
    "influence_value": "value_components",
    "load_cdnow": "datasets",
    "load_model": "clv",
    "log_likelihood": "clv",
    "lorenz_curve": "abc_analysis",
    "ltv_to_cac": "profitability",
    "mrr_bridge": "profitability",
    "one_off_large": "marks",
    "payback_months": "profitability",
    "potential_value": "value_components",
    "probability_alive": "clv",
    "profile_segments": "segmentation",
    "referral_segments": "value_components",
    "referral_value": "value_components",
    "revenue_retention": "profitability",
    "rfm_grid": "rfm",
    "score_rfm": "rfm",
    "segment_rfm": "rfm",
    "service_levels": "tiers",
    "simple_ltv": "profitability",
    "simulate_transactions": "datasets",
    "split_holdout": "transactions",
    "summarize": "transactions",
    "top_share": "abc_analysis",
    "value_cube": "value_components",
    "value_report": "report",
    "wallet_from_peers": "value_components",
    "wallet_from_ranks": "value_components",
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
