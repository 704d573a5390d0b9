"""RFM scales: cut points learnt from one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._common.stored import StoredModel
from customer_value._frames.contracts import check_instance
from customer_value._frames.fitted import fitted_columns, fitted_on
from customer_value._frames.time import check_day
from customer_value._kernels.math.bins import bin_counts, tally
from customer_value.exceptions import FitError
from customer_value.rfm.cuts import kmeans_cuts, place_scores, quantile_cuts
from customer_value.rfm.metrics import RECENCY, known_metrics, metric_columns
from customer_value.rfm.options import Edge, RfmOptions

if TYPE_CHECKING:
    from customer_value._kernels.math.bins import Extent
    from customer_value._typing import Day, Frame
    from customer_value.rfm.metrics import Metrics, NumberArray

RFM_SCORES = ("r_score", "f_score", "m_score")


class RfmDimension(BaseModel, frozen=True, extra="forbid"):
    """The cut points of one dimension.

    Attributes:
        column: The column that is scored.
        edges: Cut points between the bins, ascending.
        reverse: Whether smaller values score higher, as for recency.
        counts: Customers with each score, from 1 up, when the scale was fitted.
        within: With nested bins, the cut points within each cell of the scores before, in their
            order from 1 up; empty for bins of a dimension by itself.
        closed: Which bin a value equal to a cut point lies in: `"right"` the one below, whose right
            end it is, `"left"` the one above.
        lowest: Smallest value when the scale was fitted; None if unknown.
        highest: Largest value likewise.
    """

    column: str
    edges: tuple[Edge, ...]
    reverse: bool
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    within: tuple[tuple[Edge, ...], ...] = ()
    closed: Literal["right", "left"] = "right"
    lowest: Edge | None = None
    highest: Edge | None = None

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
        if len(self.counts) > 10:
            raise ValueError("bins are 1 to 10")
        return self


class RfmScale(StoredModel, frozen=True):
    """RFM cut points of all dimensions, learnt from one snapshot; plain JSON.

    Attributes:
        options: How they were made.
        fitted_on: The customers that they were learnt from: those whose metrics are all known.
        recency: Cut points of `recency_days`.
        frequency: Cut points of `purchases`.
        monetary: Cut points of the monetary column.
        extra: Cut points of the further dimensions, in the order of the options.
        warnings: What to know before using the scores, in words.
    """

    model: Literal["rfm"] = "rfm"
    options: RfmOptions
    recency: RfmDimension
    frequency: RfmDimension
    monetary: RfmDimension
    extra: tuple[RfmDimension, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def dimensions(self) -> tuple[RfmDimension, ...]:
        """Recency, frequency, monetary, and the further ones."""
        return self.recency, self.frequency, self.monetary, *self.extra

    @property
    def scores(self) -> dict[str, RfmDimension]:
        """The dimensions by the column that gets their score."""
        names = (*RFM_SCORES, *(extra.score for extra in self.options.extra_dimensions))
        return dict(zip(names, self.dimensions, strict=True))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.extra) != len(self.options.extra):
            raise ValueError("extra must have the dimensions of options.extra")
        if self.recency.column != RECENCY:
            raise ValueError(f"recency must be of {RECENCY}")
        cells = 1
        for place, dimension in enumerate(self.dimensions):
            nested = self.options.method == "nested" and place < 3 and cells > 1
            if len(dimension.within) != (cells if nested else 0):
                raise ValueError("within must have the edges of each cell of the scores before")
            cells *= dimension.requested_bins
        return self


def fit_rfm(
    customers: Frame, *, options: RfmOptions | None = None, as_of: Day | None = None
) -> RfmScale:
    """Learn RFM cut points from a snapshot.

    Cut points are given in the options, or the quantiles 1/n, 2/n ... of each dimension (type 7 of
    Hyndman & Fan, the default of R and numpy), or those that leave the least squared deviations
    within the bins (k-means; found exactly, by dynamic programming; of equally good ones, the
    highest). A value equal to a cut point lies below it. Equal values therefore always score alike;
    where many are equal, fewer scores occur than asked for and a warning says so. (The R package
    rfm adds 1 to its cut points, which makes its scores depend on the unit of money:
    `RfmOptions.convention`.)

    Args:
        customers: Customer frame with `recency_days`, `purchases`, the monetary column and those of
            the extra dimensions. `t_x` may be missing where `first_purchase` and `last_purchase`
            (Date) are there. Customers with an unknown (null) metric, such as those
            without any purchase, are left out and counted in the warnings.
        options: Numbers of bins, and what M is.
        as_of: Day at which recency counts from `last_purchase` (Date), in place of `recency_days`.

    Returns:
        The scale.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite, also of customers that would be left out, or a last
            purchase is after the day of the snapshot.
        FitError: No customer has a purchase.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> scale = cv.fit_rfm(customers)
        >>> scale.frequency.edges
        (1.0, 1.0, 2.0, 4.0)
        >>> scale.warnings
        ('frequency: only 4 of 5 scores occur, since equal values score alike',)

        The same from the dates:

        >>> dates = customers.drop("recency_days", "as_of")
        >>> cv.fit_rfm(dates, as_of=date(1998, 6, 30)) == scale
        True
    """
    options = options or RfmOptions()
    check_instance("options", options, RfmOptions)
    asked = _dimensions(options)
    names = list(dict.fromkeys(dimension.column for dimension in asked))
    frame, wanted = metric_columns(customers, names, as_of=as_of)
    selected = frame.select(*wanted, *fitted_columns(frame))
    rows = selected.collect() if isinstance(selected, pl.LazyFrame) else selected
    metrics = known_metrics(rows, names)
    left_out = _left_out(rows.select(names))
    n = metrics.arrays[RECENCY].size
    if not n:
        raise FitError(f"no customers to score: {'; '.join([f'{rows.height:,} rows', *left_out])}")
    fitted = _fit_dimensions(asked, metrics, options)
    on = fitted_on(metrics.rows)
    if as_of is not None:
        on = on.model_copy(update={"as_of": check_day("as_of", as_of)})
    return RfmScale(
        fitted_on=on,
        options=options,
        recency=fitted[0],
        frequency=fitted[1],
        monetary=fitted[2],
        extra=tuple(fitted[3:]),
        warnings=(*_too_few_scores(asked, fitted, options), *_no_index(fitted, options), *left_out),
    )


class _Asked(NamedTuple):
    """What the options ask of one dimension."""

    name: str
    column: str
    bins: int
    breaks: tuple[float, ...] | None
    reverse: bool = False


def _dimensions(options: RfmOptions) -> list[_Asked]:
    return [
        _Asked("recency", RECENCY, options.recency_bins, options.recency_breaks, reverse=True),
        _Asked("frequency", "purchases", options.frequency_bins, options.frequency_breaks),
        _Asked("monetary", options.monetary, options.monetary_bins, options.monetary_breaks),
        *(
            _Asked(e.name, e.column, e.bins, e.breaks, e.smaller_is_better)
            for e in options.extra_dimensions
        ),
    ]


def _fit_dimensions(
    asked: list[_Asked], metrics: Metrics, options: RfmOptions
) -> list[RfmDimension]:
    cells, n_cells = np.zeros(metrics.arrays[RECENCY].size, np.uint8), 1
    fitted = []
    for place, dimension in enumerate(asked):
        column, bins, reverse = dimension.column, dimension.bins, dimension.reverse
        values, ends = metrics.arrays[column], metrics.extents[column]
        edges, counts = _bins(values, ends, dimension, options)
        counts = counts[:: -1 if reverse else 1]
        within: tuple[tuple[float, ...], ...] = ()
        if options.method == "nested" and place < 3:
            if n_cells > 1:
                inside = [values[cells == k] for k in range(n_cells)]
                # An empty cell: whoever comes there is scored by the dimension alone.
                within = tuple(quantile_cuts(own, bins)[0] if own.size else edges for own in inside)
            scores = place_scores(values, edges, within, cells, reverse=reverse, equal=False)
            counts = tuple(tally(scores, bins + 1)[1:].tolist())
            if place < 2:
                cells, n_cells = cells * np.uint8(bins) + scores - np.uint8(1), n_cells * bins
        fitted.append(
            RfmDimension(
                column=column,
                edges=edges,
                reverse=reverse,
                counts=counts,
                within=within,
                closed="left" if options.convention == "r_package" else "right",
                lowest=float(ends.lowest),
                highest=float(ends.highest),
            )
        )
    return fitted


def _bins(
    values: NumberArray, ends: Extent, dimension: _Asked, options: RfmOptions
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Cut points of a dimension by itself, and how many values each bin has, lowest first."""
    as_r = options.convention == "r_package"
    if dimension.breaks is not None:
        edges = dimension.breaks
    elif options.method == "kmeans":
        edges = kmeans_cuts(values, dimension.bins)
    else:
        edges, counts = quantile_cuts(values, dimension.bins, ends)
        if not as_r:
            return edges, counts
        edges = tuple(edge + 1 for edge in edges)
    return edges, tuple(bin_counts(values, np.array(edges), equal=as_r).tolist())


def _left_out(rows: pl.DataFrame) -> list[str]:
    """Say how many customers are left out, and why."""
    unknown = {name: column.is_null() for name, column in rows.to_dict().items()}
    bought = ~(unknown.pop(RECENCY) | unknown.pop("purchases"))
    found = [f"customers left out, without a purchase: {n:,}"] if (n := (~bought).sum()) else []
    for name, missing in unknown.items():
        if n := (missing & bought).sum():
            found.append(f"customers left out, {name} unknown: {n:,}")
    return found


def _no_index(fitted: list[RfmDimension], options: RfmOptions) -> list[str]:
    if options.weights is None:
        return []
    weighed = zip(options.weights, fitted, strict=True)
    if any(weight and d.requested_bins > 1 for weight, d in weighed):
        return []
    return ["rfm_index is unknown: no dimension with a weight has more than one bin"]


def _too_few_scores(
    asked: list[_Asked], fitted: list[RfmDimension], options: RfmOptions
) -> list[str]:
    why = "" if options.method == "breaks" else ", since equal values score alike"
    if options.method == "quantile" and options.convention == "r_package":
        why += ", and so do those less than 1 apart at a cut point"
    return [
        f"{name}: only {d.achieved_bins} of {d.requested_bins} scores occur{why}"
        for (name, *_), d in zip(asked, fitted, strict=True)
        if d.achieved_bins < d.requested_bins
    ]
