"""What clusters are: coordinates of customers, and centres among them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, Field, model_validator

from customer_value._common.stored import StoredModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customer_value._typing import FloatArray, IntArray

__all__ = ["ClusterColumn", "ClusterModel", "CustomerCluster"]

Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_UNIT_SHARE = 0.05


class ClusterColumn(BaseModel, frozen=True, extra="forbid"):
    """How a column becomes a coordinate: (s - mean) / spread with s = sign(x) ln(1 + |x| / unit).

    Attributes:
        name: The column.
        unit: The amount up to which differences count as they are, beyond it by their ratio.
        mean: Mean of s over the customers that were fitted.
        spread: Population standard deviation of s, or 1 where all customers were alike.
    """

    name: str
    unit: Positive
    mean: Finite
    spread: Positive

    def coordinate(self, values: FloatArray) -> FloatArray:
        """Turn values of the column into coordinates."""
        return (_logarithm(values, self.unit) - self.mean) / self.spread

    def value(self, coordinate: float) -> float:
        """Turn a coordinate into a value of the column."""
        s = coordinate * self.spread + self.mean
        size, log_unit = abs(s), math.log(self.unit)
        # Beyond ln 2, by one exponential that does not overflow before the value does.
        large = size > math.log(2)
        found = math.exp(size + log_unit) - self.unit if large else self.unit * math.expm1(size)
        return math.copysign(found, s)


class CustomerCluster(BaseModel, frozen=True, extra="forbid"):
    """One cluster.

    Attributes:
        cluster: Its number, from 1.
        customers: How many of the customers that were fitted are in it.
        centre: The value of each column at its centre, in the columns' own units: a mean of
            logarithms, so near the geometric mean of its customers.
    """

    cluster: int
    customers: Annotated[int, Field(ge=0)]
    centre: dict[str, Finite]


class ClusterModel(StoredModel, frozen=True):
    """Clusters learnt from one snapshot, to be applied to any other; plain JSON.

    Attributes:
        columns: How each column becomes a coordinate.
        clusters: The clusters, 1 the one whose centre is highest in the last column.
        silhouette: Mean silhouette of the customers (Rousseeuw 1987), or of a sample of 3,000:
            near 1 for clusters that are far apart, near 0 for clusters that touch; None where
            there is only one.
        seed: What the random starts and the samples were drawn with.
        warnings: What is unusual about the fit, in words.
    """

    model: Literal["clusters"] = "clusters"
    columns: tuple[ClusterColumn, ...]
    clusters: tuple[CustomerCluster, ...]
    silhouette: float | None
    seed: int
    warnings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _same_columns(self) -> Self:
        names = {column.name for column in self.columns}
        if not self.columns or any(set(one.centre) != names for one in self.clusters):
            raise ValueError("each centre must have a value for each column")
        if [one.cluster for one in self.clusters] != list(range(1, len(self.clusters) + 1)):
            raise ValueError("clusters must be numbered from 1")
        return self


def scale_of(name: str, values: FloatArray) -> ClusterColumn:
    """Learn how a column becomes a coordinate."""
    sizes = np.abs(values[values != 0])
    unit = float(np.quantile(sizes, _UNIT_SHARE, method="inverted_cdf")) if sizes.size else 1.0
    s = _logarithm(values, unit)
    spread = float(s.std()) if np.ptp(s) > 0 else 1.0
    return ClusterColumn(name=name, unit=unit, mean=float(s.mean()), spread=spread or 1.0)


def _logarithm(values: FloatArray, unit: float) -> FloatArray:
    with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf, and adds nothing
        size = np.logaddexp(0.0, np.log(np.abs(values)) - np.log(unit))
    signed: FloatArray = np.copysign(size, values)
    return signed


def coordinates(columns: Iterable[ClusterColumn], values: Iterable[FloatArray]) -> FloatArray:
    """Give one row of coordinates per customer."""
    pairs = zip(columns, values, strict=True)
    return np.stack([column.coordinate(array) for column, array in pairs], axis=1)


def nearest(
    points: FloatArray, columns: Sequence[ClusterColumn], centres: Sequence[dict[str, float]]
) -> IntArray:
    """Give the first of the nearest centres of each point, the centres in the columns' units."""
    in_units = [np.array([centre[column.name] for centre in centres]) for column in columns]
    return closest(points, coordinates(columns, in_units))


def closest(points: FloatArray, centres: FloatArray) -> IntArray:
    """Give the first of the nearest centres of each point."""
    nearest = np.zeros(len(points), np.int64)
    least = np.full(len(points), np.inf)
    for k, centre in enumerate(centres):
        distance = np.square(points - centre).sum(axis=1)
        nearest[distance < least] = k
        np.minimum(least, distance, out=least)
    return nearest
