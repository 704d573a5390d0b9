"""Reading a table of costs: which rows count, and what each customer's lines come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import polars as pl

from customer_value._frames.contracts import (
    Kind,
    Offence,
    Rule,
    describe,
    exclusive,
    find_offences,
)
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.money import mixed_currencies
from customer_value.exceptions import DataError, SchemaError
from customer_value.profit._periods import (
    END,
    START,
    overlapping,
    period_columns,
    period_rules,
)
from customer_value.profit.stack import LEVELS, CostStack, Level
from customer_value.transactions.questions import customers_until
from customer_value.transactions.rules import business_day, check_zone, money, money_rules

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Frame
    from customer_value.transactions.log import AnyLog

UnknownCustomers: TypeAlias = Literal["raise", "keep", "unallocated"]

_OPTIONAL: dict[str, Kind] = {"date": "time", "currency": "text"}


class CostTable(NamedTuple):
    """The costs of a window, checked: `customer_id`, `line`, `amount` (Decimal, null: unknown)."""

    rows: pl.LazyFrame
    stack: CostStack
    lines: tuple[str, ...]
    gaps: frozenset[str]

    @classmethod
    def read(
        cls,
        costs: Frame,
        source: AnyLog,
        *,
        start: date | None,
        end: date,
        stack: CostStack,
        unknown_customers: UnknownCustomers,
    ) -> CostTable:
        """Take a table of costs whose rows can all be used."""
        frame = _read(costs, source)
        schema = dict(frame.collect_schema())
        inside = _inside(schema, source, start, end)
        amount = money("amount", schema["amount"])
        lines = _count_lines(frame, inside)
        booked = lines.filter(pl.col("inside") > 0)
        rows = frame.filter(inside).select(
            "customer_id",
            pl.col("line").cast(pl.String),
            amount.cast(pl.Decimal(38, source.options.money_scale)),
        )
        table = cls(
            rows,
            stack,
            tuple(booked["line"].drop_nulls()),
            frozenset(booked.filter(pl.col("unknown") > 0)["line"].drop_nulls()),
        )
        rules = _rules(schema, source.options.money_scale, unknown_customers)
        if START in schema:
            rules += [*period_rules(), *_cut(start, end)]
        _, offences = find_offences(frame, exclusive(rules), key="customer_id")
        offences += _unknown_lines(lines, stack)
        offences += overlapping(frame, of=("customer_id", "line")) if START in schema else []
        codes = source.currencies if "currency" in schema else ()
        currencies = mixed_currencies(frame, codes)
        problems = [currencies] if currencies else []
        if offences or problems:
            if unknown_customers == "raise":
                who = frame.filter(inside).select("customer_id")
                strays = who.join(
                    customers_until(source, end), on="customer_id", how="anti"
                ).collect()
                problems += stray_customers(strays["customer_id"].to_list(), end)
            problems = ([describe(offences)] if offences else []) + problems
            raise DataError(f"costs: {'; '.join(problems)}")
        return table

    def booked(self, level: Level) -> list[str]:
        """The lines of a level that the window has rows of, of any customer."""
        return [line for line in self.lines if self.stack.level_of[line] == level]

    @property
    def charged(self) -> list[str]:
        """The booked lines that profit is after."""
        return [line for line in self.lines if self.stack.level_of[line] in self.stack.charged]

    def by_customer(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """One row per customer: a sum per level, and whether lines were seen, or lack an amount."""
        line, amount = pl.col("line"), pl.col("amount")
        levels = [level for level in LEVELS if self.booked(level)]
        sums: dict[str, pl.Expr] = {
            level: pl.when(line.is_in(self.booked(level))).then(amount) for level in levels
        }
        if len(levels) == 1:  # every row is of it
            sums = {levels[0]: amount}
        marks = {f"seen:{k}": line == k for k in self.lines if not self.stack.is_complete(k)}
        marks |= {f"gap:{k}": (line == k) & amount.is_null() for k in self.gaps}
        return (
            rows.select("customer_id", **sums, **marks)
            .group_by("customer_id")
            .agg(pl.col(*levels).sum(), *(pl.col(name).any() for name in marks), booked=True)
            if levels
            else rows.select("customer_id", booked=pl.lit(value=True)).unique()
        )

    def unknown(self, line: str) -> list[pl.Expr]:
        """Why the cost of a line may be unknown, after a join with `by_customer`."""
        seen, gap = pl.col(f"seen:{line}"), pl.col(f"gap:{line}")
        reasons = [] if self.stack.is_complete(line) else [~seen.fill_null(value=False)]
        return [*reasons, gap.fill_null(value=False)] if line in self.gaps else reasons

    def level(self, level: Level) -> pl.Expr:
        """The cost of a level: zero if nothing is booked, null if a line's cost is unknown."""
        lines = self.booked(level)
        if not lines:
            return pl.lit(0).cast(pl.Decimal(38, 0))
        cost = pl.col(level).fill_null(0)
        unknown = [reason for line in lines for reason in self.unknown(line)]
        return pl.when(~pl.any_horizontal(unknown)).then(cost) if unknown else cost


def stray_customers(strays: list[object], end: date) -> list[str]:
    """The complaint about customers with costs who are not in the log."""
    names = sorted({str(stray) for stray in strays if stray is not None})
    if not names:
        return []
    who = f"{len(names):,} customer{'s' if len(names) > 1 else ''} (e.g. {', '.join(names[:3])})"
    advice = "unknown_customers='keep' makes them an account, 'unallocated' leaves their costs out"
    return [f"{who} without a row in the log up to {end}; {advice}"]


def _inside(
    schema: dict[str, pl.DataType], source: AnyLog, start: date | None, end: date
) -> pl.Expr:
    """Whether a cost counts: that of a period on its last day."""
    if "date" in schema:
        day = business_day("date", schema["date"], source.options)
    elif START in schema:
        day = pl.col(END)
    else:
        return pl.lit(value=True)
    return (day <= end) if start is None else day.is_between(start, end)


def _cut(start: date | None, end: date) -> list[Rule]:
    """Periods that belong to the window in part."""
    if start is None:
        return []
    cut = (pl.col(START) < start) & pl.col(END).is_between(start, end)
    return [Rule("cut", cut, f"a period that begins before {start} and ends in the window")]


def _read(costs: Frame, source: AnyLog) -> pl.LazyFrame:
    """The table with the columns that it must have, and those that it may have."""
    table = as_polars(costs, what="costs")
    present = table.collect_schema().names()
    kinds: dict[str, Kind] = {"customer_id": "key", "line": "text", "amount": "money"}
    kinds |= {name: kind for name, kind in _OPTIONAL.items() if name in present}
    kinds |= period_columns(present, what="costs")
    hint = (
        "one row per cost: customer_id, line, amount, and if it is dated, date, or period_start "
        "and period_end"
    )
    frame = read_frame(table, kinds, what="costs", hint=hint).lazy()
    schema = frame.collect_schema()
    key, other = source.key_type, schema["customer_id"]
    if key != other:
        raise SchemaError(f"costs: 'customer_id' is {other}, but {key} in the log; cast one")
    if "date" in schema:
        check_zone("date", schema["date"], source.options, what="costs")
    return frame


def _rules(
    schema: dict[str, pl.DataType], scale: int, unknown_customers: UnknownCustomers
) -> list[Rule]:
    rules = [Rule("no_line", pl.col("line").is_null(), "no line")]
    if unknown_customers != "unallocated":
        rules.append(Rule("no_customer", pl.col("customer_id").is_null(), "no customer"))
    rules += [
        Rule(f"no_{name}", pl.col(name).is_null(), f"no {name}")
        for name in _OPTIONAL
        if name in schema
    ]
    return rules + money_rules("amount", "amount", schema["amount"], scale)


def _count_lines(frame: pl.LazyFrame, inside: pl.Expr) -> pl.DataFrame:
    unknown = inside & pl.col("amount").is_null()
    return (
        frame.group_by(pl.col("line").cast(pl.String))
        .agg(
            rows=pl.len().cast(pl.Int64),
            inside=(inside & pl.col("customer_id").is_not_null()).sum(),
            unknown=unknown.sum(),
        )
        .sort("line")
        .collect()
    )


def _unknown_lines(lines: pl.DataFrame, stack: CostStack) -> list[Offence]:
    strange = lines.filter(~pl.col("line").is_in(list(stack.level_of)))
    if strange.is_empty():
        return []
    examples = tuple(strange["line"].head(3))
    says = "a line that the CostStack does not have"
    return [Offence("unknown_line", says, int(strange["rows"].sum()), examples)]
