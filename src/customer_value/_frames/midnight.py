"""Days that a library keeps as times at midnight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable


def as_days(
    table: pl.DataFrame | pl.LazyFrame, names: Iterable[str], *, what: str
) -> pl.DataFrame | pl.LazyFrame:
    """Turn times without a zone, all at midnight, into dates; pandas has no dates of its own.

    Raises:
        DataError: A time is not at midnight; for a LazyFrame when it is collected.
    """
    schema = table.collect_schema()
    times = [
        name
        for name in names
        if isinstance(kind := schema.get(name), pl.Datetime) and kind.time_zone is None
    ]
    return table.with_columns(_day(name, what) for name in times) if times else table


def _day(name: str, what: str) -> pl.Expr:
    def convert(column: pl.Series) -> pl.Series:
        times = column.to_numpy()
        days = times.astype("datetime64[D]")
        later = np.flatnonzero((days != times) & ~np.isnat(times))
        if later.size:
            rows = "1 row" if later.size == 1 else f"{later.size:,} rows"
            raise DataError(
                f"{what}: {rows} with a time of day in '{name}' (e.g. {times[later[0]]}), "
                "which must be a date"
            )
        return pl.Series(column.name, days)

    return pl.col(name).map_batches(convert, return_dtype=pl.Date, is_elementwise=True)
