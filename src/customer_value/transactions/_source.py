"""Reading a log: which rows can be used, and under which names."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value._frames.contracts import (
    Kind,
    Offence,
    Rule,
    any_broken,
    check_instance,
    describe,
    exclusive,
    find_offences,
    require,
)
from customer_value._frames.door import as_polars
from customer_value.exceptions import DataError, SchemaError
from customer_value.transactions.options import Columns, TransactionOptions
from customer_value.transactions.quality import DataQualityReport, RuleCount

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._typing import Frame

_CANONICAL: dict[str, tuple[str, Kind]] = {
    "customer": ("customer_id", "key"),
    "time": ("ordered_at", "time"),
    "amount": ("amount", "number"),
    "order": ("order_id", "key"),
    "cost": ("cost", "money"),
    "discount": ("discount", "money"),
    "category": ("category", "any"),
    "channel": ("channel", "any"),
    "currency": ("currency", "text"),
    "kind": ("kind", "text"),
}
_OPTIONAL = ("order", "cost", "discount", "category", "channel", "currency", "kind")
_CARRIED = _OPTIONAL[:-1]  # the kind is worked out anew
_MONEY = ("amount", "cost", "discount")
_EPOCH = date(1970, 1, 1).toordinal()
_TICKS_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_ROWS_PER_PART = 4_000_000
_MAX_PARTS = 32
_PART = "part of the log"  # no name that a log's column has


class Source(NamedTuple):
    """A log as the caller gave it, with the names and options to read it."""

    frame: pl.DataFrame | pl.LazyFrame
    columns: Columns
    options: TransactionOptions
    schema: dict[str, pl.DataType]

    @classmethod
    def of(
        cls, transactions: Frame, columns: Columns | None, options: TransactionOptions | None
    ) -> Source:
        """Take a log whose columns are there and of usable types."""
        frame, options = as_polars(transactions), options or TransactionOptions()
        names = columns or _canonical_columns(frame)
        check_instance("columns", names, Columns)
        check_instance("options", options, TransactionOptions)
        schema = require(
            frame,
            {name: _CANONICAL[role][1] for role, name in names.named.items()},
            what="transactions",
            hint="name the log's columns with columns=Columns(customer=..., time=..., amount=...)",
        )
        check_zone(names.time, schema[names.time], options.tz, what="transactions")
        return cls(frame, names, options, schema)

    @property
    def in_memory(self) -> bool:
        """Whether the rows are there, and not still to be read."""
        return isinstance(self.frame, pl.DataFrame)

    def clean(self, as_of: date | None) -> tuple[pl.DataFrame | pl.LazyFrame, DataQualityReport]:
        """The canonical log and the report on it."""
        rows, offences = self._check()
        report = self._report(rows, offences, as_of)
        self._refuse(offences, report)
        log = self._log(self._usable() if offences else self.frame.lazy())
        return (log if isinstance(self.frame, pl.LazyFrame) else log.collect()), report

    def per_customer(
        self, question: Callable[..., pl.LazyFrame], *beside: pl.LazyFrame
    ) -> pl.DataFrame | pl.LazyFrame:
        """Put to the log, as `by_parts`, a question whose answer has one row per customer."""
        answer = self.by_parts(question, *beside)
        if isinstance(self.frame, pl.LazyFrame):
            return answer
        return answer.collect().sort("customer_id")

    def by_parts(
        self, question: Callable[..., pl.LazyFrame], *beside: pl.LazyFrame
    ) -> pl.LazyFrame:
        """Check the log and put a question to its customers; the answers follow each other.

        Long logs are asked in parts, each with all rows of its customers: that bounds the memory
        of the sums by customer and day. The question is given tables `beside` the log, which
        have a `customer_id` of the log's type, in the same parts.
        """
        frame = self.frame.lazy()
        if self.options.on_invalid == "drop" and self.options.validate_log:
            frame = self._usable()
        parts = max(1, min(_MAX_PARTS, self._checked_rows() // _ROWS_PER_PART))

        def part(table: pl.LazyFrame, key: str, k: int) -> pl.LazyFrame:
            return table if parts == 1 else table.filter(_part_of(key, parts) == k)

        # Split before anything else: what the parts have in common would be kept in memory.
        logs = [part(frame, self.columns.customer, k) for k in range(parts)]
        if self.in_memory and parts > 1:  # the keys need to be hashed only once
            marked = frame.with_columns(_part_of(self.columns.customer, parts).alias(_PART))
            marked = marked.collect().lazy()
            logs = [marked.filter(pl.col(_PART) == k).drop(_PART) for k in range(parts)]
        answers = (
            question(self._log(log), *(part(table, "customer_id", k) for table in beside))
            for k, log in enumerate(logs)
        )
        # What a question has found out about a part in memory is dropped with its answer.
        return pl.concat([a.collect().lazy() if self.in_memory else a for a in answers])

    def customers(self, as_of: date) -> pl.LazyFrame:
        """The `customer_id` of everybody with a row up to a day."""
        log = self._log(self._usable() if self.options.validate_log else self.frame.lazy())
        return log.filter(pl.col("ordered_at") <= as_of).select("customer_id").unique()

    def _check(self) -> tuple[int, list[Offence]]:
        rules = exclusive(self._rules())
        return find_offences(self.frame.lazy(), rules, key=self.columns.customer)

    def _checked_rows(self) -> int:
        if not self.options.validate_log:
            return int(self.frame.lazy().select(pl.len()).collect().item())
        rows, offences = self._check()
        if (offences and self.options.on_invalid == "raise") or len(self.currencies()) > 1:
            self._refuse(offences, self._report(rows, offences, None))
        return rows

    def _refuse(self, offences: list[Offence], report: DataQualityReport) -> None:
        problems = []
        if offences and self.options.on_invalid == "raise":
            problems.append(f"{describe(offences)}: on_invalid='drop' leaves them out")
        if len(report.currencies) > 1:
            problems.append(f"more than one currency ({', '.join(report.currencies)})")
        if problems:
            raise DataError(f"transactions: {'; '.join(problems)}", report)

    def _rules(self) -> list[Rule]:
        names = self.columns
        rules = [
            Rule("no_customer", pl.col(names.customer).is_null(), "no customer"),
            Rule("no_time", pl.col(names.time).is_null(), "no date"),
            Rule("time_out_of_range", self._no_calendar_day(), "a year not in 1 to 9999"),
            Rule("no_amount", pl.col(names.amount).is_null(), "no amount"),
        ]
        for role in _MONEY:
            name = names.named.get(role)
            if name is not None:
                rules += money_rules(role, name, self.schema[name], self.options.money_scale)
        if names.kind is not None:
            unknown = ~pl.col(names.kind).cast(pl.String).is_in(["sale", "return"])
            rules.append(
                Rule("unknown_kind", unknown.fill_null(value=True), "a kind not 'sale' or 'return'")
            )
        if names.currency is not None:
            rules.append(Rule("no_currency", pl.col(names.currency).is_null(), "no currency"))
        if names.order is not None:
            orphan = pl.col(names.order).is_null() & ~self._is_return()
            rules.append(Rule("no_order", orphan, "a sale without an order"))
        return rules

    def _no_calendar_day(self) -> pl.Expr:
        """Dates that Python cannot name, such as those of an epoch read in the wrong unit."""
        kind = self.schema[self.columns.time]
        ticks = _TICKS_PER_DAY[kind.time_unit] if isinstance(kind, pl.Datetime) else 1
        first, last = (day.toordinal() - _EPOCH for day in (date.min, date.max))
        tick = pl.col(self.columns.time).to_physical()
        return ~tick.is_between(first * ticks, (last + 1) * ticks, closed="left")

    def _log(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The canonical log of usable rows."""
        if self.options.duplicates == "drop":
            frame = frame.unique(maintain_order=True)
        log = frame.select(**self._canonical())
        if self.options.zero_amount == "drop":
            log = log.filter(~_zero_sale())
        return log

    def _usable(self) -> pl.LazyFrame:
        return self.frame.lazy().filter(~any_broken(self._rules()))

    def _is_return(self) -> pl.Expr:
        negative = pl.col(self.columns.amount) < 0
        if self.columns.kind is None:
            return negative
        return negative | (pl.col(self.columns.kind).cast(pl.String) == "return")

    def _canonical(self) -> dict[str, pl.Expr]:
        names = self.columns
        amount = self._money("amount")
        day = business_day(names.time, self.schema[names.time], self.options.tz)
        rest = {role: pl.col(name) for role, name in names.named.items() if role in _CARRIED}
        rest |= {role: self._money(role) for role in ("cost", "discount") if role in rest}
        if names.kind is not None:
            turned = self._is_return() & (amount > 0)
            amount = pl.when(turned).then(-amount).otherwise(amount)
            if "cost" in rest:
                rest["cost"] = pl.when(turned).then(-rest["cost"]).otherwise(rest["cost"])
        return {
            "customer_id": pl.col(names.customer),
            "ordered_at": day,
            "amount": amount,
            "kind": pl.when(self._is_return())
            .then(pl.lit("return"))
            .otherwise(pl.lit("sale"))
            .cast(pl.Enum(["sale", "return"])),
            **{_CANONICAL[role][0]: column for role, column in rest.items()},
        }

    def _money(self, role: str) -> pl.Expr:
        name = self.columns.named[role]
        return money(name, self.schema[name])

    def currencies(self) -> tuple[str, ...]:
        """Codes of the usable rows, sorted; none where no column is named."""
        if self.columns.currency is None:
            return ()
        code = pl.col(self.columns.currency).cast(pl.String)
        codes = self._usable().select(code.unique()).collect().to_series()
        return tuple(sorted(str(code) for code in codes))

    def _report(self, rows: int, offences: list[Offence], as_of: date | None) -> DataQualityReport:
        usable = self._usable()
        deduplicated = usable.unique()
        day, sale = pl.col("ordered_at"), pl.col("kind") == "sale"
        amount = pl.col("amount")
        exact = amount.cast(pl.Decimal(38, self.options.money_scale)).cast(pl.Float64)
        counts = usable.select(**self._canonical()).select(
            customers=pl.col("customer_id").n_unique(),
            first_day=day.min(),
            last_day=day.max(),
            returns=(~sale).sum(),
            zero_amounts=_zero_sale().sum(),
            same_day_merges=sale.sum()
            - pl.struct("customer_id", "ordered_at").filter(sale).n_unique(),
            rounded_amounts=(exact != amount.cast(pl.Float64)).sum(),
            future_rows=(day > as_of).sum() if as_of else pl.lit(None),
        )
        dropped = [RuleCount(**offence._asdict()) for offence in offences]
        left = rows - sum(rule.rows for rule in dropped)
        duplicates = left - _height(deduplicated)
        if self.options.duplicates == "drop" and duplicates:
            dropped.append(RuleCount(rule="duplicate", says="exact duplicate", rows=duplicates))
        kept = _height(self._log(usable))
        zeros = rows - sum(rule.rows for rule in dropped) - kept
        if self.options.zero_amount == "drop" and zeros:
            dropped.append(RuleCount(rule="zero_amount", says="a zero amount", rows=zeros))
        return DataQualityReport(
            rows_in=rows,
            rows_out=rows - sum(rule.rows for rule in dropped),
            dropped=tuple(dropped),
            exact_duplicates=duplicates,
            currencies=self.currencies(),
            **counts.collect().row(0, named=True),
        )


def _part_of(key: str, parts: int) -> pl.Expr:
    return (pl.col(key).hash(seed=0) % parts).cast(pl.UInt8)


def check_zone(name: str, kind: pl.DataType, tz: str | None, *, what: str) -> None:
    """Refuse a time that carries a zone where nothing says whose calendar gives the day."""
    if isinstance(kind, pl.Datetime) and kind.time_zone and tz is None:
        raise SchemaError(
            f"{what}: '{name}' is in {kind.time_zone}; say with the option tz "
            "whose calendar gives the business day, e.g. tz='Europe/Berlin'"
        )


def money(name: str, kind: pl.DataType) -> pl.Expr:
    """Signed numbers: decimals as they are, whole numbers as Int64, others as Float64."""
    if kind.is_decimal():
        return pl.col(name)
    return pl.col(name).cast(pl.Int64 if kind.is_integer() else pl.Float64)


def money_rules(role: str, name: str, kind: pl.DataType, scale: int) -> list[Rule]:
    """What no row of a money column may be, so that it can be summed exactly."""
    rules, limit = list[Rule](), float(10 ** (29 - scale))
    if kind.is_float():
        not_finite = ~pl.col(name).is_finite()
        rules.append(Rule(f"{role}_not_finite", not_finite, f"a NaN or infinite {role}"))
    if kind.is_numeric():
        bound = min(limit, 2.0**63) if kind.is_integer() else limit
        too_large = pl.col(name).cast(pl.Float64).abs() >= bound
        rules.append(Rule(f"{role}_too_large", too_large, f"{role} of {bound:g} or more"))
    return rules


def business_day(name: str, kind: pl.DataType, tz: str | None) -> pl.Expr:
    """The day of a time in the calendar of a zone; times without a zone as they are."""
    day = pl.col(name)
    if isinstance(kind, pl.Datetime) and kind.time_zone and tz:
        day = day.dt.convert_time_zone(tz)
    return day.dt.date()


def _canonical_columns(frame: pl.DataFrame | pl.LazyFrame) -> Columns:
    present = set(frame.collect_schema().names())
    found = {role: name for role in _OPTIONAL if (name := _CANONICAL[role][0]) in present}
    return Columns(**found)


def _zero_sale() -> pl.Expr:
    return (pl.col("kind") == "sale") & (pl.col("amount") == 0)


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())
