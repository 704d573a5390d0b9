"""Migration: how customers move between the states of two snapshots, and where that leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.money import exact
from customer_value._frames.options import build
from customer_value._frames.snapshots import pair_snapshots
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

ABSENT = "(absent)"
"""The state of customers who are not in a snapshot."""

UNKNOWN = "(unknown)"
"""The state of customers whose state is null."""

_FROM, _TO = "__from__", "__to__"


class _Terms(BaseModel, frozen=True, extra="forbid", title="migration_matrix"):
    smoothing: Annotated[float, Field(ge=0, allow_inf_nan=False)]


def migration_matrix(
    before: Frame,
    after: Frame,
    *,
    column: str = "stage",
    value: str | None = None,
    order: Sequence[str] | None = None,
    smoothing: float = 0.0,
) -> pl.DataFrame:
    """Count how customers moved between the states of two snapshots.

    Args:
        before: Earlier snapshot with `customer_id` and the column of states, one row a customer.
        after: Later snapshot, likewise.
        column: The state, such as `"stage"`, `"tier"`, `"abc_class"` or `"segment"`.
        value: Column of money in both snapshots, such as `"revenue"` or `"clv"`.
        order: The states from worst to best, to tell upgrades from downgrades; others, such as
            `"unrated"`, come after them and have no direction.
        smoothing: Customers added to each possible move before probabilities are taken (a Dirichlet
            prior), so that a move that no one made is not thought impossible.

    Returns:
        One row per pair of states, all pairs included, in the given or alphabetical order with
        `"(absent)"` last: `{column}` and `next_{column}` (String; `"(absent)"` in the first are
        customers who entered, in the second customers who left; nulls are `"(unknown)"`),
        `customers` (Int64), `share` (of the customers of that first state; null for none),
        `probability` (the same, smoothed), with `value` also `value_before`, `value_after` and
        `value_change` (Float64, exact sums; an absent customer counts 0), with `order` also
        `direction` (`"upgrade"`, `"downgrade"`, `"same"`, `"entry"`, `"exit"`; null where a state
        is not in the order). Summed over a state the customers and values are those of the
        snapshots.

    Raises:
        OptionError: The smoothing is below 0; the order names a state twice.
        SchemaError: Columns are missing, or the keys are of different types.
        DataError: Customers are null or more than once, or values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> before = pl.DataFrame({"customer_id": [1, 2, 3], "tier": ["low", "low", "high"]})
        >>> after = pl.DataFrame({"customer_id": [1, 2, 4], "tier": ["low", "high", "low"]})
        >>> moves = cv.migration_matrix(before, after, column="tier", order=["low", "high"])
        >>> moves.filter(pl.col("customers") > 0).select("tier", "next_tier", "direction").rows()
        [('low', 'low', 'same'), ('low', 'high', 'upgrade'), ('high', '(absent)', 'exit'),
        ('(absent)', 'low', 'entry')]
    """
    prior = build(_Terms, smoothing=smoothing).smoothing
    pairs = pair_snapshots(before, after, states=[column], values=[value] if value else [])
    moves = _moves(pairs, column, value)
    states = _states(moves, order)
    everyone = pl.Series(_FROM, [*states, ABSENT], dtype=pl.String).to_frame()
    grid = (
        everyone.join(everyone.rename({_FROM: _TO}), how="cross", maintain_order="left_right")
        .filter(~((pl.col(_FROM) == ABSENT) & (pl.col(_TO) == ABSENT)))
        .join(moves, on=[_FROM, _TO], how="left", maintain_order="left")
        .with_columns(pl.exclude(_FROM, _TO).fill_null(0))
    )
    money = {name: pl.col(name).cast(pl.Float64) for name in moves.columns if "value" in name}
    return grid.select(
        pl.col(_FROM).alias(column),
        pl.col(_TO).alias(f"next_{column}"),
        "customers",
        share=_share(0.0),
        probability=_share(prior),
        **money,
        **({} if order is None else {"direction": _direction(list(order))}),
    )


def _moves(pairs: pl.DataFrame, column: str, value: str | None) -> pl.DataFrame:
    """Customers and money of the moves that were made."""
    named = pairs.with_columns(
        pl.when(f"in_{side}")
        .then(pl.col(f"{column}_{side}").fill_null(UNKNOWN))
        .otherwise(pl.lit(ABSENT))
        .alias(state)
        for side, state in (("before", _FROM), ("after", _TO))
    )
    money = {}
    if value:
        first, then = (exact(pl.col(f"{value}_{side}")).sum() for side in ("before", "after"))
        money = {"value_before": first, "value_after": then, "value_change": then - first}
    return named.group_by(_FROM, _TO).agg(customers=pl.len().cast(pl.Int64), **money)


def _states(moves: pl.DataFrame, order: Sequence[str] | None) -> list[str]:
    """All states but the absent one, in the caller's order or by name, the unknown last."""
    found = {*moves[_FROM], *moves[_TO]} - {ABSENT}
    unknown = [UNKNOWN] if UNKNOWN in found else []
    if order is None:
        return sorted(found - {UNKNOWN}) + unknown
    if len(set(order)) < len(order):
        twice = sorted({state for state in order if list(order).count(state) > 1})
        raise OptionError(f"order names twice: {', '.join(twice)}")
    return [*order, *sorted(found - {UNKNOWN, *order}), *unknown]


def _share(prior: float) -> pl.Expr:
    """Share of each move in those of its first state, `prior` customers added to each."""
    customers = pl.col("customers") + prior
    total = customers.sum().over(_FROM)
    return pl.when(total > 0).then(customers / total)


def _direction(order: list[str]) -> pl.Expr:
    ranks = {state: rank for rank, state in enumerate(order)}
    was, now = (
        pl.col(state).replace_strict(ranks, default=None, return_dtype=pl.Int64)
        for state in (_FROM, _TO)
    )
    return (
        pl.when(pl.col(_FROM) == ABSENT)
        .then(pl.lit("entry"))
        .when(pl.col(_TO) == ABSENT)
        .then(pl.lit("exit"))
        .when(was < now)
        .then(pl.lit("upgrade"))
        .when(was > now)
        .then(pl.lit("downgrade"))
        .when(was == now)
        .then(pl.lit("same"))
    )
