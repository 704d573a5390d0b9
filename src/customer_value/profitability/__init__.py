"""Profitability: what each customer earns after what it costs to win, keep and serve."""

from customer_value.profitability.acquisition import acquisition_cost, net_lifetime_value
from customer_value.profitability.channels import (
    ChannelShift,
    ChannelWeights,
    channel_economics,
    channel_shift,
)
from customer_value.profitability.cost_to_serve import CostAllocation, TimeEquation, allocate_costs
from customer_value.profitability.low_value import LowValueRules, flag_low_value
from customer_value.profitability.pnl import customer_pnl
from customer_value.profitability.reconcile import LedgerLine, PnlReconciliation, reconcile_pnl
from customer_value.profitability.recurring import mrr_bridge, revenue_retention
from customer_value.profitability.service import service_alignment, service_fit, uniformity_index
from customer_value.profitability.service_actions import automation_candidates, cost_growth_quadrant
from customer_value.profitability.stack import CostStack
from customer_value.profitability.unit_economics import ltv_to_cac, payback_months, simple_ltv
from customer_value.profitability.views import pnl_by
from customer_value.profitability.whale import WhaleDecile, WhaleSummary, whale_curve, whale_summary

__all__ = [
    "ChannelShift",
    "ChannelWeights",
    "CostAllocation",
    "CostStack",
    "LedgerLine",
    "LowValueRules",
    "PnlReconciliation",
    "TimeEquation",
    "WhaleDecile",
    "WhaleSummary",
    "acquisition_cost",
    "allocate_costs",
    "automation_candidates",
    "channel_economics",
    "channel_shift",
    "cost_growth_quadrant",
    "customer_pnl",
    "flag_low_value",
    "ltv_to_cac",
    "mrr_bridge",
    "net_lifetime_value",
    "payback_months",
    "pnl_by",
    "reconcile_pnl",
    "revenue_retention",
    "service_alignment",
    "service_fit",
    "simple_ltv",
    "uniformity_index",
    "whale_curve",
    "whale_summary",
]
