"""Profitability: what each customer earns after what it costs."""

from customer_value.profitability.acquisition import acquisition_cost
from customer_value.profitability.channels import (
    ChannelShift,
    ChannelWeights,
    channel_economics,
    channel_shift,
)
from customer_value.profitability.low_value import LowValueRules, flag_low_value
from customer_value.profitability.pnl import customer_pnl
from customer_value.profitability.recurring import mrr_bridge, revenue_retention
from customer_value.profitability.service import service_alignment, service_fit
from customer_value.profitability.service_actions import (
    automation_candidates,
    cost_growth_quadrant,
)
from customer_value.profitability.unit_economics import ltv_to_cac, payback_months, simple_ltv

__all__ = [
    "ChannelShift",
    "ChannelWeights",
    "LowValueRules",
    "acquisition_cost",
    "automation_candidates",
    "channel_economics",
    "channel_shift",
    "cost_growth_quadrant",
    "customer_pnl",
    "flag_low_value",
    "ltv_to_cac",
    "mrr_bridge",
    "payback_months",
    "revenue_retention",
    "service_alignment",
    "service_fit",
    "simple_ltv",
]
