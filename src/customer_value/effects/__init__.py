"""Effects of a measure: experiments, difference in differences, uplift, and whether it paid."""

from customer_value.effects.differences import before_after, difference_in_differences
from customer_value.effects.estimate import EffectEstimate
from customer_value.effects.evaluate import evaluate_effect, sample_ratio_check
from customer_value.effects.planning import CampaignReturn, campaign_return, required_sample_size
from customer_value.effects.uplift import qini_coefficient, qini_curve, uplift_by_segment

__all__ = [
    "CampaignReturn",
    "EffectEstimate",
    "before_after",
    "campaign_return",
    "difference_in_differences",
    "evaluate_effect",
    "qini_coefficient",
    "qini_curve",
    "required_sample_size",
    "sample_ratio_check",
    "uplift_by_segment",
]
