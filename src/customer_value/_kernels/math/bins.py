"""Values into bins, and the order statistics that bins are cut at, each in few passes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import map_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._kernels.run.parallel import FloatArray, Result

_BATCH = 1 << 19
_CHUNK = 1 << 18  # kernels of a nanosecond per row
_BLOCK = 1 << 10  # rows that stay in the nearest cache, edge after edge
_SPAN = 1 << 12  # whole numbers that are counted, each by itself
_EXACT = 1 << 53  # whole numbers that are floats as well
_SAMPLE = 1 << 17
_MARGIN = 4 * int((_SAMPLE / 4) ** 0.5)  # four standard errors of a rank in the sample

ByteArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
NumberArray = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@jit
def _count_below(values: NumberArray, edges: FloatArray, equal: bool, out: ByteArray) -> None:
    """Write how many edges lie below each value; also those equal to it where asked for."""
    out[:] = 0
    for start in range(0, values.size, _BLOCK):
        block, below = values[start : start + _BLOCK], out[start : start + _BLOCK]
        for edge in edges:
            for i in range(block.size):
                below[i] += (block[i] > edge) | (equal & (block[i] == edge))


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
def _count_above(values: NumberArray, edges: FloatArray, equal: bool, counts: IntArray) -> None:
    """Add up how many values lie above each edge; also those equal to it where asked for."""
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        for k in range(edges.size):
            above, edge = 0, edges[k]
            for i in range(block.size):
                above += (block[i] > edge) | (equal & (block[i] == edge))
            counts[k] += above


@jit
def _count_each(values: NumberArray, lowest: int, counts: IntArray) -> None:
    for value in values:
        counts[value - lowest] += 1


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
    values, edges = _read_only(values), np.array(edges, np.float64)

    def task(start: int, stop: int) -> None:
        own = slice(start, stop)
        if rows is None:
            _count_below(values[own], edges, equal, out[own])
        else:
            _count_below_own(values[own], rows[own], edges, equal, out[own])

    in_chunks(task, values.size)
    return out


def bin_counts(values: NumberArray, edges: FloatArray, *, equal: bool = False) -> IntArray:
    """How many values have 0, 1 ... of the edges below them.

    Args:
        values: Whole numbers (int64) or floats, no NaN.
        edges: Cut points, ascending.
        equal: Whether an edge equal to a value counts as below it.

    Returns:
        Array of int64, one element more than there are edges.
    """
    values, edges = _read_only(values), np.array(edges, np.float64)

    def task(start: int, stop: int) -> IntArray:
        above = np.zeros(edges.size, np.int64)
        _count_above(values[start:stop], edges, equal, above)
        return above

    above = sum(in_chunks(task, values.size), np.zeros(edges.size, np.int64))
    return -np.diff(above, prepend=values.size, append=0)


class Extent(NamedTuple):
    """Least and greatest value but NaN (inf and -inf without any), and how many are not finite."""

    lowest: float
    highest: float
    not_finite: int


def extent(values: NumberArray) -> Extent:
    """Extent of values of any number."""

    def task(start: int, stop: int) -> Extent:
        own = values[start:stop]  # in a near cache when it is asked for the second time
        lowest, highest = own.min().item(), own.max().item()
        if math.isfinite(lowest) and math.isfinite(highest):
            return Extent(lowest, highest, 0)
        finite = int(np.count_nonzero(np.isfinite(own)))
        lowest = float(np.fmin.reduce(own, initial=np.inf))
        highest = float(np.fmax.reduce(own, initial=-np.inf))
        return Extent(lowest, highest, own.size - finite)

    return joint_extent(in_chunks(task, values.size))


def joint_extent(parts: Sequence[Extent]) -> Extent:
    """Extent of all values of some parts."""
    lowest, highest, not_finite = zip(Extent(math.inf, -math.inf, 0), *parts, strict=True)
    return Extent(min(lowest), max(highest), sum(not_finite))


def in_chunks(task: Callable[[int, int], Result], n: int) -> list[Result]:
    """Run `task(start, stop)` over chunks of rows, for tasks of few nanoseconds per row.

    Rows that are no more than a batch of a stream stay on one thread: several batches are worked on
    at once.
    """
    return map_chunks(task, n, threads=1 if n < _BATCH else None, chunk=_CHUNK)


def _read_only(values: NumberArray) -> NumberArray:
    """One compiled kernel, whatever comes in."""
    values = values.view()
    values.flags.writeable = False
    return values


@jit
def _gather(values: NumberArray, places: ByteArray, wanted: BoolArray, out: NumberArray) -> None:
    """Write the values of the wanted places, one after the other; the last element is scratch."""
    at = 0
    for i in range(values.size):
        out[at] = values[i]  # without a branch that cannot be predicted
        at += wanted[places[i]]


def tally(places: ByteArray, bins: int) -> IntArray:
    """How often each of the numbers 0 to bins - 1 occurs."""
    counts = np.zeros(bins, np.int64)
    _tally(places, counts)
    return counts


class Ranked(NamedTuple):
    """A value at a rank, and how many values are not above it."""

    value: float
    upto: int


def order_statistics(
    values: NumberArray, ranks: Sequence[int], ends: Extent | None = None
) -> dict[int, Ranked]:
    """Values at given ranks, 0 for the smallest, exactly as if all were sorted.

    Whole numbers that lie close together are counted, each by itself. Of others a sample brackets
    each rank: one pass then counts what lies between the brackets' ends, and at each end, and only
    what lies inside of the bracket of a rank is sorted. A sample that is not like the values makes
    this slower, never wrong.

    Args:
        values: Finite numbers, at least one.
        ranks: The ranks, each from 0 to n - 1.
        ends: Their extent, where it is known already.
    """
    if values.size <= 2 * _SAMPLE or not ranks:
        return _looked_up(values, ranks)
    values = _read_only(values)
    if values.dtype == np.int64:
        lowest, highest, _ = ends or extent(values)
        if highest - lowest < _SPAN and max(-lowest, highest) < _EXACT:
            return _counted(values, ranks, int(lowest), int(highest))
    return _bracketed(values, ranks)


def _looked_up(values: NumberArray, ranks: Sequence[int]) -> dict[int, Ranked]:
    ascending = np.sort(values).astype(np.float64)
    found = ascending[np.array(ranks, np.int64)]
    upto = np.searchsorted(ascending, found, side="right")
    return {k: Ranked(float(v), int(n)) for k, v, n in zip(ranks, found, upto, strict=True)}


def _counted(
    values: NumberArray, ranks: Sequence[int], lowest: int, highest: int
) -> dict[int, Ranked]:
    def task(start: int, stop: int) -> IntArray:
        counts = np.zeros(highest - lowest + 1, np.int64)
        _count_each(values[start:stop], lowest, counts)
        return counts

    upto = np.cumsum(np.sum(in_chunks(task, values.size), axis=0))
    steps = np.searchsorted(upto, ranks, side="right").tolist()
    return {
        k: Ranked(float(lowest + at), int(upto[at])) for k, at in zip(ranks, steps, strict=True)
    }


def _bracketed(values: NumberArray, ranks: Sequence[int]) -> dict[int, Ranked]:
    sample = np.sort(values[:: values.size // _SAMPLE])
    middle = np.array(ranks) * (sample.size - 1) // (values.size - 1)
    around = np.concatenate([middle - _MARGIN, middle + _MARGIN]).clip(0, sample.size - 1)
    ends = np.unique(sample[around].astype(np.float64))
    # (just below an end, end] holds nothing but that end; every other bin lies between two ends.
    with np.errstate(over="ignore"):  # below the smallest float lies -inf
        edges = np.column_stack([np.nextafter(ends, -np.inf), ends]).ravel()
    places = np.empty(values.size, np.uint8)

    def place(start: int, stop: int) -> IntArray:
        own = slice(start, stop)
        _count_below(values[own], edges, False, places[own])
        return tally(places[own], edges.size + 1)

    counts = np.array(in_chunks(place, values.size))
    upto = np.cumsum(counts.sum(axis=0))
    at = np.searchsorted(upto, ranks, side="right")
    wanted = np.zeros(upto.size, np.bool_)
    wanted[at[at % 2 == 0]] = True

    def gather(start: int, stop: int) -> NumberArray:
        own = slice(start, stop)
        inside = np.empty(counts[start // _CHUNK, wanted].sum() + 1, values.dtype)
        _gather(values[own], places[own], wanted, inside)
        return inside[:-1]

    inside = np.sort(np.concatenate(in_chunks(gather, values.size))).astype(np.float64)
    left_out = np.cumsum(np.where(wanted, 0, counts.sum(axis=0))).tolist()
    found = {}
    for rank, k in zip(ranks, at.tolist(), strict=True):
        if k % 2:
            found[rank] = Ranked(float(edges[k]), int(upto[k]))
        else:
            value = inside[rank - left_out[k]]
            upto_value = left_out[k] + int(np.searchsorted(inside, value, side="right"))
            found[rank] = Ranked(float(value), upto_value)
    return found
