"""Arrays to columns beside the keys, the input's order kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_arrays
from customer_value._frames.contracts import Rule, as_polars, describe, find_offences
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame


@overload
def with_columns(frame: pl.LazyFrame, *columns: pl.Expr) -> pl.LazyFrame: ...
@overload
def with_columns(frame: ArrowStream, *columns: pl.Expr) -> pl.DataFrame: ...
def with_columns(frame: Frame, *columns: pl.Expr) -> pl.DataFrame | pl.LazyFrame:
    """Add columns: to a LazyFrame lazily, to any other frame at once."""
    return as_polars(frame).with_columns(*columns)


def array_column(
    function: Callable[..., FloatArray],
    inputs: Sequence[str],
    *,
    rules: Sequence[Rule] = (),
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

    def compute(struct: pl.Series) -> pl.Series:
        frame = struct.struct.unnest().select(pl.all().cast(pl.Float64))
        known = frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        complete = bool(known.all())
        rows = frame if complete else frame.filter(known)
        refuse(rows, rules, what=what)
        values = function(*to_arrays(rows))
        if complete:
            return pl.Series(values)
        spread = np.full(frame.height, np.nan)
        spread[known.to_numpy()] = values
        return pl.Series(spread, nan_to_null=True)

    return pl.struct(inputs).map_batches(compute, return_dtype=pl.Float64, is_elementwise=True)


def refuse(rows: pl.DataFrame, rules: Sequence[Rule], *, what: str, key: str = "") -> None:
    """Refuse rows that break a rule.

    Raises:
        DataError: Names every broken rule with its count and examples.
    """
    if not rules:
        return
    frame = rows.lazy()
    if not key:
        frame, key = frame.with_columns(pl.struct(pl.all()).alias("row")), "row"
    _, offences = find_offences(frame, rules, key=key)
    if offences:
        raise DataError(f"{what}: {describe(offences)}")
