"""The door through which tables come in: any library's table, to polars, checked.

A table of polars is taken as it is. A table of another library in this process (pandas, pyarrow,
DuckDB, whatever exports an Arrow stream) is converted, column by column where a column that is not
needed cannot be. Tables that live elsewhere (Spark, ibis, Dask, Ray ...) are refused: to pull them
would be a surprise.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, overload
from uuid import UUID

import polars as pl
from polars import selectors

from customer_value._frames.contracts import Kind, check_names, require
from customer_value._frames.midnight import as_days
from customer_value.exceptions import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from customer_value._typing import ArrowStream, Frame

_log = logging.getLogger("customer_value")

_REMOTE = {
    "pyspark": "bring it here with .toArrow(), or .toPandas()",
    "ibis": "bring it here with .to_polars(), or .to_pyarrow()",
    "dask": "bring it here with .compute()",
    "dask_expr": "bring it here with .compute()",
    "ray": "bring it here with .to_pandas()",
    "snowflake": "bring it here with .to_pandas()",
    "bigframes": "bring it here with .to_pandas()",
}
"""Tables that are not in this process, and how their owner brings them here."""


@overload
def as_polars(
    frame: pl.LazyFrame, needed: Mapping[str, Kind] | None = None, *, what: str = "customers"
) -> pl.LazyFrame: ...
@overload
def as_polars(
    frame: ArrowStream, needed: Mapping[str, Kind] | None = None, *, what: str = "customers"
) -> pl.DataFrame: ...
@overload
def as_polars(
    frame: Frame, needed: Mapping[str, Kind] | None = None, *, what: str = "customers"
) -> pl.DataFrame | pl.LazyFrame: ...
def as_polars(
    frame: Frame, needed: Mapping[str, Kind] | None = None, *, what: str = "customers"
) -> pl.DataFrame | pl.LazyFrame:
    """Take any table that polars holds or that speaks Arrow.

    Args:
        frame: The table.
        needed: Columns that must survive the conversion. Others that polars cannot hold are left
            out, and the logger `customer_value` says so.
        what: What the table is, as the message of an error calls it.

    Raises:
        SchemaError: The object is not a table, is not in this process, or a needed column cannot
            be converted.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return _uuids_as_text(frame)
    library = _root(frame)
    if library in _REMOTE:
        raise SchemaError(
            f"{what}: a {library} {type(frame).__name__} is not in this process; {_REMOTE[library]}"
        )
    if isinstance(frame, pl.Series) or type(frame).__name__ == "Series":
        raise SchemaError(f"{what}: a Series is one column; pass the whole table, a DataFrame")
    if not hasattr(frame, "__arrow_c_stream__"):
        raise SchemaError(
            f"{what}: a {type(frame).__name__} is not a table; pass a DataFrame or LazyFrame of "
            "polars, or a table with an Arrow stream (pandas, pyarrow, DuckDB ...)"
        )
    try:
        return _convert(frame)
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001  of any library
        return _column_by_column(frame, needed or {}, what, error)


@overload
def read_frame(
    frame: pl.LazyFrame,
    columns: Mapping[str, Kind],
    *,
    what: str = ...,
    hint: str = ...,
    only: bool = ...,
    given: Frame | None = ...,
) -> pl.LazyFrame: ...
@overload
def read_frame(
    frame: ArrowStream,
    columns: Mapping[str, Kind],
    *,
    what: str = ...,
    hint: str = ...,
    only: bool = ...,
    given: Frame | None = ...,
) -> pl.DataFrame: ...
@overload
def read_frame(
    frame: Frame,
    columns: Mapping[str, Kind],
    *,
    what: str = ...,
    hint: str = ...,
    only: bool = ...,
    given: Frame | None = ...,
) -> pl.DataFrame | pl.LazyFrame: ...
def read_frame(
    frame: Frame,
    columns: Mapping[str, Kind],
    *,
    what: str = "customers",
    hint: str = "",
    only: bool = False,
    given: Frame | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Take a table with these columns, each of a usable type.

    Times at midnight in a column of days become dates; whole numbers that a library keeps as
    floats or wide decimals become Int64 keys.

    Args:
        frame: A table of polars, or one that exports an Arrow stream.
        columns: The columns that are needed, and what each must hold.
        what: What the table is, as the message of an error calls it.
        hint: What to do about missing columns.
        only: Whether to take the named columns alone.
        given: The table as the caller gave it, where `frame` is that of `as_polars` already: errors
            speak of it. A stream can be read only once.

    Returns:
        A LazyFrame of a LazyFrame (days are then checked when it is collected), otherwise a
        DataFrame.

    Raises:
        SchemaError: Names every missing column and every wrong type at once.
        DataError: Times in a column of days are not at midnight.
    """
    check_names(columns, what=what)
    taken = only_columns(frame, columns) if only else frame
    table = as_polars(taken, columns, what=what)
    days = [name for name, kind in columns.items() if kind in ("day", "maybe_day")]
    keys = [name for name, kind in columns.items() if kind == "key"]
    table = whole_keys(as_days(table, days, what=what), keys)
    told = frame if given is None else given
    hint = _index_hint(told, columns) or hint
    require(table, columns, what=what, hint=hint, library=words_of(told))
    return table.select(selectors.by_name(*columns)) if only else table


def only_columns(frame: Frame, columns: Iterable[str]) -> Frame:
    """The needed columns alone, where another library can select before anything is converted."""
    if isinstance(frame, pl.DataFrame | pl.LazyFrame | pl.Series) or _root(frame) in _REMOTE:
        return frame
    names = _names(frame)
    wanted = [name for name in names if name in set(columns)]
    if not wanted or len(set(wanted)) != len(wanted):
        return frame
    selected: Frame = _take(frame, wanted)
    return selected


def whole_keys(
    table: pl.DataFrame | pl.LazyFrame, names: Iterable[str]
) -> pl.DataFrame | pl.LazyFrame:
    """Turn keys that are whole numbers by value into whole numbers by type.

    Floats (pandas makes them of integers beside a missing one) and decimals without places
    (DuckDB's HUGEINT) become Int64; a fraction makes the column stay as it is, to be refused.
    """
    schema = table.collect_schema()
    wide = [
        name
        for name in names
        if name in schema and (schema[name].is_float() or schema[name].is_decimal())
    ]
    if not wide:
        return table
    fits = pl.all_horizontal(is_whole(pl.col(name)).all() for name in wide)
    if not table.lazy().select(fits).collect().item():
        return table
    return table.with_columns(pl.col(name).cast(pl.Int64) for name in wide)


def is_whole(key: pl.Expr) -> pl.Expr:
    """Whether a number is whole and fits into 64 bits; an unknown one is not refused."""
    value = key.cast(pl.Float64)
    return ((value == value.floor()) & (value.abs() < 2.0**63)).fill_null(value=True)


def _root(frame: object) -> str:
    return type(frame).__module__.partition(".")[0]


def words_of(frame: object) -> str:
    """Whose words an error about this table speaks."""
    library = _root(frame)
    return library if library in ("polars", "pandas") else "arrow"


def _names(frame: Any) -> list[str]:  # noqa: ANN401  a table of any library
    """Names of the columns, where the library tells them without reading."""
    if _root(frame) in ("pandas", "duckdb"):
        return [name for name in getattr(frame, "columns", ()) if isinstance(name, str)]
    return list(getattr(frame, "column_names", ()))


def _take(frame: Any, names: list[str]) -> Any:  # noqa: ANN401  a table of any library
    """Those columns of a table of another library."""
    if _root(frame) == "pandas":
        return frame[names]
    if _root(frame) == "duckdb":
        quoted = ('"' + name.replace('"', '""') + '"' for name in names)
        return frame.project(", ".join(quoted))
    return frame.select(names)


def _convert(frame: Any) -> pl.DataFrame:  # noqa: ANN401  a table of any library
    if _root(frame) == "pandas":
        uuids = [name for name in frame.columns if _holds_uuids(frame[name])]
        texts = {name: frame[name].map(str, na_action="ignore") for name in uuids}
        frame = frame.assign(**texts) if uuids else frame
    return pl.DataFrame(frame)


def _holds_uuids(column: Any) -> bool:  # noqa: ANN401  a column of pandas
    first = column.first_valid_index() if column.dtype == object else None
    return first is not None and isinstance(column.loc[first], UUID)


def _uuids_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns of Python's UUIDs, which polars keeps as objects, as text."""
    objects = [name for name, kind in frame.schema.items() if kind == pl.Object]
    texts = []
    for name in objects:
        values = frame[name].to_list()
        if all(value is None or isinstance(value, UUID) for value in values):
            known = [None if value is None else str(value) for value in values]
            texts.append(pl.Series(name, known, pl.String))
    return frame.with_columns(texts) if texts else frame


def _column_by_column(
    frame: Any,  # noqa: ANN401  a table of any library
    needed: Mapping[str, Kind],
    what: str,
    error: BaseException,
) -> pl.DataFrame:
    names = _names(frame)
    if not names or len(set(names)) != len(names):
        said = str(error).partition("\n")[0][:200]
        raise SchemaError(f"{what}: the {type(frame).__name__} cannot be read: {said}") from error
    columns = []
    unusable = []
    for name in names:
        try:
            columns.append(_convert(_take(frame, [name])).to_series())
        except (Exception, pl.exceptions.PanicException):  # noqa: BLE001  of any library
            unusable.append(name)
    lost = [name for name in unusable if name in needed]
    if lost:
        named = ", ".join(f"'{name}'" for name in lost)
        raise SchemaError(
            f"{what}: {named} cannot be read: mixed values, or a type that polars does not have; "
            "convert to numbers, text or dates first"
        ) from error
    _log.warning("%s: columns that polars cannot hold are left out: %s", what, ", ".join(unusable))
    return pl.DataFrame(columns)


def _index_hint(frame: Any, columns: Mapping[str, Kind]) -> str:  # noqa: ANN401
    """What to do about a missing column that is the index of a pandas table."""
    if _root(frame) != "pandas":
        return ""
    levels = [name for name in frame.index.names if name in columns and name not in frame.columns]
    return f"'{levels[0]}' is the index: call .reset_index() first" if levels else ""
