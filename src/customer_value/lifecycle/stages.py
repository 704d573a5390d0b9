"""Lifecycle stages: where each customer stands, by ordered rules with open thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple, Self, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import finite_column, join_previous, with_columns
from customer_value._frames.contracts import Kind, as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

_NEEDED: dict[str, Kind] = {
    "as_of": "day",
    "purchases": "number",
    "repeat_purchases": "number",
    "recency_days": "number",
    "t_x": "number",
    "T": "number",
}
_STAGE, _SINCE = "__previous_stage__", "__previous_since__"
_USED: dict[str, Kind] = {"p_alive": "number", "trend": "number"}


class LifecycleRules(BaseModel, frozen=True, extra="forbid"):
    """The thresholds of the stages.

    A customer's silence is `recency_days` over the customer's expected gap between purchases:
    `(x gap + k typical) / (x + k)`, with x gaps of mean `gap` of its own, the typical gap of all
    customers, and the prior weight k.

    Attributes:
        lost_silence: Silence from which a customer is lost.
        lost_p_alive: Probability of being alive below which a customer is lost, where known.
        at_risk_silence: Silence from which a customer is at risk.
        at_risk_p_alive: Probability of being alive below which a customer is at risk.
        new_days: Days since the first purchase in which a customer is new; a customer with a
            single purchase stays new.
        trend: Relative change of the `trend` column, where there is one, from which a customer
            grows, or at whose negative it declines.
        trusted_purchases: Purchases from which a customer is no longer growing but stable.
        typical_gap_days: The typical gap; by default the mean gap of all customers in the frame.
        prior_gaps: Weight k of the typical gap, in gaps.
    """

    lost_silence: Annotated[float, Field(gt=0)] = 4.0
    lost_p_alive: Annotated[float, Field(ge=0, le=1)] = 0.1
    at_risk_silence: Annotated[float, Field(gt=0)] = 2.0
    at_risk_p_alive: Annotated[float, Field(ge=0, le=1)] = 0.5
    new_days: Annotated[int, Field(ge=0)] = 30
    trend: Annotated[float, Field(gt=0)] = 0.25
    trusted_purchases: Annotated[int, Field(ge=2)] = 4
    typical_gap_days: Annotated[float, Field(gt=0)] | None = None
    prior_gaps: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lost_silence < self.at_risk_silence or self.lost_p_alive > self.at_risk_p_alive:
            raise ValueError("a lost customer must be further gone than one at risk")
        return self


class _StageRule(NamedTuple):
    stage: str
    fires: pl.Expr
    says: str


@overload
def assign_stages(
    customers: pl.LazyFrame,
    *,
    rules: LifecycleRules | None = None,
    previous: Frame | None = None,
) -> pl.LazyFrame: ...
@overload
def assign_stages(
    customers: ArrowStream,
    *,
    rules: LifecycleRules | None = None,
    previous: Frame | None = None,
) -> pl.DataFrame: ...
def assign_stages(
    customers: Frame,
    *,
    rules: LifecycleRules | None = None,
    previous: Frame | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the lifecycle stage of each customer: the first rule that fires decides.

    In this order: `prospect` (no purchase), `lost`, `reactivated` (lost in the previous snapshot,
    and silent for no longer than one expected gap), `at_risk`, `new`, `declining`, `growing`,
    `stable`.

    Args:
        customers: Customer frame with `as_of`, `purchases`, `repeat_purchases`, `recency_days`,
            `t_x` and `T`; a `p_alive` and a `trend` column are used where present. With
            `previous`, `customer_id` too.
        rules: The thresholds.
        previous: Earlier snapshot with `customer_id` and `stage`, and `stage_since` if known.

    Returns:
        The frame with `stage` (String), `stage_since` (Date: the first snapshot that saw this
        stage, hence `as_of` without `previous`) and `rule_fired` (String: the rule in words).

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Histories are NaN or infinite (for a LazyFrame when it is collected), or a
            customer is in `previous` twice.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> staged = cv.assign_stages(customers)
        >>> staged.select("stage", "rule_fired").row(0)
        ('stable', 'none of the others')
    """
    rules = rules or LifecycleRules()
    frame = as_polars(customers)
    present = set(frame.collect_schema().names())
    used = {name: kind for name, kind in _USED.items() if name in present}
    require(frame, _NEEDED | used, what="customers")
    was: pl.Expr = pl.lit(None, pl.String)
    since: pl.Expr = pl.lit(None, pl.Date)
    if previous is not None:
        frame, was, since = _join(frame, previous), pl.col(_STAGE), pl.col(_SINCE)
    schema = frame.collect_schema()
    checked = [finite_column(name).alias(name) for name in _NEEDED if schema[name].is_float()]
    frame = with_columns(frame, *checked)
    ordered = _rules(rules, present, was)
    stage, says = pl.lit("stable"), pl.lit("none of the others")
    for rule in reversed(ordered):
        fires = rule.fires.fill_null(value=False)
        stage = pl.when(fires).then(pl.lit(rule.stage)).otherwise(stage)
        says = pl.when(fires).then(pl.lit(rule.says)).otherwise(says)
    stays = pl.coalesce(pl.when(was == stage).then(since), pl.col("as_of"))
    staged = with_columns(
        frame, stage.alias("stage"), stays.alias("stage_since"), says.alias("rule_fired")
    )
    return staged.drop(_STAGE, _SINCE) if previous is not None else staged


def _rules(rules: LifecycleRules, columns: set[str], was: pl.Expr) -> list[_StageRule]:
    purchases, recency = pl.col("purchases"), pl.col("recency_days")
    silence = recency / _expected_gap(rules)
    lost = [_StageRule("lost", silence >= rules.lost_silence, _gaps(rules.lost_silence))]
    risk = [_StageRule("at_risk", silence >= rules.at_risk_silence, _gaps(rules.at_risk_silence))]
    trend = []
    if "p_alive" in columns:
        alive = pl.col("p_alive").cast(pl.Float64).fill_nan(None)
        lost.append(
            _StageRule("lost", alive < rules.lost_p_alive, f"p_alive below {rules.lost_p_alive:g}")
        )
        risk.append(
            _StageRule(
                "at_risk", alive < rules.at_risk_p_alive, f"p_alive below {rules.at_risk_p_alive:g}"
            )
        )
    if "trend" in columns:
        change = pl.col("trend").cast(pl.Float64).fill_nan(None)
        trend = [
            _StageRule("declining", change <= -rules.trend, f"trend of -{rules.trend:g} or less"),
            _StageRule("growing", change >= rules.trend, f"trend of {rules.trend:g} or more"),
        ]
    back = (was == "lost") & (silence <= 1)
    young = (purchases == 1) | (pl.col("T") < rules.new_days)
    few = purchases < rules.trusted_purchases
    return [
        _StageRule("prospect", purchases == 0, "no purchase"),
        *lost,
        _StageRule("reactivated", back, "bought again after being lost"),
        *risk,
        _StageRule("new", young, f"one purchase, or first within {rules.new_days} days"),
        *trend,
        _StageRule("growing", few, f"fewer than {rules.trusted_purchases} purchases"),
    ]


def _expected_gap(rules: LifecycleRules) -> pl.Expr:
    x, age = pl.col("repeat_purchases"), pl.col("t_x")
    if rules.typical_gap_days is not None:
        typical = pl.lit(rules.typical_gap_days)
    else:
        # Summed as decimals, so that the order of the rows changes no bit.
        days, gaps = age.cast(pl.Decimal(38, 6)).sum().cast(pl.Float64), x.sum()
        typical = pl.when(gaps > 0).then(days / gaps)
    # Mean own gap times its number is the age at the last purchase.
    gap = (age + rules.prior_gaps * typical) / (x + rules.prior_gaps)
    return pl.when(gap > 0).then(gap)


def _gaps(threshold: float) -> str:
    return f"silence of {threshold:g} gaps or more"


def _join(customers: pl.DataFrame | pl.LazyFrame, previous: Frame) -> pl.DataFrame | pl.LazyFrame:
    before = as_polars(previous)
    needed: dict[str, Kind] = {"stage": "text"}
    since = pl.lit(None, pl.Date)
    if "stage_since" in before.collect_schema():
        needed["stage_since"], since = "day", pl.col("stage_since")
    require(before, needed, what="previous")
    stage = pl.col("stage").cast(pl.String)
    return join_previous(customers, before, {_STAGE: stage, _SINCE: since})
