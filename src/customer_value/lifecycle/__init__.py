"""Lifecycle: where each customer stands, how customers move, come, stay and leave."""

from customer_value.lifecycle.churn import churn_error_curve, churn_threshold
from customer_value.lifecycle.cohorts import cohort_table
from customer_value.lifecycle.gaps import purchase_gaps
from customer_value.lifecycle.growth import growth_accounting
from customer_value.lifecycle.history import stage_counts, stage_history
from customer_value.lifecycle.model import StageModel, fit_stages
from customer_value.lifecycle.options import AliveOnly, FixedDays, OwnGaps, PooledGaps, StageOptions
from customer_value.lifecycle.rhythm import purchase_rhythm
from customer_value.lifecycle.risk import Calibration, calibration_table, churn_risk, value_at_risk
from customer_value.lifecycle.stages import assign_stages
from customer_value.lifecycle.survival import survival_curve
from customer_value.lifecycle.taxonomies import (
    TAXONOMIES,
    Taxonomy,
    TaxonomyPhase,
    TaxonomyRefinement,
    map_stages,
)
from customer_value.lifecycle.trend import purchase_trend

__all__ = [
    "TAXONOMIES",
    "AliveOnly",
    "Calibration",
    "FixedDays",
    "OwnGaps",
    "PooledGaps",
    "StageModel",
    "StageOptions",
    "Taxonomy",
    "TaxonomyPhase",
    "TaxonomyRefinement",
    "assign_stages",
    "calibration_table",
    "churn_error_curve",
    "churn_risk",
    "churn_threshold",
    "cohort_table",
    "fit_stages",
    "growth_accounting",
    "map_stages",
    "purchase_gaps",
    "purchase_rhythm",
    "purchase_trend",
    "stage_counts",
    "stage_history",
    "survival_curve",
    "value_at_risk",
]
