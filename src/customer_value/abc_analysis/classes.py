"""ABC classes: which customers make up the first 80 % of value, the next 15 %, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, model_validator

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["AbcOptions", "classify_abc"]

_TOLERANCE = 1e-12
_RANKING = tuple(f"__abc_{name}__" for name in ("value", "rank", "share", "before"))
_VALUE, _RANK, _SHARE, _BEFORE = _RANKING
_ALL = "__abc__"


class AbcOptions(BaseModel, frozen=True, extra="forbid"):
    """Where the classes end.

    Attributes:
        cutoffs: Cumulative shares of value at which classes A and B end.
        boundary: `"below"`: the customer that crosses a cutoff falls into the lower class;
            `"crossing"`: into the upper one.
        ties: `"together"`: customers of equal value share rank and class, and cross a cutoff
            together; `"split"`: they are ranked in the order of the rows, as most published counts
            are made.
    """

    cutoffs: tuple[float, float] = (0.80, 0.95)
    boundary: Literal["below", "crossing"] = "below"
    ties: Literal["together", "split"] = "together"

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        a, b = self.cutoffs
        if not 0 < a <= b <= 1:
            raise ValueError(f"cutoffs must ascend within (0, 1], got {self.cutoffs}")
        return self


@overload
def classify_abc(
    customers: pl.LazyFrame, *, value: str = "revenue", options: AbcOptions | None = None
) -> pl.LazyFrame: ...
@overload
def classify_abc(
    customers: ArrowStream, *, value: str = "revenue", options: AbcOptions | None = None
) -> pl.DataFrame: ...
def classify_abc(
    customers: Frame, *, value: str = "revenue", options: AbcOptions | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add the ABC class of each customer by cumulative share of value.

    Customers are ranked by value, largest first. With c the share of the total that a customer and
    all above it make up, class A is c <= 0.80 (`"below"`), or c less the customer's own share
    < 0.80 (`"crossing"`); B likewise to 0.95; C is the rest. Shares are compared with a
    tolerance of 1e-12, so that 50 + 20 + 10 of 100 is exactly 0.80. Customers of equal value share
    rank and class, unless `options.ties` says otherwise.

    Args:
        customers: Frame with the value column.
        value: Column to classify by, such as `"revenue"`, `"clv"` or `"profit"`.
        options: Where the classes end.

    Returns:
        The frame with `abc_class` (`"A"`, `"B"`, `"C"`), `abc_rank` (Int64, 1 is largest) and
        `cumulative_share` (Float64). The total is that of the values above zero; customers at or
        below zero are C with a share of 1. Null values give nulls; where no value is above zero
        the shares are null.

    Raises:
        SchemaError: The column is missing or no number.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> "".join(cv.classify_abc(customers)["abc_class"])
        'AAABBCCCCC'
    """
    options = options or AbcOptions()
    frame = as_polars(customers)
    require(frame, {value: "number"}, what="customers")
    values = finite_column(value).map_batches(
        lambda column: _ranking(column, together=options.ties == "together"),
        return_dtype=pl.Struct(dict.fromkeys(_RANKING, pl.Float64)),
    )
    # One column first: each field on its own would rank the customers again.
    ranked = with_columns(frame, values.alias(_ALL)).unnest(_ALL)
    worth, share, before = pl.col(_VALUE), pl.col(_SHARE), pl.col(_BEFORE)
    a, b = options.cutoffs
    if options.boundary == "below":
        is_a, is_b = (share <= cut + _TOLERANCE for cut in (a, b))
    else:
        is_a, is_b = (before < cut - _TOLERANCE for cut in (a, b))
    best = pl.when(is_a).then(pl.lit("A")).when(is_b).then(pl.lit("B")).otherwise(pl.lit("C"))
    return with_columns(
        ranked,
        pl.when(worth > 0).then(best).when(worth <= 0).then(pl.lit("C")).alias("abc_class"),
        pl.col(_RANK).cast(pl.Int64).alias("abc_rank"),
        share.alias("cumulative_share"),
    ).drop(_RANKING)


def _ranking(column: pl.Series, *, together: bool) -> pl.Series:
    """Each value, its rank, largest first, and the shares of the positive values to and before it.

    Runs inside of a query: nothing but arrays and constructors.
    """
    values = to_array(column)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(-values[known], kind=None if together else "stable")]
    ranked = values[order]
    upto = np.cumsum(np.maximum(ranked, 0.0))
    before, rank = np.r_[0.0, upto[:-1]][: upto.size], np.arange(1.0, ranked.size + 1)
    if together and ranked.size:  # equal values take the rank of their first, the sum of their last
        first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        sizes = np.diff(np.r_[first, ranked.size])
        rank, before = np.repeat(rank[first], sizes), np.repeat(before[first], sizes)
        upto = np.repeat(upto[first + sizes - 1], sizes)
    total = upto[-1] if upto.size and upto[-1] > 0 else np.nan
    spread = []
    for name, sorted_values in zip(
        _RANKING, (ranked, rank, upto / total, before / total), strict=True
    ):
        by_row = np.full(values.size, np.nan)
        by_row[order] = sorted_values
        spread.append(pl.Series(name, by_row, nan_to_null=True))
    return pl.DataFrame(spread).to_struct()
