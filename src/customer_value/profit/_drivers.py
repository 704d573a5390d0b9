"""Reading pools, activities and support: what is wrong with them, and the units of each driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value._frames.contracts import Kind, Rule, describe, exclusive, find_offences
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.money import DECIMAL, MONEY_LIMIT, mixed_currencies
from customer_value.exceptions import DataError
from customer_value.profit._periods import END, START, overlapping
from customer_value.profit._pools import (
    SPAN,
    pool_rules,
    quantity_rules,
    support_rules,
    take_pools,
    take_support,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame
    from customer_value.profit.equations import TimeEquation


class Tables(NamedTuple):
    """The tables of an allocation, checked; pools sorted by period."""

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
    costs = as_polars(pools, what="pools")
    ledger = take_pools(costs)
    currencies = mixed_currencies(costs)
    log = _read_activities(activities, equations, dated=START in ledger.columns)
    log = _with_span(log, ledger)
    served = take_support(support)
    drivers = ledger["driver"].drop_nulls().unique(maintain_order=True).to_list()
    uses = _uses(equations, drivers)
    problems = [
        *_problems("pools", ledger.lazy(), pool_rules(ledger, served), key="pool"),
        *_overlaps(ledger),
        *([f"pools: {currencies}"] if currencies else []),
        *_problems("support", served.lazy(), support_rules(ledger), key="pool"),
        *_equation_problems(equations, drivers),
        *_problems("activities", log, _activity_rules(uses, ledger), key="customer_id"),
    ]
    if problems:
        raise DataError("; ".join(problems))
    return Tables(ledger, served, _units(log, uses))


def _read_activities(
    activities: Frame, equations: Sequence[TimeEquation], *, dated: bool
) -> pl.LazyFrame:
    traits = {trait for equation in equations for trait in equation.per}
    kinds: dict[str, Kind] = {"customer_id": "key", "activity": "text", "quantity": "number"}
    kinds |= dict.fromkeys(sorted(traits - {*kinds}), "number")
    kinds |= {"date": "day"} if dated else {}
    hint = "one row per customer and activity: customer_id, activity, quantity"
    hint += f"; date, as the pools have {START}" if dated else ""
    return read_frame(activities, kinds, what="activities", hint=hint).lazy()


def _with_span(log: pl.LazyFrame, ledger: pl.DataFrame) -> pl.LazyFrame:
    """The activities with the period that each falls in, null for none."""
    if START not in ledger.columns:
        return log.with_columns(pl.lit(0, pl.Int64).alias(SPAN))
    first, last = pl.col(START), pl.col(END)
    days = (
        ledger.lazy()
        .filter(first <= last)
        .select(SPAN, date=pl.date_ranges(first, last))
        .explode("date")
        .unique("date")
    )
    return log.join(days, on="date", how="left")


def _overlaps(ledger: pl.DataFrame) -> list[str]:
    found = overlapping(ledger.lazy()) if START in ledger.columns else []
    return [f"pools: {describe(found)}"] * bool(found)


def _problems(what: str, frame: pl.LazyFrame, rules: list[Rule], *, key: str) -> list[str]:
    _, offences = find_offences(frame, exclusive(rules), key=key)
    return [f"{what}: {describe(offences)}"] if offences else []


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


def _activity_rules(uses: dict[str, dict[str, pl.Expr]], ledger: pl.DataFrame) -> list[Rule]:
    activity, quantity = pl.col("activity").cast(pl.String), pl.col("quantity").cast(pl.Float64)
    used = sorted({name for units in uses.values() for name in units})
    rules = [
        Rule("no_customer", pl.col("customer_id").is_null(), "no customer"),
        Rule("no_activity", activity.is_null(), "no activity"),
        Rule("no_use", ~activity.is_in(used), "an activity that no pool or equation uses"),
        *quantity_rules(quantity),
    ]
    if START in ledger.columns:
        rules.append(Rule("no_date", pl.col("date").is_null(), "no date"))
        rules.append(Rule("no_span", pl.col(SPAN).is_null(), "a date in no period of the pools"))
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
    """One row per customer, period and driver: units, summed exactly."""
    activity, drivers = pl.col("activity").cast(pl.String), list(uses)
    if not drivers:
        key = log.select("customer_id").collect_schema()["customer_id"]
        return pl.DataFrame(
            schema={"customer_id": key, SPAN: pl.Int64, "driver": pl.String, "units": DECIMAL}
        )
    columns = {
        str(k): pl.coalesce(
            pl.when(activity == name).then(units) for name, units in uses[driver].items()
        ).cast(DECIMAL)
        for k, driver in enumerate(drivers)
    }
    sums = [pl.when(pl.col(k).count() > 0).then(pl.col(k).sum()).alias(k) for k in columns]
    return (
        log.select("customer_id", SPAN, **columns)
        .group_by("customer_id", SPAN)
        .agg(sums)
        .unpivot(index=["customer_id", SPAN], variable_name="driver", value_name="units")
        .drop_nulls("units")
        .with_columns(pl.col("driver").replace_strict(dict(zip(columns, drivers, strict=True))))
        .collect()
    )
