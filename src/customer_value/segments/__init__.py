"""Segments by attribute, how their mix changes, and clusters of customers who behave alike."""

from customer_value.segments._model import ClusterColumn, CustomerCluster, CustomerClusters
from customer_value.segments.clusters import cluster_customers, fit_clusters
from customer_value.segments.marks import (
    DEFAULT_MARKS,
    MarkCondition,
    MarkRule,
    MarkRules,
    busy_but_low_value,
    customer_marks,
    one_off_large,
)
from customer_value.segments.profiles import compare_mix, profile_segments

__all__ = [
    "DEFAULT_MARKS",
    "ClusterColumn",
    "CustomerCluster",
    "CustomerClusters",
    "MarkCondition",
    "MarkRule",
    "MarkRules",
    "busy_but_low_value",
    "cluster_customers",
    "compare_mix",
    "customer_marks",
    "fit_clusters",
    "one_off_large",
    "profile_segments",
]
