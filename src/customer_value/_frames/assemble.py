"""Arrays to columns beside the keys, the input's order kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, refuse, require
from customer_value._frames.door import as_polars
from customer_value._frames.snapshots import check_order
from customer_value.exceptions import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from customer_value._typing import ArrowStream, BoolArray, FloatArray, Frame


@overload
def with_columns(frame: pl.LazyFrame, *columns: pl.Expr) -> pl.LazyFrame: ...
@overload
def with_columns(frame: ArrowStream, *columns: pl.Expr) -> pl.DataFrame: ...
def with_columns(frame: Frame, *columns: pl.Expr) -> pl.DataFrame | pl.LazyFrame:
    """Add columns: to a LazyFrame lazily, to any other frame at once."""
    frame = as_polars(frame)
    if isinstance(frame, pl.DataFrame):
        frame = frame.rechunk()  # array columns are computed chunk by chunk
    return frame.with_columns(*columns)


def array_column(
    function: Callable[..., FloatArray],
    inputs: Sequence[str] | Mapping[str, pl.Expr],
    *,
    rules: Sequence[ArrayRule] = (),
    what: str = "customers",
    nullable: Collection[str] = (),
) -> pl.Expr:
    """Column of Float64 that an array function makes of other columns, row by row.

    Rows with a null input give null. The rules are checked when the rows are computed, so that
    a LazyFrame is checked too.

    Args:
        function: Takes one array per input column and returns one of the same length.
        inputs: Names of the columns that the function takes, in its order; or expressions for
            them, by the names that they have in an error.
        rules: Conditions that no row may meet.
        what: What the rows are, as the message of an error calls them.
        nullable: Inputs whose nulls the function takes, as NaN.

    Returns:
        An elementwise expression, safe to stream.
    """
    return _computed(
        lambda known, *arrays: _spread(known, function(*arrays)),
        inputs,
        pl.Float64(),
        rules=rules,
        what=what,
        nullable=nullable,
    )


def array_columns(
    function: Callable[..., tuple[FloatArray, ...]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    rules: Sequence[ArrayRule] = (),
    what: str = "customers",
    nullable: Collection[str] = (),
) -> pl.Expr:
    """Struct of several columns that one array function makes, as `array_column` makes one."""

    def struct(known: BoolArray, *arrays: FloatArray) -> pl.Series:
        made = zip(outputs, function(*arrays), strict=True)
        return pl.DataFrame([_spread(known, found).alias(name) for name, found in made]).to_struct()

    fields = pl.Struct(dict.fromkeys(outputs, pl.Float64))
    return _computed(struct, inputs, fields, rules=rules, what=what, nullable=nullable)


def _computed(
    function: Callable[..., pl.Series],
    inputs: Sequence[str] | Mapping[str, pl.Expr],
    dtype: pl.DataType,
    *,
    rules: Sequence[ArrayRule],
    what: str,
    nullable: Collection[str],
) -> pl.Expr:
    # A query inside of a query may run on the same polars thread, and wait for itself: nothing in
    # here but views of the columns, and arrays.
    def compute(struct: pl.Series) -> pl.Series:
        *columns, complete = struct.struct.unnest().get_columns()
        known = to_array(complete) == 1
        arrays = [to_array(column) for column in columns]
        if not known.all():
            arrays = [array[known] for array in arrays]
        refuse(dict(zip(inputs, arrays, strict=True)), rules, what=what)
        return function(known, *arrays)

    taken = inputs if isinstance(inputs, Mapping) else {name: pl.col(name) for name in inputs}
    needed = [expression for name, expression in taken.items() if name not in nullable]
    complete = pl.all_horizontal(*(expression.is_not_null() for expression in needed))
    fields = [expression.alias(str(k)) for k, expression in enumerate(taken.values())]
    return pl.struct(
        *(field.cast(pl.Float64) for field in fields), complete.cast(pl.Float64).alias("complete")
    ).map_batches(compute, return_dtype=dtype, is_elementwise=True)


def _spread(known: BoolArray, found: FloatArray) -> pl.Series:
    """The values found for the known rows; null elsewhere, and where none was found."""
    values = np.full(known.size, np.nan)
    values[known] = found
    return pl.Series(values, nan_to_null=True)


def finite_column(name: str, *, what: str = "customers") -> pl.Expr:
    """The column as Float64, refused when computed where it holds NaN or infinite values."""
    return array_column(lambda values: values, [name], rules=[NOT_FINITE], what=what)


def quantile(value: pl.Expr, share: float) -> pl.Expr:
    """Quantile of type 7 (Hyndman & Fan) that is exact where the rank is a whole number.

    There, rounding of `share * (n - 1)` would put it beside the value at that rank.
    """
    rank = (value.count() - 1) * share
    whole = (rank - rank.round()).abs() < 1e-14 * rank + 1e-9
    nearest, between = value.quantile(share, "nearest"), value.quantile(share, "linear")
    return pl.when(whole).then(nearest).otherwise(between)


def join_previous(
    customers: pl.DataFrame | pl.LazyFrame,
    previous: pl.DataFrame | pl.LazyFrame,
    columns: Mapping[str, pl.Expr],
) -> pl.DataFrame | pl.LazyFrame:
    """Add columns of an earlier snapshot beside the customers that are in it.

    Args:
        customers: Frame with `customer_id`.
        previous: The earlier snapshot, with `customer_id` of the same type, one row each.
        columns: What to take from it, by the names it gets.

    Raises:
        SchemaError: The keys are missing or of different types.
        DataError: A customer is twice in the earlier snapshot.
    """
    check_order(previous, customers, ("previous", "customers"))
    before = previous.lazy()
    key = require(customers, {"customer_id": "key"}, what="customers")["customer_id"]
    other = require(before, {"customer_id": "key"}, what="previous")["customer_id"]
    if key != other:
        raise SchemaError(f"previous: 'customer_id' is {other}, but {key} in customers; cast one")
    earlier = before.select("customer_id", **columns).collect()
    twice = earlier["customer_id"].filter(earlier["customer_id"].is_duplicated()).unique().sort()
    if twice.len():
        examples = ", ".join(map(str, twice.head(3)))
        raise DataError(f"previous: customers more than once: {twice.len():,} (e.g. {examples})")
    joined = (
        customers.lazy()
        .drop(*columns, strict=False)
        .join(earlier.lazy(), on="customer_id", how="left", maintain_order="left")
    )
    return joined if isinstance(customers, pl.LazyFrame) else joined.collect()
