"""ABC analysis: classes by share of value, how concentrated value is, and how steadily it comes."""

from customer_value.abc.classes import classify_abc
from customer_value.abc.concentration import gini, lorenz_curve, top_share
from customer_value.abc.criteria import CriteriaModel, fit_criteria, score_criteria
from customer_value.abc.joint import JointAbcModel, classify_joint_abc, fit_joint_abc
from customer_value.abc.limits import AbcLimits, AbcPoint, abc_limits
from customer_value.abc.model import AbcModel, fit_abc
from customer_value.abc.options import AbcOptions
from customer_value.abc.xyz import abc_xyz_matrix, classify_xyz

__all__ = [
    "AbcLimits",
    "AbcModel",
    "AbcOptions",
    "AbcPoint",
    "CriteriaModel",
    "JointAbcModel",
    "abc_limits",
    "abc_xyz_matrix",
    "classify_abc",
    "classify_joint_abc",
    "classify_xyz",
    "fit_abc",
    "fit_criteria",
    "fit_joint_abc",
    "gini",
    "lorenz_curve",
    "score_criteria",
    "top_share",
]
