"""Segments by attribute, how their mix changes, and clusters of customers who behave alike."""

from customer_value.segmentation._model import ClusterColumn, CustomerCluster, CustomerClusters
from customer_value.segmentation.clusters import cluster_customers, fit_clusters
from customer_value.segmentation.profiles import compare_mix, profile_segments

__all__ = [
    "ClusterColumn",
    "CustomerCluster",
    "CustomerClusters",
    "cluster_customers",
    "compare_mix",
    "fit_clusters",
    "profile_segments",
]
