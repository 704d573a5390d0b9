"""Which customers get an account manager, and whom, under their hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from customer_value._frames.arrays import to_array
from customer_value._frames.derive import AMOUNT, MONEY, check_numbers
from customer_value._frames.door import read_frame
from customer_value._frames.money import exact_sum
from customer_value._frames.options import Amount, build
from customer_value.allocation._relaxed import SLACK, relaxed
from customer_value.exceptions import DataError, FitError, OptionError, SchemaError

if TYPE_CHECKING:
    from customer_value._frames.contracts import Kind
    from customer_value._typing import FloatArray, Frame, IntArray

__all__ = ["ManagerAssignment", "assign_managers"]

_MOST_PAIRS = 20_000


@dataclass(frozen=True)
class ManagerAssignment:
    """Who looks after whom.

    Attributes:
        table: The customers with `manager` (null for none).
        load: The managers with `assigned_hours` and `free_hours`.
        gain: Gain of the customers who have a manager, money, without the continuity bonus.
        unfilled: Number of customers who would bring a gain and have no manager.
        bound: No assignment brings more, continuity bonus included, money.
        shadow_price: Gain that one more hour would bring if hours could be split; 0 where all
            customers who bring a gain fit.
    """

    table: pl.DataFrame
    load: pl.DataFrame
    gain: float
    unfilled: int
    bound: float
    shadow_price: float


class _Terms(BaseModel, frozen=True, extra="forbid", title="assign_managers"):
    continuity_bonus: Amount
    method: Literal["greedy", "exact"]


class _Case(NamedTuple):
    """Customers in the order of their keys: hours, gain, and current manager or -1."""

    hours: FloatArray
    gain: FloatArray
    current: IntArray
    capacity: FloatArray
    bonus: float

    @property
    def most(self) -> FloatArray:
        """What each customer brings with its own manager, or with any if it has none."""
        return self.gain + np.where(self.current >= 0, self.bonus, 0.0)


def assign_managers(
    customers: Frame,
    managers: Frame,
    *,
    customer: str = "customer_id",
    hours: str = "hours",
    gain: str = "gain",
    current: str | None = None,
    manager: str = "manager_id",
    capacity: str = "capacity",
    continuity_bonus: float = 0.0,
    method: Literal["greedy", "exact"] = "greedy",
) -> ManagerAssignment:
    """Give account managers the customers for whom their hours bring most.

    Maximises the sum of the gains of the customers who have a manager, and a bonus for each who
    keeps the one it has. `"greedy"` takes customers by gain per hour and gives each to its own
    manager if that is free and to the fullest one that has room otherwise; `"exact"` solves the
    integer programme (HiGHS, through scipy), for small cases.

    Args:
        customers: Frame with one row per customer.
        managers: Frame with one row per manager.
        customer: Column of the customer's key, by which ties are broken.
        hours: Column of the hours that the customer's level of service needs, at or above zero.
        gain: Column of what a manager's care brings with the customer, money; customers whose
            gain is at or below zero, or unknown, or whose hours are unknown, get no manager.
        current: Column of the customer's manager of today, null for none.
        manager: Column of the manager's key.
        capacity: Column of the manager's hours, at or above zero.
        continuity_bonus: What it is worth that a customer keeps its manager, money.
        method: `"greedy"` or `"exact"`.

    Returns:
        The assignment; its tables are the two frames in their order with columns added.

    Raises:
        OptionError: The bonus or the method is out of range; result columns are in the frames
            already, or the exact case has more
            than 20,000 pairs of customer and manager.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Keys are null or there twice, hours or capacities below zero, capacities
            unknown, or values NaN, infinite or 1e23 and more.
        FitError: The solver found no optimum.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "customer_id": ["a", "b", "c"],
        ...         "hours": [10.0, 10.0, 5.0],
        ...         "gain": [500.0, 300.0, 250.0],
        ...     }
        ... )
        >>> managers = pl.DataFrame({"manager_id": ["li", "wu"], "capacity": [10.0, 6.0]})
        >>> plan = cv.allocation.assign_managers(customers, managers)
        >>> plan.table["manager"].to_list(), plan.gain, plan.unfilled
        (['li', None, 'wu'], 750.0, 1)
        >>> plan.shadow_price
        30.0
    """
    terms = build(_Terms, continuity_bonus=continuity_bonus, method=method)
    held: dict[str, Kind] = {} if current is None else {current: "key"}
    table = read_frame(customers, {customer: "key", **held}).lazy().collect()
    staff = read_frame(managers, {manager: "key"}, what="managers").lazy().collect()
    taken = [f"'{c}'" for c in ("manager",) if c in table.columns]
    taken += [f"'{c}'" for c in ("assigned_hours", "free_hours") if c in staff.columns]
    if taken:
        raise OptionError(f"rename the columns {', '.join(taken)}: the result has them")
    _check_keys(table, customer, "customers")
    _check_keys(staff, manager, "managers")
    needs = check_numbers(table, {hours: AMOUNT, gain: MONEY}, what="customers")
    supply = check_numbers(staff, {capacity: AMOUNT}, what="managers", needed=(capacity,))
    rows = pl.DataFrame([table[customer].alias("who"), needs[hours].alias("hours")]).with_columns(
        gain=needs[gain], current=_numbers_of(table, current, staff[manager])
    )
    worth = (
        rows.with_row_index("row")
        .filter((pl.col("gain") > 0) & pl.col("hours").is_not_null())
        .sort("who")
    )
    case = _Case(
        hours=to_array(worth["hours"]),
        gain=to_array(worth["gain"]),
        current=worth["current"].to_numpy().astype(np.int64),
        capacity=to_array(supply[capacity]),
        bonus=terms.continuity_bonus,
    )
    place = (_exact if terms.method == "exact" else _greedy)(case)
    return _result(table, staff, worth, case, place, keys=staff[manager])


def _check_keys(frame: pl.DataFrame, key: str, what: str) -> None:
    problems = []
    if unknown := frame[key].null_count():
        problems.append(f"{unknown:,} with no '{key}'")
    if twice := frame[key].drop_nulls().is_duplicated().sum():
        problems.append(f"{twice:,} rows that share a '{key}'")
    if problems:
        raise DataError(f"{what}: {'; '.join(problems)}")


def _numbers_of(table: pl.DataFrame, current: str | None, keys: pl.Series) -> pl.Series:
    """Row of each customer's manager of today, -1 for none and for those who have left."""
    if current is None:
        return pl.Series("current", [-1], dtype=pl.Int64).new_from_index(0, table.height)
    schema = table.schema
    if schema[current] != keys.dtype:
        raise SchemaError(
            f"customers: '{current}' is {schema[current]}, but managers are {keys.dtype}; cast one"
        )
    places = pl.DataFrame([keys.alias(current)]).with_row_index("current")
    joined = table.select(current).join(places, on=current, how="left", maintain_order="left")
    return joined["current"].cast(pl.Int64).fill_null(-1)


def _by_yield(case: _Case) -> IntArray:
    """Customers by gain per hour, then fewer hours first."""
    with np.errstate(divide="ignore", over="ignore"):
        yields = case.most / case.hours
    return np.lexsort((np.arange(yields.size), case.hours, -yields)).astype(np.int64)


def _greedy(case: _Case) -> IntArray:
    place, free = np.full(case.gain.size, -1, np.int64), case.capacity.copy()
    slack = SLACK * case.capacity
    for who in _by_yield(case):
        need, own = case.hours[who], case.current[who]
        fits = need <= free + slack
        if own >= 0 and fits[own]:
            place[who] = own
        elif np.any(fits):
            place[who] = int(np.argmin(np.where(fits, free, np.inf)))
        else:
            continue
        free[place[who]] -= need
    return place


def _exact(case: _Case) -> IntArray:
    n, m = case.gain.size, case.capacity.size
    if n * m > _MOST_PAIRS:
        raise OptionError(
            f"exact takes up to {_MOST_PAIRS:,} pairs of customer and manager, got {n * m:,}"
        )
    if n * m == 0:
        return np.full(n, -1, np.int64)
    who, whom = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    worth = case.gain[who] + np.where(case.current[who] == whom, case.bonus, 0.0)
    scale = max(float(case.hours.max()), 1e-300)
    pairs, ones = np.arange(n * m), np.ones(n * m)
    once = LinearConstraint(csr_array((ones, (who, pairs)), shape=(n, n * m)), ub=np.ones(n))
    hours = csr_array((case.hours[who] / scale, (whom, pairs)), shape=(m, n * m))
    supply = np.minimum(case.capacity * (1 + SLACK), np.sum(case.hours))
    within = LinearConstraint(hours, ub=supply / scale)
    found = milp(
        -worth / worth.max(),
        integrality=np.ones(n * m),
        bounds=Bounds(0, 1),
        constraints=[once, within],
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None or found.status != 0:
        raise FitError(f"assign_managers: no optimum: {found.message}")
    chosen = np.flatnonzero(found.x > 0.5)
    place = np.full(n, -1, np.int64)
    place[who[chosen]] = whom[chosen]
    return place


def _result(
    table: pl.DataFrame,
    staff: pl.DataFrame,
    worth: pl.DataFrame,
    case: _Case,
    place: IntArray,
    *,
    keys: pl.Series,
) -> ManagerAssignment:
    spots = np.full(table.height, -1, np.int64)
    spots[worth["row"].to_numpy()] = place
    rows = pl.Series(spots, dtype=pl.Int64).replace(-1, None)
    used = np.bincount(place[place >= 0], case.hours[place >= 0], minlength=staff.height)
    free = np.maximum(case.capacity - used, 0.0)
    order, there = _by_yield(case), place >= 0
    bound, price = relaxed(case.hours[order], case.most[order], float(np.sum(case.capacity)))
    gains = pl.DataFrame({"gain": case.gain[there]})
    gain = float(gains.select(exact_sum(pl.col("gain"))).item())
    kept = int(np.sum(there & (place == case.current)))
    return ManagerAssignment(
        table=table.with_columns(keys.gather(rows).alias("manager")),
        load=staff.with_columns(assigned_hours=pl.Series(used), free_hours=pl.Series(free)),
        gain=gain,
        unfilled=int(np.sum(place < 0)),
        # Of sums in another order, the bound may be smaller in the last place.
        bound=max(bound, gain + case.bonus * kept),
        shadow_price=price,
    )
