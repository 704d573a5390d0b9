"""Cost to serve: shared cost to the customers whose activities cause it.

Time-driven activity-based costing after Kaplan & Anderson, "Time-Driven Activity-Based Costing",
Harvard Business Review, November 2004.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl
from pydantic import BaseModel

from customer_value._frames.contracts import as_names
from customer_value._frames.money import DECIMAL, MONEY_SCALE
from customer_value._frames.options import build
from customer_value.exceptions import OptionError
from customer_value.profit._drivers import Tables, read_tables
from customer_value.profit._periods import END, START
from customer_value.profit._pools import SPAN
from customer_value.profit.equations import TimeEquation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

Method: TypeAlias = Literal["direct", "step_down"]

_MICRO = Decimal(1).scaleb(-MONEY_SCALE)
_KEY = ["driver", SPAN]
_DIGITS = 76  # enough for any product of two decimals


class _Terms(BaseModel, frozen=True, extra="forbid", title="allocate_costs"):
    method: Method
    equations: tuple[TimeEquation, ...]


@dataclass(frozen=True, eq=False)  # frames have no single answer to ==
class CostAllocation:
    """What each customer's activities cost, and what of each pool is no one's.

    Attributes:
        costs: One row per customer and pool that the customer's activities use, sorted:
            `customer_id` (type kept), `line` (the pool's name), `amount` (Float64) and, where the
            pools have them, `period_start` and `period_end`. This is what `customer_pnl` takes as
            `costs`.
        pools: One row per pool, by period and in the pools' order: the period, where there are
            any, `pool`, `driver`; `amount` (its own cost),
            `received` (from pools that serve it), `used` (units of the driver),
            `practical_capacity` (null where not given), `utilisation` (used over capacity, above
            1 where more is used than there is), `rate` (cost of a unit, null where none is used
            or supplied); and where the cost goes: `allocated` (to customers), `passed_on` (to
            pools), `unused` (cost of idle capacity) and `residual` (what found no driver, and
            what rounding to six places leaves). All Float64 but the names.
        method: How pools that serve pools were allocated.
        order: Pools that serve pools, in the order in which they were closed.
    """

    costs: pl.DataFrame
    pools: pl.DataFrame
    method: Method
    order: tuple[str, ...]


def allocate_costs(
    activities: Frame,
    pools: Frame,
    *,
    equations: Sequence[TimeEquation] = (),
    support: Frame | None = None,
    method: Method = "direct",
    order: Sequence[str] | None = None,
) -> CostAllocation:
    """Allocate pools of shared cost to customers by what their activities use up.

    Each pool has a driver, of which activities use units: the quantity of the activity of that
    name, and what `equations` make of other activities. A customer's cost is amount x units /
    units supplied. Supplied is the practical capacity where it is known, so that idle capacity
    stays apart, as `unused`, and charges no customer (time-driven costing: the capacity cost rate
    is amount / practical capacity); without it, the units used, so that the pool is used up. If
    more is used than the practical capacity, the units used are the base as well: customers are
    never charged more than was spent.

    Pools that serve pools, as those named by `support`, are allocated first. `"direct"`: to the
    pools that serve customers only, as if those of `support` did not serve each other.
    `"step_down"`: one after the other, in `order`, each with what it has received, also to those
    that come later; one that is closed receives nothing more.

    For each pool amount + received = allocated + passed_on + unused + residual, and over all
    pools the amounts = allocated + unused + residual, exactly to six decimal places. Units of
    drivers are summed to six places as well.

    Pools of several periods carry `period_start` and `period_end`, and activities the `date` by
    which they belong to one: each period is then allocated by itself, and `customer_pnl` tells the
    costs of the periods apart.

    Args:
        activities: `customer_id` (whole numbers or text), `activity` (text), `quantity` (not
            negative), and the traits that equations name; with pools of several periods, `date`
            (Date, within one of them). A LazyFrame is collected.
        pools: `pool` (text, once for a period), `amount` (cost of the period; negative for a
            credit), `driver` (text; null for pools of `support`) and, if known,
            `practical_capacity` in units of the driver, above zero; and for several periods,
            `period_start` and `period_end` (Date, both included): those of any two pools are equal
            or do not overlap. A `currency` column is checked.
        equations: Units that activities take, one for each pair of activity and driver.
        support: What pools do for pools: `pool`, `user` (another pool) and `quantity` (not
            negative), in each of the periods alike, as far as it has the pools.
        method: How to allocate pools that serve pools.
        order: The pools of `support`, in the order in which `"step_down"` closes them.

    Returns:
        The customers' costs and the account of each pool. A pool whose driver no one uses stays
        as `unused` with, as `residual` without a practical capacity.

    Raises:
        OptionError: An option is of no known value, or `order` does not name the pools of
            `support`, once each.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Quantities are unknown, negative or not finite, capacities not above zero,
            a pool is there twice, periods overlap or lack an activity's date, there is more than
            one currency, activities, drivers, pools or traits do not fit together: all named at
            once, table by table.

    Examples:
        >>> import polars as pl, customer_value as cv

        Kaplan & Anderson's department: 560,000 for 700,000 minutes, so 0.80 a minute.

        >>> activities = pl.DataFrame(
        ...     {
        ...         "customer_id": ["ann", "ann", "bob", "bob"],
        ...         "activity": ["order", "inquiry", "order", "credit_check"],
        ...         "quantity": [9_000, 1_400, 40_000, 2_500],
        ...     }
        ... )
        >>> pools = pl.DataFrame(
        ...     {"pool": "service", "amount": 560_000, "driver": "minutes"}
        ... ).with_columns(practical_capacity=700_000)
        >>> minutes = {"order": 8, "inquiry": 44, "credit_check": 50}
        >>> equations = [
        ...     cv.profit.TimeEquation(activity=activity, driver="minutes", base=base)
        ...     for activity, base in minutes.items()
        ... ]
        >>> allocation = cv.allocate_costs(activities, pools, equations=equations)
        >>> allocation.costs.rows()
        [('ann', 'service', 106880.0), ('bob', 'service', 356000.0)]
        >>> allocation.pools.select("rate", "allocated", "unused").row(0)
        (0.8, 462880.0, 97120.0)
    """
    terms = build(_Terms, method=method, equations=equations)
    tables = read_tables(activities, pools, support, terms.equations)
    sequence = _sequence(terms.method, order, tables.support)
    account = _pass_on(tables, sequence, terms.method)
    used = tables.units.group_by("driver", SPAN).agg(pl.col("units").sum().alias("driver_used"))
    supply = account.join(used, on=_KEY, how="left", maintain_order="left").with_columns(
        pl.coalesce("support_used", "driver_used").cast(pl.Float64).fill_null(0).alias("used")
    )
    supply = supply.with_columns(base=pl.max_horizontal("used", "practical_capacity"))
    costs = _charge(tables.units, supply)
    return CostAllocation(
        costs=costs.drop(SPAN).with_columns(pl.col("amount").cast(pl.Float64)),
        pools=_account(supply, costs),
        method=terms.method,
        order=tuple(sequence),
    )


def _sequence(method: Method, order: Sequence[str] | None, support: pl.DataFrame) -> list[str]:
    """The pools that serve pools, in the order in which they are closed."""
    serving = sorted(support["pool"].unique())
    if order is None and (method == "direct" or len(serving) <= 1):
        return serving
    given = [] if order is None else as_names(order)
    if sorted(given) != serving:
        raise OptionError(
            f"order must name the pools that serve pools, once each ({', '.join(serving)}), "
            f"got {order!r}"
        )
    return given


def _pass_on(tables: Tables, sequence: list[str], method: Method) -> pl.DataFrame:
    """The pools after those of `sequence` have passed on what they cost, in decimals."""
    pools = tables.pools.with_columns(pl.col("amount").cast(DECIMAL))
    spans = pools.partition_by(SPAN, maintain_order=True) or [pools]
    return pl.concat([_pass_on_within(span, tables.support, sequence, method) for span in spans])


def _pass_on_within(
    pools: pl.DataFrame, support: pl.DataFrame, sequence: list[str], method: Method
) -> pl.DataFrame:
    """The same, within one period."""
    amounts = dict(zip(pools["pool"], pools["amount"], strict=True))
    received, passed = dict.fromkeys(amounts, Decimal(0)), dict.fromkeys(amounts, Decimal(0))
    used: dict[str, float | None] = dict.fromkeys(amounts)
    there = pl.col("pool").is_in(list(amounts)) & pl.col("user").is_in(list(amounts))
    for k, name in enumerate(sequence):
        closed = sequence if method == "direct" else sequence[: k + 1]
        served = support.filter(there, pl.col("pool") == name, ~pl.col("user").is_in(closed))
        total = math.fsum(served["quantity"])
        if name in used:
            used[name] = total
        with localcontext(prec=_DIGITS):
            for _, user, quantity in served.filter(pl.col("quantity") > 0).rows():
                cost = amounts[name] + received[name]
                part = (cost * Decimal(quantity) / Decimal(total)).quantize(_MICRO)
                received[user] += part
                passed[name] += part
    return pools.with_columns(
        pl.Series("received", list(received.values()), DECIMAL),
        pl.Series("passed_on", list(passed.values()), DECIMAL),
        pl.Series("support_used", list(used.values()), pl.Float64),
    )


def _charge(units: pl.DataFrame, supply: pl.DataFrame) -> pl.DataFrame:
    """What each customer pays of each pool, to six decimal places."""
    cost = (pl.col("amount") + pl.col("received")).cast(pl.Float64)
    share = cost * pl.col("units").cast(pl.Float64) / pl.col("base")
    days = [name for name in (START, END) if name in supply.columns]
    return (
        units.join(supply, on=_KEY)
        .select(
            "customer_id",
            *days,
            SPAN,
            line="pool",
            amount=pl.when(pl.col("base") > 0).then(share).otherwise(0.0).cast(DECIMAL),
        )
        .sort("customer_id", "line", SPAN)
        .select("customer_id", "line", "amount", *days, SPAN)
    )


def _account(supply: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    """Where the cost of each pool goes; what is left after rounding is residual."""
    paid = costs.group_by(SPAN, pool="line").agg(pl.col("amount").sum().alias("allocated"))
    cost, capacity, used = pl.col("cost"), pl.col("practical_capacity"), pl.col("used")
    idle = cost.cast(pl.Float64) * (pl.col("base") - used) / pl.col("base")
    left = cost - pl.col("allocated") - pl.col("passed_on") - pl.col("unused")
    money = ("amount", "received", "allocated", "passed_on", "unused", "residual")
    return (
        supply.join(paid, on=["pool", SPAN], how="left", maintain_order="left")
        .with_columns(pl.col("allocated").fill_null(0), cost=pl.col("amount") + pl.col("received"))
        .with_columns(
            unused=pl.when(capacity > used).then(idle).otherwise(0.0).cast(DECIMAL),
            rate=pl.when(pl.col("base") > 0).then(cost.cast(pl.Float64) / pl.col("base")),
            utilisation=used / capacity,
        )
        .with_columns(residual=left)
        .with_columns(pl.col(money).cast(pl.Float64))
        .select(
            *(name for name in (START, END) if name in supply.columns),
            "pool",
            "driver",
            *money[:2],
            "used",
            "practical_capacity",
            "utilisation",
            "rate",
            *money[2:],
        )
    )
