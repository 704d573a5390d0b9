"""Which offer each customer gets under a budget: the multiple-choice knapsack."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.derive import AMOUNT, MONEY, check_numbers
from customer_value._frames.door import read_frame
from customer_value._frames.money import MONEY_LIMIT, exact_sum
from customer_value._frames.options import Amount, build
from customer_value._kernels.math.allocation import efficient_offers, take_in_order
from customer_value.allocation._relaxed import SLACK, relaxed
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from customer_value._frames.contracts import Kind
    from customer_value._typing import FloatArray, Frame, IntArray

__all__ = ["OfferSelection", "select_offers"]

_MOST_CELLS = 50_000_000
_ROW, _WHO, _COST, _WORTH = "__row__", "__who__", "__cost__", "__worth__"


@dataclass(frozen=True)
class OfferSelection:
    """Who gets which offer.

    Attributes:
        table: The offers with `selected` (Boolean), at most one per customer.
        customers: Number of customers who get one.
        spent: What the selected offers cost, money.
        gain: What they bring, money.
        value: Their gain less `min_return` times their cost: what is maximised.
        bound: No selection within the budget has a value above this.
        shadow_price: Value that one more unit of budget would bring if offers could be split; 0
            where every offer worth giving fits.
    """

    table: pl.DataFrame
    customers: int
    spent: float
    gain: float
    value: float
    bound: float
    shadow_price: float


class _Terms(BaseModel, frozen=True, extra="forbid", title="select_offers"):
    budget: Amount
    method: Literal["greedy", "exact"]
    min_return: Annotated[float, Field(ge=0, lt=1e9)]
    cost_unit: Annotated[float, Field(gt=0, lt=MONEY_LIMIT)]


class _Steps(NamedTuple):
    """From each customer's nothing to its dearest efficient offer, best step first."""

    row: IntArray
    who: IntArray
    cost: FloatArray
    value: FloatArray


def select_offers(
    offers: Frame,
    *,
    budget: float,
    customer: str = "customer_id",
    cost: str = "cost",
    gain: str = "gain",
    method: Literal["greedy", "exact"] = "greedy",
    min_return: float = 0.0,
    cost_unit: float = 1.0,
) -> OfferSelection:
    """Choose at most one offer per customer so that they bring most within a budget.

    Maximises the sum of gain - `min_return` cost over the selected offers. `"greedy"` climbs from
    offer to dearer offer where an extra unit of money brings most, over all customers: it misses
    the optimum by less than one such step, is optimal where offers can be split, and takes
    millions of customers. `"exact"` is dynamic programming over the budget in units of cost, for
    small cases.

    Args:
        offers: Frame with one row per customer and offer.
        budget: What the offers may cost together, money; to a relative 1e-12.
        customer: Column of the customer.
        cost: Column of the expected cost of an offer, money, at or above zero.
        gain: Column of its expected gain, money, such as the lifetime value that it saves.
        method: `"greedy"` or `"exact"`.
        min_return: Gain that a unit of money must bring. With gains before the cost of the offer,
            1 stops where more cost brings no more than itself; with gains after it, take 0.
        cost_unit: For `"exact"`, the unit that all costs are multiples of, such as 0.01.

    Returns:
        The selection. Its table has the offers in their order. Offers that bring nothing are
        never selected. Of equal steps the cheaper comes first, then the customer whose key sorts
        first: a budget must end somewhere among equals, and so it ends at the same place whatever
        the order of the rows.

    Raises:
        OptionError: A number or the method is out of range; the table has a column `selected`, or
            `"exact"` would need a table of
            more than 50 million cells (customers times budget in units).
        SchemaError: Columns are missing or of a wrong type.
        DataError: Customers, costs or gains are unknown, costs below zero or, for `"exact"`, no
            multiples of the unit, or values are NaN, infinite or 1e23 and more.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> offers = pl.DataFrame(
        ...     {
        ...         "customer_id": ["a", "a", "b", "c"],
        ...         "offer": ["mail", "call", "call", "call"],
        ...         "cost": [1.0, 5.0, 5.0, 5.0],
        ...         "gain": [10.0, 30.0, 20.0, 5.0],
        ...     }
        ... )
        >>> plan = cv.allocation.select_offers(offers, budget=10.0)
        >>> plan.table.filter("selected").select("customer_id", "offer").rows()
        [('a', 'call'), ('b', 'call')]
        >>> plan.gain, plan.bound, plan.shadow_price
        (50.0, 50.0, 1.0)
    """
    terms = build(_Terms, budget=budget, method=method, min_return=min_return, cost_unit=cost_unit)
    needed: dict[str, Kind] = {customer: "key", cost: "number", gain: "number"}
    table = read_frame(offers, needed, what="offers").lazy().collect()
    rows = _rows(table, customer, cost, gain, terms.min_return)
    steps = _steps(rows)
    limit = terms.budget * (1 + SLACK)
    chosen = _exact(rows, terms) if terms.method == "exact" else _greedy(steps, rows, limit)
    picked = np.zeros(table.height, dtype=np.bool_)
    picked[to_array(rows[_ROW]).astype(np.int64)[chosen]] = True
    table = table.with_columns(pl.Series("selected", picked, dtype=pl.Boolean))
    bound, price = relaxed(steps.cost, steps.value, terms.budget)
    selected = table.filter("selected").select(
        pl.len().alias("customers"), spent=exact_sum(pl.col(cost)), gain=exact_sum(pl.col(gain))
    )
    customers, spent, brought = selected.row(0)
    value = brought - terms.min_return * spent
    # Of sums in another order, the bound may be smaller in the last place.
    return OfferSelection(table, int(customers), spent, brought, value, max(bound, value), price)


def _rows(
    table: pl.DataFrame, customer: str, cost: str, gain: str, min_return: float
) -> pl.DataFrame:
    """The offers worth a look, sorted by customer, cost and falling value."""
    if "selected" in table.columns:
        raise OptionError("offers have a column 'selected': rename it")
    inputs = {cost: AMOUNT, gain: MONEY}
    numbers = check_numbers(table, inputs, what="offers", needed=(cost, gain))
    if unknown := table[customer].null_count():
        raise DataError(f"offers: {unknown:,} row{'s' if unknown > 1 else ''} with no '{customer}'")
    worth = numbers.select(pl.col(gain) - min_return * pl.col(cost)).to_series()
    rows = pl.DataFrame(
        [table[customer].alias(_WHO), numbers[cost].alias(_COST), worth.alias(_WORTH)]
    ).with_row_index(_ROW)
    ordered = rows.filter(pl.col(_WORTH) > 0).sort(
        _WHO, _COST, _WORTH, _ROW, descending=[False, False, True, False]
    )
    return ordered.with_columns(pl.col(_WHO).rle_id().cast(pl.Int64))


def _steps(rows: pl.DataFrame) -> _Steps:
    """The steps along the hulls, those that bring most per cost first."""
    n, who = rows.height, rows[_WHO].to_numpy().astype(np.int64)
    cost, worth = to_array(rows[_COST]).copy(), to_array(rows[_WORTH]).copy()
    kept, more_cost, more_worth = np.empty(n, np.int64), np.empty(n), np.empty(n)
    found = efficient_offers(who, cost, worth, kept, more_cost, more_worth)
    kept, more_cost, more_worth = kept[:found], more_cost[:found], more_worth[:found]
    with np.errstate(divide="ignore", over="ignore"):
        yields = more_worth / more_cost
    order = np.lexsort((np.arange(found), more_cost, -yields))
    return _Steps(kept[order], who[kept][order], more_cost[order], more_worth[order])


def _greedy(steps: _Steps, rows: pl.DataFrame, limit: float) -> IntArray:
    """Rows that the climb ends at, or the best single offer where that is worth more."""
    customers = int(steps.who.max(initial=-1)) + 1
    taken = np.empty(steps.row.size, np.int64)
    stopped = np.zeros(customers, np.int64)
    take_in_order(steps.who, steps.cost, limit, stopped, taken)
    chosen = np.full(customers, -1, np.int64)
    chosen[steps.who[taken == 1]] = steps.row[taken == 1]  # of a customer's steps the last stays
    chosen = chosen[chosen >= 0]
    cost, worth = to_array(rows[_COST]), to_array(rows[_WORTH])
    fits = np.flatnonzero(cost <= limit)
    if fits.size and worth[fits].max() > worth[chosen].sum():
        return fits[[worth[fits].argmax()]]
    return chosen


def _exact(rows: pl.DataFrame, terms: _Terms) -> IntArray:
    """Best value for every budget up to this one, customer by customer."""
    who, worth = rows[_WHO].to_numpy(), to_array(rows[_WORTH])
    units = to_array(rows[_COST]) / terms.cost_unit
    whole = np.rint(units)
    broken = np.abs(units - whole) > 1e-9 * np.maximum(units, 1)
    if np.any(broken):
        raise DataError(
            f"offers: {np.sum(broken):,} row{'s' if np.sum(broken) > 1 else ''} with a cost that "
            f"is not a multiple of the cost_unit {terms.cost_unit:g}"
        )
    size = min(np.floor(terms.budget / terms.cost_unit * (1 + SLACK)), float(np.sum(whole)))
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]][: who.size]).tolist()
    if (size + 1) * len(starts) > _MOST_CELLS:
        raise OptionError(
            f"exact needs customers times budget units of at most {_MOST_CELLS:,}, got "
            f"{(size + 1) * len(starts):,.0f}: take a larger cost_unit, or method='greedy'"
        )
    best, ways = np.zeros(int(size) + 1), []
    for start, stop in pairwise([*starts, who.size]):
        better, way = best.copy(), np.full(best.size, -1, np.int64)
        for row in range(start, stop):
            price = int(min(whole[row], size + 1))
            value = best[: best.size - price] + worth[row]
            improves = value > better[price:]
            better[price:][improves] = value[improves]
            way[price:][improves] = row
        best = better
        ways.append(way)
    return _walk_back(ways, whole, int(best.size) - 1)


def _walk_back(ways: list[IntArray], units: FloatArray, left: int) -> IntArray:
    chosen = []
    for way in reversed(ways):
        row = int(way[left])
        if row >= 0:
            chosen.append(row)
            left -= int(units[row])
    return np.array(chosen[::-1], dtype=np.int64)
