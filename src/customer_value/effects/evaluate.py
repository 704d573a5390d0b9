"""Did it work: the effect of a strategy on the customers it was tried on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import numpy as np
from pydantic import BaseModel, Field
from scipy import stats

from customer_value._frames.contracts import check_choice
from customer_value._frames.intervals import wilson
from customer_value._frames.options import build
from customer_value.effects.arms import read_arms, two_valued
from customer_value.effects.estimate import (
    Assignment,
    Difference,
    Level,
    basis_of,
    explained,
    judge,
    welch,
)
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame
    from customer_value.effects.arms import Arms
    from customer_value.effects.estimate import EffectEstimate

_MISMATCH = 1e-3
"""p-value below which the sizes of the arms are not those of the assignment."""


class _Terms(BaseModel, frozen=True, extra="forbid", title="evaluate_effect"):
    expected_share: Annotated[float, Field(gt=0, lt=1)] | None


def evaluate_effect(
    customers: Frame,
    *,
    outcome: str,
    group: str = "group",
    treated: str = "treated",
    kind: Literal["mean", "proportion", "ratio"] = "mean",
    denominator: str | None = None,
    history: str | None = None,
    interval_method: Literal["newcombe", "wald"] = "newcombe",
    assignment: Assignment = "random",
    expected_share: float | None = None,
    confidence: float = 0.95,
) -> EffectEstimate:
    """Estimate the effect of a treatment: the difference between treated and control customers.

    All customers count in the arm they were assigned to, whether the treatment reached them or
    not (intention to treat): those who can be reached differ from those who cannot.

    - `"mean"`: difference of the means, with Welch's interval. With `history`, a value from before
      the assignment, variance that was there before is taken out first (CUPED: Deng, Xu, Kohavi &
      Walker 2013): y - theta (x - mean x), theta = cov(y, x) / var(x) over both arms; customers
      without a history get its mean and a parameter of their own.
    - `"proportion"`: difference of two shares of a yes-or-no outcome, with the interval of Newcombe
      (1998, Statistics in Medicine 17, 873-890, method 10) or of Wald.
    - `"ratio"`: difference of sum(outcome) / sum(denominator), such as spend per order, with a
      standard error by the delta method: customers, not orders, were assigned.

    Args:
        customers: One row per customer assigned.
        outcome: Column of the outcome, on margin and in a window fixed in advance.
        group: Column of the arm: Boolean (true is treated) or text of two values.
        treated: Value of the treated in that column, where it is text.
        kind: What is compared.
        denominator: Column to divide by, for a ratio.
        history: Column from before the assignment, for means; null where there is none.
        interval_method: Kind of interval for a proportion.
        assignment: `"observed"` where customers were not assigned at random: the result is then
            labelled descriptive.
        expected_share: Share of the customers meant to be treated; the sizes are then checked.
        confidence: Level of the interval.

    Returns:
        The estimate; the standard error, interval and p-value are None with fewer than two
        customers in an arm.

    Raises:
        OptionError: There are not two arms, a ratio lacks its denominator, or the confidence or
            the share is not between 0 and 1.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite, or an outcome is not 0 or 1.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> bought = pl.DataFrame(
        ...     {
        ...         "group": ["treated"] * 1000 + ["control"] * 1000,
        ...         "bought": [1] * 120 + [0] * 880 + [1] * 100 + [0] * 900,
        ...     }
        ... )
        >>> effect = cv.effects.evaluate_effect(
        ...     bought, outcome="bought", kind="proportion", interval_method="wald"
        ... )
        >>> round(effect.estimate, 4), round(effect.low, 4), round(effect.high, 4)
        (0.02, -0.0074, 0.0474)
    """
    level = build(Level, confidence=confidence)
    share = build(_Terms, expected_share=expected_share)
    check_choice("kind", kind, ("mean", "proportion", "ratio"))
    check_choice("interval_method", interval_method, ("newcombe", "wald"))
    check_choice("assignment", assignment, get_args(Assignment))
    if (denominator is not None) != (kind == "ratio"):
        raise OptionError("a denominator is needed for kind='ratio', and for that only")
    if history is not None and kind != "mean":
        raise OptionError("a history adjusts means only: kind='mean'")
    numbers = [outcome] if denominator is None else [outcome, denominator]
    gaps = [] if history is None else [history]
    arms = read_arms(customers, group, treated, numbers=numbers, gaps=gaps)
    y = arms.column(outcome)
    limits = None
    if kind == "proportion":
        two_valued(y, outcome)
        difference = _shares(*arms.pair(y))
        method = "difference of proportions"
        if interval_method == "newcombe":
            limits = _newcombe(*arms.pair(y), level)
    elif denominator is not None:
        difference = _ratios(arms.pair(y), arms.pair(arms.column(denominator)))
        method = "difference of ratios"
    elif history is not None:
        difference = welch(*arms.pair(y - explained(y, arms.column(history))))
        method = "difference of means adjusted by history"
    else:
        difference = welch(*arms.pair(y))
        method = "difference of means"
    return judge(
        difference,
        method=method,
        basis=basis_of(assignment),
        level=level,
        sizes=arms.sizes,
        interval=limits,
        warnings=_warnings(arms, assignment, share.expected_share),
    )


def sample_ratio_check(n_treated: int, n_control: int, *, expected_share: float = 0.5) -> float:
    """Sample ratio mismatch: whether the arms have the sizes assigned (chi-squared, 1 df).

    A small p-value says that customers got lost on one side, so that the arms differ in more than
    the treatment: find out why before reading any effect.

    Args:
        n_treated: Treated customers.
        n_control: Control customers.
        expected_share: Share meant to be treated.

    Returns:
        The p-value; 1 without any customers.

    Raises:
        OptionError: The share is not between 0 and 1.

    Examples:
        >>> import customer_value as cv
        >>> cv.effects.sample_ratio_check(5000, 5000)
        1.0
        >>> round(cv.effects.sample_ratio_check(5000, 5300), 4)
        0.0031
    """
    share = build(_Terms, expected_share=expected_share).expected_share or 0.5
    n = n_treated + n_control
    if n == 0:
        return 1.0
    expected = np.array([n * share, n * (1 - share)])
    statistic = float(((np.array([n_treated, n_control]) - expected) ** 2 / expected).sum())
    return float(stats.chi2.sf(statistic, 1))


def _warnings(arms: Arms, assignment: Assignment, expected_share: float | None) -> tuple[str, ...]:
    words = []
    if assignment == "observed":
        words.append(
            "the arms were not assigned at random: they may differ in more than the treatment"
        )
    if expected_share is not None:
        p = sample_ratio_check(*arms.sizes, expected_share=expected_share)
        if p < _MISMATCH:
            words.append(
                f"the sizes of the arms are not those of the assignment (p = {p:.2g}): "
                "customers got lost"
            )
    return tuple(words)


def _shares(treated: FloatArray, control: FloatArray) -> Difference:
    p, q = float(treated.mean()), float(control.mean())
    if min(treated.size, control.size) < 2:
        return Difference(p - q, math.nan, math.inf, p, q)
    variance = p * (1 - p) / treated.size + q * (1 - q) / control.size
    if variance == 0:  # all here and none there: as if both arms were one
        both = (treated.sum() + control.sum()) / (treated.size + control.size)
        variance = float(both * (1 - both)) * (1 / treated.size + 1 / control.size)
    return Difference(p - q, math.sqrt(variance), math.inf, p, q)


def _newcombe(treated: FloatArray, control: FloatArray, level: Level) -> tuple[float, float]:
    """Wilson's limits of both shares, squared and added."""
    (p, low, high), (q, low_q, high_q) = (
        _wilson(arm, level.quantile()) for arm in (treated, control)
    )
    down = math.sqrt((p - low) ** 2 + (high_q - q) ** 2)
    up = math.sqrt((high - p) ** 2 + (q - low_q) ** 2)
    return p - q - down, p - q + up


def _wilson(arm: FloatArray, z: float) -> tuple[float, float, float]:
    share = float(arm.mean())
    low, high = wilson(share, float(arm.size), z)
    return share, max(0.0, low), min(1.0, high)


def _ratios(
    over: tuple[FloatArray, FloatArray], under: tuple[FloatArray, FloatArray]
) -> Difference:
    ratios, variance = [], 0.0
    for y, d in zip(over, under, strict=True):
        mean = float(d.mean())
        if mean <= 0:
            raise OptionError("the denominators of an arm must add up to more than 0")
        ratio = float(y.mean()) / mean
        rest = (y - ratio * d) / mean
        variance += float(rest.var(ddof=1)) / y.size if y.size > 1 else math.nan
        ratios.append(ratio)
    return Difference(ratios[0] - ratios[1], math.sqrt(variance), math.inf, *ratios)
