"""Lifecycle: where each customer stands, how customers move, come, stay and leave."""

from customer_value.lifecycle.change import AlertOptions, value_alerts, value_bridge
from customer_value.lifecycle.cohorts import cohort_table
from customer_value.lifecycle.contracts import contract_churn
from customer_value.lifecycle.forecast import migration_forecast, migration_steady_state
from customer_value.lifecycle.growth import growth_accounting
from customer_value.lifecycle.migration import migration_matrix
from customer_value.lifecycle.risk import Calibration, calibration_table, value_at_risk
from customer_value.lifecycle.stages import LifecycleRules, assign_stages
from customer_value.lifecycle.survival import survival_curve

__all__ = [
    "AlertOptions",
    "Calibration",
    "LifecycleRules",
    "assign_stages",
    "calibration_table",
    "cohort_table",
    "contract_churn",
    "growth_accounting",
    "migration_forecast",
    "migration_matrix",
    "migration_steady_state",
    "survival_curve",
    "value_alerts",
    "value_at_risk",
    "value_bridge",
]
