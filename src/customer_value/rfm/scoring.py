"""RFM scores: the cut points of a scale applied to any snapshot."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, overload

import numpy as np
import polars as pl

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import as_polars
from customer_value._kernels.math.bins import extent, in_chunks, joint_extent
from customer_value.rfm.cuts import place_scores
from customer_value.rfm.metrics import check_metrics, known_metrics, metric_arrays, metric_columns
from customer_value.rfm.scale import RFM_SCORES, RfmScale, fit_rfm

if TYPE_CHECKING:
    from customer_value._kernels.math.bins import Extent
    from customer_value._typing import ArrowStream, Day, Frame
    from customer_value.rfm.cuts import ByteArray, CellArray

_RANGE = {
    "score": pl.String,
    "column": pl.String,
    "lowest": pl.Float64,
    "highest": pl.Float64,
    "customers": pl.Int64,
    "below": pl.Int64,
    "above": pl.Int64,
}


@overload
def score_rfm(
    customers: pl.LazyFrame, model: RfmScale | None = None, *, as_of: Day | None = None
) -> pl.LazyFrame: ...
@overload
def score_rfm(
    customers: ArrowStream, model: RfmScale | None = None, *, as_of: Day | None = None
) -> pl.DataFrame: ...
def score_rfm(
    customers: Frame, model: RfmScale | None = None, *, as_of: Day | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add RFM scores, 1 to n on every dimension; n is best.

    With `model.options.weights` w there is an index of all scores s of n bins as well: 0 where
    every score is 1, 100 where every score is the best, and between them

        rfm_index = 100 * sum(w * (s - 1) / (n - 1)) / sum(w)

    over the dimensions of more than one bin.

    Args:
        customers: Customer frame with the scale's columns, of any snapshot; values beyond those
            that the scale has seen get the first or the last score: `rfm_out_of_range` counts them.
        model: Cut points from `fit_rfm`. Without one they are learnt from these customers, with
            the default options: then scores depend on who else is in the frame.
        as_of: Day at which recency counts from `last_purchase` (Date), in place of `recency_days`.

    Returns:
        The frame with `r_score`, `f_score`, `m_score` (UInt8), `rfm_cell` (String, such as
        `"545"`; digits joined by `-` where one of the three has ten bins), the scores of the extra
        dimensions (`l_score` ..., UInt8), and `rfm_index` (Float64) where there are weights; null
        for customers with an unknown metric, such as those without any purchase.

    Raises:
        SchemaError: Columns are missing or not numbers.
        OptionError: The model is not an `RfmScale`.
        FitError: Without a model, no customer has a purchase.
        DataError: Values are NaN or infinite, or a last purchase is after the day of the snapshot;
            for a LazyFrame when it is collected (a streamed one may name only some of them).

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> scored = cv.score_rfm(customers, cv.fit_rfm(customers))
        >>> scored["rfm_cell"].head(3).to_list()
        ['444', '134', '111']
        >>> options = cv.RfmOptions(extra=("length",), weights=(3, 4, 3, 0))
        >>> lrfm = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
        >>> lrfm.select("l_score", "rfm_cell", "rfm_index").row(0)
        (4, '444', 75.0)
    """
    if model is None:
        customers = as_polars(customers)  # read twice, which a stream cannot be
    scale = fit_rfm(customers, as_of=as_of) if model is None else model
    check_instance("model", scale, RfmScale)
    scores = scale.scores
    columns = list(dict.fromkeys(d.column for d in scores.values()))
    frame, metrics = metric_columns(customers, columns, as_of=as_of)

    def place(struct: pl.Series) -> pl.Series:
        own = dict(zip(columns, struct.struct.unnest().get_columns(), strict=True))
        return pl.DataFrame(_place(own, scale)).to_struct()

    fields = dict.fromkeys(scores, pl.UInt8) | {"rfm_cell": pl.UInt16}
    placed = pl.struct(metrics).map_batches(
        place, return_dtype=pl.Struct(fields), is_elementwise=True
    )
    frame = with_columns(frame, placed.struct.unnest())
    known: dict[str, pl.Expr] = {
        name: pl.when(pl.col("r_score") > 0).then(pl.col(name)) for name in fields
    }
    known["rfm_cell"] = pl.lit(_cell_texts(scale)).gather(known["rfm_cell"])
    frame = with_columns(frame, *(found.alias(name) for name, found in known.items()))
    if scale.options.weights is None:
        return frame.drop("rfm_index", strict=False)  # that of another scale
    return with_columns(frame, _index(scale, scale.options.weights).alias("rfm_index"))


def rfm_out_of_range(
    customers: Frame, model: RfmScale, *, as_of: Day | None = None
) -> pl.DataFrame:
    """Count the customers whose values lie beyond all that a scale has seen.

    They are scored like the nearest value that it has seen. Where they are many, the scale is out
    of date or comes from other customers.

    Args:
        customers: Customer frame with the scale's columns, as for `score_rfm`.
        model: Cut points from `fit_rfm`.
        as_of: Day at which recency counts from `last_purchase` (Date), in place of `recency_days`.

    Returns:
        One row per dimension with `score` and `column` (its names), `lowest` and `highest`
        (Float64, what the scale has seen), `customers` (Int64, those that get scores), and of these
        `below` the lowest and `above` the highest (Int64; null for a scale that does not know
        them).

    Raises:
        OptionError: The model is not an `RfmScale`.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite, or a last purchase is after the day of the snapshot.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> log = cv.load_cdnow()
        >>> scale = cv.fit_rfm(cv.summarize(log, as_of=date(1997, 9, 30)))
        >>> later = cv.summarize(log, as_of=date(1998, 6, 30))
        >>> beyond = cv.rfm.rfm_out_of_range(later, scale)
        >>> beyond.select("score", "highest", "customers", "below", "above").rows()
        [('r_score', 272.0, 2357, 0, 1673), ('f_score', 30.0, 2357, 0, 7), ('m_score', 6552.7, ...)]
    """
    check_instance("model", model, RfmScale)
    names = list(dict.fromkeys(d.column for d in model.dimensions))
    frame, metrics = metric_columns(customers, names, as_of=as_of)
    selected = frame.select(metrics)
    rows = selected.collect() if isinstance(selected, pl.LazyFrame) else selected
    arrays = known_metrics(rows, names).arrays
    counts = []
    for score, d in model.scores.items():
        values = arrays[d.column]
        below = None if d.lowest is None else int((values < d.lowest).sum())
        above = None if d.highest is None else int((values > d.highest).sum())
        counts.append((score, d.column, d.lowest, d.highest, values.size, below, above))
    return pl.DataFrame(counts, schema=_RANGE, orient="row")


def _place(columns: dict[str, pl.Series], scale: RfmScale) -> dict[str, ByteArray | CellArray]:
    """Scores by their names, 0 where a metric is unknown, and the place of the cell among all."""
    # Runs inside of a query: views of the columns and arrays, nothing that is a query itself.
    arrays = metric_arrays(columns)
    n = len(next(iter(columns.values())))
    scores = {name: np.empty(n, np.uint8) for name in scale.scores}
    cells = np.empty(n, np.uint16)

    def task(start: int, stop: int) -> dict[str, Extent]:
        rows = slice(start, stop)
        extents: dict[str, Extent] = {}
        cell = np.zeros(stop - start, np.uint16)
        for name, d in scale.scores.items():
            values = arrays[d.column][rows]
            extents[d.column] = extent(values)
            equal = d.closed == "left"
            score = place_scores(values, d.edges, d.within, cell, reverse=d.reverse, equal=equal)
            if name in RFM_SCORES:
                cell = cell * np.uint16(d.requested_bins) + score - np.uint16(1)
            scores[name][rows] = score
        cells[rows] = cell
        for column, found in extents.items():
            if found.not_finite:
                known = np.isfinite(arrays[column][rows])
                for score in scores.values():
                    score[rows] *= known
        return extents

    parts = in_chunks(task, n)
    extents = {}
    for name, column in columns.items():
        found = joint_extent([part[name] for part in parts])
        extents[name] = found._replace(not_finite=found.not_finite - column.null_count())
    check_metrics(columns, extents)
    return {**scores, "rfm_cell": cells}


def _cell_texts(scale: RfmScale) -> pl.Series:
    """The text of each cell, looked up: many times faster than to write it row by row."""
    bins = [d.requested_bins for d in scale.dimensions[:3]]
    separator = "-" if max(bins) > 9 else ""
    cells = product(*(range(1, n + 1) for n in bins))
    return pl.Series([separator.join(map(str, cell)) for cell in cells])


def _index(scale: RfmScale, weights: tuple[float, ...]) -> pl.Expr:
    """The weighted index; scores in whole numbers of one unit, so that the best make exactly 1."""
    dimensions = zip(scale.scores.items(), weights, strict=True)
    terms = [
        (name, d.requested_bins - 1, weight)
        for (name, d), weight in dimensions
        if weight and d.requested_bins > 1
    ]
    if not terms:
        return pl.lit(None, pl.Float64)
    unit = math.lcm(*(step for _, step, _ in terms))
    heaviest = max(weight for *_, weight in terms)
    reached: pl.Expr = pl.lit(0.0)
    best = 0.0
    for name, step, weight in terms:
        share = weight / heaviest  # of any size, without overflow
        reached += (pl.col(name).cast(pl.Float64) - 1) * (unit // step) * share
        best += step * (unit // step) * share
    # As a column: polars divides by a scalar with its reciprocal.
    return 100 * (reached / (best + 0 * reached))
