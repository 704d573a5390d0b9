"""Loyalty and satisfaction: repurchase, surveys (NPS, CSAT, CES), engagement, a loyalty index."""

from customer_value.loyalty.engagement import engagement_score
from customer_value.loyalty.index import (
    LoyaltyCriterion,
    LoyaltyIndexModel,
    fit_loyalty_index,
    loyalty_index,
)
from customer_value.loyalty.kinds import LoyaltyTypeModel, fit_loyalty_type, loyalty_type
from customer_value.loyalty.perceived import cronbach_alpha, perceived_value
from customer_value.loyalty.repurchase import LoyaltyMetrics, loyalty_metrics
from customer_value.loyalty.surveys import ces, csat, latest_responses, nps

__all__ = [
    "LoyaltyCriterion",
    "LoyaltyIndexModel",
    "LoyaltyMetrics",
    "LoyaltyTypeModel",
    "ces",
    "cronbach_alpha",
    "csat",
    "engagement_score",
    "fit_loyalty_index",
    "fit_loyalty_type",
    "latest_responses",
    "loyalty_index",
    "loyalty_metrics",
    "loyalty_type",
    "nps",
    "perceived_value",
]
