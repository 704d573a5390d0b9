"""The bridge between the customer equity of two snapshots: what was gained, lost and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.derive import MONEY
from customer_value._frames.money import DECIMAL, exact
from customer_value._frames.valued import GROUP, WORTH, attributes, valued_rows
from customer_value.exceptions import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

_BRIDGE = (
    "opening",
    "new",
    "revaluation",
    "migrated_in",
    "migrated_out",
    "coverage",
    "lost",
    "closing",
)
_WHEN = ("before", "after")
_IN = ("__in_before__", "__in_after__")


def equity_bridge(
    before: Frame, after: Frame, *, by: str | Sequence[str] = (), value: str = "clv"
) -> pl.DataFrame:
    """Explain the change of customer equity between two snapshots.

    closing = opening + new + revaluation + migrated_in + migrated_out + coverage + lost, exactly,
    for each group and for their sum.

    Args:
        before: The earlier snapshot with `customer_id` and the value, one row per customer.
        after: The later snapshot, with the same columns.
        by: Column of the group, such as `"tier"`, `"stage"` or `"channel"`, or columns that are
            crossed; null is a group of its own. By default all customers are one group.
        value: Column of residual lifetime value, margin basis, money.

    Returns:
        One row per group in either snapshot, largest closing equity first, with `by` if given and
        (Float64, money, each summed to six places exactly)

        - `opening`: value in the earlier snapshot
        - `new`: value of customers who are in the later snapshot only
        - `revaluation`: change of value of customers who stayed in the group
        - `migrated_in`: later value of customers who came from other groups
        - `migrated_out`: less the earlier value of customers who went to other groups; over all
          groups, in and out together are the change of value of those who moved
        - `coverage`: later values that were unknown earlier, less earlier ones that are unknown
          now, of customers who stayed or moved
        - `lost`: less the earlier value of customers who are in the earlier snapshot only
        - `closing`: value in the later snapshot

    Raises:
        OptionError: `by` has a name of the result.
        SchemaError: Columns are missing or of a wrong type, or differ in type between the two.
        DataError: Values are NaN, infinite or 1e23 and more; keys are null or there twice.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> spring = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 2, 3],
        ...         "tier": ["high", "low", "low"],
        ...         "clv": [100.0, 20.0, 10.0],
        ...     }
        ... )
        >>> autumn = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 2, 4],
        ...         "tier": ["high", "high", "low"],
        ...         "clv": [90.0, 60.0, 5.0],
        ...     }
        ... )
        >>> cv.changes.equity_bridge(spring, autumn, by="tier").drop("coverage").rows()
        [('high', 100.0, 0.0, -10.0, 60.0, 0.0, 0.0, 150.0),
         ('low', 30.0, 5.0, 0.0, 0.0, -20.0, -10.0, 5.0)]
    """
    keys = attributes(by, _BRIDGE)
    parts = [
        valued_rows(frame, keys, {value: MONEY}, what=what, key="customer_id").rename(
            {GROUP: f"{GROUP}{what}", WORTH: f"{WORTH}{what}"}
        )
        for what, frame in (("before", before), ("after", after))
    ]
    types = [[part.schema[c] for c in ("customer_id", part.columns[1])] for part in parts]
    if types[0] != types[1]:
        wrong = [f"{one} before and {other} after" for one, other in zip(*types, strict=True)]
        raise SchemaError(f"customer_id and group must keep their types: {', '.join(wrong)}")
    here = [
        part.with_columns(pl.lit(value=True).alias(c)) for part, c in zip(parts, _IN, strict=True)
    ]
    both = here[0].join(here[1], on="customer_id", how="full", coalesce=True)
    lines = pl.concat([_lines(both, "before"), _lines(both, "after")])
    table = lines.group_by(GROUP).agg(pl.col(_BRIDGE).sum().cast(pl.Float64))
    named = table.drop(GROUP)
    if keys:
        group = table[GROUP]
        groups = group.alias(keys[0]).to_frame() if len(keys) == 1 else group.struct.unnest()
        named = pl.concat([groups, named], how="horizontal")
    order = ["closing", *keys]
    return named.sort(order, descending=[True] + [False] * len(keys), nulls_last=True)


def _lines(both: pl.DataFrame, when: str) -> pl.DataFrame:
    """The lines of the bridge that belong to each customer's earlier, or later, group."""
    is_before, is_after = (pl.col(c).is_not_null() for c in _IN)
    old, new = (exact(pl.col(f"{WORTH}{what}")) for what in _WHEN)
    was, became = (pl.col(f"{GROUP}{what}") for what in _WHEN)
    stays, valued = is_before & is_after, old.is_not_null() & new.is_not_null()
    same, moved = stays & was.eq_missing(became), stays & was.ne_missing(became)
    if when == "before":
        there, lines = (
            is_before,
            {
                "opening": old,
                "migrated_out": pl.when(moved & valued).then(-old),
                "coverage": pl.when(stays & new.is_null()).then(-old),
                "lost": pl.when(~stays).then(-old),
            },
        )
    else:
        there, lines = (
            is_after,
            {
                "new": pl.when(~stays).then(new),
                "revaluation": pl.when(same & valued).then(new - old),
                "migrated_in": pl.when(moved & valued).then(new),
                "coverage": pl.when(stays & old.is_null()).then(new),
                "closing": new,
            },
        )
    zero = pl.lit(0, DECIMAL)
    filled = {name: pl.coalesce(lines.get(name, zero), zero) for name in _BRIDGE}
    return both.filter(there).select(pl.col(f"{GROUP}{when}").alias(GROUP), **filled)
