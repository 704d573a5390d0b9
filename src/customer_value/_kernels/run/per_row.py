"""Parameters that all rows share, or of which each row has its own.

A kernel reads them with `own`. It is compiled for numbers, where reading costs nothing, and once
more for arrays only when it is called with some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numba import types
from numba.extending import overload

from customer_value._kernels.run.parallel import FloatArray, read_only

if TYPE_CHECKING:
    from collections.abc import Callable

PerRow: TypeAlias = float | FloatArray
"""One number, or one per row."""


def per_row(*parameters: PerRow) -> tuple[PerRow, ...]:
    """Give parameters as a kernel takes them: all as numbers, or all as one per row.

    So there are two kinds of compiled code and not one for each mixture.

    Args:
        parameters: Numbers, or 1-d arrays of one length.

    Returns:
        The numbers, or read-only arrays of that length.
    """
    if any(isinstance(parameter, np.ndarray) for parameter in parameters):
        return read_only(*np.broadcast_arrays(*parameters))
    return tuple(float(parameter) for parameter in parameters)


def own(parameter: PerRow, i: int) -> float:
    """Give row i its parameter."""
    return float(parameter[i]) if isinstance(parameter, np.ndarray) else parameter


@overload(own, strict=False)
def _compiled_own(parameter: types.Type, i: types.Type) -> Callable[[Any, int], Any]:  # noqa: ARG001
    if isinstance(parameter, types.Array):
        return lambda parameter, i: parameter[i]
    return lambda parameter, i: parameter  # noqa: ARG005
