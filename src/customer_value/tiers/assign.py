"""Value tiers: high, medium and low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import (
    finite_column,
    join_previous,
    quantile,
    with_columns,
)
from customer_value._frames.contracts import as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

_VALUE = "__tier_value__"
Cut: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]

__all__ = ["TierOptions", "assign_tiers"]


class TierOptions(BaseModel, frozen=True, extra="forbid"):
    """Where the tiers begin.

    Attributes:
        method: `"quantile"`: `cuts` are shares of the customers, so 0.8 begins the top fifth;
            `"absolute"`: `cuts` are values.
        cuts: Where each tier but the lowest begins, highest first. A customer must lie above the
            cut; one equal to it falls into the lower tier, so that equal customers stay together.
        names: Names of the tiers, highest first: one more than cuts.
    """

    method: Literal["quantile", "absolute"] = "quantile"
    cuts: Annotated[tuple[Cut, ...], Field(min_length=1)] = (0.8, 0.5)
    names: tuple[str, ...] = ("high", "medium", "low")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        if len(self.names) != len(self.cuts) + 1 or len(set(self.names)) != len(self.names):
            problems.append(f"{len(self.cuts)} cuts need {len(self.cuts) + 1} different names")
        if "unrated" in self.names:
            problems.append("'unrated' names customers of unknown value")
        if list(self.cuts) != sorted(set(self.cuts), reverse=True):
            problems.append("cuts must fall, highest first")
        if self.method == "quantile" and not all(0 < cut < 1 for cut in self.cuts):
            problems.append("cuts must be shares between 0 and 1")
        if problems:
            raise ValueError("; ".join(problems))
        return self


@overload
def assign_tiers(
    customers: pl.LazyFrame,
    *,
    value: str = "clv",
    options: TierOptions | None = None,
    previous: Frame | None = None,
) -> pl.LazyFrame: ...
@overload
def assign_tiers(
    customers: ArrowStream,
    *,
    value: str = "clv",
    options: TierOptions | None = None,
    previous: Frame | None = None,
) -> pl.DataFrame: ...
def assign_tiers(
    customers: Frame,
    *,
    value: str = "clv",
    options: TierOptions | None = None,
    previous: Frame | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the value tier of each customer.

    Args:
        customers: Frame with the value column.
        value: Column to grade by, such as `"clv"`, `"profit"` or `"revenue"`.
        options: Where the tiers begin.
        previous: Earlier snapshot with `customer_id` and `tier`, to see who moved.

    Returns:
        The frame with `tier` (String, `"unrated"` where the value is unknown),
        `distance_to_next` (Float64, value that is missing to the next higher cut; null in the
        highest tier) and, with `previous`, `previous_tier` (null for customers not in it).

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are NaN or infinite (for a LazyFrame when it is collected), or a customer
            is in `previous` twice.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"clv": [5.0, 50.0, 500.0, None]})
        >>> options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0))
        >>> tiers = cv.assign_tiers(customers, options=options)
        >>> tiers["tier"].to_list(), tiers["distance_to_next"].to_list()
        (['low', 'medium', 'high', 'unrated'], [5.0, 50.0, None, None])
    """
    options = options or TierOptions()
    frame = as_polars(customers)
    require(frame, {value: "number"}, what="customers")
    frame = with_columns(frame, finite_column(value).alias(_VALUE))
    worth = pl.col(_VALUE)
    if options.method == "quantile":
        cuts = [quantile(worth, cut) for cut in options.cuts]
    else:
        cuts = [pl.lit(cut) for cut in options.cuts]
    tier, missing = pl.lit(options.names[-1]), cuts[-1] - worth
    for k in reversed(range(len(cuts))):
        above = worth > cuts[k]
        tier = pl.when(above).then(pl.lit(options.names[k])).otherwise(tier)
        higher = cuts[k - 1] - worth if k > 0 else pl.lit(None, pl.Float64)
        missing = pl.when(above).then(higher).otherwise(missing)
    tiered = with_columns(
        frame,
        pl.when(worth.is_null()).then(pl.lit("unrated")).otherwise(tier).alias("tier"),
        missing.alias("distance_to_next"),
    ).drop(_VALUE)
    if previous is None:
        return tiered
    before = as_polars(previous)
    require(before, {"tier": "text"}, what="previous")
    return join_previous(tiered, before, {"previous_tier": pl.col("tier").cast(pl.String)})
