"""Columns to one-dimensional C arrays of float64 that kernels read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from customer_value._typing import FloatArray


def to_array(column: pl.Series) -> FloatArray:
    """Array of a column without nulls: a read-only view where polars allows it, else a copy."""
    return column.cast(pl.Float64).rechunk().to_numpy()


def to_arrays(frame: pl.DataFrame) -> tuple[FloatArray, ...]:
    """Arrays of all columns of a frame without nulls, in its order."""
    return tuple(to_array(column) for column in frame.get_columns())
