"""Value tiers: high, medium and low, and the service that each gets."""

from customer_value.tiers.assign import assign_tiers
from customer_value.tiers.options import TierOptions
from customer_value.tiers.service import service_levels

__all__ = ["TierOptions", "assign_tiers", "service_levels"]
