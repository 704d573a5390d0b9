"""Lifecycle: the stage in which each customer stands."""

from customer_value.lifecycle.stages import LifecycleRules, assign_stages

__all__ = ["LifecycleRules", "assign_stages"]
