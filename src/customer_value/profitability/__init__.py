"""Profitability: what each customer earns after what it costs."""

from customer_value.profitability.acquisition import acquisition_cost
from customer_value.profitability.channels import (
    ChannelShift,
    ChannelWeights,
    channel_economics,
    channel_shift,
)
from customer_value.profitability.pnl import customer_pnl
from customer_value.profitability.recurring import mrr_bridge, revenue_retention
from customer_value.profitability.unit_economics import ltv_to_cac, payback_months, simple_ltv

__all__ = [
    "ChannelShift",
    "ChannelWeights",
    "acquisition_cost",
    "channel_economics",
    "channel_shift",
    "customer_pnl",
    "ltv_to_cac",
    "mrr_bridge",
    "payback_months",
    "revenue_retention",
    "simple_ltv",
]
