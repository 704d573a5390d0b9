"""Profitability: what each customer earns after what it costs."""

from customer_value.profitability.cost_to_serve import (
    CostAllocation,
    TimeEquation,
    allocate_costs,
)
from customer_value.profitability.pnl import customer_pnl
from customer_value.profitability.reconcile import LedgerLine, PnlReconciliation, reconcile_pnl
from customer_value.profitability.stack import CostStack
from customer_value.profitability.views import pnl_by
from customer_value.profitability.whale import (
    WhaleDecile,
    WhaleSummary,
    uniformity_index,
    whale_curve,
    whale_summary,
)

__all__ = [
    "CostAllocation",
    "CostStack",
    "LedgerLine",
    "PnlReconciliation",
    "TimeEquation",
    "WhaleDecile",
    "WhaleSummary",
    "allocate_costs",
    "customer_pnl",
    "pnl_by",
    "reconcile_pnl",
    "uniformity_index",
    "whale_curve",
    "whale_summary",
]
