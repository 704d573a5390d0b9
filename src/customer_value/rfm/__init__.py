"""RFM: scores for recency, frequency and monetary value, and names for their cells."""

from customer_value.rfm.grid import rfm_grid
from customer_value.rfm.options import RfmExtra, RfmOptions
from customer_value.rfm.rules import RfmRules, RfmSegment
from customer_value.rfm.scale import RfmDimension, RfmScale, fit_rfm
from customer_value.rfm.scoring import rfm_out_of_range, score_rfm
from customer_value.rfm.segments import RuleCoverage, check_rules, segment_rfm
from customer_value.rfm.tables import RFM_EIGHT_TYPES, RFM_GRID_25, RFM_LIST_125, RFM_R_PACKAGE

__all__ = [
    "RFM_EIGHT_TYPES",
    "RFM_GRID_25",
    "RFM_LIST_125",
    "RFM_R_PACKAGE",
    "RfmDimension",
    "RfmExtra",
    "RfmOptions",
    "RfmRules",
    "RfmScale",
    "RfmSegment",
    "RuleCoverage",
    "check_rules",
    "fit_rfm",
    "rfm_grid",
    "rfm_out_of_range",
    "score_rfm",
    "segment_rfm",
]
