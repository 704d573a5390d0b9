"""Logs in files: CSV, whose text becomes dates and numbers, and Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import require
from customer_value.exceptions import DataError, OptionError, SchemaError

if TYPE_CHECKING:
    from pathlib import Path

    from customer_value.transactions.options import Columns, TransactionOptions

PARQUET = (".parquet", ".pq")
_TEXT = (".csv", ".tsv", ".txt")
_ISO = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
)


def read_file(
    path: Path,
    columns: Columns,
    options: TransactionOptions,
    *,
    separator: str | None = None,
    time_format: str | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Read a file of transactions; Parquet stays lazy.

    Args:
        path: A .csv, .tsv, .txt or .parquet file.
        columns: Names of its columns.
        options: How the log is read; unreadable dates and numbers count as invalid.
        separator: What separates the columns of a CSV; by default a comma, in a .tsv a tabulator.
        time_format: How dates in a CSV are written; by default as ISO 8601 has it.

    Raises:
        OptionError: There is no such file.
        SchemaError: The file is of another kind, or lacks columns.
        DataError: Dates or numbers cannot be read, and `on_invalid` is `"raise"`.
    """
    if not path.is_file():
        raise OptionError(f"{path}: no such file")
    ending = path.suffix.lower()
    if ending in PARQUET:
        return _scan_parquet(path)
    if ending not in _TEXT:
        raise SchemaError(f"{path}: not a .csv, .tsv, .txt or .parquet file")
    table = _read_text(path, separator or ("\t" if ending == ".tsv" else ","))
    require(table, dict.fromkeys(columns.named.values(), "any"), what=str(path))
    return _typed(table, path, columns, options, time_format)


def _scan_parquet(path: Path) -> pl.LazyFrame:
    log = pl.scan_parquet(path, glob=False)
    try:
        log.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{path}: not a Parquet file that can be read") from error
    return log


def _read_text(path: Path, separator: str) -> pl.DataFrame:
    try:
        # All text: keys keep their leading zeros, and no date or number is guessed at.
        table = pl.read_csv(path, separator=separator, infer_schema=False, glob=False)
    except pl.exceptions.PolarsError as error:
        raise SchemaError(
            f"{path}: not a CSV file in UTF-8 whose rows are as long as its header "
            f"(read with the separator {separator!r})"
        ) from error
    if any(set(name) & {"\0", "\ufffd"} for name in table.columns):
        raise SchemaError(f"{path}: not a CSV file in UTF-8")
    if table.width == 1:
        raise SchemaError(
            f"{path}: one column only ('{table.columns[0]}'); give its separator (--separator)"
        )
    return table


def _typed(
    log: pl.DataFrame,
    path: Path,
    columns: Columns,
    options: TransactionOptions,
    time_format: str | None,
) -> pl.DataFrame:
    """Text to dates and numbers; text that is neither is refused, or dropped as unusable."""
    typed = {columns.time: _moment(columns.time, options.tz, time_format)}
    for name in (columns.amount, columns.cost, columns.discount):
        if name is not None:
            typed[name] = pl.col(name).str.strip_chars().cast(pl.Float64, strict=False)
    keys = set(columns.named.values()) - typed.keys()
    empty = [pl.col(name).replace("", None) for name in sorted(keys)]  # quoted
    result = log.with_columns(*empty, **typed)
    problems = []
    broken = pl.repeat(value=False, n=log.height, eager=True)
    for name in typed:
        given = log[name].str.strip_chars() != ""
        unread = (given & result[name].is_null()).fill_null(value=False)
        broken |= unread
        lost = log[name].filter(unread)
        if lost.len():
            dates = "dates (see --time-format, and --tz for times with a zone)"
            what = dates if name == columns.time else "numbers"
            problems.append(f"'{name}' has {lost.len():,} that are not {what}, e.g. '{lost[0]}'")
    if problems and options.on_invalid == "raise":
        raise DataError(f"{path}: {'; '.join(problems)}")
    # Without an amount a row is left out, and counted.
    return result.with_columns(pl.when(~broken).then(columns.amount))


def _moment(name: str, tz: str | None, time_format: str | None) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    formats = (time_format,) if time_format else _ISO
    parsed = [text.str.to_datetime(form, strict=False, time_unit="us") for form in formats]
    if tz and not time_format:
        zoned = text.str.to_datetime("%+", strict=False, time_unit="us")
        parsed.append(zoned.dt.convert_time_zone(tz).dt.replace_time_zone(None))
    moment = pl.coalesce(parsed)
    # The formats take a year of two digits for one of the first century.
    return pl.when(moment.dt.year() >= 1000).then(moment).otherwise(None)
