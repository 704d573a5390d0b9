"""Loyalty and satisfaction: who comes back, who would recommend us, who was helped in time."""

from customer_value.loyalty.engagement import engagement_score
from customer_value.loyalty.index import loyalty_index, loyalty_type
from customer_value.loyalty.perceived import cronbach_alpha, perceived_value
from customer_value.loyalty.repurchase import LoyaltyMetrics, loyalty_metrics
from customer_value.loyalty.surveys import ces, csat, latest_responses, nps

__all__ = [
    "LoyaltyMetrics",
    "ces",
    "cronbach_alpha",
    "csat",
    "engagement_score",
    "latest_responses",
    "loyalty_index",
    "loyalty_metrics",
    "loyalty_type",
    "nps",
    "perceived_value",
]
