"""Subscriptions: churn and recurring revenue."""

from customer_value.contracts.churn import contract_churn
from customer_value.contracts.recurring import mrr_bridge, revenue_retention
from customer_value.contracts.summary import summarize_contracts

__all__ = ["contract_churn", "mrr_bridge", "revenue_retention", "summarize_contracts"]
