"""The rhythm of each customer: the usual gap, the silence in such gaps, the next purchase due."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.door import read_frame
from customer_value.lifecycle.model import StageModel, stage_terms
from customer_value.lifecycle.silence import expected_gap

if TYPE_CHECKING:
    from customer_value._frames.contracts import Kind
    from customer_value._typing import ArrowStream, Frame
    from customer_value.lifecycle.options import StageOptions

_NEEDED: dict[str, Kind] = {
    "last_purchase": "day",
    "recency_days": "number",
    "repeat_purchases": "number",
    "t_x": "number",
}

_LONGEST = 1_000_000  # days: beyond it the calendar ends


@overload
def purchase_rhythm(
    customers: pl.LazyFrame, model: StageModel | None = None, *, options: StageOptions | None = None
) -> pl.LazyFrame: ...
@overload
def purchase_rhythm(
    customers: ArrowStream, model: StageModel | None = None, *, options: StageOptions | None = None
) -> pl.DataFrame: ...
def purchase_rhythm(
    customers: Frame, model: StageModel | None = None, *, options: StageOptions | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add how often each customer buys, how long the silence is by that, and when it is due to end.

    The usual gap is the customer's own mean gap, shrunk to that of all: (x gap + k typical) /
    (x + k), with x own gaps and the prior weight k of the options. It is what `assign_stages`
    judges silence by. A purchase model gives the same with its probability:
    `next_purchase_quantile`.

    Args:
        customers: Customer frame with `last_purchase`, `recency_days`, `repeat_purchases` and
            `t_x`.
        model: What `fit_stages` learnt; without it, the typical gap is that of this frame.
        options: The typical gap and its weight, where there is no model.

    Returns:
        The frame with `usual_gap_days` (Float64; null without any purchase, and where no one has a
        gap), `silence` (Float64, recency over the usual gap: above 1 the customer is late),
        `next_purchase_due` (Date, the last purchase plus the usual gap, rounded up) and
        `overdue_days` (Int64, days past that; 0 before).

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Ages are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> customers = pl.DataFrame(
        ...     {
        ...         "last_purchase": [date(2024, 3, 1), date(2024, 3, 1)],
        ...         "recency_days": [30, 30],
        ...         "repeat_purchases": [4, 0],
        ...         "t_x": [80.0, 0.0],
        ...     }
        ... )
        >>> rhythm = cv.lifecycle.purchase_rhythm(customers)
        >>> rhythm.select("usual_gap_days", "silence", "next_purchase_due", "overdue_days").rows()
        [(20.0, 1.5, datetime.date(2024, 3, 21), 10), (20.0, 1.5, datetime.date(2024, 3, 21), 10)]
    """
    terms, _ = stage_terms(model, options)
    frame = read_frame(customers, _NEEDED, what="customers")
    schema = frame.collect_schema()
    checked = [finite_column(name).alias(name) for name in _NEEDED if schema[name].is_float()]
    known = pl.col("repeat_purchases").is_not_null()
    gap, recency = pl.when(known).then(expected_gap(terms)), "recency_days"
    wait = gap.ceil().clip(upper_bound=_LONGEST).cast(pl.Int64)
    due = pl.col("last_purchase") + pl.duration(days=wait)
    late = (pl.col(recency) - wait).cast(pl.Int64).clip(lower_bound=0)
    return with_columns(
        with_columns(frame, *checked),
        gap.alias("usual_gap_days"),
        (pl.col(recency) / gap).alias("silence"),
        due.alias("next_purchase_due"),
        late.alias("overdue_days"),
    )
