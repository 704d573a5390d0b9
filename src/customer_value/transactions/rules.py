"""What no row of a log may be, and how its columns become canonical ones."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import Kind, Rule
from customer_value._frames.door import is_whole
from customer_value.exceptions import SchemaError

if TYPE_CHECKING:
    from customer_value.transactions.options import TransactionOptions

CANONICAL: dict[str, tuple[str, Kind]] = {
    "customer": ("customer_id", "log_key"),
    "time": ("ordered_at", "time"),
    "amount": ("amount", "number"),
    "order": ("order_id", "log_key"),
    "cost": ("cost", "money"),
    "discount": ("discount", "money"),
    "category": ("category", "any"),
    "channel": ("channel", "any"),
    "currency": ("currency", "text"),
    "kind": ("kind", "text"),
}
"""The canonical name of what a column holds, and the types that it may have."""

CARRIED = ("order", "cost", "discount", "category", "channel", "currency")
"""Optional columns that are handed on; the kind is worked out anew."""

_KEYS = ("customer", "order")
_NUMBERS = {"customer": "a customer number", "order": "an order number"}
_MONEY = ("amount", "cost", "discount")
_EPOCH = date(1970, 1, 1).toordinal()
_TICKS_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def role(name: str) -> str:
    """The name that a column has between the caller's names and the canonical ones."""
    return f"__{name}__"


def _of(name: str) -> pl.Expr:
    return pl.col(role(name))


def log_rules(schema: dict[str, pl.DataType], options: TransactionOptions) -> list[Rule]:
    """What no row may be.

    Args:
        schema: Types of the columns that the log has, by what they hold.
        options: How the log is read.
    """
    rules = [
        Rule("no_customer", _of("customer").is_null(), "no customer"),
        Rule("no_time", _of("time").is_null(), "no date"),
        Rule("time_out_of_range", _no_calendar_day(schema["time"]), "a year not in 1 to 9999"),
    ]
    if options.source_tz is not None and schema["time"] == pl.Datetime:
        skipped = _of("time").is_not_null() & _business_day(schema["time"], options).is_null()
        says = f"a time that clocks in {options.source_tz} skip"
        rules.append(Rule("time_skipped", skipped, says))
    rules.append(Rule("no_amount", _of("amount").is_null(), "no amount"))
    for name in _KEYS:
        if name in schema and is_number_key(schema[name]):
            says = f"{_NUMBERS[name]} that is not whole"
            rules.append(Rule(f"{name}_not_whole", ~is_whole(_of(name)), says))
    for name in _MONEY:
        if name in schema:
            rules += money_rules(name, role(name), schema[name], options.money_scale)
    if "kind" in schema:
        unknown = ~_of("kind").cast(pl.String).is_in(["sale", "return"])
        rules.append(
            Rule("unknown_kind", unknown.fill_null(value=True), "a kind not 'sale' or 'return'")
        )
    if "currency" in schema:
        rules.append(Rule("no_currency", _of("currency").is_null(), "no currency"))
    if "order" in schema:
        orphan = _of("order").is_null() & ~_is_return(schema)
        rules.append(Rule("no_order", orphan, "a sale without an order"))
    return rules


def canonical_columns(
    schema: dict[str, pl.DataType], options: TransactionOptions
) -> dict[str, pl.Expr]:
    """The canonical columns of usable rows, by their names."""
    amount = money(role("amount"), schema["amount"])
    rest = {name: _of(name) for name in CARRIED if name in schema}
    rest |= {name: money(role(name), schema[name]) for name in _MONEY[1:] if name in schema}
    returned = _is_return(schema)
    if "kind" in schema:
        turned = returned & (amount > 0)
        amount = pl.when(turned).then(-amount).otherwise(amount)
        if "cost" in rest:
            rest["cost"] = pl.when(turned).then(-rest["cost"]).otherwise(rest["cost"])
    if "order" in rest:
        rest["order"] = _key("order", schema)
    kind = pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("sale"))
    return {
        "customer_id": _key("customer", schema),
        "ordered_at": _business_day(schema["time"], options),
        "amount": amount,
        "kind": kind.cast(pl.Enum(["sale", "return"])),
        **{CANONICAL[name][0]: column for name, column in rest.items()},
    }


def is_number_key(kind: pl.DataType) -> bool:
    """Whether keys are numbers that are whole by value only: floats, or decimals."""
    return kind.is_float() or kind.is_decimal()


def zero_sale() -> pl.Expr:
    """Whether a row of the canonical log is a sale of zero."""
    return (pl.col("kind") == "sale") & (pl.col("amount") == 0)


def check_zone(name: str, kind: pl.DataType, options: TransactionOptions, *, what: str) -> None:
    """Refuse a time that carries a zone where the calendar of the business day is not known."""
    zoned = isinstance(kind, pl.Datetime) and kind.time_zone
    if zoned and options.tz is None:
        raise SchemaError(
            f"{what}: '{name}' is in {zoned}; say with the option tz whose calendar gives the "
            "business day, e.g. tz='Europe/Berlin'"
        )


def money(name: str, kind: pl.DataType) -> pl.Expr:
    """Signed numbers: decimals as they are, whole numbers as Int64, others as Float64."""
    if kind.is_decimal():
        return pl.col(name)
    return pl.col(name).cast(pl.Int64 if kind.is_integer() else pl.Float64)


def money_rules(what: str, name: str, kind: pl.DataType, scale: int) -> list[Rule]:
    """What no row of a money column may be, so that it can be summed exactly."""
    rules = list[Rule]()
    limit = float(10 ** (29 - scale))
    if kind.is_float():
        not_finite = ~pl.col(name).is_finite()
        rules.append(Rule(f"{what}_not_finite", not_finite, f"a NaN or infinite {what}"))
    if kind.is_numeric():
        bound = min(limit, 2.0**63) if kind.is_integer() else limit
        too_large = pl.col(name).cast(pl.Float64).abs() >= bound
        rules.append(Rule(f"{what}_too_large", too_large, f"{what} of {bound:g} or more"))
    return rules


def business_day(name: str, kind: pl.DataType, options: TransactionOptions) -> pl.Expr:
    """The day of a time in the calendar of the business; dates as they are."""
    day = pl.col(name)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None and options.source_tz is not None:
            day = day.dt.replace_time_zone(
                options.source_tz, ambiguous="earliest", non_existent="null"
            )
        if options.tz is not None and (kind.time_zone or options.source_tz):
            day = day.dt.convert_time_zone(options.tz)
    return day.dt.date()


def _business_day(kind: pl.DataType, options: TransactionOptions) -> pl.Expr:
    return business_day(role("time"), kind, options)


def _key(name: str, schema: dict[str, pl.DataType]) -> pl.Expr:
    key = _of(name)
    return key.cast(pl.Int64) if is_number_key(schema[name]) else key


def _no_calendar_day(kind: pl.DataType) -> pl.Expr:
    """Dates that Python cannot name, such as those of an epoch read in the wrong unit."""
    ticks = _TICKS_PER_DAY[kind.time_unit] if isinstance(kind, pl.Datetime) else 1
    first, last = (day.toordinal() - _EPOCH for day in (date.min, date.max))
    tick = _of("time").to_physical()
    return ~tick.is_between(first * ticks, (last + 1) * ticks, closed="left")


def _is_return(schema: dict[str, pl.DataType]) -> pl.Expr:
    negative = _of("amount") < 0
    if "kind" not in schema:
        return negative
    return negative | (_of("kind").cast(pl.String) == "return")
