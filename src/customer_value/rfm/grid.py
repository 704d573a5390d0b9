"""Recency by frequency: how many customers and how much value each cell holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array, to_arrays
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.money import float_sum

if TYPE_CHECKING:
    from customer_value._typing import Frame

_SCORES = ["r_score", "f_score"]
_VALUE = "__grid_value__"
_NO_SCORE = ArrayRule(
    "scores other than whole numbers of 1 to 10",
    lambda *scores: np.any([~np.isin(score, np.arange(1, 11)) for score in scores], axis=0),
)
_SCHEMA = {
    "r_score": pl.UInt8,
    "f_score": pl.UInt8,
    "customers": pl.Int64,
    "total_value": pl.Float64,
    "mean_value": pl.Float64,
    "customer_share": pl.Float64,
}


def rfm_grid(scored: Frame, *, value: str = "revenue") -> pl.DataFrame:
    """Count customers and value by recency and frequency score, as for a heat map.

    Every combination of scores from 1 up to the highest ones that occur has a row, also where it
    holds no customer. Customers without scores are left out. Sums are exact: neither row order nor
    threads change a bit.

    Args:
        scored: Frame with `r_score` and `f_score`, from `score_rfm`, and the value column.
        value: Column to sum up, such as `"revenue"`, `"profit"` or `"clv"`.

    Returns:
        One row per cell, ascending by `r_score`, then `f_score` (UInt8), with `customers` (Int64),
        `total_value` and `mean_value` (Float64) and `customer_share` (Float64, of all customers
        with scores). Customers of unknown value count, but add nothing to the total or the mean;
        where no customer of a cell has a known value, both are null. An empty cell has a total of
        zero and a mean of null.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Scores are not whole numbers of 1 to 10, or values are NaN or infinite.

    Examples:
        >>> import polars as pl
        >>> from customer_value.rfm import rfm_grid
        >>> scored = pl.DataFrame(
        ...     {"r_score": [1, 2, 2], "f_score": [1, 2, 2], "revenue": [10.0, 40.0, 60.0]}
        ... )
        >>> grid = rfm_grid(scored)
        >>> grid.select("r_score", "f_score", "customers", "total_value", "mean_value").rows()
        [(1, 1, 1, 10.0, 10.0), (1, 2, 0, 0.0, None), (2, 1, 0, 0.0, None), (2, 2, 2, 100.0, 50.0)]

        A heat map has one column per frequency score:

        >>> grid.pivot("f_score", index="r_score", values="mean_value").rows()
        [(1, 10.0, None), (2, None, 50.0)]
    """
    frame = read_frame(scored, dict.fromkeys([*_SCORES, value], "number"), what="customers")
    kept = frame.lazy().select(*_SCORES, pl.col(value).cast(pl.Float64).alias(_VALUE))
    rows = kept.drop_nulls(_SCORES).collect()
    refuse(
        dict(zip(_SCORES, to_arrays(rows.select(_SCORES)), strict=True)),
        [_NO_SCORE],
        what="customers",
    )
    refuse({value: to_array(rows[_VALUE].drop_nulls())}, [NOT_FINITE], what="customers")
    if rows.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    groups = {
        (int(r), int(f)): _measures(group[_VALUE], rows.height)
        for (r, f), group in rows.group_by(_SCORES)
    }
    highest_r, highest_f = (max(scores) for scores in zip(*groups, strict=True))
    empty = (0, 0.0, None, 0.0)
    cells = [
        (r, f, *groups.get((r, f), empty))
        for r in range(1, highest_r + 1)
        for f in range(1, highest_f + 1)
    ]
    return pl.DataFrame(cells, schema=_SCHEMA, orient="row")


def _measures(
    values: pl.Series, scored_customers: int
) -> tuple[int, float | None, float | None, float]:
    known = values.drop_nulls().to_list()
    total = float_sum(known) if known else None  # correctly rounded, in whatever order
    mean = None if total is None else total / len(known)
    return values.len(), total, mean, values.len() / scored_customers
