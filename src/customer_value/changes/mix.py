"""How the mix of customers and value over groups changes between two snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import check_groups
from customer_value.exceptions import SchemaError
from customer_value.segments.profiles import SHARES, largest_first, profile_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

_TEXT = (pl.String, pl.Categorical, pl.Enum)
_MIX_COLUMNS = (
    "customers_before",
    "customers_after",
    *(f"{column}_{when}" for column in SHARES for when in ("before", "after", "change")),
)


def compare_mix(
    before: Frame, after: Frame, *, by: str | Sequence[str], value: str = "revenue"
) -> pl.DataFrame:
    """Compare the make-up of the customers at two snapshots: who makes up more of them, who less.

    A group that has no customers in one of the snapshots counts zero there. Nothing is suppressed:
    where two snapshots differ by one customer, their difference is that customer.

    Args:
        before: The earlier snapshot, with the attributes and the value column, such as a frame
            with `tier` or `stage`.
        after: The later snapshot, with the same columns.
        by: The attribute columns; several are crossed.
        value: Column to sum up. Take the same period's length in both, or compare shares only.

    Returns:
        One row per combination in either snapshot, largest `value_total_after` first (null last),
        then by the attributes, with `customers_before` and `customers_after` (Int64) and, as
        Float64, `customer_share_*`, `value_total_*` and `value_share_*`, where `*` is `before`,
        `after` and `change` (after less before). They mean what they mean in `profile_segments`;
        shares of an empty snapshot, and changes of what is unknown, are null.

    Raises:
        SchemaError: Columns are missing, the value is not a number, or an attribute is nested or of
            different types in the two.
        DataError: Values are NaN, infinite, or too large to sum exactly.
        OptionError: `by` names no column, a column twice, or one that the result has
            besides.

    Examples:
        >>> import polars as pl
        >>> from customer_value.changes import compare_mix
        >>> spring = pl.DataFrame({"tier": ["high", "low"], "revenue": [60.0, 40.0]})
        >>> autumn = pl.DataFrame({"tier": ["high", "high", "new"], "revenue": [30.0, 40.0, 30.0]})
        >>> changed = compare_mix(spring, autumn, by="tier")
        >>> changed.select("tier", "customers_before", "customers_after").rows()
        [('high', 1, 2), ('new', 0, 1), ('low', 1, 0)]
        >>> changed["value_share_change"].round(2).to_list()
        [0.1, 0.3, -0.4]
    """
    keys = check_groups(by, _MIX_COLUMNS)
    frames = {"before": before, "after": after}
    profiles = {
        name: profile_groups(frame, keys, value, min_size=1, what=name)
        for name, frame in frames.items()
    }
    profiles = _as_one_text(profiles, keys)
    types = {name: [profile.schema[key] for key in keys] for name, profile in profiles.items()}
    wrong = [
        f"'{key}' is {one} before and {other} after"
        for key, one, other in zip(keys, types["before"], types["after"], strict=True)
        if one != other
    ]
    if wrong:
        raise SchemaError(f"attributes must have one type: {'; '.join(wrong)}")
    earlier, later = (
        profile.select(
            *keys, *(pl.col(column).alias(f"{column}_{name}") for column in ("customers", *SHARES))
        )
        for name, profile in profiles.items()
    )
    joined = earlier.join(later, on=keys, how="full", coalesce=True, nulls_equal=True)
    filled = joined.with_columns(
        column for name, profile in profiles.items() for column in _zero_where_absent(name, profile)
    )
    changes = {c: pl.col(f"{c}_after") - pl.col(f"{c}_before") for c in SHARES}
    table = filled.with_columns(change.alias(f"{c}_change") for c, change in changes.items())
    return largest_first(table.select(*keys, *_MIX_COLUMNS), "value_total_after", keys)


def _as_one_text(profiles: dict[str, pl.DataFrame], keys: list[str]) -> dict[str, pl.DataFrame]:
    """Text kept as categories in one snapshot and otherwise in the other, as plain text in both."""
    mixed = [
        key
        for key in keys
        if len({str(profile.schema[key]) for profile in profiles.values()}) > 1
        and all(profile.schema[key] in _TEXT for profile in profiles.values())
    ]
    return {
        name: profile.with_columns(pl.col(mixed).cast(pl.String))
        for name, profile in profiles.items()
    }


def _zero_where_absent(name: str, profile: pl.DataFrame) -> list[pl.Expr]:
    """Columns of one snapshot, zero for groups that it does not have and where zero makes sense."""
    customers = pl.col(f"customers_{name}")
    counted = ["customers", "value_total"]
    counted += [c for c in ("customer_share", "value_share") if profile[c].is_not_null().any()]
    return [
        pl.when(customers.is_null())
        .then(0)
        .otherwise(pl.col(f"{column}_{name}"))
        .cast(profile.schema[column])
        .alias(f"{column}_{name}")
        for column in counted
    ]
