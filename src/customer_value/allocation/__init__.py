"""Allocation: where money, offers and people bring most."""

from customer_value.allocation.balance import (
    AcquisitionRetention,
    ResponseCurve,
    acquisition_retention_value,
    balance_acquisition_retention,
)
from customer_value.allocation.budget import BudgetAllocation, allocate_budget
from customer_value.allocation.gains import retention_offer_gain, win_back_gain
from customer_value.allocation.managers import ManagerAssignment, assign_managers
from customer_value.allocation.offers import OfferSelection, select_offers

__all__ = [
    "AcquisitionRetention",
    "BudgetAllocation",
    "ManagerAssignment",
    "OfferSelection",
    "ResponseCurve",
    "acquisition_retention_value",
    "allocate_budget",
    "assign_managers",
    "balance_acquisition_retention",
    "retention_offer_gain",
    "select_offers",
    "win_back_gain",
]
