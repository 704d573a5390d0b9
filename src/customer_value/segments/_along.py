"""A profile in the order of the rules that named its segments, with what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value.exceptions import DataError
from customer_value.rfm.segments import (
    rule_table,
    segment_actions,
    segment_labels,
    segment_names,
)

if TYPE_CHECKING:
    from customer_value.rfm.segments import RuleSet


class RuleSegments(NamedTuple):
    """The segments of the rules by their labels, in order, with their actions; and the fallback."""

    actions: dict[str, str | None]
    fallback: str


def rule_segments(rules: RuleSet, locale: str) -> RuleSegments:
    """Look up the segments of rules in a language.

    Raises:
        OptionError: The rules or the locale are unknown, or the rules have no Chinese names.
    """
    table = rule_table(rules)
    labels = segment_labels(table, locale)
    said = segment_actions(table, locale)
    actions = {labels[name]: said.get(name) for name in segment_names(table)}
    return RuleSegments(actions, next(iter(labels.values())))


def along_rules(profile: pl.DataFrame, key: str, segments: RuleSegments) -> pl.DataFrame:
    """One row for each segment of the rules, then the fallback and the customers without one.

    Raises:
        DataError: The profile has segments that the rules do not have.
    """
    profile = profile.with_columns(pl.col(key).cast(pl.String))
    found = set(profile[key].to_list())
    known = {*segments.actions, segments.fallback}
    if strangers := sorted(found - known - {None}):
        raise DataError(f"customers: segments that the rules do not have: {', '.join(strangers)}")
    names: list[str | None] = list(segments.actions)
    others: list[str | None] = [segments.fallback, None]
    names += [name for name in others if name in found and name not in segments.actions]
    actions = [None if name is None else segments.actions.get(name) for name in names]
    order = pl.DataFrame(
        {key: names, "action": actions}, schema={key: pl.String, "action": pl.String}
    )
    joined = order.join(profile, on=key, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(_filled(profile)).select(*profile.columns, "action")


def _filled(profile: pl.DataFrame) -> list[pl.Expr]:
    """Zero for segments without customers, but for shares of nothing."""
    empty = pl.col("customers").is_null()
    shared = profile["value_share"].is_not_null().any()
    zeros = ["customers", "value_total"]
    zeros += ["customer_share"] if profile.height else []
    zeros += ["value_share"] if shared else []
    filled = [pl.when(empty).then(0).otherwise(pl.col(name)).alias(name) for name in zeros]
    cast = [column.cast(profile.schema[name]) for name, column in zip(zeros, filled, strict=True)]
    return [*cast, pl.col("suppressed").fill_null(value=False)]
