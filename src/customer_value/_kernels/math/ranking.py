"""Steps of a concentration curve, largest value first, and where each value stands on it.

A rank is found without sorting any index: the values alone are sorted, and each is looked up. The
bits of a float above zero, read as a whole number, ascend as the float does. Their leading part
names a bucket of steps, and within it a binary search is short.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_chunks, read_only

IntArray: TypeAlias = npt.NDArray[np.int64]
StepArray: TypeAlias = npt.NDArray[np.uint32]
CodeArray: TypeAlias = npt.NDArray[np.uint8]

_TABLE_BITS = 24
_LARGEST_EXPONENT = 900
UNKNOWN = 4
"""Code of a value that is NaN."""


class Steps(NamedTuple):
    """A curve from the largest value down, one step per distinct value or per value.

    Attributes:
        worth: The value of the step.
        reached: How many values there are up to the step and with it.
        held: Their sum, values below zero counted as zero; in a unit of its own, a power of two.
        single: How many steps from the first on are of one value each.
    """

    worth: FloatArray
    reached: IntArray
    held: FloatArray
    single: int


class Places(NamedTuple):
    """Where each value stands.

    Attributes:
        rank: From 1, NaN for NaN.
        share: What is held up to its step and with it.
        code: How many of the three limits the step lies below, `UNKNOWN` for NaN.
    """

    rank: FloatArray
    share: FloatArray
    code: CodeArray


def steps(values: FloatArray, *, merge: bool) -> Steps:
    """Make the curve of the values; NaN are left out.

    Args:
        values: Finite values and NaN, in any order.
        merge: Whether equal values are one step; otherwise each is one.

    Returns:
        The steps. The sums are compensated (Neumaier 1974), so that they round once, however many
        values there are.
    """
    falling = np.negative(values)
    falling.sort()  # NaN last
    falling = falling[: int(np.searchsorted(falling, np.inf, side="right"))]
    reached, held = np.empty(falling.size, np.int64), np.empty(falling.size)
    exponent = int(np.frexp(-falling[0])[1]) if falling.size else 0
    scale = 2.0 ** -max(0, exponent - _LARGEST_EXPONENT)
    n, single = _steps(falling, reached, held, scale, merge)
    return Steps(falling[:n], reached[:n], held[:n], single)


def places(
    values: FloatArray,
    curve: Steps,
    limits: tuple[int, int, int],
    order: IntArray | None = None,
    threads: int | None = None,
) -> Places:
    """Look each value up on its curve.

    Args:
        values: The values that the curve was made of.
        curve: Its steps, with whatever is to be read off them in `held`.
        limits: How many steps lie above each of three limits, ascending.
        order: Where each value is a step of its own, the order in which equal ones take theirs;
            None where equal values are one step.
        threads: Number of threads, by default one per processor.

    Returns:
        Rank, share and code of each value; the bits do not depend on the number of threads.
    """
    values, worth, held = read_only(values, curve.worth, curve.held)
    n = values.size
    bits = _bits(values)
    buckets = _buckets(worth)
    step = np.empty(n, np.uint32)
    out = Places(np.empty(n), np.empty(n), np.empty(n, np.uint8))

    def find(start: int, stop: int) -> None:
        part = slice(start, stop)
        _find(values[part], bits[part], step[part], worth, *buckets)

    def place(start: int, stop: int) -> None:
        part = slice(start, stop)
        rank = out.rank[part]
        share = out.share[part]
        code = out.code[part]
        table = curve.reached, curve.single, held
        _place(values[part], step[part], rank, share, code, *table, *limits)

    map_chunks(find, n, threads=threads)
    if order is not None:
        _take_turns(values, order, step, np.zeros(worth.size, np.uint32))
    map_chunks(place, n, threads=threads)
    return out


def _bits(values: FloatArray) -> IntArray:
    return values.view(np.int64)


def _buckets(worth: FloatArray) -> tuple[StepArray, int, int]:
    """Give where each bucket of steps begins, the bits of the largest value and their shift."""
    above_zero = int(np.count_nonzero(worth > 0))
    if not above_zero:
        return np.array([0, worth.size], np.uint32), 0, 0
    bits = _bits(worth[:above_zero])
    top, span = int(bits[0]), int(bits[0] - bits[-1])
    shift = max(0, span.bit_length() - min(_TABLE_BITS, above_zero.bit_length() + 1))
    heads = np.empty((span >> shift) + 2, np.uint32)
    _fill_heads(bits, heads, top, shift)
    heads[-1] = worth.size  # values not above zero are in the last bucket too
    return heads, top, shift


@jit
def _steps(
    falling: FloatArray, reached: IntArray, held: FloatArray, scale: float, merge: bool
) -> tuple[int, int]:
    """Overwrite the negated values, ascending, by the steps; count all and the single ones."""
    n = single = k = 0
    total, lost = 0.0, 0.0
    while k < falling.size:
        negated, upto = falling[k], k + 1
        while merge and upto < falling.size and falling[upto] == negated:
            upto += 1
        amount = max(-negated, 0.0) * scale * (upto - k)
        rounded = total + amount
        lost += (total - rounded) + amount if total >= amount else (amount - rounded) + total
        total = rounded
        falling[n] = -negated
        reached[n] = upto
        held[n] = total + lost
        n, k = n + 1, upto
        single += n == upto
    return n, single


@jit
def _fill_heads(bits: IntArray, heads: StepArray, top: int, shift: int) -> None:
    """Write the first step of each bucket, or the next one where it has none."""
    bucket = 0
    for step in range(bits.size):
        own = (top - bits[step]) >> shift
        while bucket <= own:
            heads[bucket] = step
            bucket += 1


@jit
def _find(
    values: FloatArray,
    bits: IntArray,
    step: StepArray,
    worth: FloatArray,
    heads: StepArray,
    top: int,
    shift: int,
) -> None:
    """Write the first step that is not above each value.

    The buckets of all come first: a processor fetches many at a time while no search waits.
    """
    lows, highs = np.empty(values.size, np.int64), np.empty(values.size, np.int64)
    for i in range(values.size):
        depth = max(top - max(bits[i], 0), 0)  # NaN lies above all, and finds nothing of use
        bucket = min(depth >> shift, heads.size - 2)
        lows[i], highs[i] = heads[bucket], heads[bucket + 1]
    for i in range(values.size):
        low = lows[i]
        high = highs[i]
        value = values[i]
        while low < high:
            middle = (low + high) >> 1
            if worth[middle] > value:
                low = middle + 1
            else:
                high = middle
        step[i] = low


@jit
def _take_turns(values: FloatArray, order: IntArray, step: StepArray, taken: StepArray) -> None:
    """Turn the first step of equal values into a step for each, in the order given."""
    for i in order:
        if not np.isnan(values[i]):
            first = step[i]
            step[i] = first + taken[first]
            taken[first] += 1


@jit
def _place(
    values: FloatArray,
    step: StepArray,
    rank: FloatArray,
    share: FloatArray,
    code: CodeArray,
    reached: IntArray,
    single: int,
    held: FloatArray,
    first: int,
    second: int,
    third: int,
) -> None:
    """Write what stands at the step of each value; the first steps are of a single value each."""
    for i in range(values.size):
        at = step[i]
        if np.isnan(values[i]):
            rank[i] = np.nan
            share[i] = np.nan
            code[i] = UNKNOWN
        else:
            rank[i] = at + 1.0 if at <= single else reached[at - 1] + 1.0
            share[i] = held[at]
            code[i] = int(at >= first) + int(at >= second) + int(at >= third)
