"""When a silence is too long: the conditions that each way of judging it makes of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import NOT_FINITE, Kind, refuse, require
from customer_value._frames.door import as_polars
from customer_value.exceptions import OptionError, SchemaError
from customer_value.lifecycle.options import AliveOnly, FixedDays, OwnGaps, PooledGaps

if TYPE_CHECKING:
    from customer_value._typing import Frame
    from customer_value.lifecycle.options import StageOptions

AT_RISK, LOST = "__at_risk_days__", "__lost_days__"


class Condition(NamedTuple):
    """An expression that is true where a rule fires, and the rule in words."""

    fires: pl.Expr
    says: str


class SilenceConditions(NamedTuple):
    """What a way of judging silence says about each customer."""

    lost: list[Condition]
    at_risk: list[Condition]
    heard: pl.Expr
    """Whether the customer was heard of lately enough to count as back."""
    was_lost: pl.Expr
    """Whether the gap before the last purchase, `last_gap_days`, was as long as a lost one's."""


def silence_conditions(options: StageOptions) -> SilenceConditions:
    """Conditions on the columns of the customer frame, and of `with_gap_limits` where needed."""
    recency, way = pl.col("recency_days"), options.silence
    last_gap = pl.col("last_gap_days").cast(pl.Float64).fill_nan(None)
    if isinstance(way, AliveOnly):
        heard = known_alive() >= options.at_risk_p_alive
        return SilenceConditions([], [], heard, pl.lit(value=False))
    if way is None:
        gap = expected_gap(options)
        silence = recency / gap
        return SilenceConditions(
            [Condition(silence >= options.lost_silence, _gaps(options.lost_silence))],
            [Condition(silence >= options.at_risk_silence, _gaps(options.at_risk_silence))],
            silence <= 1,
            last_gap / gap >= options.lost_silence,
        )
    if isinstance(way, FixedDays):
        at_risk, lost = pl.lit(way.at_risk), pl.lit(way.lost)
        words = [f"silence of {days:g} days or more" for days in (way.lost, way.at_risk)]
    else:
        at_risk, lost = pl.col(AT_RISK), pl.col(LOST)
        whose = "all" if isinstance(way, PooledGaps) else "the customer's own"
        words = [
            f"silence as long as the {share:g} quantile of {whose} gaps"
            for share in (way.lost, way.at_risk)
        ]
    return SilenceConditions(
        [Condition(recency >= lost, words[0])],
        [Condition(recency >= at_risk, words[1])],
        recency < at_risk,
        last_gap >= lost,
    )


def known_alive() -> pl.Expr:
    """The probability of being alive; NaN is unknown."""
    return pl.col("p_alive").cast(pl.Float64).fill_nan(None)


def pooled_limits(gaps: Frame, way: PooledGaps | OwnGaps) -> tuple[float | None, float | None]:
    """The days of silence at the quantiles of all gaps that ended; None without any."""
    ended = _ended_gaps(gaps, keyed=False)
    at_risk, lost = ended.select(**_quantiles(way)).row(0)
    return at_risk, lost


def with_gap_limits(
    customers: pl.DataFrame | pl.LazyFrame,
    way: PooledGaps | OwnGaps,
    gaps: Frame | None,
    learnt: tuple[float | None, float | None] | None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the days of silence from which each customer is at risk and lost.

    Args:
        customers: The customers.
        way: How silence is judged.
        gaps: The gaps of these customers, or of all.
        learnt: Days of all customers that a model has learnt; by default those of the gaps given.
    """
    if gaps is None and (learnt is None or isinstance(way, OwnGaps)):
        raise OptionError(
            f"options with silence={way!r} need gaps=purchase_gaps(transactions, as_of=...)"
        )
    limits = _quantiles(way)
    pooled = pooled_limits(gaps, way) if learnt is None and gaps is not None else learnt or ()
    everybody = [pl.lit(n, pl.Float64).alias(name) for n, name in zip(pooled, limits, strict=True)]
    if isinstance(way, PooledGaps) or gaps is None:
        return customers.with_columns(everybody)
    own = (
        _ended_gaps(gaps, keyed=True)
        .group_by("customer_id")
        .agg(n=pl.len(), **limits)
        .filter(pl.col("n") >= way.min_gaps)
        .drop("n")
    )
    keys = customers.collect_schema().get("customer_id"), own.schema["customer_id"]
    if keys[0] != keys[1]:
        raise SchemaError(f"gaps: 'customer_id' is {keys[1]}, but {keys[0]} in customers; cast one")
    joined = customers.lazy().join(own.lazy(), on="customer_id", how="left", maintain_order="left")
    filled = joined.with_columns(
        pl.coalesce(name, limit) for name, limit in zip(limits, everybody, strict=True)
    )
    return filled if isinstance(customers, pl.LazyFrame) else filled.collect()


def _quantiles(way: PooledGaps | OwnGaps) -> dict[str, pl.Expr]:
    days = pl.col("gap_days")
    return {AT_RISK: quantile(days, way.at_risk), LOST: quantile(days, way.lost)}


def _ended_gaps(gaps: Frame, *, keyed: bool) -> pl.DataFrame:
    frame = as_polars(gaps)
    kinds: dict[str, Kind] = {"gap_days": "number", "ended": "any"}
    if keyed:
        kinds["customer_id"] = "key"
    schema = require(frame, kinds, what="gaps", hint="make them with purchase_gaps")
    if schema["ended"] != pl.Boolean:
        raise SchemaError(f"gaps: 'ended' is {schema['ended']}, must be Boolean")
    rows = frame.lazy().filter(pl.col("ended")).select(set(kinds) - {"ended"})
    ended = rows.with_columns(pl.col("gap_days").cast(pl.Float64)).collect()
    refuse({"gap_days": to_array(ended["gap_days"])}, [NOT_FINITE], what="gaps")
    return ended


def typical_gap() -> pl.Expr:
    """The mean gap of all customers in the frame; null without any."""
    # Summed as decimals, so that the order of the rows changes no bit.
    days = pl.col("t_x").cast(pl.Decimal(38, 6)).sum().cast(pl.Float64)
    gaps = pl.col("repeat_purchases").sum()
    return pl.when(gaps > 0).then(days / gaps)


def expected_gap(options: StageOptions) -> pl.Expr:
    """The customer's mean gap, shrunk to the typical one; null where there is none above zero."""
    x, age = pl.col("repeat_purchases"), pl.col("t_x")
    known = options.typical_gap_days is not None
    typical = pl.lit(options.typical_gap_days) if known else typical_gap()
    # Mean own gap times its number is the age at the last purchase.
    gap = (age + options.prior_gaps * typical) / (x + options.prior_gaps)
    return pl.when(gap > 0).then(gap)


def _gaps(threshold: float) -> str:
    return f"silence of {threshold:g} gaps or more"
