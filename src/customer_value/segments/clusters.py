"""Clusters of customers who behave alike: k-means on standardised logarithms, by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.arrays import to_arrays
from customer_value._frames.assemble import array_column, with_columns
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, check_instance, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on
from customer_value._frames.options import build
from customer_value.exceptions import FitError
from customer_value.segments._means import Means
from customer_value.segments._model import (
    ClusterModel,
    CustomerCluster,
    coordinates,
    nearest,
    scale_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, BoolArray, FloatArray, Frame

__all__ = ["assign_clusters", "fit_clusters"]


class _Terms(BaseModel, frozen=True, extra="forbid", title="fit_clusters"):
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    n_clusters: Annotated[int, Field(ge=1, le=1_000)] | None
    seed: Annotated[int, Field(ge=0, lt=2**32)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if twice := sorted({name for name in self.columns if self.columns.count(name) > 1}):
            raise ValueError(f"columns given twice: {', '.join(twice)}")
        return self


def _not_finite(*values: FloatArray) -> BoolArray:
    broken: BoolArray = np.logical_or.reduce([~np.isfinite(array) for array in values])
    return broken


_FINITE = ArrayRule(NOT_FINITE.says, _not_finite)


def fit_clusters(
    customers: Frame,
    *,
    seed: int,
    n_clusters: int | None = None,
    columns: Sequence[str] = ("recency_days", "purchases", "revenue"),
) -> ClusterModel:
    """Learn clusters of customers who behave alike: k-means on standardised logarithms.

    Each column x becomes s = sign(x) ln(1 + |x| / u), with u the 5 % quantile of its sizes |x|
    other than zero: money and counts are skewed, and a customer of twice the revenue differs as
    much at 50 as at 5,000. u is a value of the column, so the currency does not matter. Then s is
    standardised to mean 0 and standard deviation 1, and scikit-learn's `KMeans` (Lloyd 1982, with
    ten k-means++ starts: Arthur & Vassilvitskii 2007) finds the centres, on one thread and over
    the customers in the order of their values: neither row order nor keys nor threads change
    them. Of more than 20,000 customers the starts are tried on a sample, and the best is improved
    on all.

    It needs scikit-learn: `pip install 'customer-value[cluster]'`. Applying the clusters does not.

    Args:
        customers: Frame with the columns; a LazyFrame is collected. Customers with a null in any
            of them are left out.
        seed: What the starts and the samples are drawn with.
        n_clusters: How many clusters. None chooses from 2 to 10 the number of the highest mean
            silhouette (of equal ones the smallest), on a sample of 20,000 customers.
        columns: What to compare customers by. Put last the column that orders the clusters.

    Returns:
        The clusters, numbered from 1 by the last column of their centres, highest first (ties by
        the other columns from the left, highest first). There are fewer than asked for where
        customers take fewer distinct values; then `warnings` says so.

    Raises:
        ImportError: scikit-learn is not installed.
        OptionError: The number of clusters, the columns or the seed are out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.
        FitError: No customer has a value in all columns.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "recency_days": [5, 9, 7, 300, 280, 350],
        ...         "purchases": [20, 25, 30, 1, 2, 1],
        ...         "revenue": [900.0, 1200.0, 1500.0, 20.0, 35.0, 15.0],
        ...     }
        ... )
        >>> model = cv.fit_clusters(customers, seed=0, n_clusters=2)
        >>> [(one.cluster, one.customers) for one in model.clusters]
        [(1, 3), (2, 3)]
        >>> cv.segments.assign_clusters(customers, model)["cluster"].to_list()
        [1, 1, 1, 2, 2, 2]
    """
    terms = build(_Terms, columns=tuple(columns), n_clusters=n_clusters, seed=seed)
    means = Means(terms.seed)  # first of all, whether it is there
    frame = read_frame(customers, dict.fromkeys(terms.columns, "number"))
    rows = _rows(frame, terms.columns)
    scales = [scale_of(name, column) for name, column in zip(terms.columns, rows.T, strict=True)]
    points = coordinates(scales, rows.T)
    distinct = 1 + int(np.count_nonzero((points[1:] != points[:-1]).any(axis=1)))
    k = means.best_number(points, distinct) if n_clusters is None else min(n_clusters, distinct)
    centres = means.centres(points, k)
    # The last column first, then from the left; lexsort reads its keys from the right.
    falling = np.lexsort((*-centres.T[-2::-1], -centres.T[-1]))
    in_units = [
        {scale.name: scale.value(at) for scale, at in zip(scales, centre, strict=True)}
        for centre in centres[falling].tolist()
    ]
    labels = nearest(points, scales, in_units)
    warnings = [
        f"all customers are alike in {scale.name}"
        for scale, column in zip(scales, points.T, strict=True)
        if np.ptp(column) == 0
    ]
    if n_clusters is not None and k < n_clusters:
        warnings.append(f"{n_clusters} clusters asked for, but only {k} distinct customers")
    sizes = np.bincount(labels, minlength=k)
    return ClusterModel(
        fitted_on=fitted_on(frame),
        columns=tuple(scales),
        clusters=tuple(
            CustomerCluster(cluster=number, customers=int(size), centre=centre)
            for number, (size, centre) in enumerate(zip(sizes, in_units, strict=True), 1)
        ),
        silhouette=means.silhouette(points, labels),
        seed=terms.seed,
        warnings=tuple(warnings),
    )


@overload
def assign_clusters(customers: pl.LazyFrame, model: ClusterModel) -> pl.LazyFrame: ...
@overload
def assign_clusters(customers: ArrowStream, model: ClusterModel) -> pl.DataFrame: ...
def assign_clusters(customers: Frame, model: ClusterModel) -> pl.DataFrame | pl.LazyFrame:
    """Add the cluster whose centre is nearest to each customer.

    Distances are Euclidean, in the coordinates that the clusters were learnt in. The customers
    that were fitted come into the clusters they were fitted to, and new ones into those of the
    snapshot of the fit.

    Args:
        customers: Frame with the columns of the clusters.
        model: Clusters from `fit_clusters`.

    Returns:
        The frame with `cluster` (Int64), the number of the cluster, the lower one of two equally
        near; null where a column is null.

    Raises:
        OptionError: The model is not a `ClusterModel`.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> january = pl.DataFrame(
        ...     {"purchases": [1, 2, 40, 50], "revenue": [5.0, 9.0, 300.0, 410.0]}
        ... )
        >>> model = cv.fit_clusters(january, seed=0, n_clusters=2, columns=("purchases", "revenue"))
        >>> february = pl.DataFrame({"purchases": [45, 1, None], "revenue": [350, 4, 7]})
        >>> cv.segments.assign_clusters(february, model)["cluster"].to_list()
        [1, 2, None]
    """
    check_instance("model", model, ClusterModel)
    names = [column.name for column in model.columns]
    frame = read_frame(customers, dict.fromkeys(names, "number"))
    centres = [one.centre for one in model.clusters]

    def number(*values: FloatArray) -> FloatArray:
        points = coordinates(model.columns, values)
        return nearest(points, model.columns, centres).astype(np.float64) + 1

    column = array_column(number, names, rules=[_FINITE])
    return with_columns(frame, column.cast(pl.Int64).alias("cluster"))


def _rows(frame: pl.DataFrame | pl.LazyFrame, names: tuple[str, ...]) -> FloatArray:
    """Customers of known values, in the order of these, one row each."""
    columns = frame.lazy().select(pl.col(names).cast(pl.Float64)).drop_nulls().collect()
    if columns.is_empty():
        raise FitError(f"no customer has values of {', '.join(names)}")
    arrays = to_arrays(columns)
    refuse(dict(zip(names, arrays, strict=True)), [_FINITE], what="customers")
    return np.stack([array[np.lexsort(arrays[::-1])] for array in arrays], axis=1)
