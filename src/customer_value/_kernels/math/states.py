"""What customers have in common who are worth the same: computed once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from customer_value._kernels.math.keys import row_keys
from customer_value._kernels.run.parallel import FloatArray, read_only

if TYPE_CHECKING:
    from typing import TypeAlias

    from customer_value._kernels.run.per_row import PerRow

    Rows: TypeAlias = npt.NDArray[np.intp] | slice

_LOOK, _MANY = 2000, 1500
"""Where so many of the first rows differ, grouping them would not pay."""


def distinct_states(
    x: FloatArray, T: FloatArray, *parameters: PerRow
) -> tuple[tuple[PerRow, ...], Rows]:
    """Find what differs in x, T and parameters among many rows: given alive, t_x says nothing more.

    Ages in whole days, or in days divided by seven, and covariates that tell a few kinds of
    customers apart make few states; where they do not, all rows stand for themselves.

    Args:
        x: Repeat purchases, whole numbers.
        T: Age at the end of observation.
        parameters: As `per_row` gives them.

    Returns:
        The x, T and parameters of the states, arrays read-only, and for each row which of the
        states is its own.
    """
    x, T = read_only(x, T)
    own = [parameter for parameter in parameters if isinstance(parameter, np.ndarray)]
    if x.size == 0 or any(np.unique(column[:_LOOK]).size > _MANY for column in (T, *own)):
        return (x, T, *parameters), slice(None)
    if own:
        return _distinct_rows(x, T, *own)
    states, rows = _distinct_pairs(x, T)
    return (*states, *parameters), rows


def _distinct_pairs(x: FloatArray, T: FloatArray) -> tuple[tuple[FloatArray, FloatArray], Rows]:
    """Find the pairs of x and T, by a table of all that there may be."""
    whole = bool((np.floor(T) == T).all())
    ages, age = (T, T) if whole else np.unique(T, return_inverse=True)
    width = float(age.max()) + 1.0
    cells = (float(x.max()) + 1.0) * width
    if cells > 2.0 * x.size + 1000.0:
        return (x, T), slice(None)
    cell = (x * width + age).astype(np.intp)
    found = np.zeros(int(cells), np.intp)
    found[cell] = 1
    pairs = np.flatnonzero(found)
    rows = (np.cumsum(found) - 1)[cell]
    distinct_age = pairs % int(width)
    distinct_T = distinct_age.astype(np.float64) if whole else ages[distinct_age]
    distinct_x = (pairs // int(width)).astype(np.float64)
    first, second = read_only(distinct_x, distinct_T)
    return (first, second), rows


def _distinct_rows(
    x: FloatArray, T: FloatArray, *own: FloatArray
) -> tuple[tuple[FloatArray, ...], Rows]:
    """Find the rows that differ, by a hash of each, in the order of the hashes."""
    columns = x, T, *own
    _, first, rows = np.unique(row_keys(*columns), return_index=True, return_inverse=True)
    states = read_only(*(column[first] for column in columns))
    for column, state in zip(columns, states, strict=True):
        if not np.array_equal(state[rows], column):  # two rows with one hash
            return columns, slice(None)
    return states, rows
