"""For whom it worked: effects by segment, and how well a score finds the persuadable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from scipy import stats

from customer_value._frames.contracts import check_choice, check_groups
from customer_value.effects.arms import read_arms
from customer_value.effects.estimate import Level, judge, welch

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame


def uplift_by_segment(
    customers: Frame,
    *,
    outcome: str,
    segment: str,
    group: str = "group",
    treated: str = "treated",
    adjust: Literal["holm", "benjamini_hochberg"] = "holm",
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Estimate the effect in each segment, corrected for looking at many.

    Among many segments some show a difference by chance. Holm's method keeps the chance of even
    one false find below 1 - confidence; Benjamini and Hochberg's the expected share of false
    finds.

    Args:
        customers: One row per customer assigned.
        outcome: Column of the outcome.
        segment: Column known before the assignment: what the treatment changes is no segment.
        group: Column of the arm: Boolean (true is treated) or text of two values.
        treated: Value of the treated, where it is text.
        adjust: How p-values are corrected.
        confidence: Level of the intervals, each by itself.

    Returns:
        One row per segment, by name (null last): the segment, `n_treated`, `n_control` (Int64),
        `mean_treated`, `mean_control`, `uplift`, `standard_error`, `low`, `high`, `p_value`,
        `p_adjusted` (Float64) and `significant` (Boolean). Nulls where an arm has fewer than two
        customers.

    Raises:
        ValidationError: The confidence is not between 0 and 1.
        OptionError: There are not two arms.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> trial = pl.DataFrame(
        ...     {
        ...         "segment": ["a"] * 8 + ["b"] * 8,
        ...         "group": (["treated"] * 4 + ["control"] * 4) * 2,
        ...         "margin": [9.0, 8, 9, 10, 1, 2, 1, 0, 3, 4, 3, 2, 3, 4, 3, 2],
        ...     }
        ... )
        >>> table = cv.effects.uplift_by_segment(trial, outcome="margin", segment="segment")
        >>> table.select("segment", "uplift", "significant").rows()
        [('a', 8.0, True), ('b', 0.0, False)]
    """
    check_choice("adjust", adjust, ("holm", "benjamini_hochberg"))
    check_groups([segment], [*_SCHEMA, "p_adjusted", "significant"])
    level = Level(confidence=confidence)
    arms = read_arms(customers, group, treated, numbers=[outcome], others=[segment])
    rows = arms.rows.select(
        pl.col(segment), treated=pl.Series(arms.treated), outcome=pl.Series(arms.column(outcome))
    )
    table = pl.DataFrame(
        [_row(own, segment, level) for own in rows.partition_by(segment)],
        schema={segment: rows.schema[segment], **_SCHEMA},
    ).sort(segment, nulls_last=True)
    p_value = table["p_value"].to_numpy()
    adjusted = np.full(p_value.size, np.nan)
    known = ~np.isnan(p_value)
    adjusted[known] = (_holm if adjust == "holm" else _benjamini_hochberg)(p_value[known])
    return table.with_columns(p_adjusted=pl.Series(adjusted, nan_to_null=True)).with_columns(
        significant=pl.col("p_adjusted") < 1 - confidence
    )


def qini_curve(
    customers: Frame,
    *,
    outcome: str,
    score: str,
    group: str = "group",
    treated: str = "treated",
) -> pl.DataFrame:
    """Trace the gain from treating the customers of the highest scores first.

    At each score, incremental = (sum of the outcomes of the treated) - (that of the controls) x
    (treated / controls), among the customers of at least that score (Radcliffe 2007, Direct
    Marketing Analytics Journal). Customers of equal scores come together.

    Args:
        customers: One row per customer assigned at random.
        outcome: Column of the outcome.
        score: Column of the score: higher is to be treated first.
        group: Column of the arm: Boolean (true is treated) or text of two values.
        treated: Value of the treated, where it is text.

    Returns:
        One row per different score, highest first, after a row for nobody: `share` (of all
        customers), `n_treated`, `n_control` (Int64), `incremental` (Float64; without controls yet,
        the sum of the treated) and `random` (the straight line to the end).

    Raises:
        OptionError: There are not two arms.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> trial = pl.DataFrame(
        ...     {
        ...         "score": [0.9, 0.9, 0.1, 0.1],
        ...         "group": ["treated", "control", "treated", "control"],
        ...         "bought": [1, 0, 0, 0],
        ...     }
        ... )
        >>> cv.effects.qini_curve(trial, outcome="bought", score="score")["incremental"].to_list()
        [0.0, 1.0, 1.0]
    """
    arms = read_arms(customers, group, treated, numbers=[outcome, score])
    rows = pl.DataFrame(
        {"score": arms.column(score), "treated": arms.treated, "outcome": arms.column(outcome)}
    )
    is_treated, y = pl.col("treated"), pl.col("outcome")
    steps = (
        rows.group_by("score")
        .agg(
            n_treated=is_treated.sum().cast(pl.Int64),
            n_control=(~is_treated).sum().cast(pl.Int64),
            won=y.filter(is_treated).sort().sum(),
            lost=y.filter(~is_treated).sort().sum(),
        )
        .sort("score", descending=True)
    )
    nobody = steps.clear().drop("score")
    start = pl.DataFrame({name: [0] for name in nobody.columns}).cast(nobody.schema)
    sums = pl.concat([start, steps.drop("score")]).with_columns(pl.all().cum_sum())
    n, m = pl.col("n_treated"), pl.col("n_control")
    baseline = pl.when(m > 0).then(pl.col("lost") * (n / m)).otherwise(0.0)
    share = (n + m) / (n + m).last()
    gain = pl.col("won") - baseline
    return sums.select(
        share=share, n_treated=n, n_control=m, incremental=gain, random=share * gain.last()
    )


def qini_coefficient(
    customers: Frame,
    *,
    outcome: str,
    score: str,
    group: str = "group",
    treated: str = "treated",
) -> float:
    """Measure how well a score finds the persuadable: the area between Qini curve and random line.

    Args:
        customers: One row per customer assigned at random.
        outcome: Column of the outcome.
        score: Column of the score: higher is to be treated first.
        group: Column of the arm: Boolean (true is treated) or text of two values.
        treated: Value of the treated, where it is text.

    Returns:
        The area under `qini_curve` less that under its random line, over the shares 0 to 1, per
        customer treated: 0 for a score that tells nothing, below 0 for one that points away.

    Raises:
        OptionError: There are not two arms.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> trial = pl.DataFrame(
        ...     {
        ...         "score": [0.9, 0.9, 0.1, 0.1],
        ...         "group": ["treated", "control", "treated", "control"],
        ...         "bought": [1, 0, 0, 0],
        ...     }
        ... )
        >>> cv.effects.qini_coefficient(trial, outcome="bought", score="score")
        0.125
    """
    curve = qini_curve(customers, outcome=outcome, score=score, group=group, treated=treated)
    gain = (curve["incremental"] - curve["random"]).to_numpy()
    area = float(np.trapezoid(gain, curve["share"].to_numpy()))
    return area / int(curve["n_treated"][-1])


_SCHEMA = {
    "n_treated": pl.Int64,
    "n_control": pl.Int64,
    **dict.fromkeys(
        (
            "mean_treated",
            "mean_control",
            "uplift",
            "standard_error",
            "low",
            "high",
            "p_value",
        ),
        pl.Float64,
    ),
}


def _row(own: pl.DataFrame, segment: str, level: Level) -> dict[str, object]:
    treated = own["treated"].to_numpy()
    y = own["outcome"].to_numpy()
    row: dict[str, object] = {
        segment: own[segment][0],
        "n_treated": int(treated.sum()),
        "n_control": int((~treated).sum()),
    }
    if treated.all() or not treated.any():
        return row | {"mean_treated" if treated.any() else "mean_control": float(y.mean())}
    effect = judge(
        welch(y[treated], y[~treated]),
        method="",
        basis="experiment",
        level=level,
        sizes=(int(treated.sum()), int((~treated).sum())),
    )
    names = ("mean_treated", "mean_control", "standard_error", "low", "high", "p_value")
    return row | {"uplift": effect.estimate} | {name: getattr(effect, name) for name in names}


def _holm(p_value: FloatArray) -> FloatArray:
    """Holm (1979), Scandinavian Journal of Statistics 6, 65-70."""
    order = np.argsort(p_value, kind="stable")
    adjusted = np.empty_like(p_value)
    steps = p_value[order] * np.arange(p_value.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _benjamini_hochberg(p_value: FloatArray) -> FloatArray:
    """Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300."""
    return np.asarray(stats.false_discovery_control(p_value)) if p_value.size else p_value
