"""Where tiers begin, learnt from the values alone: numbers in, cuts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from customer_value._kernels.math.breaks import natural_breaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray

__all__ = ["cumulative_cuts", "natural_cuts"]

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
    values in the highest tier is taken, then in the next.

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
    points = distinct / np.abs(distinct).max()
    below = natural_breaks(points, counts.astype(np.float64), groups)
    cuts[tiers - groups :] = distinct[below[::-1] - 1]
    return cuts
