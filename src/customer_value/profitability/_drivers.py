"""Reading pools, activities and support: what is wrong with them, and the units of each driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value._frames.contracts import (
    Kind,
    Rule,
    as_polars,
    describe,
    exclusive,
    find_offences,
    require,
)
from customer_value._frames.money import DECIMAL, MONEY_LIMIT, MONEY_SCALE
from customer_value.exceptions import DataError
from customer_value.transactions._source import money_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame
    from customer_value.profitability.cost_to_serve import TimeEquation


class Tables(NamedTuple):
    """The tables of an allocation, checked."""

    pools: pl.DataFrame
    support: pl.DataFrame
    units: pl.DataFrame


def read_tables(
    activities: Frame, pools: Frame, support: Frame | None, equations: Sequence[TimeEquation]
) -> Tables:
    """Pools as they are, what they do for each other, and each customer's units of each driver.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Names all that is wrong with any of the tables.
    """
    log = as_polars(activities).lazy()
    _require_activities(log, equations)
    ledger = _take_pools(as_polars(pools).lazy())
    served = _take_support(None if support is None else as_polars(support).lazy())
    drivers = ledger["driver"].drop_nulls().unique(maintain_order=True).to_list()
    uses = _uses(equations, drivers)
    problems = [
        *_problems("pools", ledger.lazy(), _pool_rules(ledger, served), key="pool"),
        *_problems("support", served.lazy(), _support_rules(ledger), key="pool"),
        *_equation_problems(equations, drivers),
        *_problems("activities", log, _activity_rules(uses), key="customer_id"),
    ]
    if problems:
        raise DataError("; ".join(problems))
    return Tables(ledger, served, _units(log, uses))


def _require_activities(log: pl.LazyFrame, equations: Sequence[TimeEquation]) -> None:
    traits = {trait for equation in equations for trait in equation.per}
    kinds: dict[str, Kind] = {"customer_id": "key", "activity": "text", "quantity": "number"}
    kinds |= dict.fromkeys(sorted(traits - {*kinds}), "number")
    hint = "one row per customer and activity: customer_id, activity, quantity"
    require(log, kinds, what="activities", hint=hint)


def _take_pools(frame: pl.LazyFrame) -> pl.DataFrame:
    if "practical_capacity" not in frame.collect_schema().names():
        frame = frame.with_columns(practical_capacity=pl.lit(None, pl.Float64))
    if "driver" in frame.collect_schema() and frame.collect_schema()["driver"] == pl.Null:
        frame = frame.with_columns(pl.col("driver").cast(pl.String))
    kinds: dict[str, Kind] = {"pool": "text", "amount": "number", "driver": "text"}
    kinds |= {"practical_capacity": "money"}
    require(frame, kinds, what="pools", hint="one row per pool: pool, amount, driver")
    return frame.select(
        pl.col("pool", "driver").cast(pl.String),
        "amount",
        pl.col("practical_capacity").cast(pl.Float64),
    ).collect()


def _take_support(frame: pl.LazyFrame | None) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema={"pool": pl.String, "user": pl.String, "quantity": pl.Float64})
    kinds: dict[str, Kind] = {"pool": "text", "user": "text", "quantity": "number"}
    require(frame, kinds, what="support", hint="one row per pool and user: pool, user, quantity")
    return frame.select(
        pl.col("pool", "user").cast(pl.String), pl.col("quantity").cast(pl.Float64)
    ).collect()


def _problems(what: str, frame: pl.LazyFrame, rules: list[Rule], *, key: str) -> list[str]:
    _, offences = find_offences(frame, exclusive(rules), key=key)
    return [f"{what}: {describe(offences)}"] if offences else []


def _quantity_rules(quantity: pl.Expr) -> list[Rule]:
    usable = quantity.is_finite() & (quantity < MONEY_LIMIT)
    return [
        Rule("no_quantity", quantity.is_null(), "no quantity"),
        Rule("negative", quantity < 0, "a quantity below zero"),
        Rule("not_finite", ~usable & ~(quantity < 0), f"a quantity not below {MONEY_LIMIT:g}"),
    ]


def _pool_rules(ledger: pl.DataFrame, served: pl.DataFrame) -> list[Rule]:
    pool, driver, capacity = pl.col("pool"), pl.col("driver"), pl.col("practical_capacity")
    supports = pool.is_in(served["pool"].drop_nulls().to_list())
    return [
        Rule("no_pool", pool.is_null(), "no pool"),
        Rule("twice", pool.is_duplicated(), "a pool of more than one row: one period at a time"),
        Rule("no_amount", pl.col("amount").is_null(), "no amount"),
        *money_rules("amount", "amount", ledger.schema["amount"], MONEY_SCALE),
        Rule("no_driver", driver.is_null() & ~supports, "no driver, and no pool that they serve"),
        Rule("two_ways", driver.is_not_null() & supports, "both a driver and pools they serve"),
        Rule(
            "capacity",
            ~((capacity > 0) & capacity.is_finite()),
            "a practical capacity not above zero, or not finite",
        ),
        Rule(
            "support_capacity",
            capacity.is_not_null() & supports,
            "a practical capacity though they serve pools",
        ),
    ]


def _support_rules(ledger: pl.DataFrame) -> list[Rule]:
    names = ledger["pool"].drop_nulls().to_list()
    pool, user = pl.col("pool"), pl.col("user")
    known = pool.is_in(names) & user.is_in(names)
    return [
        Rule("unknown", ~known.fill_null(value=False), "a pool or user that is no pool"),
        Rule("itself", pool == user, "a pool that serves itself"),
        Rule("twice", pl.struct("pool", "user").is_duplicated(), "a pair of more than one row"),
        *_quantity_rules(pl.col("quantity")),
    ]


def _equation_problems(equations: Sequence[TimeEquation], drivers: list[str]) -> list[str]:
    pairs = [(equation.activity, equation.driver) for equation in equations]
    twice = sorted({f"{a} of {d}" for a, d in pairs if pairs.count((a, d)) > 1})
    strange = sorted({driver for _, driver in pairs} - {*drivers})
    return [f"equations: more than one for {', '.join(twice)}"] * bool(twice) + [
        f"equations: no pool has the driver {', '.join(strange)}"
    ] * bool(strange)


def _uses(equations: Sequence[TimeEquation], drivers: list[str]) -> dict[str, dict[str, pl.Expr]]:
    """By driver and activity, the units that a row of the activity uses up."""
    quantity = pl.col("quantity").cast(pl.Float64)
    uses = {driver: {driver: quantity} for driver in drivers}
    for equation in equations:
        each = pl.lit(equation.base, pl.Float64)
        for trait, coefficient in equation.per.items():
            each += coefficient * pl.col(trait).cast(pl.Float64)
        uses.setdefault(equation.driver, {})[equation.activity] = quantity * each
    return uses


def _activity_rules(uses: dict[str, dict[str, pl.Expr]]) -> list[Rule]:
    activity, quantity = pl.col("activity").cast(pl.String), pl.col("quantity").cast(pl.Float64)
    used = sorted({name for units in uses.values() for name in units})
    rules = [
        Rule("no_customer", pl.col("customer_id").is_null(), "no customer"),
        Rule("no_activity", activity.is_null(), "no activity"),
        Rule("no_use", ~activity.is_in(used), "an activity that no pool or equation uses"),
        *_quantity_rules(quantity),
    ]
    known = quantity.is_finite() & (quantity >= 0) & (quantity < MONEY_LIMIT)
    units = [
        (activity == name) & known.fill_null(value=False) & bad
        for of_driver in uses.values()
        for name, value in of_driver.items()
        for bad in [
            ~(value.is_finite() & (value >= 0) & (value < MONEY_LIMIT)).fill_null(value=False)
        ]
    ]
    if units:
        says = "traits that are unknown or make units below zero or too large"
        rules.append(Rule("bad_units", pl.any_horizontal(units), says))
    return rules


def _units(log: pl.LazyFrame, uses: dict[str, dict[str, pl.Expr]]) -> pl.DataFrame:
    """One row per customer and driver: units, summed exactly."""
    activity, drivers = pl.col("activity").cast(pl.String), list(uses)
    if not drivers:
        key = log.select("customer_id").collect_schema()["customer_id"]
        return pl.DataFrame(schema={"customer_id": key, "driver": pl.String, "units": DECIMAL})
    columns = {
        str(k): pl.coalesce(
            pl.when(activity == name).then(units) for name, units in uses[driver].items()
        ).cast(DECIMAL)
        for k, driver in enumerate(drivers)
    }
    sums = [pl.when(pl.col(k).count() > 0).then(pl.col(k).sum()).alias(k) for k in columns]
    return (
        log.select("customer_id", **columns)
        .group_by("customer_id")
        .agg(sums)
        .unpivot(index="customer_id", variable_name="driver", value_name="units")
        .drop_nulls("units")
        .with_columns(pl.col("driver").replace_strict(dict(zip(columns, drivers, strict=True))))
        .collect()
    )
