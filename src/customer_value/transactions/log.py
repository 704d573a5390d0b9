"""The log as a value: named, checked and counted once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, overload

import polars as pl

from customer_value._typing import ArrowStream
from customer_value.transactions.files import read_file
from customer_value.transactions.options import Columns, TransactionOptions
from customer_value.transactions.source import Check, Source

if TYPE_CHECKING:
    from customer_value.transactions.quality import DataQualityReport

TableT_co = TypeVar("TableT_co", pl.DataFrame, pl.LazyFrame, covariant=True)


@dataclass(frozen=True, eq=False, repr=False)
class Transactions(Generic[TableT_co]):
    """A log of transactions, named and checked: what every question about a log is put to.

    Made by [`read_transactions`][customer_value.read_transactions]; never changed.

    Attributes:
        frame: The canonical log of the usable rows, in the input's row order: `customer_id`,
            `ordered_at` (Date: the business day), `amount` (negative for returns), `kind` (`"sale"`
            or `"return"`), and `order_id`, `cost`, `discount`, `category`, `channel`, `currency` as
            far as the log has them. A LazyFrame where a LazyFrame or a file was read.
        options: How the log was read, and what counts as a purchase.
    """

    frame: TableT_co
    options: TransactionOptions
    _source: Source
    _check: Check

    @cached_property
    def report(self) -> DataQualityReport:
        """What the log holds and what was left out of it.

        Of a lazy log it was counted when the log was checked; otherwise it is when first asked for.
        """
        return self._source.report(self._check)

    @property
    def in_memory(self) -> bool:
        """Whether the rows are there, and not still to be read."""
        return isinstance(self.frame, pl.DataFrame)

    @property
    def rows(self) -> int:
        """Rows that were read, usable or not."""
        return self._check.rows

    @property
    def currencies(self) -> tuple[str, ...]:
        """Codes of the usable rows, sorted; none where the log has no such column."""
        return self._check.currencies

    @property
    def key_type(self) -> pl.DataType:
        """Type of `customer_id`."""
        return self.frame.collect_schema()["customer_id"]

    def __repr__(self) -> str:
        state = "in memory" if self.in_memory else "lazy"
        columns = ", ".join(self.frame.collect_schema().names())
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        return f"Transactions({rows} read, {state}; {columns})"


AnyLog: TypeAlias = Transactions[pl.DataFrame] | Transactions[pl.LazyFrame]
LazyLog: TypeAlias = pl.LazyFrame | Transactions[pl.LazyFrame]
EagerLog: TypeAlias = ArrowStream | Transactions[pl.DataFrame]
Log: TypeAlias = LazyLog | EagerLog
"""What a function of a log takes: a `Transactions`, or a table in canonical names."""


@overload
def read_transactions(
    source: pl.LazyFrame,
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
) -> Transactions[pl.LazyFrame]: ...
@overload
def read_transactions(
    source: ArrowStream | str | PathLike[str],
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
) -> Transactions[pl.DataFrame]: ...
def read_transactions(
    source: pl.LazyFrame | ArrowStream | str | PathLike[str],
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
) -> AnyLog:
    """Read a log: name its columns, check every row once, and keep it as a value.

    Every function of a log takes the result; it is not checked again. A table in canonical names
    can also be given to those functions directly, and is then checked by each.

    Args:
        source: The log, one row per order line, order or payment: a table of polars, or one with an
            Arrow stream (pandas, pyarrow, DuckDB ...), of which only the named columns are
            converted; or the path of a CSV or Parquet file. A LazyFrame stays lazy: it is
            read once for the check, and again by each question.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.

    Returns:
        The log: its `frame` in canonical names, its `options`, its `report`, and
        `report.invalid()`, the rows that could not be used, each with the rule that it broke.

    Raises:
        OptionError: `columns` or `options` are of another type, or the file cannot be read.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used and `options.on_invalid` is `"raise"`, or currencies are
            mixed. The error carries the report, and `error.invalid()` the rows.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> raw = pl.DataFrame(
        ...     {
        ...         "who": ["ann", "ann", None],
        ...         "day": [date(2024, 1, 5), date(2024, 1, 5), date(2024, 2, 1)],
        ...         "total": [10.0, 5.0, 7.0],
        ...     }
        ... )
        >>> columns = cv.Columns(customer="who", time="day", amount="total")
        >>> options = cv.TransactionOptions(on_invalid="drop")
        >>> log = cv.read_transactions(raw, columns=columns, options=options)
        >>> log.frame.columns
        ['customer_id', 'ordered_at', 'amount', 'kind']
        >>> log.report.rows_out, log.report.same_day_merges
        (2, 1)
        >>> log.report.invalid().select("row", "rule", "total").rows()
        [(2, 'no_customer', 7.0)]
    """
    table = _from_file(source, columns, options) if isinstance(source, str | PathLike) else source
    return _read(Source.of(table, columns, options), counting=True)


def _read(source: Source, *, counting: bool) -> AnyLog:
    """Check a log, and count a lazy one in the same pass if asked to."""
    lazy = isinstance(source.frame, pl.LazyFrame)
    check = source.check(counting=counting and lazy)
    log = source.canonical(checked=not check.offences)
    if lazy:
        return Transactions(log, source.options, source, check)
    return Transactions(log.collect(), source.options, source, check)


def _from_file(
    path: str | PathLike[str], columns: Columns | None, options: TransactionOptions | None
) -> pl.DataFrame:
    names = Columns() if columns is None else columns
    table = read_file(Path(path), names, options or TransactionOptions())
    return table.lazy().collect()


def take(transactions: Log) -> AnyLog:
    """The log that a function is given: as it was read, or a table in canonical names.

    Raises:
        SchemaError: It is a table without the canonical columns, or not a table.
        DataError: Rows cannot be used, or currencies are mixed.
    """
    return (
        transactions if isinstance(transactions, Transactions) else read_transactions(transactions)
    )
