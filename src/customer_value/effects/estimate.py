"""What an evaluation of an effect returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import BaseModel, Field
from scipy import stats

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, IntArray

Basis: TypeAlias = Literal["experiment", "quasi_experiment", "descriptive"]
Assignment: TypeAlias = Literal["random", "observed"]


class EffectEstimate(BaseModel, frozen=True, extra="forbid"):
    """An effect, and how sure it is.

    Attributes:
        method: How it was estimated, in words.
        basis: `"experiment"` where customers were assigned at random; `"quasi_experiment"` where
            the difference is an effect only if an assumption holds; `"descriptive"` where it is no
            more than a difference: groups that were chosen, or one group before and after.
        estimate: Effect per customer, in units of the outcome.
        standard_error: Its standard error; None where it cannot be estimated.
        low: Lower end of the interval.
        high: Upper end of the interval.
        p_value: Of no effect, two-sided.
        confidence: Level of the interval.
        n_treated: Treated customers.
        n_control: Control customers.
        mean_treated: Mean (or ratio) of the treated.
        mean_control: Mean (or ratio) of the controls.
        relative: Estimate over `mean_control`; None where that is not above zero.
        warnings: What to know before acting on it, in words.
    """

    method: str
    basis: Basis
    estimate: float
    standard_error: float | None
    low: float | None
    high: float | None
    p_value: float | None
    confidence: float
    n_treated: int
    n_control: int
    mean_treated: float
    mean_control: float
    relative: float | None
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Two or three lines."""
        interval = (
            f"{self.low:.6g} to {self.high:.6g}, p = {self.p_value:.3g}"
            if self.low is not None
            else "no interval"
        )
        lines = [
            f"{self.estimate:.6g} ({interval}) by {self.method}, {self.basis.replace('_', ' ')}",
            f"{self.n_treated:,} treated, {self.n_control:,} controls",
        ]
        return "\n".join([*lines, *(f"! {warning}" for warning in self.warnings)])


class Level(BaseModel, frozen=True, extra="forbid", title="interval"):
    """The level of an interval."""

    confidence: Annotated[float, Field(gt=0, lt=1)]

    def quantile(self, degrees: float = math.inf) -> float:
        """Two-sided quantile of Student's t, or of the normal law."""
        return float(stats.t.ppf((1 + self.confidence) / 2, degrees))


class Difference(NamedTuple):
    """An estimate before it is judged."""

    estimate: float
    standard_error: float
    """NaN where there are too few customers for one."""
    degrees: float
    treated: float
    control: float


def judge(
    difference: Difference,
    *,
    method: str,
    basis: Basis,
    level: Level,
    sizes: tuple[int, int],
    interval: tuple[float, float] | None = None,
    warnings: tuple[str, ...] = (),
) -> EffectEstimate:
    """Give an estimate its interval (of Student's t, unless another one is given) and p-value."""
    estimate, error = difference.estimate, difference.standard_error
    why = "too few customers for a standard error"
    if error == 0 and estimate != 0:  # as if nothing could be otherwise
        error, why = math.nan, "no variation within either arm, so no standard error"
    known = math.isfinite(error)
    if known and interval is None:
        width = level.quantile(difference.degrees) * error
        interval = estimate - width, estimate + width
    p_value = None
    if known and error > 0:
        p_value = float(2 * stats.t.sf(abs(estimate) / error, difference.degrees))
    elif known:
        p_value = 1.0
    low, high = interval if known and interval else (None, None)
    return EffectEstimate(
        method=method,
        basis=basis,
        estimate=estimate,
        standard_error=error if known else None,
        low=low,
        high=high,
        p_value=p_value,
        confidence=level.confidence,
        n_treated=sizes[0],
        n_control=sizes[1],
        mean_treated=difference.treated,
        mean_control=difference.control,
        relative=estimate / difference.control if difference.control > 0 else None,
        warnings=warnings if known else (*warnings, why),
    )


def welch(treated: FloatArray, control: FloatArray) -> Difference:
    """Difference of two means, with Welch's degrees of freedom."""
    means = float(treated.mean()), float(control.mean())
    if min(treated.size, control.size) < 2:
        return Difference(means[0] - means[1], math.nan, math.inf, *means)
    shares = [float(arm.var(ddof=1)) / arm.size for arm in (treated, control)]
    total = sum(shares)
    spread = sum(v * v / (arm.size - 1) for v, arm in zip(shares, (treated, control), strict=True))
    degrees = total * total / spread if spread > 0 else math.inf
    return Difference(means[0] - means[1], math.sqrt(total), degrees, *means)


def basis_of(assignment: Assignment) -> Basis:
    """What a difference between arms is: an effect only where customers were drawn by lot."""
    return "experiment" if assignment == "random" else "descriptive"


def explained(y: FloatArray, history: FloatArray, groups: IntArray | None = None) -> FloatArray:
    """What the history says of the outcome beside its mean, in both arms together (CUPED).

    With groups, numbered from 0, means are those of each group, and one slope serves them all: a
    small group cannot fit itself.
    """
    missing = np.isnan(history)
    if missing.all():
        return np.zeros_like(y)
    x = np.where(missing, history[~missing].mean(), history)
    within = np.zeros(y.size, dtype=np.int64) if groups is None else groups
    columns = np.column_stack([_centred(x, within), _centred(missing.astype(np.float64), within)])
    theta, *_ = np.linalg.lstsq(columns, _centred(y, within), rcond=None)
    return np.asarray(columns @ theta)


def _centred(values: FloatArray, groups: IntArray) -> FloatArray:
    """The values less the mean of their group."""
    return values - (np.bincount(groups, values) / np.bincount(groups))[groups]
