"""Validation told slowly: by pairs of customers, and by one customer and day at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

import customer_value as cv


def normalised_gini(actual: Sequence[float], predicted: Sequence[float]) -> float | None:
    """How far pairs of customers stand in the order of what came."""

    def sign(value: float) -> int:
        return (value > 0) - (value < 0)

    pairs = [(i, j) for i in range(len(actual)) for j in range(i)]
    right = sum(sign(predicted[i] - predicted[j]) * (actual[i] - actual[j]) for i, j in pairs)
    whole = sum(abs(actual[i] - actual[j]) for i, j in pairs)
    return right / whole if whole else None


def coverage_of_counts(
    came: Sequence[int], probability: Callable[[int, int], float], level: float
) -> float:
    """Mean share of the count's interval of probability that is between the tails.

    Args:
        came: What came, one a customer.
        probability: Of exactly n purchases of customer i.
        level: Level of the intervals.
    """
    shares = []
    for i, n in enumerate(came):
        below = sum(probability(i, k) for k in range(n))
        step = probability(i, n)
        tail = (1 - level) / 2
        low = 0.0 if probability(i, 0) > tail else tail
        points = 20_000
        inside = sum(low < below + step * (k + 0.5) / points < low + level for k in range(points))
        shares.append(inside / points)
    return sum(shares) / len(shares)


def tracking(
    log: pl.DataFrame, mean: Callable[[float], float], closes: Sequence[date]
) -> list[tuple[int, int, float]]:
    """Customers, repeat purchases and those expected, up to the close of each day."""
    told = []
    for close in closes:
        customers = cv.summarize(log, as_of=close).drop_nulls("T")
        told.append(
            (
                customers.height,
                int(customers["repeat_purchases"].sum()),
                sum(mean(age) if age else 0.0 for age in customers["T"]),
            )
        )
    return told
