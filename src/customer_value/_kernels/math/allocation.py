"""Offers per customer: which can be worth taking, and which fit into a budget."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from customer_value._kernels.run._jit import jit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@jit
def efficient_offers(
    customer: IntArray,
    cost: FloatArray,
    value: FloatArray,
    kept: IntArray,
    more_cost: FloatArray,
    more_value: FloatArray,
) -> int:
    """Write the upper concave hull of each customer's offers, the empty offer included.

    Rows are sorted by customer, cost and falling value. Going along a customer's hull, each offer
    brings less value per cost than the one before (Sinha & Zoltners 1979).

    Args:
        customer: Number of the customer of each offer.
        cost: Cost of each offer, at least 0.
        value: Value of each offer.
        kept: Gets the rows on a hull, in their order.
        more_cost: Gets the cost of each row in `kept` over the hull's row before.
        more_value: Gets its value over that row.

    Returns:
        The number of rows written.
    """
    n = customer.size
    top = start = 0
    for row in range(n):
        if row > 0 and customer[row] != customer[row - 1]:
            start = top
        best = value[kept[top - 1]] if top > start else 0.0
        if not value[row] > best:
            continue
        while top > start:
            # The last one goes if the way over it climbs less steeply than the way past it.
            last = kept[top - 1]
            rise, run = value[row] - value[last], cost[row] - cost[last]
            if more_value[top - 1] * run > rise * more_cost[top - 1]:
                break
            top -= 1
        before = kept[top - 1] if top > start else -1
        more_cost[top] = cost[row] - (cost[before] if before >= 0 else 0.0)
        more_value[top] = value[row] - (value[before] if before >= 0 else 0.0)
        kept[top] = row
        top += 1
    return top


@jit
def take_in_order(
    customer: IntArray, cost: FloatArray, budget: float, stopped: IntArray, taken: IntArray
) -> int:
    """Take steps in their order as long as they fit; a step needs the customer's steps before it.

    Args:
        customer: Number of the customer of each step, best step first.
        cost: Cost of each step.
        budget: What the steps may cost together.
        stopped: Zeros, one per customer; gets 1 for those with a step that did not fit.
        taken: Gets 1 for the steps that are taken, 0 for others.

    Returns:
        The first step that did not fit, or their number.
    """
    spent, first = 0.0, customer.size
    for step in range(customer.size):
        taken[step] = 0
        who = customer[step]
        if stopped[who] == 0 and spent + cost[step] <= budget:
            taken[step] = 1
            spent += cost[step]
        elif stopped[who] == 0:
            stopped[who] = 1
            first = min(first, step)
    return first
