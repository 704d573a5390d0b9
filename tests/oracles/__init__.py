"""Slow, obvious twins of the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from mpmath import mp

if TYPE_CHECKING:
    from collections.abc import Callable


def log_derivatives(
    function: Callable[..., Any], parameters: list[float]
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Differentiate in the logarithms of the parameters, by central differences at 60 digits."""
    n = len(parameters)
    with mp.workdps(60):
        step = mp.mpf(10) ** -12
        center = [mp.log(mp.mpf(parameter)) for parameter in parameters]

        def at(*moves: tuple[int, int]) -> Any:
            theta = list(center)
            for i, sign in moves:
                theta[i] += sign * step
            return function(*map(mp.exp, theta))

        gradient = [(at((i, 1)) - at((i, -1))) / (2 * step) for i in range(n)]
        hessian = [
            [
                sum(s * u * at((i, s), (j, u)) for s in (1, -1) for u in (1, -1)) / (4 * step**2)
                for j in range(n)
            ]
            for i in range(n)
        ]
    return np.array(gradient, dtype=np.float64), np.array(hessian, dtype=np.float64)
