"""The product-limit estimator of survival.

Kaplan & Meier (1958), "Nonparametric Estimation from Incomplete Observations", Journal of the
American Statistical Association 53; variance after Greenwood (1926).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class SurvivalTable(NamedTuple):
    """One element for each time at which something ended, in rising order.

    Attributes:
        time: When.
        at_risk: Weight under observation just before, and not yet ended.
        events: Weight that ended.
        survival: Probability of lasting longer.
        variance: Greenwood's variance of the survival; 0 where no one is left.
        log_variance: Variance of the log of the survival, sum of d / (n (n - d)); inf where
            no one is left.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    variance: FloatArray
    log_variance: FloatArray


def kaplan_meier(
    duration: FloatArray,
    ended: BoolArray,
    weight: FloatArray | None = None,
    entry: FloatArray | None = None,
) -> SurvivalTable:
    """Estimate how long something lasts, some of it still lasting when last seen.

    Args:
        duration: How long each was seen to last.
        ended: Whether it ended then; the others were only seen so far. Who ends at a time is
            counted before who is last seen at it.
        weight: How many each row stands for, by default one.
        entry: Age from which on each was under observation (left truncation): it is at risk at the
            times after it. By default from the beginning.

    Returns:
        The table, without rows if nothing ended.
    """
    weight = np.ones(duration.size) if weight is None else weight
    time, which = np.unique(duration[ended], return_inverse=True)
    events = np.bincount(which, weights=weight[ended], minlength=time.size).astype(np.float64)
    at_risk = _weight_from(time, duration, weight)
    if entry is not None:
        at_risk -= _weight_from(time, entry, weight)
    # Weights that are not whole numbers leave a rounding error where all end.
    left = np.where(at_risk - events > 1e-12 * at_risk, at_risk - events, 0.0)
    # With late entries everyone at risk may end early, and others come: only from there on is
    # anything known, since the curve would stay at zero.
    emptied = np.flatnonzero(left[:-1] == 0)
    if emptied.size:
        later = slice(emptied[-1] + 1, None)
        time, at_risk, events, left = (part[later] for part in (time, at_risk, events, left))
    with np.errstate(divide="ignore"):
        survival = np.asarray(np.cumprod(left / at_risk), dtype=np.float64)
        log_variance: FloatArray = np.cumsum(events / (at_risk * left))
    variance = survival**2 * np.where(survival > 0, log_variance, 0.0)
    return SurvivalTable(time, at_risk, events, survival, variance, log_variance)


def survival_at(table: SurvivalTable, time: float) -> float:
    """Give the probability of lasting longer than a time; 1 before anything ended."""
    ended = int(np.searchsorted(table.time, time, side="right"))
    return float(table.survival[ended - 1]) if ended else 1.0


def quantile_of(table: SurvivalTable, share: float) -> float | None:
    """Give the time by which that share has ended, or None where it has not got there."""
    reached = np.flatnonzero(table.survival <= 1 - share + 1e-12)
    return float(table.time[reached[0]]) if reached.size else None


def _weight_from(time: FloatArray, value: FloatArray, weight: FloatArray) -> FloatArray:
    """Weight of the rows whose value is at least each time."""
    order = np.argsort(value, kind="stable")
    before = np.append(0.0, np.cumsum(weight[order]))
    return np.asarray(before[-1] - before[np.searchsorted(value[order], time, side="left")])


def log_log_interval(table: SurvivalTable, z: float) -> tuple[FloatArray, FloatArray]:
    """Both ends of the interval of the survival that is symmetric on the scale of log(-log S).

    Kalbfleisch & Prentice (1980), "The Statistical Analysis of Failure Time Data":
    S ** exp(± z sd(log S) / log S). It stays within 0 and 1; NaN where S is 0 or 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_survival = np.log(table.survival)
        width = z * np.sqrt(table.log_variance) / -log_survival
        return np.exp(log_survival * np.exp(width)), np.exp(log_survival * np.exp(-width))
