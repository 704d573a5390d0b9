"""Arrays to columns beside the keys, the input's order kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import ArrayRule, as_polars, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame


@overload
def with_columns(frame: pl.LazyFrame, *columns: pl.Expr) -> pl.LazyFrame: ...
@overload
def with_columns(frame: ArrowStream, *columns: pl.Expr) -> pl.DataFrame: ...
def with_columns(frame: Frame, *columns: pl.Expr) -> pl.DataFrame | pl.LazyFrame:
    """Add columns: to a LazyFrame lazily, to any other frame at once."""
    frame = as_polars(frame)
    if isinstance(frame, pl.DataFrame):
        frame = frame.rechunk()  # array columns are computed chunk by chunk
    return frame.with_columns(*columns)


def array_column(
    function: Callable[..., FloatArray],
    inputs: Sequence[str],
    *,
    rules: Sequence[ArrayRule] = (),
    what: str = "customers",
) -> pl.Expr:
    """Column of Float64 that an array function makes of other columns, row by row.

    Rows with a null input give null. The rules are checked when the rows are computed, so that
    a LazyFrame is checked too.

    Args:
        function: Takes one array per input column and returns one of the same length.
        inputs: Names of the columns that the function takes, in its order.
        rules: Conditions that no row may meet.
        what: What the rows are, as the message of an error calls them.

    Returns:
        An elementwise expression, safe to stream.
    """

    # A query inside of a query may run on the same polars thread, and wait for itself: nothing in
    # here but views of the columns, and arrays.
    def compute(struct: pl.Series) -> pl.Series:
        *columns, complete = struct.struct.unnest().get_columns()
        known = to_array(complete) == 1
        arrays = [to_array(column) for column in columns]
        if not known.all():
            arrays = [array[known] for array in arrays]
        refuse(dict(zip(inputs, arrays, strict=True)), rules, what=what)
        values = np.full(known.size, np.nan)
        values[known] = function(*arrays)
        return pl.Series(values, nan_to_null=True)

    complete = pl.all_horizontal(pl.col(inputs).is_not_null()).cast(pl.Float64)
    return pl.struct(pl.col(inputs).cast(pl.Float64), complete.alias("complete")).map_batches(
        compute, return_dtype=pl.Float64, is_elementwise=True
    )
