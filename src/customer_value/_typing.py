"""Types that the modules share."""

from __future__ import annotations

from datetime import date
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.int64]
Day: TypeAlias = date | str
"""A day: a date, its ISO text, or a time at midnight."""
TimeUnit: TypeAlias = Literal["day", "week", "month", "year"]


class ArrowStream(Protocol):
    """Any table that exports an Arrow C stream: pandas, pyarrow, DuckDB, Spark ..."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table as an Arrow C stream capsule."""
        ...


EagerFrame: TypeAlias = pl.DataFrame | ArrowStream
Frame: TypeAlias = pl.DataFrame | pl.LazyFrame | ArrowStream
