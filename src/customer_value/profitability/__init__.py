"""Profitability: what each customer earns after what it costs."""

from customer_value.profitability.pnl import customer_pnl

__all__ = ["customer_pnl"]
