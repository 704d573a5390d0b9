"""Flags for customers who look better, or worse, than they are: busy and cheap, large once."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import finite_column, quantile, with_columns
from customer_value._frames.cuts import Cuts, check_cuts, fit_cuts
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import refuse_beside_model
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = [
    "busy_but_low_value",
    "fit_busy_but_low_value",
    "fit_one_off_large",
    "one_off_large",
]

_ACTIVITY, _VALUE = "__mark_activity__", "__mark_value__"
_BUSY, _LARGE = "busy_but_low_value", "one_off_large"


def fit_busy_but_low_value(
    customers: Frame,
    *,
    activity: str = "purchases",
    value: str = "clv",
    top: float = 0.2,
    bottom: float = 0.5,
) -> Cuts:
    """Learn above which activity customers are busy, and up to which value they are low.

    Args:
        customers: Frame with both columns; a LazyFrame is collected.
        activity: Column of activity.
        value: Column of value.
        top: Share of customers that counts as busy.
        bottom: Share of customers that counts as of low value.

    Returns:
        The cuts, for `busy_but_low_value`.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.
        OptionError: `top` or `bottom` is not between 0 and 1.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame(
        ...     {"purchases": [1, 2, 3, 4, 40], "clv": [20.0, 9.0, 5.0, 6.0, 8.0]}
        ... )
        >>> model = cv.segments.fit_busy_but_low_value(monday)
        >>> friday = pl.DataFrame({"purchases": [30, 30], "clv": [7.0, 70.0]})
        >>> cv.segments.busy_but_low_value(friday, model)["busy_but_low_value"].to_list()
        [True, False]
    """
    _check_shares(top=top, bottom=bottom)
    shares = {"activity": (activity, 1 - top), "value": (value, bottom)}
    return fit_cuts(customers, shares, kind=_BUSY)


@overload
def busy_but_low_value(
    customers: pl.LazyFrame,
    model: Cuts | None = None,
    *,
    activity: str | None = None,
    value: str | None = None,
    top: float | None = None,
    bottom: float | None = None,
) -> pl.LazyFrame: ...
@overload
def busy_but_low_value(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    activity: str | None = None,
    value: str | None = None,
    top: float | None = None,
    bottom: float | None = None,
) -> pl.DataFrame: ...
def busy_but_low_value(
    customers: Frame,
    model: Cuts | None = None,
    *,
    activity: str | None = None,
    value: str | None = None,
    top: float | None = None,
    bottom: float | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Flag busy customers of low value: they keep everyone at work, and bring little.

    Activity and value are two axes: the best service belongs to the most valuable customers, who
    are not always the busiest.

    Args:
        customers: Frame with both columns.
        model: Cuts from `fit_busy_but_low_value`, which then say all that follows. Without one they
            are learnt from these customers, and move with them.
        activity: Column of activity, by default `"purchases"`; or a number of calls or visits.
        value: Column of value, by default `"clv"`; or `"profit"`.
        top: Share of customers that counts as busy, by default 0.2: activity must lie above the
            quantile of 1 - `top`.
        bottom: Share of customers that counts as of low value, by default 0.5: value must lie at or
            below this quantile.

    Returns:
        The frame with `busy_but_low_value` (Boolean). Quantiles are of type 7, over the known
        values of each column. Customers equal to the quantile of activity are not busy, so that
        with many ties fewer than `top` are. Where a value is unknown the flag is null, unless the
        other one says no already.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.
        OptionError: `top` or `bottom` is not between 0 and 1, the model is not of these cuts, or
            arguments are given that it says already.

    Examples:
        >>> import polars as pl
        >>> from customer_value.segments import busy_but_low_value
        >>> customers = pl.DataFrame(
        ...     {"purchases": [1, 2, 3, 4, 40], "clv": [20.0, 900.0, 50.0, 60.0, 10.0]}
        ... )
        >>> busy_but_low_value(customers)["busy_but_low_value"].to_list()
        [False, False, False, False, True]
    """
    busy, worth = pl.col(_ACTIVITY), pl.col(_VALUE)
    if model is not None:
        check_cuts(model, _BUSY)
        refuse_beside_model(activity=activity, value=value, top=top, bottom=bottom)
        columns, cuts = model.columns(), model.literals()
    else:
        top, bottom = _or(top, 0.2), _or(bottom, 0.5)
        _check_shares(top=top, bottom=bottom)
        columns = {"activity": activity or "purchases", "value": value or "clv"}
        cuts = {"activity": quantile(busy, 1 - top), "value": quantile(worth, bottom)}
    frame = _with_numbers(customers, columns)
    flag = (busy > cuts["activity"]) & (worth <= cuts["value"])
    return with_columns(frame, flag.alias(_BUSY)).drop(_ACTIVITY, _VALUE)


def fit_one_off_large(customers: Frame, *, top: float = 0.05) -> Cuts:
    """Learn above which revenue a single purchase is large.

    Args:
        customers: Customer frame with `revenue`; a LazyFrame is collected.
        top: Share of customers whose revenue counts as large.

    Returns:
        The cut, for `one_off_large`.

    Raises:
        SchemaError: The column is missing or not a number.
        DataError: Values are NaN or infinite.
        OptionError: `top` is not between 0 and 1.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> model = cv.segments.fit_one_off_large(pl.DataFrame({"revenue": [5000.0, 900.0, 20.0]}))
        >>> friday = pl.DataFrame({"purchases": [1], "revenue": [6000.0]})
        >>> cv.segments.one_off_large(friday, model)["one_off_large"].item()
        True
    """
    _check_shares(top=top)
    return fit_cuts(customers, {"revenue": ("revenue", 1 - top)}, kind=_LARGE)


@overload
def one_off_large(
    customers: pl.LazyFrame, model: Cuts | None = None, *, top: float | None = None
) -> pl.LazyFrame: ...
@overload
def one_off_large(
    customers: ArrowStream, model: Cuts | None = None, *, top: float | None = None
) -> pl.DataFrame: ...
def one_off_large(
    customers: Frame, model: Cuts | None = None, *, top: float | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Flag one-off large customers: a single purchase, of a large amount.

    They lead every list by revenue, and may never come again: not the ones to give the best service
    to for that alone.

    Args:
        customers: Customer frame with `purchases` and `revenue`.
        model: The cut from `fit_one_off_large`. Without one it is learnt from these customers, and
            moves with them.
        top: Share of customers whose revenue counts as large, by default 0.05: it must lie above
            the quantile of 1 - `top` (type 7, over the known revenues of all customers).

    Returns:
        The frame with `one_off_large` (Boolean): a single purchase and a large revenue. Where a
        value is unknown the flag is null, unless the other one says no already.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.
        OptionError: `top` is not between 0 and 1, the model is not of this cut, or both are given.

    Examples:
        >>> import polars as pl
        >>> from customer_value.segments import one_off_large
        >>> customers = pl.DataFrame(
        ...     {"purchases": [1, 9, 1, 3], "revenue": [5000.0, 900.0, 20.0, 60.0]}
        ... )
        >>> one_off_large(customers)["one_off_large"].to_list()
        [True, False, False, False]
    """
    revenue = pl.col(_VALUE)
    if model is not None:
        check_cuts(model, _LARGE)
        refuse_beside_model(top=top)
        cut = model.literals()["revenue"]
    else:
        top = _or(top, 0.05)
        _check_shares(top=top)
        cut = quantile(revenue, 1 - top)
    frame = _with_numbers(customers, {"activity": "purchases", "value": "revenue"})
    flag = (pl.col(_ACTIVITY) == 1) & (revenue > cut)
    return with_columns(frame, flag.alias(_LARGE)).drop(_ACTIVITY, _VALUE)


def _with_numbers(customers: Frame, columns: dict[str, str]) -> pl.DataFrame | pl.LazyFrame:
    """The frame with both numbers, checked, under inner names."""
    frame = read_frame(customers, dict.fromkeys(columns.values(), "number"))
    return with_columns(
        frame,
        finite_column(columns["activity"]).alias(_ACTIVITY),
        finite_column(columns["value"]).alias(_VALUE),
    )


def _or(share: float | None, default: float) -> float:
    return default if share is None else share


def _check_shares(**shares: float) -> None:
    wrong = [f"{name} {share}" for name, share in shares.items() if not 0 < share < 1]
    if wrong:
        raise OptionError(f"shares lie between 0 and 1, got {', '.join(wrong)}")
