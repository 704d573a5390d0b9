"""RFM scores one customer at a time, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

MONEY = Fraction(1, 100)


class Customer(NamedTuple):
    """What RFM looks at; the money in cents, so that it is exact."""

    recency_days: int
    purchases: int
    cents: int


def quantile(values: list[int], share: Fraction) -> Fraction:
    """Type 7 of Hyndman & Fan (1996): the value at rank 1 + (n - 1) share, linear in between."""
    ordered = sorted(values)
    below, part = divmod((len(ordered) - 1) * share, 1)
    if part == 0:
        return Fraction(ordered[int(below)])
    low, high = ordered[int(below)], ordered[int(below) + 1]
    return low + part * (high - low)


def cut_points(values: list[int], bins: int) -> list[Fraction]:
    """Cut values into bins of about equal numbers."""
    return [quantile(values, Fraction(k, bins)) for k in range(1, bins)]


def score(value: int, cuts: list[Fraction], *, smaller_is_better: bool) -> int:
    """Walk up the cut points; a value equal to one stays below it."""
    passed = 0
    for cut in cuts:
        if value > cut:
            passed += 1
    return len(cuts) + 1 - passed if smaller_is_better else passed + 1


def scores(
    customers: list[Customer], bins: tuple[int, int, int], fitted_on: list[Customer] | None = None
) -> list[tuple[int, int, int]]:
    """Score customers by the cut points of others, or their own."""
    learnt = fitted_on or customers
    cuts = [cut_points([c[i] for c in learnt], bins[i]) for i in range(3)]
    return [
        (
            score(c.recency_days, cuts[0], smaller_is_better=True),
            score(c.purchases, cuts[1], smaller_is_better=False),
            score(c.cents, cuts[2], smaller_is_better=False),
        )
        for c in customers
    ]
