"""Before and after a test: how many customers it needs, and whether it paid."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator
from scipy import stats

from customer_value._frames.contracts import check_instance
from customer_value._frames.options import build
from customer_value.effects.estimate import EffectEstimate

_Share = Annotated[float, Field(gt=0, lt=1)]


class _Design(BaseModel, frozen=True, extra="forbid", title="required_sample_size"):
    baseline: Annotated[float, Field(allow_inf_nan=False)]
    effect: Annotated[float, Field(allow_inf_nan=False)]
    standard_deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    power: _Share
    confidence: _Share

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.effect == 0:
            raise ValueError("no number of customers shows an effect of 0")
        shares = self.baseline, self.baseline + self.effect
        if self.standard_deviation is None and not all(0 <= share <= 1 for share in shares):
            raise ValueError(
                f"shares of {shares[0]:g} and {shares[1]:g}: give a standard_deviation for means"
            )
        return self


def required_sample_size(
    *,
    baseline: float,
    effect: float,
    standard_deviation: float | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
) -> int:
    """Sample size: how many customers each arm needs for an effect to be found.

    n = (z + z')^2 (v + v') / effect^2, with z and z' the normal quantiles of (1 + confidence) / 2
    and of the power, and v, v' the variances of the outcome of controls and treated: p (1 - p) for
    shares, the square of the standard deviation for means.

    Args:
        baseline: Share (or mean) of the controls.
        effect: Least difference worth finding, above or below 0.
        standard_deviation: Of the outcome, for means; by default the outcome is yes or no.
        power: Chance of finding it if it is there.
        confidence: 1 less the chance, two-sided, of finding one that is not.

    Returns:
        Customers per arm, rounded up.

    Raises:
        OptionError: The effect is 0, a share is out of range, or a level not between 0 and 1.

    Examples:
        >>> import customer_value as cv
        >>> cv.effects.required_sample_size(baseline=0.10, effect=0.02)
        3839
        >>> cv.effects.required_sample_size(baseline=50.0, effect=5.0, standard_deviation=40.0)
        1005
    """
    design = build(
        _Design,
        baseline=baseline,
        effect=effect,
        standard_deviation=standard_deviation,
        power=power,
        confidence=confidence,
    )
    levels = (1 + design.confidence) / 2, design.power
    z = math.fsum(float(stats.norm.ppf(level)) for level in levels)
    if design.standard_deviation is not None:
        variances = 2 * design.standard_deviation**2
    else:
        shares = design.baseline, design.baseline + design.effect
        variances = sum(share * (1 - share) for share in shares)
    return math.ceil(z * z * variances / design.effect**2)


class CampaignReturn(BaseModel, frozen=True, extra="forbid"):
    """What a campaign brought and cost.

    Attributes:
        incremental_margin: Effect on margin per customer, times the treated.
        cost: Of treating them.
        profit: The one less the other.
        roi: profit / cost; None without cost.
        roi_low: The same at the lower end of the effect's interval; None where that is unknown.
        roi_high: The same at the upper end.
        basis: That of the effect: what is only descriptive pays nothing.
    """

    incremental_margin: float
    cost: float
    profit: float
    roi: float | None
    roi_low: float | None
    roi_high: float | None
    basis: str


class _Costs(BaseModel, frozen=True, extra="forbid", title="campaign_return"):
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    margin: Annotated[float, Field(ge=-1, le=1)]


def campaign_return(effect: EffectEstimate, *, cost: float, margin: float) -> CampaignReturn:
    """Return on a campaign (ROI): the margin it added against what it cost.

    roi = (incremental margin - cost) / cost. The cost is that of all the treated, reached or not;
    what they would have bought anyway is in the controls.

    Args:
        effect: The effect per treated customer, of `evaluate_effect`.
        cost: Cost of treating all the treated.
        margin: Share of the outcome that is margin; 1.0 where the outcome is margin already.

    Returns:
        The return, with the ends of the effect's interval carried through.

    Raises:
        OptionError: The effect is not an `EffectEstimate`, the cost is below 0, or the margin is
            out of range.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> trial = pl.DataFrame(
        ...     {"group": [True] * 3 + [False] * 3, "revenue": [30.0, 34, 32, 20, 24, 22]}
        ... )
        >>> effect = cv.effects.evaluate_effect(trial, outcome="revenue")
        >>> result = cv.effects.campaign_return(effect, cost=6.0, margin=0.4)
        >>> result.incremental_margin, result.profit, result.roi
        (12.0, 6.0, 1.0)
    """
    check_instance("effect", effect, EffectEstimate)
    terms = build(_Costs, cost=cost, margin=margin)

    def earned(per_customer: float) -> float:
        return per_customer * terms.margin * effect.n_treated

    def roi(per_customer: float | None) -> float | None:
        if per_customer is None or terms.cost == 0:
            return None
        return (earned(per_customer) - terms.cost) / terms.cost

    ends = (effect.low, effect.high) if terms.margin >= 0 else (effect.high, effect.low)
    return CampaignReturn(
        incremental_margin=earned(effect.estimate),
        cost=terms.cost,
        profit=earned(effect.estimate) - terms.cost,
        roi=roi(effect.estimate),
        roi_low=roi(ends[0]),
        roi_high=roi(ends[1]),
        basis=effect.basis,
    )
