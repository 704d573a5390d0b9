"""Serving customers by what they are worth: indicators, fit and actions."""

from customer_value.service.actions import (
    automation_candidates,
    cost_growth_quadrant,
    fit_automation_candidates,
    fit_cost_growth_quadrant,
)
from customer_value.service.fit import service_alignment, service_fit, uniformity_index
from customer_value.service.indicators import service_indicators

__all__ = [
    "automation_candidates",
    "cost_growth_quadrant",
    "fit_automation_candidates",
    "fit_cost_growth_quadrant",
    "service_alignment",
    "service_fit",
    "service_indicators",
    "uniformity_index",
]
