"""ABC analysis: classes by share of value, how concentrated value is, and how steadily it comes."""

from customer_value.abc.classes import classify_abc
from customer_value.abc.concentration import gini, lorenz_curve, top_share
from customer_value.abc.criteria import classify_joint_abc, score_criteria
from customer_value.abc.limits import AbcLimits, AbcPoint, abc_limits
from customer_value.abc.options import AbcOptions
from customer_value.abc.xyz import abc_xyz_matrix, classify_xyz

__all__ = [
    "AbcLimits",
    "AbcOptions",
    "AbcPoint",
    "abc_limits",
    "abc_xyz_matrix",
    "classify_abc",
    "classify_joint_abc",
    "classify_xyz",
    "gini",
    "lorenz_curve",
    "score_criteria",
    "top_share",
]
