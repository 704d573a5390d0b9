"""ABC classes: which customers make up the first 80 % of value, the next 15 %, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, overload

import polars as pl
from pydantic import BaseModel, model_validator

from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["AbcOptions", "classify_abc"]

_TOLERANCE = 1e-12
_VALUE, _RANK, _UPTO, _BEFORE = (f"__abc_{name}__" for name in ("value", "rank", "upto", "before"))


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
    checked = with_columns(frame, finite_column(value).alias(_VALUE))
    ranked = with_columns(checked, *_ranking(together=options.ties == "together"))
    worth, upto, before = pl.col(_VALUE), pl.col(_UPTO), pl.col(_BEFORE)
    # As a column: polars divides by a scalar with its reciprocal, and the last share is not 1.
    total = upto.max() + 0 * upto
    share = upto / pl.when(total > 0).then(total)
    a, b = options.cutoffs
    if options.boundary == "below":
        is_a, is_b = (share <= cut + _TOLERANCE for cut in (a, b))
    else:
        is_a, is_b = (before / total < cut - _TOLERANCE for cut in (a, b))
    best = pl.when(is_a).then(pl.lit("A")).when(is_b).then(pl.lit("B")).otherwise(pl.lit("C"))
    known = pl.when(worth.is_not_null())
    return with_columns(
        ranked,
        pl.when(worth > 0).then(best).when(worth <= 0).then(pl.lit("C")).alias("abc_class"),
        known.then(pl.col(_RANK)).alias("abc_rank"),
        known.then(share).alias("cumulative_share"),
    ).drop(_VALUE, _RANK, _UPTO, _BEFORE)


def _ranking(*, together: bool) -> list[pl.Expr]:
    """Rank of each value, largest first, and sums of the positive values up to and before it."""
    worth, row = pl.col(_VALUE), pl.int_range(pl.len())
    if together:
        order = worth.arg_sort(descending=True, nulls_last=True)
    else:
        order = pl.arg_sort_by([worth, row], descending=[True, False], nulls_last=True)
    ranked, place = worth.gather(order), order.arg_sort()
    upto = ranked.clip(0).fill_null(0).cum_sum()
    rank, before = row + 1, upto.shift(1, fill_value=0)
    if together:  # equal values take the rank of their first and the sum of their last
        first = ranked.ne_missing(ranked.shift(1)) | (row == 0)
        last = ranked.ne_missing(ranked.shift(-1)) | (row == pl.len() - 1)
        rank = pl.when(first).then(rank).forward_fill()
        before = pl.when(first).then(before).forward_fill()
        upto = pl.when(last).then(upto).backward_fill()
    columns = {_RANK: rank.cast(pl.Int64), _UPTO: upto, _BEFORE: before}
    return [column.gather(place).alias(name) for name, column in columns.items()]
