"""XYZ classes: how steadily each customer buys, and how that meets the ABC classes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, Offence, describe, refuse, require
from customer_value._frames.door import as_polars
from customer_value._frames.money import float_sum
from customer_value._frames.options import build
from customer_value._frames.periods import period_number
from customer_value._frames.time import check_day
from customer_value.exceptions import DataError
from customer_value.transactions.log import EagerLog, LazyLog, Log, take
from customer_value.transactions.questions import per_customer

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Day, Frame

Period: TypeAlias = Literal["week", "month", "quarter"]

_TOLERANCE = 1e-12
_CLASSES = {"abc_class": "ABCD", "xyz_class": "XYZ"}


class _Terms(BaseModel, frozen=True, extra="forbid", title="classify_xyz"):
    period: Period
    periods: Annotated[int, Field(ge=2)]
    cutoffs: tuple[float, float]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        x, y = self.cutoffs
        if not 0 <= x <= y < float("inf"):
            raise ValueError(f"cutoffs must ascend from 0 on, got {self.cutoffs}")
        return self


@overload
def classify_xyz(
    transactions: EagerLog,
    *,
    as_of: Day,
    period: Period = "month",
    periods: int = 12,
    cutoffs: tuple[float, float] = (0.5, 1.0),
) -> pl.DataFrame: ...
@overload
def classify_xyz(
    transactions: LazyLog,
    *,
    as_of: Day,
    period: Period = "month",
    periods: int = 12,
    cutoffs: tuple[float, float] = (0.5, 1.0),
) -> pl.LazyFrame: ...
def classify_xyz(
    transactions: Log,
    *,
    as_of: Day,
    period: Period = "month",
    periods: int = 12,
    cutoffs: tuple[float, float] = (0.5, 1.0),
) -> pl.DataFrame | pl.LazyFrame:
    """Class customers by how steadily they buy: X steady, Y varying, Z erratic.

    The measure is the coefficient of variation of a customer's net revenue per calendar period,
    population standard deviation over mean, of the last `periods` periods that are complete at
    the close of `as_of` (weeks begin on Monday). A period without a purchase counts with 0.
    Periods before the one of the customer's first sale are left out, together with returns in
    them: the customer did not exist yet. Class X is cv <= 0.5, Y is cv <= 1.0, Z is the rest, with
    a tolerance of 1e-12. These cutoffs are the usual convention, not a law; choose a period in
    which a regular customer buys.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        period: Calendar period over which revenue is summed: `"week"`, `"month"` or `"quarter"`.
        periods: How many periods to look back on, at least 2.
        cutoffs: Coefficients of variation at which classes X and Y end.

    Returns:
        One row per customer with a row up to `as_of`: `customer_id`, `periods` (Int64, those
        that count for this customer), `period_mean` (Float64, mean net revenue per period, null
        without periods), `period_cv` (Float64, null for fewer than 2 periods or a mean that is
        not above zero) and `xyz_class` (null for fewer than 2 periods, `"Z"` for a mean that is
        not above zero). Sums are exact: neither row order nor threads change a bit. Sorted by
        `customer_id`; a LazyFrame gives an unordered LazyFrame.

    Raises:
        OptionError: The period is unknown, the periods are fewer than 2, or the cutoffs do
            not ascend.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`.

    Examples:
        >>> import polars as pl
        >>> from datetime import date
        >>> from customer_value.abc import classify_xyz
        >>> log = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 1, 1, 2, 2],
        ...         "ordered_at": [date(2024, month, 9) for month in (1, 2, 3, 1, 3)],
        ...         "amount": [10.0, 20.0, 30.0, 90.0, 10.0],
        ...     }
        ... )
        >>> steady = classify_xyz(log, as_of=date(2024, 3, 31))
        >>> steady.with_columns(pl.col("period_mean", "period_cv").round(3)).rows()
        [(1, 3, 20.0, 0.408, 'X'), (2, 3, 33.333, 1.208, 'Z')]
    """
    end = check_day("as_of", as_of)
    terms = build(_Terms, period=period, periods=periods, cutoffs=cutoffs)
    source = take(transactions)
    return per_customer(
        source, lambda log: _steadiness(log, end, terms, source.options.money_scale)
    )


def abc_xyz_matrix(customers: Frame, *, value: str = "revenue") -> pl.DataFrame:
    """Cross the ABC with the XYZ classes: how many customers and how much value is in each cell.

    AX is large and steady, AZ large and erratic, CX small and steady. Class D, of customers without
    value, has cells only where somebody is in them. Join the result of
    `classify_xyz` to that of `classify_abc` on `customer_id` first.

    Args:
        customers: Frame with `abc_class`, `xyz_class` and the value column; a LazyFrame is
            collected.
        value: Column to sum, such as `"revenue"`, `"clv"` or `"profit"`.

    Returns:
        One row per cell, from A and X to C and Z, all nine also where no one is in them:
        `abc_class`, `xyz_class`, `customers` (Int64), `value` (Float64), `customer_share` and
        `value_share` (Float64, of all customers and of the total value; null where no one is
        there, or the total is not above zero). Customers without a class follow in rows of their
        own, where there are any, so that the table adds up to the frame. Null values count as
        customers and add nothing to the value. The order of the rows changes no bit.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Values are NaN or infinite, or there are other classes.

    Examples:
        >>> import polars as pl
        >>> from customer_value.abc import abc_xyz_matrix
        >>> customers = pl.DataFrame(
        ...     {"abc_class": ["A", "B"], "xyz_class": ["X", "Z"], "revenue": [75, 25]}
        ... )
        >>> matrix = abc_xyz_matrix(customers)
        >>> matrix.height, matrix.row(0)
        (9, ('A', 'X', 1, 75.0, 0.5, 0.75))
    """
    frame = as_polars(customers)
    require(frame, {"abc_class": "text", "xyz_class": "text", value: "number"}, what="customers")
    labels = pl.col(*_CLASSES).cast(pl.String)
    rows = frame.lazy().select(labels, pl.col(value).cast(pl.Float64).alias("value")).collect()
    refuse({value: to_array(rows["value"].drop_nulls())}, [NOT_FINITE], what="customers")
    _refuse_other_classes(rows)
    found = rows.partition_by(*_CLASSES, as_dict=True)
    keys = list(product([*"ABCD", None], [*"XYZ", None]))
    keys.sort(key=lambda key: None in key)  # keeps the order of the others
    cells = []
    for key in keys:
        if key in found or not {None, "D"}.intersection(key):
            worth = found[key]["value"] if key in found else rows["value"].clear()
            cells.append((*key, worth.len(), float_sum(worth.drop_nulls())))
    schema = {**dict.fromkeys(_CLASSES, pl.String), "customers": pl.Int64, "value": pl.Float64}
    known = rows["value"].drop_nulls()
    total = float_sum(known)
    defined = total > _TOLERANCE * float_sum(known.abs())
    return pl.DataFrame(cells, schema=schema, orient="row").with_columns(
        customer_share=pl.col("customers") / (rows.height or None),
        value_share=pl.col("value") / pl.lit(total if defined else None, pl.Float64),
    )


def _refuse_other_classes(rows: pl.DataFrame) -> None:
    offences = []
    for name, letters in _CLASSES.items():
        other = rows[name].filter(~rows[name].is_in(list(letters)))
        examples = tuple(other.unique(maintain_order=True).head(3))
        if other.len():
            says = f"{name} other than {', '.join(letters)}"
            offences.append(Offence(name, says, other.len(), examples))
    if offences:
        raise DataError(f"customers: {describe(offences)}")


def _steadiness(log: pl.LazyFrame, end: date, terms: _Terms, scale: int) -> pl.LazyFrame:
    day = pl.col("ordered_at")
    last = period_number(pl.lit(end).dt.offset_by("1d"), terms.period).cast(pl.Int64) - 1
    sums = (
        log.filter(day <= end)
        .select(
            "customer_id",
            number=period_number(day, terms.period).cast(pl.Int64),
            sold=pl.col("kind") == "sale",
            net=pl.col("amount").cast(pl.Decimal(38, scale)),
        )
        .group_by("customer_id", "number")
        .agg(pl.col("sold").any(), pl.col("net").sum())
    )
    first = sums.filter("sold").group_by("customer_id").agg(first=pl.col("number").min())
    first_counted = pl.col("first").clip(last - (terms.periods - 1))
    inside = pl.col("inside")
    totals = (
        sums.join(first, on="customer_id", how="left")
        .with_columns(first=first_counted)
        .with_columns(
            inside=pl.col("number").is_between("first", last).fill_null(value=False),
            periods=(last - pl.col("first") + 1).fill_null(0),
        )
        .group_by("customer_id")
        .agg(
            periods=pl.col("periods").max(),
            total=pl.col("net").filter(inside).sum(),
            nets=pl.col("net").filter(inside).cast(pl.Float64),
        )
    )
    return _finish(totals, terms.cutoffs)


def _finish(totals: pl.LazyFrame, cutoffs: tuple[float, float]) -> pl.LazyFrame:
    n, mean, nets = pl.col("periods"), pl.col("period_mean"), pl.col("nets")
    silent = n - nets.list.len().cast(pl.Int64)  # periods without a row have the deviation -1
    deviation = nets.list.sort() / mean - 1
    squares = (deviation * deviation).list.sum() + silent
    same = (silent == 0) & (nets.list.min() == nets.list.max())
    spread = pl.when(same).then(0.0).otherwise((squares / n).sqrt())
    cv, enough = pl.col("period_cv"), n >= 2
    x, y = (cv <= cut + _TOLERANCE for cut in cutoffs)
    best = pl.when(x).then(pl.lit("X")).when(y).then(pl.lit("Y")).otherwise(pl.lit("Z"))
    return (
        totals.with_columns(period_mean=pl.when(n > 0).then(pl.col("total").cast(pl.Float64) / n))
        .with_columns(period_cv=pl.when(enough & (mean > 0)).then(spread))
        .select(
            "customer_id",
            "periods",
            "period_mean",
            "period_cv",
            xyz_class=pl.when(enough).then(best),
        )
    )
