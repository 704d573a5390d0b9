"""One-dimensional k-means, exactly: the split of sorted points whose groups spread least.

Dynamic programming over the groups; since the best begin of the last group never moves back as
points are added, each layer takes n log n steps (Wang & Song 2011, Ckmeans.1d.dp, solves the same
problem).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

IntArray = npt.NDArray[np.int64]

_TOLERANCE = 1e-12


def natural_breaks(points: FloatArray, weights: FloatArray, groups: int) -> IntArray:
    """Split points where the weighted squared deviations from the groups' means are least.

    Sums of squares are compared with a tolerance of 1e-12; of splits that are equal by it, the one
    with the fewest points in the highest group is taken, then in the next.

    Args:
        points: Different values, ascending, of a size that can be squared.
        weights: How often each of them occurs.
        groups: Number of groups, from 1 to the number of points.

    Returns:
        Number of points below each break, ascending; one less than groups.
    """
    n = points.size
    sums = _sums(points, weights)
    least = np.empty(n + 1)
    _first_group(sums, least)
    begins = []
    for group in range(2, groups + 1):
        first, last = (group, n - groups + group) if group < groups else (n, n)
        layer, begin = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
        _add_group(least, sums, first, last, layer, begin)
        least = layer
        begins.append(begin)
    breaks = [n]
    for begin in reversed(begins):
        breaks.append(int(begin[breaks[-1]]))
    return np.array(breaks[:0:-1], np.int64)


def _sums(points: FloatArray, weights: FloatArray) -> FloatArray:
    """Sums of weights, weighted values and squares before each point.

    They run from the median outwards, so that a few very large values do not swallow the digits of
    the many small ones.
    """
    upto = np.cumsum(weights)
    middle = int(np.searchsorted(upto, upto[-1] / 2))
    centred = points - points[middle]

    def outwards(terms: FloatArray) -> FloatArray:
        left, right = np.cumsum(terms[:middle][::-1])[::-1], np.cumsum(terms[middle:])
        return np.concatenate([-left, [0.0], right])

    return np.array(
        [np.append(0.0, upto), outwards(weights * centred), outwards(weights * centred**2)]
    )


@jit
def _spread(sums: FloatArray, begin: int, end: int) -> float:
    """Squared deviations of the points from begin to end - 1 from their mean."""
    weight = max(sums[0, end] - sums[0, begin], 1.0)
    total = sums[1, end] - sums[1, begin]
    spread: float = sums[2, end] - sums[2, begin] - total * total / weight
    return max(spread, 0.0)


@jit
def _first_group(sums: FloatArray, least: FloatArray) -> None:
    for end in range(least.size):
        least[end] = _spread(sums, 0, end)


@jit
def _best_begin(
    least: FloatArray, sums: FloatArray, low: int, high: int, end: int
) -> tuple[int, float]:
    """Last of the begins, low to high, of a group up to the end that leave least, and how much."""
    smallest = np.inf
    for begin in range(low, high + 1):
        smallest = min(smallest, least[begin] + _spread(sums, begin, end))
    best = high
    while best > low:
        size = max(abs(sums[2, best]), abs(sums[2, end]))  # of what the spread is a difference
        rounding = _TOLERANCE * (smallest + size)
        if least[best] + _spread(sums, best, end) <= smallest + rounding:
            break
        best -= 1
    return best, smallest


@jit
def _add_group(
    least: FloatArray, sums: FloatArray, first: int, last: int, layer: FloatArray, begins: IntArray
) -> None:
    """Least spread of the points before each end, first to last, with one group more.

    The later the end, the later the group begins: the middle end is solved first and bounds the
    search on both sides of it.
    """
    todo = np.empty((64, 4), np.int64)  # first and last end, lowest and highest begin
    todo[0, 0] = first
    todo[0, 1] = last
    todo[0, 2] = 1
    todo[0, 3] = last - 1
    waiting = 1
    while waiting:
        waiting -= 1
        first, last, low, high = todo[waiting]
        end = (first + last) // 2
        best, smallest = _best_begin(least, sums, low, min(high, end - 1), end)
        begins[end], layer[end] = best, smallest
        if first < end:
            todo[waiting, 0], todo[waiting, 1] = first, end - 1
            todo[waiting, 2], todo[waiting, 3] = low, best
            waiting += 1
        if end < last:
            todo[waiting, 0], todo[waiting, 1] = end + 1, last
            todo[waiting, 2], todo[waiting, 3] = best, high
            waiting += 1
