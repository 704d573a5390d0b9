"""Keys of rows: a hash of a row's own values, by SplitMix64.

Steele, Lea & Flood (2014), "Fast Splittable Pseudorandom Number Generators", OOPSLA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from typing import TypeAlias

    from customer_value._kernels.run.parallel import FloatArray

    KeyArray: TypeAlias = npt.NDArray[np.uint64]

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def row_keys(*columns: FloatArray) -> KeyArray:
    """Give each row a key that depends on its own values alone: equal rows draw alike.

    Args:
        columns: 1-d arrays of one length, without NaN.

    Returns:
        One key per row.
    """
    keys = np.zeros(columns[0].size, np.uint64)
    for column in columns:
        keys = mix(keys + STEP) ^ mix((column + 0.0).view(np.uint64) + STEP)  # -0 is 0
    return keys


def distinct_keys(keys: KeyArray) -> KeyArray:
    """Give equal keys that stand side by side different ones, so that their rows draw apart."""
    if keys.size == 0:
        return keys
    index = np.arange(keys.size)
    starts = np.append(True, keys[1:] != keys[:-1])
    first = np.maximum.accumulate(np.where(starts, index, 0))
    return mix(keys + (index - first + 1).astype(np.uint64) * FIRST)


def mix(keys: KeyArray) -> KeyArray:
    """Scramble the bits of keys (SplitMix64: Steele, Lea & Flood 2014)."""
    keys = (keys ^ (keys >> SHIFTS[0])) * FIRST
    keys = (keys ^ (keys >> SHIFTS[1])) * SECOND
    return keys ^ (keys >> SHIFTS[2])
