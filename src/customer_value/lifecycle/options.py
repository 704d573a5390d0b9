"""The thresholds of the lifecycle stages, and five ways to say when a silence is too long."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

Stage: TypeAlias = Literal[
    "prospect", "new", "growing", "stable", "declining", "at_risk", "reactivated", "lost"
]

STAGES: tuple[Stage, ...] = (
    "prospect",
    "new",
    "growing",
    "stable",
    "declining",
    "at_risk",
    "reactivated",
    "lost",
)

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Days: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_FURTHER = "a lost customer must be further gone than one at risk"
_OWN_GAP_FIELDS = ("lost_silence", "at_risk_silence", "typical_gap_days", "prior_gaps")


class FixedDays(BaseModel, frozen=True, extra="forbid"):
    """Silence against the same number of days for everyone.

    Slow buyers are lost by it between two ordinary purchases: it suits goods that all customers
    buy about equally often.

    Attributes:
        method: Its name in JSON.
        at_risk: Days without a purchase from which a customer is at risk.
        lost: Days without a purchase from which a customer is lost.
    """

    method: Literal["fixed_days"] = "fixed_days"
    at_risk: Days = 90.0
    lost: Days = 180.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lost < self.at_risk:
            raise ValueError(_FURTHER)
        return self


class PooledGaps(BaseModel, frozen=True, extra="forbid"):
    """Silence against quantiles of the gaps between purchases of all customers.

    Only gaps that ended are known, and those who buy often have more of them: both press the
    quantiles down.

    Attributes:
        method: Its name in JSON.
        at_risk: Share of the gaps, at whose quantile (type 7) a customer is at risk.
        lost: Share of the gaps, at whose quantile a customer is lost.
    """

    method: Literal["pooled_gaps"] = "pooled_gaps"
    at_risk: Share = 0.8
    lost: Share = 0.95

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lost < self.at_risk:
            raise ValueError(_FURTHER)
        return self


class OwnGaps(BaseModel, frozen=True, extra="forbid"):
    """Silence against quantiles of the customer's own gaps between purchases.

    Attributes:
        method: Its name in JSON.
        at_risk: Share of the gaps, at whose quantile (type 7) a customer is at risk.
        lost: Share of the gaps, at whose quantile a customer is lost.
        min_gaps: Own gaps from which the customer's quantiles are used; with fewer, those of all
            customers' gaps.
    """

    method: Literal["own_gaps"] = "own_gaps"
    at_risk: Share = 0.8
    lost: Share = 0.95
    min_gaps: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lost < self.at_risk:
            raise ValueError(_FURTHER)
        return self


class AliveOnly(BaseModel, frozen=True, extra="forbid"):
    """No silence at all: the `p_alive` column of a purchase model decides alone.

    Its thresholds are `lost_p_alive` and `at_risk_p_alive` of the options.

    Attributes:
        method: Its name in JSON.
    """

    method: Literal["alive_only"] = "alive_only"


Silence: TypeAlias = Annotated[
    FixedDays | PooledGaps | OwnGaps | AliveOnly, Field(discriminator="method")
]


class StageOptions(BaseModel, frozen=True, extra="forbid"):
    """The thresholds of the stages.

    By default a customer's silence is `recency_days` over the customer's expected gap between
    purchases: `(x gap + k typical) / (x + k)`, with x gaps of mean `gap` of its own, the typical
    gap of all customers, and the prior weight k. Another way is chosen with `silence`.

    Attributes:
        lost_silence: Silence, in expected gaps, from which a customer is lost.
        lost_p_alive: Probability of being alive below which a customer is lost, where known.
        at_risk_silence: Silence from which a customer is at risk.
        at_risk_p_alive: Probability of being alive below which a customer is at risk.
        new_days: Days since the first purchase, or since the contract began, in which a customer
            is new; a customer with a single purchase and no contract stays new.
        trend: Relative change of the `trend` column, where there is one, from which a customer
            grows, or at whose negative it declines.
        trusted_purchases: Purchases from which a customer is no longer growing but stable.
        typical_gap_days: The typical gap; by default the mean gap of all customers, as `fit_stages`
            learns it.
        prior_gaps: Weight k of the typical gap, in gaps.
        silence: How silence is judged in place of expected gaps: `FixedDays`, `PooledGaps`,
            `OwnGaps` or `AliveOnly`.
        contract_grace_days: Days after the end of a contract in which it may still be renewed.
    """

    lost_silence: Annotated[float, Field(gt=0)] = 4.0
    lost_p_alive: Share = 0.1
    at_risk_silence: Annotated[float, Field(gt=0)] = 2.0
    at_risk_p_alive: Share = 0.5
    new_days: Annotated[int, Field(ge=0)] = 30
    trend: Annotated[float, Field(gt=0)] = 0.25
    trusted_purchases: Annotated[int, Field(ge=2)] = 4
    typical_gap_days: Annotated[float, Field(gt=0)] | None = None
    prior_gaps: Annotated[float, Field(gt=0)] = 1.0
    silence: Silence | None = None
    contract_grace_days: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lost_silence < self.at_risk_silence or self.lost_p_alive > self.at_risk_p_alive:
            raise ValueError(_FURTHER)
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        # Compared with the defaults: options read from JSON have set every field.
        fields = type(self).model_fields
        idle = [name for name in _OWN_GAP_FIELDS if getattr(self, name) != fields[name].default]
        if self.silence is not None and idle:
            raise ValueError(f"with silence={self.silence!r} nothing uses {', '.join(idle)}")
        return self
