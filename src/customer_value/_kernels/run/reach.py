"""How many customers have made at least so many purchases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def reach(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Weight of the customers with x at least 0, 1, 2 ... up to the largest.

    A likelihood's terms in x alone, such as ln Gamma(r+x)/Gamma(r), are sums over j < x. Over all
    customers they are one sum over j, weighted by how many customers have x > j: by `reach[1:]`.
    """
    counts = np.bincount(x.astype(np.int64), weights)
    return np.asarray(counts[::-1].cumsum()[::-1])
