"""What models of purchases and of spend have in common."""

from customer_value.clv.base.fitted import (
    Count,
    FitOptions,
    FitSummary,
    FittedModel,
    Number,
    Parameter,
)
from customer_value.clv.base.futures import Futures, OpportunityFutures, SpendFutures
from customer_value.clv.base.histories import (
    HISTORY,
    OPPORTUNITIES,
    SPEND,
    history_rules,
    opportunity_rules,
    spend_prediction_rules,
    spend_rules,
)
from customer_value.clv.base.purchases import (
    Horizon,
    OpportunityModel,
    PurchaseModel,
    TimedModel,
)
from customer_value.clv.base.spend import SpendModel

__all__ = [
    "HISTORY",
    "OPPORTUNITIES",
    "SPEND",
    "Count",
    "FitOptions",
    "FitSummary",
    "FittedModel",
    "Futures",
    "Horizon",
    "Number",
    "OpportunityFutures",
    "OpportunityModel",
    "Parameter",
    "PurchaseModel",
    "SpendFutures",
    "SpendModel",
    "TimedModel",
    "history_rules",
    "opportunity_rules",
    "spend_prediction_rules",
    "spend_rules",
]
