"""RFM scores: cut points learnt from one snapshot, applied to any other."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import NOT_FINITE, as_polars, refuse, require
from customer_value.exceptions import FitError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, FloatArray, Frame

Bins: TypeAlias = Annotated[int, Field(ge=1, le=10)]
Edge: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Breaks: TypeAlias = Annotated[tuple[Edge, ...], Field(max_length=9)]


class RfmOptions(BaseModel, frozen=True, extra="forbid"):
    """How RFM scores are made.

    Attributes:
        recency_bins: Number of recency scores, 1 to 10; not used with `"breaks"`.
        frequency_bins: Number of frequency scores.
        monetary_bins: Number of monetary scores.
        method: `"quantile"`: bins of about equal numbers of customers, each dimension by itself;
            `"nested"`: frequency in bins within each recency score, monetary within each of those
            (Hughes 1994; nested binning of SPSS): cells of more even size, but the same frequency
            may score differently beside another recency; `"breaks"`: bins between given values,
            which do not move with the customers.
        recency_breaks: With `"breaks"`, the cut points in days, ascending; a value equal to one
            lies below it. One more bin than cut points, at most ten.
        frequency_breaks: Likewise in purchases.
        monetary_breaks: Likewise in money.
        monetary: Column of the customer frame that is M: `"revenue"` or `"mean_purchase"`.

    Examples:
        >>> import customer_value as cv
        >>> cv.RfmOptions(
        ...     method="breaks",
        ...     recency_breaks=(30, 90, 180),
        ...     frequency_breaks=(1, 4),
        ...     monetary_breaks=(50, 200, 1000),
        ... ).method
        'breaks'
    """

    recency_bins: Bins = 5
    frequency_bins: Bins = 5
    monetary_bins: Bins = 5
    method: Literal["quantile", "nested", "breaks"] = "quantile"
    recency_breaks: Breaks | None = None
    frequency_breaks: Breaks | None = None
    monetary_breaks: Breaks | None = None
    monetary: Literal["revenue", "mean_purchase"] = "revenue"

    @property
    def breaks(self) -> dict[str, tuple[float, ...] | None]:
        """The given cut points, by dimension."""
        return {
            "recency": self.recency_breaks,
            "frequency": self.frequency_breaks,
            "monetary": self.monetary_breaks,
        }

    @model_validator(mode="after")
    def _breaks_where_they_count(self) -> Self:
        problems = []
        for name, given in self.breaks.items():
            if (given is None) == (self.method == "breaks"):
                needed = "needs" if given is None else "takes no"
                problems.append(f"method {self.method!r} {needed} {name}_breaks")
            if given is not None and list(given) != sorted(set(given)):
                problems.append(f"{name}_breaks must ascend")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class RfmDimension(BaseModel, frozen=True, extra="forbid"):
    """The cut points of one dimension.

    Attributes:
        column: The column that is scored.
        edges: Cut points between the bins, ascending; a value equal to one lies below it.
        reverse: Whether smaller values score higher, as for recency.
        counts: Customers with each score, from 1 up, when the scale was fitted.
        within: With nested bins, the cut points within each cell of the scores before, in their
            order from 1 up; empty for bins of a dimension by itself.
    """

    column: str
    edges: tuple[Edge, ...]
    reverse: bool
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    within: tuple[tuple[Edge, ...], ...] = ()

    @property
    def requested_bins(self) -> int:
        """Number of scores asked for."""
        return len(self.counts)

    @property
    def achieved_bins(self) -> int:
        """Number of scores that occur; fewer where many customers have equal values."""
        return sum(count > 0 for count in self.counts)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for edges in (self.edges, *self.within):
            if list(edges) != sorted(edges):
                raise ValueError("edges must ascend")
            if len(edges) != len(self.counts) - 1:
                raise ValueError("counts must be one more than edges")
        return self


class RfmScale(BaseModel, frozen=True, extra="forbid"):
    """Cut points of all three dimensions, as plain JSON.

    Attributes:
        options: How they were made.
        as_of: Day of the snapshot they were learnt from, where the frame has it.
        n_customers: Customers they were learnt from.
        recency: Cut points of `recency_days`.
        frequency: Cut points of `purchases`.
        monetary: Cut points of the monetary column.
        warnings: What to know before using the scores, in words.
    """

    options: RfmOptions
    as_of: date | None
    n_customers: int
    recency: RfmDimension
    frequency: RfmDimension
    monetary: RfmDimension
    warnings: tuple[str, ...] = ()

    @property
    def dimensions(self) -> tuple[RfmDimension, RfmDimension, RfmDimension]:
        """Recency, frequency, monetary."""
        return self.recency, self.frequency, self.monetary


def fit_rfm(customers: Frame, *, options: RfmOptions | None = None) -> RfmScale:
    """Learn RFM cut points from a snapshot.

    Cut points are given in the options, or the quantiles 1/n, 2/n ... of each dimension (type 7 of
    Hyndman & Fan, the default of R and numpy). A value equal to a cut point lies below it. Equal
    values therefore always score alike; where many are equal, fewer scores occur than asked for and
    a warning says so. (The R package rfm adds 1 to each cut point, which rounds fractional cut
    points of whole numbers up and makes its scores depend on the unit of money.)

    Args:
        customers: Customer frame with `recency_days`, `purchases` and the monetary column.
            Customers without any purchase are left out and counted in the warnings.
        options: Numbers of bins, and what M is.

    Returns:
        The scale.

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite.
        FitError: No customer has a purchase.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> scale = cv.fit_rfm(cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)))
        >>> scale.frequency.edges
        (1.0, 1.0, 2.0, 4.0)
        >>> scale.warnings
        ('frequency: only 4 of 5 scores occur, since equal values score alike',)
    """
    options = options or RfmOptions()
    columns = ("recency_days", "purchases", options.monetary)
    frame = as_polars(customers)
    schema = require(frame, dict.fromkeys(columns, "number"), what="customers")
    keys = ["as_of"] if schema.get("as_of") == pl.Date else []
    everybody = frame.lazy().select(*columns, *keys).collect()
    rows = everybody.filter(pl.all_horizontal(pl.col(columns).is_not_null()))
    for name in columns:
        refuse({name: to_array(rows[name])}, [NOT_FINITE], what="customers")
    if rows.is_empty():
        raise FitError(f"no customers to score: {everybody.height:,} rows, none with a purchase")
    named = _fit_dimensions([rows[column] for column in columns], options)
    why = "" if options.method == "breaks" else ", since equal values score alike"
    warnings = [
        f"{name}: only {d.achieved_bins} of {d.requested_bins} scores occur{why}"
        for name, d in named.items()
        if d.achieved_bins < d.requested_bins
    ]
    if left_out := everybody.height - rows.height:
        warnings.append(f"customers left out, without a purchase: {left_out:,}")
    return RfmScale(
        options=options,
        as_of=rows.select(keys).max().row(0)[0] if keys else None,
        n_customers=rows.height,
        warnings=tuple(warnings),
        **named,
    )


@overload
def score_rfm(customers: pl.LazyFrame, scale: RfmScale) -> pl.LazyFrame: ...
@overload
def score_rfm(customers: ArrowStream, scale: RfmScale) -> pl.DataFrame: ...
def score_rfm(customers: Frame, scale: RfmScale) -> pl.DataFrame | pl.LazyFrame:
    """Add RFM scores by a scale: 1 to n, n is best on every dimension.

    Args:
        customers: Customer frame with the scale's columns, of any snapshot; values beyond those
            that the scale has seen get the first or the last score.
        scale: Cut points from `fit_rfm`.

    Returns:
        The frame with `r_score`, `f_score`, `m_score` (UInt8) and `rfm_cell` (String, such as
        `"545"`; digits joined by `-` where a dimension has ten bins); null for customers without
        any purchase.

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> scored = cv.score_rfm(customers, cv.fit_rfm(customers))
        >>> scored["rfm_cell"].head(3).to_list()
        ['444', '134', '111']
    """
    frame = as_polars(customers)
    schema = require(frame, {d.column: "number" for d in scale.dimensions}, what="customers")
    values = [
        finite_column(d.column) if schema[d.column].is_float() else pl.col(d.column)
        for d in scale.dimensions
    ]
    bought = pl.all_horizontal(value.is_not_null() for value in values)
    names = ("r_score", "f_score", "m_score")
    cell: pl.Expr = pl.lit(0)
    for name, value, d in zip(names, values, scale.dimensions, strict=True):
        score = pl.when(bought).then(_score(value, d, cell))
        frame = with_columns(frame, score.alias(name))
        cell = cell * d.requested_bins + pl.col(name).cast(pl.Int64) - 1
    separator = "-" if any(d.requested_bins > 9 for d in scale.dimensions) else ""
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=separator)
    return with_columns(frame, text.alias("rfm_cell"))


def _score(value: pl.Expr, d: RfmDimension, cell: pl.Expr) -> pl.Expr:
    edges = [pl.lit(edge) for edge in d.edges]
    if d.within:
        cells = list(range(len(d.within)))
        edges = [
            cell.replace_strict(cells, list(column), default=None, return_dtype=pl.Float64)
            for column in zip(*d.within, strict=True)
        ]
    above = pl.sum_horizontal(pl.lit(0), *((value > edge).cast(pl.UInt8) for edge in edges))
    return (d.requested_bins - above if d.reverse else above + 1).cast(pl.UInt8)


def _fit_dimensions(columns: list[pl.Series], options: RfmOptions) -> dict[str, RfmDimension]:
    bins = (options.recency_bins, options.frequency_bins, options.monetary_bins)
    cell, cells = np.zeros(columns[0].len(), dtype=np.int64), 1
    dimensions = {}
    for (name, breaks), column, n in zip(options.breaks.items(), columns, bins, strict=True):
        values, reverse = to_array(column), column.name == "recency_days"
        edges = _quantiles(values, n) if breaks is None else breaks
        within: tuple[tuple[float, ...], ...] = ()
        if options.method == "nested" and cells > 1:
            inside = [values[cell == k] for k in range(cells)]
            # Nobody there now: whoever comes is scored as if alone.
            within = tuple(_quantiles(own, n) if own.size else edges for own in inside)
        tables = np.array(within or (edges,))
        above = np.zeros_like(cell)
        for cuts in tables.T:
            above += values > (cuts[cell] if within else cuts[0])
        score = len(edges) - above if reverse else above
        counts = tuple(np.bincount(score, minlength=len(edges) + 1).tolist())
        dimensions[name] = RfmDimension(
            column=column.name, edges=edges, reverse=reverse, counts=counts, within=within
        )
        cell, cells = cell * len(counts) + score, cells * len(counts)
    return dimensions


def _quantiles(values: FloatArray, bins: int) -> tuple[float, ...]:
    """Quantiles k/bins of type 7, their ranks in whole numbers: rounding would move them."""
    ranks = [divmod(k * (values.size - 1), bins) for k in range(1, bins)]
    needed = sorted({min(rank + step, values.size - 1) for rank, _ in ranks for step in (0, 1)})
    placed = np.partition(values, needed) if needed else values
    return tuple(
        float(placed[rank] + (placed[min(rank + 1, values.size - 1)] - placed[rank]) * rest / bins)
        for rank, rest in ranks
    )
