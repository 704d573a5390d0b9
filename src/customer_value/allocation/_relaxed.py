"""The linear relaxation of a knapsack (Dantzig 1957): what no whole choice can beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from customer_value._typing import FloatArray

SLACK = 1e-12
"""Share by which sums of costs may pass a limit, as rounding makes them."""


def relaxed(cost: FloatArray, value: FloatArray, limit: float) -> tuple[float, float]:
    """Value of the best choice within a limit if the last one could be split, and its price.

    Args:
        cost: Costs of the choices, those that bring most per cost first.
        value: Values of them.
        limit: What they may cost together.

    Returns:
        The value, and the value that one more unit of the limit would bring: 0 if all fit.
    """
    reached = np.cumsum(cost)
    whole = int(np.searchsorted(reached, limit * (1 + SLACK), side="right"))
    best = float(np.sum(value[:whole]))
    if whole == cost.size:
        return best, 0.0
    left = max(limit - (float(reached[whole - 1]) if whole else 0.0), 0.0)
    with np.errstate(over="ignore"):
        price = float(np.nan_to_num(value[whole] / cost[whole]))
    share = left / cost[whole] if left < cost[whole] else 1.0
    return best + float(value[whole] * share), price
