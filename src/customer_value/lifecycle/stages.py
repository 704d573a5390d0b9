"""Lifecycle stages: where each customer stands, by ordered rules with open thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import polars as pl

from customer_value._frames.assemble import finite_column, join_previous, with_columns
from customer_value._frames.door import as_polars, read_frame
from customer_value.lifecycle.model import StageModel, stage_terms
from customer_value.lifecycle.options import AliveOnly, OwnGaps, PooledGaps, StageOptions
from customer_value.lifecycle.silence import (
    AT_RISK,
    LOST,
    Condition,
    known_alive,
    silence_conditions,
    with_gap_limits,
)
from customer_value.lifecycle.taxonomies import map_stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._frames.contracts import Kind
    from customer_value._typing import ArrowStream, Frame
    from customer_value.lifecycle.taxonomies import Taxonomy, TaxonomyName

_NEEDED: dict[str, Kind] = {
    "as_of": "day",
    "purchases": "number",
    "repeat_purchases": "number",
    "recency_days": "number",
    "t_x": "number",
    "T": "number",
}
_USED: dict[str, Kind] = {
    "p_alive": "number",
    "trend": "number",
    "last_gap_days": "number",
    "contract_start": "day",
    "contract_end": "day",
}
_STAGE, _SINCE = "__previous_stage__", "__previous_since__"


class _StageRule(NamedTuple):
    stage: str
    fires: pl.Expr
    says: str


class _Contract(NamedTuple):
    """Whether a customer is or was under contract, and how that stands."""

    has: pl.Expr
    over: pl.Expr
    in_grace: pl.Expr
    young: pl.Expr


@overload
def assign_stages(
    customers: pl.LazyFrame,
    model: StageModel | None = None,
    *,
    options: StageOptions | None = None,
    previous: Frame | None = None,
    gaps: Frame | None = None,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy] = (),
    locale: Literal["en", "zh"] = "en",
) -> pl.LazyFrame: ...
@overload
def assign_stages(
    customers: ArrowStream,
    model: StageModel | None = None,
    *,
    options: StageOptions | None = None,
    previous: Frame | None = None,
    gaps: Frame | None = None,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy] = (),
    locale: Literal["en", "zh"] = "en",
) -> pl.DataFrame: ...
def assign_stages(
    customers: Frame,
    model: StageModel | None = None,
    *,
    options: StageOptions | None = None,
    previous: Frame | None = None,
    gaps: Frame | None = None,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy] = (),
    locale: Literal["en", "zh"] = "en",
) -> pl.DataFrame | pl.LazyFrame:
    """Add the lifecycle stage of each customer: the first rule that fires decides.

    In this order: `prospect` (no purchase), `lost`, `reactivated` (lost in the previous snapshot,
    and heard of since: silent for no longer than one expected gap or, where silence is judged
    another way, not at risk by it), `at_risk`, `new`, `declining`, `growing`, `stable`.

    Customers under contract are judged by its dates instead of their purchases: `lost` when the
    contract ended longer ago than the days of grace, `at_risk` within them, `reactivated` when
    lost before and under contract again, `new` at the beginning, else by their trend, or `stable`.

    Args:
        customers: Customer frame with `as_of`, `purchases`, `repeat_purchases`, `recency_days`,
            `t_x` and `T`. Used where present: `p_alive`; `trend` (see `purchase_trend`);
            `last_gap_days` (days between the last two purchases, by which a customer whom no
            previous snapshot knows was lost before coming back);
            `contract_end` (Date, the last day of the contract) and `contract_start` (Date). A
            customer has a contract if it started by `as_of`, and runs on if its end is null;
            without a column of starts, if it has an end. With `previous`, `customer_id` too.
        model: What `fit_stages` learnt; a customer then gets the same stage alone and in any batch.
            Without it, the typical gap is learnt from the customers of this frame.
        options: The thresholds, where there is no model.
        previous: Earlier snapshot with `customer_id` and `stage`, and `stage_since` if known.
        gaps: Table of `purchase_gaps` at the same day, which `OwnGaps` needs, and `PooledGaps`
            without a model.
        taxonomy: Names of other sets of stages, or your own, to add as columns; see `map_stages`.
        locale: Language of those columns, `"en"` or `"zh"`.

    Returns:
        The frame with `stage` (String), `stage_since` (Date: the first snapshot that saw this
        stage, so `as_of` without `previous`), `dwell_days` (Int64, days since then),
        `rule_fired` (String: the rule in words) and a column `stage_{name}` per taxonomy.

    Raises:
        OptionError: The options need `gaps`, or a taxonomy is unknown.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Histories are NaN or infinite (for a LazyFrame when it is collected), or gaps
            are, or a customer is in `previous` twice.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> staged = cv.assign_stages(customers, taxonomy="growth", locale="zh")
        >>> staged.select("stage", "rule_fired", "stage_growth").row(0)
        ('stable', 'none of the others', '成熟期')
    """
    terms, learnt = stage_terms(model, options)
    table = as_polars(customers, _NEEDED | _USED)
    present = set(table.collect_schema().names())
    needed = _NEEDED | {name: kind for name, kind in _USED.items() if name in present}
    if isinstance(terms.silence, AliveOnly):
        needed["p_alive"] = "number"
    frame = read_frame(table, needed, given=customers)
    if isinstance(terms.silence, PooledGaps | OwnGaps):
        days = None if learnt is None else (learnt.at_risk_days, learnt.lost_days)
        frame = with_gap_limits(frame, terms.silence, gaps, days)
    was: pl.Expr = pl.lit(None, pl.String)
    since: pl.Expr = pl.lit(None, pl.Date)
    if previous is not None:
        frame, was, since = _join(frame, previous), pl.col(_STAGE), pl.col(_SINCE)
    schema = frame.collect_schema()
    checked = [finite_column(name).alias(name) for name in _NEEDED if schema[name].is_float()]
    frame = with_columns(frame, *checked)
    stage, says = pl.lit("stable"), pl.lit("none of the others")
    for rule in reversed(_rules(terms, present, was)):
        fires = rule.fires.fill_null(value=False)
        stage = pl.when(fires).then(pl.lit(rule.stage)).otherwise(stage)
        says = pl.when(fires).then(pl.lit(rule.says)).otherwise(says)
    stays = pl.coalesce(pl.when(was == stage).then(since), pl.col("as_of"))
    staged = with_columns(
        frame,
        stage.alias("stage"),
        stays.alias("stage_since"),
        (pl.col("as_of") - stays).dt.total_days().alias("dwell_days"),
        says.alias("rule_fired"),
    ).drop(_STAGE, _SINCE, AT_RISK, LOST, strict=False)
    return map_stages(staged, taxonomy=taxonomy, locale=locale)


def _rules(options: StageOptions, columns: set[str], was: pl.Expr) -> list[_StageRule]:
    purchases, silence = pl.col("purchases"), silence_conditions(options)
    contract = _contract(options, columns)
    free, grace = ~contract.has, options.contract_grace_days
    lost, at_risk = silence.lost, silence.at_risk
    if "p_alive" in columns:
        lost = [*lost, _alive_below(options.lost_p_alive)]
        at_risk = [*at_risk, _alive_below(options.at_risk_p_alive)]
    was_lost = was == "lost"
    before = was_lost
    if "last_gap_days" in columns:  # where no earlier snapshot tells
        before = pl.when(was.is_null()).then(silence.was_lost).otherwise(was_lost)
    young = (free & (purchases == 1)) | contract.young
    few = free & (purchases < options.trusted_purchases)
    trusted = f"fewer than {options.trusted_purchases} purchases"
    return [
        _StageRule("prospect", free & (purchases == 0), "no purchase"),
        _StageRule("lost", contract.over, f"contract over, {grace} days of grace too"),
        *(_StageRule("lost", free & fires, says) for fires, says in lost),
        _StageRule("reactivated", before & free & silence.heard, "bought again after being lost"),
        _StageRule("at_risk", contract.in_grace, f"contract over, in {grace} days of grace"),
        _StageRule("reactivated", was_lost & contract.has, "under contract after being lost"),
        *(_StageRule("at_risk", free & fires, says) for fires, says in at_risk),
        _StageRule("new", young, f"one purchase, or first within {options.new_days} days"),
        *(_trend(options) if "trend" in columns else []),
        _StageRule("growing", few, trusted),
    ]


def _alive_below(threshold: float) -> Condition:
    return Condition(known_alive() < threshold, f"p_alive below {threshold:g}")


def _trend(options: StageOptions) -> list[_StageRule]:
    change = pl.col("trend").cast(pl.Float64).fill_nan(None)
    return [
        _StageRule("declining", change <= -options.trend, f"trend of -{options.trend:g} or less"),
        _StageRule("growing", change >= options.trend, f"trend of {options.trend:g} or more"),
    ]


def _contract(options: StageOptions, columns: set[str]) -> _Contract:
    never, first_days = pl.lit(value=False), pl.col("T") < options.new_days
    if "contract_end" not in columns:
        return _Contract(never, never, never, first_days)
    day, start, end = pl.col("as_of"), pl.col("contract_start"), pl.col("contract_end")
    has, young = end.is_not_null(), first_days
    if "contract_start" in columns:
        has = (start <= day).fill_null(value=False)
        age = (day - start).dt.total_days()
        young = pl.when(has).then(age < options.new_days).otherwise(first_days)
    after_end = (day - end).dt.total_days()
    over = has & (after_end > options.contract_grace_days)
    return _Contract(has, over, has & (after_end > 0), young)


def _join(customers: pl.DataFrame | pl.LazyFrame, previous: Frame) -> pl.DataFrame | pl.LazyFrame:
    before = as_polars(previous, what="previous")
    needed: dict[str, Kind] = {"stage": "text"}
    since = pl.lit(None, pl.Date)
    if "stage_since" in before.collect_schema():
        needed["stage_since"] = "day"
        since = pl.col("stage_since")
    before = read_frame(before, needed, what="previous")
    stage = pl.col("stage").cast(pl.String)
    return join_previous(customers, before, {_STAGE: stage, _SINCE: since})
