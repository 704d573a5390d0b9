"""ABC classes: which customers make up the first 80 % of value, the next 15 %, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import NOT_FINITE, as_polars, refuse, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, BoolArray, FloatArray, Frame, IntArray

__all__ = ["AbcOptions", "classify_abc"]

_TOLERANCE = 1e-12


class AbcOptions(BaseModel):
    """Where the classes end.

    Attributes:
        cutoffs: Cumulative shares of value at which classes A and B end.
        boundary: `"below"`: the customer that crosses a cutoff falls into the lower class;
            `"crossing"`: into the upper one.
        ties: `"together"`: customers of equal value share rank and class, and cross a cutoff
            together; `"split"`: they are ranked in the order of the rows, as most published counts
            are made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    Example:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> "".join(cv.classify_abc(customers)["abc_class"])
        'AAABBCCCCC'
    """
    options = options or AbcOptions()
    frame = as_polars(customers)
    require(frame, {value: "number"}, what="customers")
    result = pl.col(value).map_batches(
        lambda column: _classify(column, options),
        return_dtype=pl.Struct(
            {"abc_class": pl.String, "abc_rank": pl.Int64, "cumulative_share": pl.Float64}
        ),
    )
    columns = [result.struct.field(name) for name in ("abc_class", "abc_rank", "cumulative_share")]
    return with_columns(frame, *columns)


def _classify(column: pl.Series, options: AbcOptions) -> pl.Series:
    known = column.is_not_null().to_numpy()
    values = to_array(column)[known]
    refuse({column.name: values}, [NOT_FINITE], what="customers")
    rank, before, share = _shares(values, together=options.ties == "together")
    a, b = options.cutoffs
    if options.boundary == "below":
        is_a, is_b = share <= a + _TOLERANCE, share <= b + _TOLERANCE
    else:
        is_a, is_b = before < a - _TOLERANCE, before < b - _TOLERANCE
    # Codes into "ABC", so that a null keeps its place.
    code = np.where((values > 0) & is_a, 0, np.where((values > 0) & is_b, 1, 2))
    names = pl.Series(["A", "B", "C"])
    return pl.DataFrame(
        [
            names.gather(_spread(code, known)).alias("abc_class"),
            _spread(rank, known).alias("abc_rank"),
            _spread(share, known).fill_nan(None).alias("cumulative_share"),
        ]
    ).to_struct()


def _spread(values: IntArray | FloatArray, known: BoolArray) -> pl.Series:
    """Values at the known rows, null at the others."""
    spread = np.zeros(known.size, dtype=values.dtype)
    spread[known] = values
    return pl.Series(spread).set(pl.Series(~known), None)


def _shares(values: FloatArray, *, together: bool) -> tuple[IntArray, FloatArray, FloatArray]:
    """Rank of each value, share of the total above it, and share including it and its equals."""
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    starts = np.ones(ranked.size, dtype=bool)
    if together:
        starts[1:] = ranked[1:] != ranked[:-1]
    first = np.flatnonzero(starts)
    group = np.repeat(np.arange(first.size), np.diff(np.r_[first, ranked.size]))
    running = np.r_[0.0, np.cumsum(np.maximum(ranked, 0.0))]
    total = running[-1] if running[-1] > 0 else np.nan
    ends = np.r_[first[1:], ranked.size]
    rank, before, share = (np.empty(values.size, dtype) for dtype in (np.int64, float, float))
    rank[order] = first[group] + 1
    before[order] = running[first][group] / total
    share[order] = running[ends][group] / total
    return rank, before, share
