"""ABC classes: which customers make up the first 80 % of value, the next 15 %, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import refuse_beside_model
from customer_value._kernels.math import ranking
from customer_value.abc._curve import curve_of, limits, values_of
from customer_value.abc.model import AbcModel
from customer_value.abc.options import AbcOptions

if TYPE_CHECKING:
    import numpy.typing as npt

    from customer_value._typing import ArrowStream, Frame

__all__ = ["classify_abc"]

_ALL = "__abc__"
_RANK, _SHARE, CODE = (f"__abc_{name}__" for name in ("rank", "share", "code"))
_PLACE = {_RANK: pl.Float64, _SHARE: pl.Float64, CODE: pl.UInt8}


@overload
def classify_abc(
    customers: pl.LazyFrame,
    model: AbcModel | None = None,
    *,
    value: str | None = None,
    options: AbcOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def classify_abc(
    customers: ArrowStream,
    model: AbcModel | None = None,
    *,
    value: str | None = None,
    options: AbcOptions | None = None,
) -> pl.DataFrame: ...
def classify_abc(
    customers: Frame,
    model: AbcModel | None = None,
    *,
    value: str | None = None,
    options: AbcOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the ABC class of each customer by cumulative share of value.

    Customers are ranked by value, largest first. With c the share of the total that a customer and
    all above it make up, class A is c <= 0.80 (`"below"`), or c less the customer's own share
    < 0.80 (`"crossing"`); B likewise to 0.95; C is the rest. Shares are compared with a
    tolerance of 1e-12, so that 50 + 20 + 10 of 100 is exactly 0.80. Sums are compensated, so that
    ten million customers round no more than ten. Customers of equal value share rank and class,
    unless `options.ties` says otherwise. The classes can be cut by count of customers, or by the
    shape of the curve, instead: see `options.by`.

    Args:
        customers: Frame with the value column, and `customer_id` if ties are split by it.
        model: Limits from `fit_abc`: a customer then gets the same class in any company. Without
            one they are learnt from these customers, and move with them.
        value: Column to classify by, such as `"revenue"` (the default), `"clv"` or `"profit"`; a
            model has its own.
        options: Where the classes end; a model has its own.

    Returns:
        The frame with `abc_class` (`"A"`, `"B"`, `"C"`; `"D"` for values at or below zero if they
        are separate), `abc_rank` (Int64, 1 is largest) and `cumulative_share` (Float64, of value,
        whatever the classes are cut by). The total is that of the values above zero; customers at
        or below zero are C with a share of 1. Null values give nulls; where no value is above zero
        the shares are null. By a model there is `abc_class` alone: ranks and shares are of a crowd.

    Raises:
        SchemaError: The column is missing or not a number.
        OptionError: The model is not an `AbcModel`, the options are not `AbcOptions`, or a value or
            options are given beside a model.
        DataError: Values are NaN or infinite, or at or below zero and refused; for a LazyFrame
            when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> "".join(cv.classify_abc(customers)["abc_class"])
        'AAABBCCCCC'
        >>> best_fifth = cv.AbcOptions(by="count")
        >>> "".join(cv.classify_abc(customers, options=best_fifth)["abc_class"])
        'AABBBCCCCC'
    """
    if model is not None:
        return _by_model(customers, model, value, options)
    options = options or AbcOptions()
    check_instance("options", options, AbcOptions)
    value = value or "revenue"
    frame = read_frame(customers, {value: "number"})
    # One column first: each field on its own would rank the customers again.
    placed = with_columns(frame, place(frame, value, options).alias(_ALL)).unnest(_ALL)
    return with_columns(
        placed,
        letter(pl.col(CODE), options).alias("abc_class"),
        pl.col(_RANK).cast(pl.Int64).alias("abc_rank"),
        pl.col(_SHARE).alias("cumulative_share"),
    ).drop(_PLACE)


def _by_model(
    customers: Frame, model: AbcModel, value: str | None, options: AbcOptions | None
) -> pl.DataFrame | pl.LazyFrame:
    check_instance("model", model, AbcModel)
    refuse_beside_model(value=value, options=options)
    frame = read_frame(customers, {model.value: "number"})
    frame = frame.drop("abc_rank", "cumulative_share", strict=False)  # of an earlier call
    return with_columns(frame, letter(model.codes(), model.options).alias("abc_class"))


def place(frame: pl.DataFrame | pl.LazyFrame, value: str, options: AbcOptions) -> pl.Expr:
    """Rank, cumulative share and code of the class, as one struct."""
    inputs = [pl.col(value).cast(pl.Float64).alias("value")]
    if options.ties == "split":
        inputs.append(_turn(frame).alias("turn"))
    return pl.struct(inputs).map_batches(
        lambda rows: _places(rows, value, options), return_dtype=pl.Struct(_PLACE)
    )


def letter(code: pl.Expr, options: AbcOptions) -> pl.Expr:
    """Name of the class by its code."""
    rest = "D" if options.nonpositive == "separate" else "C"
    return pl.lit(pl.Series(["A", "B", "C", rest, None])).gather(code)


def _turn(frame: pl.DataFrame | pl.LazyFrame) -> pl.Expr:
    """Order of the keys, from 1; of the rows where there are none."""
    key = frame.collect_schema().get("customer_id")
    if key is None or key.is_nested():
        return pl.int_range(1, pl.len() + 1).cast(pl.Float64)
    text = isinstance(key, pl.Categorical | pl.Enum)
    column = pl.col("customer_id").cast(pl.String) if text else pl.col("customer_id")
    return column.rank("ordinal").cast(pl.Float64)


def _places(rows: pl.Series, value: str, options: AbcOptions) -> pl.Series:
    """Rank, share and class of each value.

    Runs inside of a query: nothing but arrays and constructors.
    """
    column, *turns = rows.struct.unnest().get_columns()
    values = values_of(column, value, options)
    curve = curve_of(values, options)
    order = np.argsort(to_array(turns[0]), kind="stable") if turns else None
    found = ranking.places(values, curve.steps, limits(curve, options), order)
    arrays: list[npt.NDArray[Any]] = [found.rank, found.share, found.code]
    series = [
        pl.Series(name, array, nan_to_null=True) for name, array in zip(_PLACE, arrays, strict=True)
    ]
    return pl.DataFrame(series).to_struct()
