"""The service that each tier gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import with_columns
from customer_value._frames.door import read_frame
from customer_value._frames.words import known_text
from customer_value.tiers.options import UNRATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_value._typing import ArrowStream, Frame

__all__ = ["service_levels"]

_LEVELS = {"high": "vip", "medium": "standard", "low": "basic"}


@overload
def service_levels(
    customers: pl.LazyFrame, *, levels: Mapping[str, str] | None = None
) -> pl.LazyFrame: ...
@overload
def service_levels(
    customers: ArrowStream, *, levels: Mapping[str, str] | None = None
) -> pl.DataFrame: ...
def service_levels(
    customers: Frame, *, levels: Mapping[str, str] | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add the level of service of each customer, by its tier.

    Args:
        customers: Frame with `tier`.
        levels: Level of each tier; by default `{"high": "vip", "medium": "standard", "low":
            "basic"}`. Tiers that no customer is in may be named.

    Returns:
        The frame with `service_level` (String). It is null where the tier is null, and for
        `"unrated"` customers unless `levels` names them.

    Raises:
        SchemaError: The column is missing or not text.
        DataError: Tiers have no level (for a LazyFrame when it is collected; a streamed one may
            name only the first of them).

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"tier": ["high", "low", "unrated"]})
        >>> cv.tiers.service_levels(customers)["service_level"].to_list()
        ['vip', 'basic', None]
    """
    frame = read_frame(customers, {"tier": "text"}, what="customers")
    known: dict[str, str | None] = {UNRATED: None, **(_LEVELS if levels is None else levels)}
    checked = known_text("tier", known, hint="give each tier a service level by levels")
    level = checked.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.String
    )
    return with_columns(frame, level.alias("service_level"))
