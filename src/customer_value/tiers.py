"""Value tiers: high, medium and low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, overload

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["TierOptions", "assign_tiers"]


class TierOptions(BaseModel):
    """Where the tiers begin.

    Attributes:
        method: `"quantile"`: `cuts` are shares of the customers, so 0.8 begins the top fifth;
            `"absolute"`: `cuts` are values.
        cuts: Where each tier but the lowest begins, highest first. A customer must lie above the
            cut; one equal to it falls into the lower tier, so that equal customers stay together.
        names: Names of the tiers, highest first: one more than cuts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["quantile", "absolute"] = "quantile"
    cuts: tuple[float, ...] = (0.8, 0.5)
    names: tuple[str, ...] = ("high", "medium", "low")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        if len(self.names) != len(self.cuts) + 1 or len(set(self.names)) != len(self.names):
            problems.append(f"{len(self.cuts)} cuts need {len(self.cuts) + 1} different names")
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

    Example:
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
    worth = pl.col(value).cast(pl.Float64).fill_nan(None)
    if options.method == "quantile":
        cuts = [worth.quantile(cut, "linear") for cut in options.cuts]
    else:
        cuts = [pl.lit(cut) for cut in options.cuts]
    tier, missing = pl.lit(options.names[-1]), pl.lit(None, pl.Float64)
    if cuts:
        missing = cuts[-1] - worth
    for k in reversed(range(len(cuts))):
        above = worth > cuts[k]
        tier = pl.when(above).then(pl.lit(options.names[k])).otherwise(tier)
        higher = cuts[k - 1] - worth if k > 0 else pl.lit(None, pl.Float64)
        missing = pl.when(above).then(higher).otherwise(missing)
    tiered = with_columns(
        frame,
        pl.when(worth.is_null()).then(pl.lit("unrated")).otherwise(tier).alias("tier"),
        missing.alias("distance_to_next"),
    )
    return tiered if previous is None else _with_previous(tiered, previous)


def _with_previous(
    customers: pl.DataFrame | pl.LazyFrame, previous: Frame
) -> pl.DataFrame | pl.LazyFrame:
    before = as_polars(previous)
    require(customers, {"customer_id": "key"}, what="customers")
    require(before, {"customer_id": "key", "tier": "text"}, what="previous")
    tiers = before.lazy().select("customer_id", pl.col("tier").alias("previous_tier"))
    joined = customers.lazy().join(
        tiers, on="customer_id", how="left", validate="m:1", maintain_order="left"
    )
    return joined if isinstance(customers, pl.LazyFrame) else joined.collect()
