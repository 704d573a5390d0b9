"""The Lorenz curve and the Gini coefficient of an array of values (Lorenz 1905; Gini 1912)."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_TOLERANCE = 1e-12


class Lorenz(NamedTuple):
    """People and value up to each distinct value, smallest first, from no one on.

    `total` is None where it is not above zero, or within 1e-12 of the sum of absolute values.
    Amounts are in a unit of their own: only their shares mean something.
    """

    worth: Floats
    reached: npt.NDArray[np.int64]
    held: Floats
    total: float | None


def lorenz(values: Floats) -> Lorenz:
    """The Lorenz curve of finite values; their order changes no bit."""
    # Shares do not depend on the unit: by a power of two no bit is lost and no sum overflows.
    exponent = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    scaled = np.ldexp(values, -exponent) + 0.0  # of 0.0 and -0.0 one
    worth, count = np.unique(scaled, return_counts=True)
    amounts = worth * count
    reached = np.concatenate(([0], np.cumsum(count)))
    held = np.concatenate(([0.0], np.cumsum(amounts)))
    total = float(held[-1])
    return Lorenz(worth, reached, held, total if total > _TOLERANCE * abs(amounts).sum() else None)


def gini(curve: Lorenz) -> float | None:
    """The Gini coefficient, summed so that no term is negative; None without a total."""
    if curve.total is None:
        return None
    n, below = curve.reached[-1], curve.reached[1:-1]
    return float((below * (n - below) * np.diff(curve.worth)).sum() / (n * curve.total))
