"""Value tiers: high, medium and low, and the service that each gets."""

from customer_value.tiers.assign import assign_tiers
from customer_value.tiers.model import TierModel, fit_tiers
from customer_value.tiers.options import TierOptions
from customer_value.tiers.service import service_levels

__all__ = ["TierModel", "TierOptions", "assign_tiers", "fit_tiers", "service_levels"]
