"""Segments by attribute, how their mix changes, and clusters of customers who behave alike."""

from customer_value._frames.cuts import Cut, Cuts
from customer_value.segments._model import ClusterColumn, ClusterModel, CustomerCluster
from customer_value.segments.clusters import assign_clusters, fit_clusters
from customer_value.segments.flags import (
    busy_but_low_value,
    fit_busy_but_low_value,
    fit_one_off_large,
    one_off_large,
)
from customer_value.segments.marks import (
    DEFAULT_MARKS,
    MarkCondition,
    MarkRule,
    MarkRules,
    customer_marks,
)
from customer_value.segments.profiles import profile_segments

__all__ = [
    "DEFAULT_MARKS",
    "ClusterColumn",
    "ClusterModel",
    "CustomerCluster",
    "Cut",
    "Cuts",
    "MarkCondition",
    "MarkRule",
    "MarkRules",
    "assign_clusters",
    "busy_but_low_value",
    "customer_marks",
    "fit_busy_but_low_value",
    "fit_clusters",
    "fit_one_off_large",
    "one_off_large",
    "profile_segments",
]
