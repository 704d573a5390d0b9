"""Profitability: what each customer earns after what it costs to win, keep and serve."""

from customer_value.profit.acquisition import acquisition_cost, net_lifetime_value
from customer_value.profit.cost_to_serve import CostAllocation, allocate_costs
from customer_value.profit.equations import TimeEquation
from customer_value.profit.low_value import LowValueOptions, fit_low_value, flag_low_value
from customer_value.profit.pnl import customer_pnl
from customer_value.profit.reconcile import LedgerLine, PnlReconciliation, reconcile_pnl
from customer_value.profit.stack import CostStack
from customer_value.profit.unit_economics import clv_to_cac, payback_months, simple_clv
from customer_value.profit.views import pnl_by
from customer_value.profit.whale import WhaleDecile, WhaleSummary, whale_curve, whale_summary

__all__ = [
    "CostAllocation",
    "CostStack",
    "LedgerLine",
    "LowValueOptions",
    "PnlReconciliation",
    "TimeEquation",
    "WhaleDecile",
    "WhaleSummary",
    "acquisition_cost",
    "allocate_costs",
    "clv_to_cac",
    "customer_pnl",
    "fit_low_value",
    "flag_low_value",
    "net_lifetime_value",
    "payback_months",
    "pnl_by",
    "reconcile_pnl",
    "simple_clv",
    "whale_curve",
    "whale_summary",
]
