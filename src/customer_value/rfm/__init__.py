"""RFM: scores for recency, frequency and monetary value, and names for their cells."""

from customer_value.rfm.scale import RfmDimension, RfmOptions, RfmScale, fit_rfm, score_rfm
from customer_value.rfm.segments import RFM_LIST_125, RfmRules, RfmSegment, segment_rfm

__all__ = [
    "RFM_LIST_125",
    "RfmDimension",
    "RfmOptions",
    "RfmRules",
    "RfmScale",
    "RfmSegment",
    "fit_rfm",
    "score_rfm",
    "segment_rfm",
]
