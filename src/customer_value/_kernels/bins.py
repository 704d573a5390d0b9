"""Values into bins, and the order statistics that bins are cut at, each in few passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from customer_value._kernels._jit import jit
from customer_value._kernels.parallel import map_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._kernels.parallel import FloatArray

_BATCH = 1 << 19
_SAMPLE = 1 << 15
_MARGIN = 4 * int((_SAMPLE / 4) ** 0.5)  # four standard errors of a rank in the sample

ByteArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]
NumberArray = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@jit
def _count_below(values: NumberArray, edges: FloatArray, equal: bool, out: ByteArray) -> None:
    """Write how many edges lie below each value; also those equal to it where asked for."""
    out[:] = 0
    for edge in edges:
        for i in range(values.size):
            out[i] += (values[i] > edge) | (equal & (values[i] == edge))


@jit
def _count_below_own(
    values: NumberArray,
    rows: ByteArray,
    tables: FloatArray,
    equal: bool,
    out: ByteArray,
) -> None:
    """Write how many edges of its own row of the table lie below each value."""
    for i in range(values.size):
        below = 0
        for edge in tables[rows[i]]:
            below += (values[i] > edge) | (equal & (values[i] == edge))
        out[i] = below


@jit
def _tally(places: ByteArray, counts: IntArray) -> None:
    for place in places:
        counts[place] += 1


def bin_places(
    values: NumberArray, edges: FloatArray, *, equal: bool = False, rows: ByteArray | None = None
) -> ByteArray:
    """Number of edges below each value.

    Args:
        values: Whole numbers (int64) or floats; NaN lies above no edge.
        edges: Cut points, at most 255, in any order; with `rows`, a table of them.
        equal: Whether an edge equal to a value counts as below it.
        rows: The row of the table that each value has its edges in.

    Returns:
        Array of uint8, one element per value.
    """
    out = np.empty(values.size, np.uint8)
    values, edges = values.view(), np.array(edges, np.float64)
    values.flags.writeable = False  # one compiled kernel, whatever comes in

    def task(start: int, stop: int) -> None:
        own = slice(start, stop)
        if rows is None:
            _count_below(values[own], edges, equal, out[own])
        else:
            _count_below_own(values[own], rows[own], edges, equal, out[own])

    # A batch of a stream is one of several that are worked on at once.
    map_chunks(task, values.size, threads=1 if values.size < _BATCH else None)
    return out


@jit
def _gather(values: NumberArray, places: ByteArray, ends: IntArray, out: FloatArray) -> None:
    """Write the values of each place that has an end behind those before; the ends move."""
    for i in range(values.size):
        at = ends[places[i]]
        if at >= 0:
            out[at] = values[i]
            ends[places[i]] = at + 1


def tally(places: ByteArray, bins: int) -> IntArray:
    """How often each of the numbers 0 to bins - 1 occurs."""
    counts = np.zeros(bins, np.int64)
    _tally(places, counts)
    return counts


def order_statistics(values: NumberArray, ranks: Sequence[int]) -> dict[int, float]:
    """Values at given ranks, 0 for the smallest, exactly as if all were sorted.

    A sample brackets each rank: one pass then counts what lies between the brackets' ends, and at
    each end, and only what lies inside of the bracket of a rank is sorted. A sample that is not
    like the values makes this slower, never wrong.

    Args:
        values: Finite numbers, at least one.
        ranks: The ranks, each from 0 to n - 1.
    """
    if values.size <= 2 * _SAMPLE:
        placed = np.partition(values, sorted(set(ranks))) if ranks else values
        return {rank: float(placed[rank]) for rank in ranks}
    sample = np.sort(values[:: values.size // _SAMPLE])
    middle = np.array(ranks) * (sample.size - 1) // (values.size - 1)
    around = np.concatenate([middle - _MARGIN, middle + _MARGIN]).clip(0, sample.size - 1)
    ends = np.unique(sample[around].astype(np.float64))
    # (just below an end, end] holds nothing but that end; every other bin lies between two ends.
    edges = np.column_stack([np.nextafter(ends, -np.inf), ends]).ravel()
    places = bin_places(values, edges)
    upto = np.cumsum(tally(places, edges.size + 1))
    wanted = np.searchsorted(upto, ranks, side="right")
    inside = _between_ends(values, places, upto, {int(place) for place in wanted if not place % 2})
    found = {}
    for rank, place in zip(ranks, wanted.tolist(), strict=True):
        before = upto[place - 1] if place else 0
        found[rank] = float(edges[place] if place % 2 else inside[place][rank - before])
    return found


def _between_ends(
    values: NumberArray, places: ByteArray, upto: IntArray, wanted: set[int]
) -> dict[int, FloatArray]:
    """Values of some of the bins, sorted."""
    sizes = np.diff(upto, prepend=0)
    ends, filled = np.full(upto.size, -1), 0
    bounds = {}
    for place in sorted(wanted):
        bounds[place] = filled, filled + int(sizes[place])
        ends[place] = filled
        filled += int(sizes[place])
    out = np.empty(filled)
    _gather(values, places, ends, out)
    return {place: np.sort(out[start:stop]) for place, (start, stop) in bounds.items()}
