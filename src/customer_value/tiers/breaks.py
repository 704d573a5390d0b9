"""Where tiers begin, learnt from the values alone: numbers in, cuts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, IntArray

__all__ = ["cumulative_cuts", "natural_cuts"]

MAX_DISTINCT = 1_000_000  # three tiers of so many take about a second
_TOLERANCE = 1e-12


def cumulative_cuts(values: FloatArray, shares: Sequence[float]) -> FloatArray:
    """Values above which lie the customers that make up given shares of the positive value.

    Args:
        values: Values of the customers, all finite.
        shares: Cumulative shares, each in (0, 1].

    Returns:
        For each share the largest positive value whose customers, with all above them, make up
        more than it; 0 where there is none.
    """
    positive, counts = np.unique(values[values > 0], return_counts=True)
    if not positive.size:
        return np.zeros(len(shares))
    largest_first = positive[::-1]
    upto = np.cumsum(largest_first / largest_first[0] * counts[::-1])
    share = upto / upto[-1]
    ends = [np.searchsorted(share, cut + _TOLERANCE, side="right") for cut in shares]
    return np.append(largest_first, 0.0)[ends]


def natural_cuts(values: FloatArray, tiers: int) -> FloatArray:
    """Values above which the tiers begin whose squared deviations from their means are least.

    The optimum is found by dynamic programming on the sorted distinct values. Sums of squares are
    compared with a tolerance of 1e-12; of partitions that are equal by it, the one with the fewest
    values in the highest tier is taken, then in the next. More than a million distinct values are
    first put into that many bins of about equally many customers, and so split near the optimum.

    Args:
        values: Values of the customers, all finite.
        tiers: Number of tiers, 2 or more.

    Returns:
        One cut less than tiers, highest first, each the largest value of the tier below it. With
        fewer distinct values than tiers the highest tiers stay empty and their cuts are NaN.
    """
    distinct, counts = np.unique(values, return_counts=True)
    cuts = np.full(tiers - 1, np.nan)
    groups = min(tiers, distinct.size)
    if groups < 2:
        return cuts
    last = np.arange(distinct.size)  # the largest distinct value of each point
    points, weights = distinct / np.abs(distinct).max(), counts.astype(np.float64)
    if distinct.size > MAX_DISTINCT:
        last, points, weights = _compress(points, counts)
    cuts[tiers - groups :] = distinct[last[_split(points, weights, groups) - 1]]
    return cuts


def _compress(points: FloatArray, counts: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Bins of about equally many customers, as their last point, mean and weight."""
    before = np.cumsum(counts) - counts
    bins = before * MAX_DISTINCT // counts.sum()
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    weights = np.add.reduceat(counts, first).astype(np.float64)
    means = np.add.reduceat(points * counts, first) / weights
    return np.append(first[1:], points.size) - 1, means, weights


def _split(points: FloatArray, weights: FloatArray, groups: int) -> IntArray:
    """Number of points below each break, highest break first."""
    spread = _Spread(points, weights)
    n = points.size
    least = spread(np.zeros(n + 1, np.int64), np.arange(n + 1))
    argmins = []
    for group in range(2, groups + 1):
        ends = (group, n - groups + group) if group < groups else (n, n)
        least, argmin = _add_group(least, spread, ends)
        argmins.append(argmin)
    breaks = [n]
    for argmin in reversed(argmins):
        breaks.append(int(argmin[breaks[-1]]))
    return np.array(breaks[1:])


class _Spread:
    """Squared deviations of points i to j - 1 from their mean.

    They are differences of sums that run from the median outwards, so that a few very large values
    do not swallow the digits of the many small ones.
    """

    def __init__(self, points: FloatArray, weights: FloatArray) -> None:
        upto = np.cumsum(weights)
        middle = int(np.searchsorted(upto, upto[-1] / 2))
        centred = points - points[middle]

        def outwards(terms: FloatArray) -> FloatArray:
            left, right = np.cumsum(terms[:middle][::-1])[::-1], np.cumsum(terms[middle:])
            return np.concatenate([-left, [0.0], right])

        self.weight = np.append(0.0, upto)
        self.total = outwards(weights * centred)
        self.squares = outwards(weights * centred**2)

    def __call__(self, i: IntArray, j: IntArray) -> FloatArray:
        weight = np.maximum(self.weight[j] - self.weight[i], 1.0)  # none where i is j
        total = self.total[j] - self.total[i]
        spread: FloatArray = self.squares[j] - self.squares[i] - total**2 / weight
        return np.maximum(spread, 0.0)

    def size(self, i: IntArray, j: IntArray) -> FloatArray:
        """Size of the sums that the spread is the difference of, as measure of its rounding."""
        return np.maximum(np.abs(self.squares[i]), np.abs(self.squares[j]))


def _add_group(
    least: FloatArray, spread: _Spread, ends: tuple[int, int]
) -> tuple[FloatArray, IntArray]:
    """Least spread of the points before each end with one group more, and where that group begins.

    The later the end, the later the group begins. So the middle end is solved first and bounds the
    search on both sides of it; all ends of one level of that recursion are solved at once.

    Args:
        least: Least spread of the points before each end, without the group.
        spread: Squared deviations between two ends.
        ends: First and last end to solve.

    Returns:
        Two arrays by end; those not solved are infinite and 0.
    """
    result = np.full(least.size, np.inf)
    argmin = np.zeros(least.size, np.int64)
    first, last = np.array([ends[0]]), np.array([ends[1]])
    low, high = np.array([1]), np.array([ends[1] - 1])
    while first.size:
        end = (first + last) // 2
        sizes = np.minimum(high, end - 1) - low + 1
        starts = np.cumsum(sizes) - sizes
        begin = np.arange(sizes.sum()) + np.repeat(low - starts, sizes)
        reached = np.repeat(end, sizes)
        costs = least[begin] + spread(begin, reached)
        result[end] = np.minimum.reduceat(costs, starts)
        rounding = _TOLERANCE * (result[reached] + spread.size(begin, reached))
        near = costs <= result[reached] + rounding
        argmin[end] = best = np.maximum.reduceat(np.where(near, begin, 0), starts)
        first, last, low, high = (
            np.concatenate(pair)
            for pair in ((first, end + 1), (end - 1, last), (low, best), (best, high))
        )
        open_ = first <= last
        first, last, low, high = first[open_], last[open_], low[open_], high[open_]
    return result, argmin
