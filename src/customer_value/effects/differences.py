"""Effects without an experiment: difference in differences, and plain before and after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, as_names, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value.effects.arms import read_arms
from customer_value.effects.estimate import Difference, Level, judge, welch
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, Frame
    from customer_value.effects.arms import Arms
    from customer_value.effects.estimate import EffectEstimate

_PARALLEL = "an effect only if both groups would have changed alike without the treatment"


def difference_in_differences(
    customers: Frame,
    *,
    before: str | Sequence[str],
    after: str,
    group: str = "group",
    treated: str = "treated",
    cluster: str | None = None,
    confidence: float = 0.95,
) -> EffectEstimate:
    """Difference in differences: how much more the treated changed than the controls.

    (treated after - before) - (controls after - before), each customer against itself, with
    Welch's interval of the two mean changes. It is an effect only if both groups would have changed
    alike without the treatment. Where earlier periods are given, the same difference between the
    first and the last of them should be zero; if it is not, a warning says so.

    Args:
        customers: One row per customer.
        before: Column of the outcome before, or several in the order of time: the last one counts.
        after: Column of the outcome after.
        group: Column of the group: Boolean (true is treated) or text of two values.
        treated: Value of the treated, where it is text.
        cluster: Column of the units that were treated together, such as stores: the standard error
            is then that of independent clusters (CR1), with clusters - 2 degrees of freedom.
        confidence: Level of the interval.

    Returns:
        The estimate; `mean_treated` and `mean_control` are mean changes.

    Raises:
        OptionError: There are not two groups, no column from before, or the confidence is not
            between 0 and 1.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "group": ["treated", "treated", "control", "control"],
        ...         "spring": [20.0, 22.0, 23.0, 25.0],
        ...         "autumn": [24.0, 28.0, 24.0, 25.0],
        ...     }
        ... )
        >>> effect = cv.effects.difference_in_differences(
        ...     customers, before="spring", after="autumn"
        ... )
        >>> effect.estimate, effect.basis
        (4.5, 'quasi_experiment')
    """
    level = build(Level, confidence=confidence)
    earlier = as_names(before)
    if not earlier:
        raise OptionError("before names no column")
    others = [] if cluster is None else [cluster]
    arms = read_arms(customers, group, treated, numbers=[*earlier, after], others=others)
    change = arms.column(after) - arms.column(earlier[-1])
    warnings = [_PARALLEL]
    if len(earlier) > 1:
        trend = _compare(arms, arms.column(earlier[-1]) - arms.column(earlier[0]), cluster)
        found = judge(trend, method="", basis="quasi_experiment", level=level, sizes=arms.sizes)
        if found.p_value is not None and found.p_value < 1 - confidence:
            warnings.append(
                f"the groups changed apart before the treatment: {found.estimate:.4g} more for the "
                f"treated (p = {found.p_value:.2g})"
            )
    return judge(
        _compare(arms, change, cluster),
        method="difference in differences",
        basis="quasi_experiment",
        level=level,
        sizes=arms.sizes,
        warnings=tuple(warnings),
    )


def before_after(
    customers: Frame, *, before: str, after: str, confidence: float = 0.95
) -> EffectEstimate:
    """Before and after: how one group changed, which is a difference and not an effect.

    Whatever else changed meanwhile is in it, and a group that was chosen for being low or high
    moves back to the mean by itself. Use controls: `evaluate_effect`, `difference_in_differences`.

    Args:
        customers: One row per customer.
        before: Column of the outcome before.
        after: Column of the outcome after.
        confidence: Level of the interval, of the mean of the customers' changes.

    Returns:
        The estimate, labelled descriptive. `mean_treated` is the mean after, `mean_control` that
        before, of the same customers.

    Raises:
        OptionError: There are no customers, or the confidence is not between 0 and 1.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Values are null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> sales = pl.DataFrame({"spring": [10.0, 0.0, 5.0], "autumn": [12.0, 4.0, 5.0]})
        >>> change = cv.effects.before_after(sales, before="spring", after="autumn")
        >>> change.estimate, change.basis
        (2.0, 'descriptive')
    """
    level = build(Level, confidence=confidence)
    frame = read_frame(customers, {before: "number", after: "number"})
    rows = frame.lazy().select(before, after).sort(before, after).collect()
    if rows.is_empty():
        raise OptionError("there are no customers to compare")
    x, y = (to_array(rows[name].fill_null(float("nan"))) for name in (before, after))
    refuse({before: x}, [NOT_FINITE], what="customers")
    refuse({after: y}, [NOT_FINITE], what="customers")
    change, n = y - x, x.size
    error = float(change.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    difference = Difference(float(change.mean()), error, n - 1, float(y.mean()), float(x.mean()))
    return judge(
        difference,
        method="mean change",
        basis="descriptive",
        level=level,
        sizes=(n, 0),
        warnings=("no controls: not an effect, and regression to the mean is part of it",),
    )


def _compare(arms: Arms, change: FloatArray, cluster: str | None) -> Difference:
    if cluster is None:
        return welch(*arms.pair(change))
    names = arms.rows[cluster].cast(pl.String).fill_null("").rank("dense").to_numpy()
    return _clustered(change, arms.treated.astype(np.float64), names)


def _clustered(change: FloatArray, treated: FloatArray, cluster: FloatArray) -> Difference:
    """Regression on the treatment with the sandwich of independent clusters."""
    ones = np.column_stack([np.ones_like(treated), treated])
    bread = np.linalg.inv(ones.T @ ones)
    beta = bread @ ones.T @ change
    scores = ones * (change - ones @ beta)[:, None]
    sums = np.array([scores[cluster == c].sum(axis=0) for c in np.unique(cluster)])
    g, n = len(sums), change.size
    if g < 3 or n < 3:
        return Difference(float(beta[1]), math.nan, math.inf, float(beta.sum()), float(beta[0]))
    small = g / (g - 1) * (n - 1) / (n - 2)
    variance = small * (bread @ (sums.T @ sums) @ bread)[1, 1]
    return Difference(
        float(beta[1]), math.sqrt(max(variance, 0.0)), g - 2, float(beta.sum()), float(beta[0])
    )
