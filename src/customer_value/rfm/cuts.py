"""Where bins are cut, and which bin a value falls in: arrays in, arrays out."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from customer_value._kernels.math.bins import bin_places, order_statistics
from customer_value._kernels.math.breaks import natural_breaks

if TYPE_CHECKING:
    from customer_value._kernels.math.bins import Extent
    from customer_value._typing import FloatArray, IntArray

    NumberArray: TypeAlias = FloatArray | IntArray

ByteArray: TypeAlias = npt.NDArray[np.uint8]
CellArray: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Cuts: TypeAlias = tuple[float, ...]


def quantile_cuts(
    values: NumberArray, bins: int, ends: Extent | None = None
) -> tuple[Cuts, tuple[int, ...]]:
    """Quantiles k/bins of type 7, and how many values are in the bins between them.

    Their ranks are in whole numbers: rounding would move them.
    """
    n = values.size
    ranks = [divmod(k * (n - 1), bins) for k in range(1, bins)]
    pairs = [(rank, min(rank + 1, n - 1), rest) for rank, rest in ranks]
    found = order_statistics(values, [rank for *pair, _ in pairs for rank in pair], ends)
    cuts, upto = [], [0]
    for low, high, rest in pairs:
        below, above = found[low], found[high]
        cut = _between(below.value, above.value, rest, bins)
        cuts.append(cut)
        upto.append(above.upto if cut == above.value else below.upto)
    counts = [stop - start for start, stop in pairwise([*upto, n])]
    return tuple(cuts), tuple(counts)


def _between(low: float, high: float, rest: int, bins: int) -> float:
    cut = low + (high - low) * rest / bins
    if not math.isfinite(cut):  # of differences beyond the largest float
        cut = low * (1 - rest / bins) + high * (rest / bins)
    return min(max(cut, low), high)


def kmeans_cuts(values: NumberArray, bins: int) -> Cuts:
    """The largest value of each bin but the last, where bins leave the least sum of squares.

    With fewer different values than bins, the bins of the largest values stay empty.
    """
    distinct, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    groups = min(bins, distinct.size)
    largest = float(np.abs(distinct).max())
    points = distinct / (largest or 1.0)  # squares neither vanish nor overflow
    below = natural_breaks(points, counts.astype(np.float64), groups)
    return (*distinct[below - 1].tolist(), *[float(distinct[-1])] * (bins - groups))


def place_scores(
    values: NumberArray,
    edges: Cuts,
    within: tuple[Cuts, ...] = (),
    cells: CellArray | None = None,
    *,
    reverse: bool,
    equal: bool,
) -> ByteArray:
    """Scores of values, 1 to n, by edges or, with nested bins, by the edges of their cells."""
    if within and cells is not None:
        score = bin_places(values, np.array(within), equal=equal, rows=cells.astype(np.uint8))
    else:
        score = bin_places(values, np.array(edges), equal=equal)
    if reverse:
        np.subtract(np.uint8(len(edges) + 1), score, out=score)
    else:
        score += 1
    return score
