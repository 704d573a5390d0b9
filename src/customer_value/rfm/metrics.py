"""What is scored: the columns of the customer frame, or what they are derived from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from customer_value._frames.contracts import ArrayRule, Kind, refuse
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.time import check_day
from customer_value._kernels.math.bins import extent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._kernels.math.bins import Extent
    from customer_value._typing import BoolArray, Day, FloatArray, Frame, IntArray

    NumberArray: TypeAlias = FloatArray | IntArray

RECENCY = "recency_days"

_REVENUE, _COST = (pl.col(name).cast(pl.Float64) for name in ("revenue", "cost"))
_DERIVED: dict[str, tuple[dict[str, Kind], pl.Expr]] = {
    "t_x": (
        {"first_purchase": "day", "last_purchase": "day"},
        (pl.col("last_purchase") - pl.col("first_purchase")).dt.total_days(),
    ),
    "margin": ({"revenue": "number", "cost": "number"}, _REVENUE - _COST),
}


def metric_columns(
    customers: Frame, names: Sequence[str], *, as_of: Day | None
) -> tuple[pl.DataFrame | pl.LazyFrame, list[pl.Expr]]:
    """The table, and expressions of the metrics by their names, as Int64 or Float64.

    Args:
        customers: The customer frame.
        names: Columns that are scored.
        as_of: Day at which recency counts from `last_purchase`; None for the column of days.

    Raises:
        SchemaError: Names all columns that are missing or of a wrong type.
    """
    table = as_polars(customers)
    sources = _sources(table, names, as_of)
    needed = {name: kind for kinds, _ in sources.values() for name, kind in kinds.items()}
    countable = RECENCY in needed and "last_purchase" in table.collect_schema()
    hint = "to count it from 'last_purchase', give as_of" if countable else ""
    frame = read_frame(table, needed, hint=hint, given=customers)
    schema = frame.collect_schema()
    metrics = []
    for name, (kinds, metric) in sources.items():
        exact = schema.get(name) == pl.Int64 or kinds.keys() != {name}
        metrics.append((metric if exact else metric.cast(pl.Float64)).alias(name))
    return frame, metrics


def _sources(
    frame: pl.DataFrame | pl.LazyFrame, names: Sequence[str], as_of: Day | None
) -> dict[str, tuple[dict[str, Kind], pl.Expr]]:
    """What each metric is read from, and how."""
    schema = frame.collect_schema()
    sources: dict[str, tuple[dict[str, Kind], pl.Expr]] = {}
    for name in names:
        sources[name] = {name: "number"}, pl.col(name)
        if name == RECENCY and as_of is not None:
            day = pl.lit(check_day("as_of", as_of))
            since = (day - pl.col("last_purchase")).dt.total_days()
            sources[name] = {"last_purchase": "day"}, since
        elif name not in schema and name in _DERIVED and _DERIVED[name][0].keys() <= schema.keys():
            sources[name] = _DERIVED[name]
    return sources


class Metrics(NamedTuple):
    """Metrics of the customers whose metrics are all known, and their rows."""

    arrays: dict[str, NumberArray]
    extents: dict[str, Extent]
    rows: pl.DataFrame


def metric_arrays(columns: Mapping[str, pl.Series]) -> dict[str, NumberArray]:
    """Views of the columns: whole numbers without nulls stay so, else float with NaN for null."""
    return {name: column.rechunk().to_numpy() for name, column in columns.items()}


def known_metrics(rows: pl.DataFrame, names: Sequence[str]) -> Metrics:
    """Metrics, all checked, of the customers whose metrics are all known.

    Raises:
        DataError: Values are NaN or infinite, or a recency is below zero.
    """
    columns = {name: rows[name] for name in names}
    arrays = metric_arrays({name: column.drop_nulls() for name, column in columns.items()})
    extents = {name: extent(array) for name, array in arrays.items()}
    check_metrics(columns, extents)
    if any(column.null_count() for column in columns.values()):
        rows = rows.drop_nulls(names)
        arrays = metric_arrays({name: rows[name] for name in names})
        extents = {name: extent(array) for name, array in arrays.items()}
    return Metrics(arrays, extents, rows)


def check_metrics(columns: Mapping[str, pl.Series], extents: Mapping[str, Extent]) -> None:
    """Refuse columns where the extents of their known values say that something is wrong.

    Raises:
        DataError: Values are NaN or infinite, or a recency is below zero.
    """
    if any(found.not_finite for found in extents.values()) or extents[RECENCY].lowest < 0:
        _refuse(columns)


def _refuse(columns: Mapping[str, pl.Series]) -> None:
    """Say what is wrong, telling unknown values, which are not, from NaN."""
    lists = {name: column.to_list() for name, column in columns.items()}
    unknown = {name: np.array([value is None for value in own]) for name, own in lists.items()}
    arrays = {
        name: np.array([np.nan if value is None else value for value in own], np.float64)
        for name, own in lists.items()
    }

    def not_finite(*given: FloatArray) -> BoolArray:
        pairs = zip(unknown.values(), given, strict=True)
        broken: BoolArray = np.any([~np.isfinite(own) & ~null for null, own in pairs], axis=0)
        return broken

    def later(*given: FloatArray) -> BoolArray:
        return given[list(columns).index(RECENCY)] < 0

    rules = [
        ArrayRule("NaN or infinite values", not_finite),
        ArrayRule("a last purchase after the day of the snapshot", later),
    ]
    refuse(arrays, rules, what="customers")
