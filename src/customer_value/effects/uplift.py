"""For whom it worked: effects by segment, and how well a score finds the persuadable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl
from scipy import stats

from customer_value._frames.contracts import check_choice, check_groups
from customer_value._frames.options import build
from customer_value.effects.arms import read_arms
from customer_value.effects.estimate import (
    Assignment,
    Level,
    basis_of,
    explained,
    judge,
    welch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, Frame
    from customer_value.effects.arms import Arms

_TREATED, _OUTCOME = "__treated__", "__outcome__"


def uplift_by_segment(
    customers: Frame,
    *,
    outcome: str,
    by: str | Sequence[str],
    group: str = "group",
    treated: str = "treated",
    history: str | None = None,
    assignment: Assignment = "random",
    adjust: Literal["holm", "benjamini_hochberg"] = "holm",
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Uplift by segment: the effect in each, with p-values corrected for looking at many.

    Among many segments some show a difference by chance. Holm's method keeps the chance of even
    one false find below 1 - confidence; Benjamini and Hochberg's the expected share of false
    finds. With `history`, variance that was there before is taken out first, as in
    `evaluate_effect` (CUPED), with one theta for all segments.

    Args:
        customers: One row per customer assigned.
        outcome: Column of the outcome.
        by: Column or columns of the segment, known before the assignment: what the treatment
            changes cannot be a segment.
        group: Column of the arm: Boolean (true is treated) or text of two values.
        treated: Value of the treated, where it is text.
        history: Column from before the assignment; null where there is none.
        assignment: `"observed"` where customers were not assigned at random: the result is then
            labelled descriptive, and no difference is called significant.
        adjust: How p-values are corrected.
        confidence: Level of the intervals, each by itself.

    Returns:
        One row per segment, by name (null last): the columns of the segment, `n_treated`,
        `n_control` (Int64), `mean_treated`, `mean_control`, `uplift`, `standard_error`, `low`,
        `high`, `p_value`, `p_adjusted` (Float64), `significant` (Boolean) and `basis` (String:
        `"experiment"` or `"descriptive"`). Nulls where an arm has fewer than two customers;
        `significant` is null where it cannot be told, so for all that is descriptive.

    Raises:
        OptionError: There are not two arms, no segment is named, or the confidence is not between
            0 and 1.
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
        >>> table = cv.effects.uplift_by_segment(trial, outcome="margin", by="segment")
        >>> table.select("segment", "uplift", "significant").rows()
        [('a', 8.0, True), ('b', 0.0, False)]
    """
    check_choice("adjust", adjust, ("holm", "benjamini_hochberg"))
    check_choice("assignment", assignment, get_args(Assignment))
    keys = check_groups(by, [*_SCHEMA, "p_adjusted", "significant", "basis"], required=True)
    level = build(Level, confidence=confidence)
    gaps = [] if history is None else [history]
    arms = read_arms(customers, group, treated, numbers=[outcome], gaps=gaps, others=keys)
    table = _by_segment(arms, _adjusted(arms, outcome, history, keys), keys, level)
    p_value = table["p_value"].to_numpy()
    adjusted = np.full(p_value.size, np.nan)
    known = ~np.isnan(p_value)
    adjusted[known] = (_holm if adjust == "holm" else _benjamini_hochberg)(p_value[known])
    random = assignment == "random"
    found = pl.col("p_adjusted") < 1 - confidence
    return table.with_columns(p_adjusted=pl.Series(adjusted, nan_to_null=True)).with_columns(
        significant=found if random else pl.lit(None, pl.Boolean),
        basis=pl.lit(basis_of(assignment)),
    )


def qini_curve(
    customers: Frame,
    *,
    outcome: str,
    score: str,
    group: str = "group",
    treated: str = "treated",
) -> pl.DataFrame:
    """Qini curve: the gain from treating the customers of the highest scores first.

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
        One row per different score, highest first, after a row of zeros: `share` (of all
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
    none = steps.clear().drop("score")
    start = pl.DataFrame({name: [0] for name in none.columns}).cast(none.schema)
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
    """Qini coefficient of a score: the area between the Qini curve and the random line.

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


def _adjusted(arms: Arms, outcome: str, history: str | None, keys: list[str]) -> FloatArray:
    """The outcome, less what the history explains of it within each segment."""
    y = arms.column(outcome)
    if history is None:
        return y
    segment = arms.rows.select(pl.struct(keys).rank("dense").cast(pl.Int64) - 1).to_series()
    return y - explained(y, arms.column(history), segment.to_numpy())


def _by_segment(arms: Arms, y: FloatArray, keys: list[str], level: Level) -> pl.DataFrame:
    rows = arms.rows.select(keys).with_columns(
        pl.Series(_TREATED, arms.treated), pl.Series(_OUTCOME, y)
    )
    return pl.DataFrame(
        [_row(own, keys, level) for own in rows.partition_by(keys)],
        schema={**arms.rows.select(keys).schema, **_SCHEMA},
    ).sort(keys, nulls_last=True)


def _row(own: pl.DataFrame, keys: list[str], level: Level) -> dict[str, object]:
    treated = own[_TREATED].to_numpy()
    y = own[_OUTCOME].to_numpy()
    sizes = (int(treated.sum()), int((~treated).sum()))
    row = own.select(keys).row(0, named=True) | {"n_treated": sizes[0], "n_control": sizes[1]}
    if treated.all() or not treated.any():
        return row | {"mean_treated" if treated.any() else "mean_control": float(y.mean())}
    difference = welch(y[treated], y[~treated])
    effect = judge(difference, method="", basis="experiment", level=level, sizes=sizes)
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
