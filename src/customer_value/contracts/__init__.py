"""Subscriptions: churn and recurring revenue."""

from customer_value.contracts.churn import contract_churn
from customer_value.contracts.recurring import mrr_bridge, revenue_retention

__all__ = ["contract_churn", "mrr_bridge", "revenue_retention"]
