"""Columns to one-dimensional C arrays of float64 that kernels read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from customer_value._typing import FloatArray


def to_array(column: pl.Series) -> FloatArray:
    """Array of a column of numbers: a read-only view where polars allows it; nulls are NaN."""
    return np.asarray(column.rechunk().to_numpy(), dtype=np.float64)


def to_arrays(frame: pl.DataFrame) -> tuple[FloatArray, ...]:
    """Arrays of all columns of a frame, in its order."""
    return tuple(to_array(column) for column in frame.get_columns())
