"""Check a log and give it canonical names."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from customer_value._frames.time import check_day
from customer_value.transactions._source import Source

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from customer_value._typing import ArrowStream, Frame
    from customer_value.transactions.options import Columns, TransactionOptions
    from customer_value.transactions.quality import DataQualityReport


@overload
def clean_transactions(
    transactions: pl.LazyFrame,
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    as_of: date | None = None,
) -> tuple[pl.LazyFrame, DataQualityReport]: ...
@overload
def clean_transactions(
    transactions: ArrowStream,
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    as_of: date | None = None,
) -> tuple[pl.DataFrame, DataQualityReport]: ...
def clean_transactions(
    transactions: Frame,
    *,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    as_of: date | None = None,
) -> tuple[pl.DataFrame | pl.LazyFrame, DataQualityReport]:
    """Check a log, give it canonical names, and report what it holds.

    Args:
        transactions: The log, one row per order line, order or payment. A LazyFrame stays lazy:
            only the counts of the report are computed.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.
        as_of: Day after which rows are counted as future rows; they stay in the log.

    Returns:
        The canonical log, in the input's row order, and the report. The log's columns are
        `customer_id` (type kept), `ordered_at` (Date: the business day), `amount` (negative for
        returns), `kind` (`"sale"` or `"return"`), and those of `order_id`, `cost`, `discount`,
        `category`, `channel` and `currency` that are named.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used and `options.on_invalid` is `"raise"`, or currencies are
            mixed. The error carries the report.

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
        >>> log, report = cv.clean_transactions(raw, columns=columns, options=options)
        >>> log.columns
        ['customer_id', 'ordered_at', 'amount', 'kind']
        >>> report.rows_out, report.same_day_merges, report.dropped[0].rule
        (2, 1, 'no_customer')
    """
    if as_of is not None:
        check_day("as_of", as_of)
    return Source.of(transactions, columns, options).clean(as_of)
