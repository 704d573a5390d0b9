"""Tiers one customer at a time, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def cumulative_cuts(values: Sequence[int], shares: Sequence[Fraction]) -> list[int]:
    """The largest value whose owners, with all above them, hold more than the share."""
    total = sum(v for v in values if v > 0)
    return [
        max(
            (v for v in values if v > 0 and sum(u for u in values if u >= v) > share * total),
            default=0,
        )
        for share in shares
    ]


def natural_cuts(values: Sequence[int], tiers: int) -> list[int | None]:
    """Try every way to cut the sorted values; of equals, the highest breaks."""
    distinct = sorted(set(values))
    groups = min(tiers, len(distinct))
    if groups < 2:
        return [None] * (tiers - 1)
    ways = [way[::-1] for way in combinations(distinct[:-1], groups - 1)]
    best = min(ways, key=lambda cuts: (spread(values, cuts), [-cut for cut in cuts]))
    return [None] * (tiers - groups) + list(best)


def spread(values: Sequence[int], cuts: Sequence[int]) -> Fraction:
    """Squared deviations from the means of the groups above, between and up to the cuts."""
    bounds = [max(values), *cuts, min(values) - 1]
    whole = Fraction(0)
    for upper, lower in pairwise(bounds):
        group = [v for v in values if lower < v <= upper]
        mean = Fraction(sum(group), len(group))
        whole += sum((v - mean) ** 2 for v in group)
    return whole


def steady_place(value: int, cuts: Sequence[int], h: Fraction, was: int | None) -> int:
    """Climb, or else descend, tier by tier from the earlier one; 0 is highest."""
    if was is None:
        return sum(value <= cut for cut in cuts)
    place = was
    while place > 0 and value > cuts[place - 1] + h * abs(cuts[place - 1]):
        place -= 1
    while place < len(cuts) and value <= cuts[place] - h * abs(cuts[place]):
        place += 1
    return place
