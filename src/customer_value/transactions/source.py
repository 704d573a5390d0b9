"""A log as the caller gave it: its names, its checks, its counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from polars import selectors

from customer_value._frames.contracts import (
    Offence,
    any_broken,
    check_instance,
    describe,
    exclusive,
    offence_counts,
    offences_in,
    require,
)
from customer_value._frames.door import as_polars, only_columns, words_of
from customer_value.exceptions import DataError
from customer_value.transactions.options import Columns, TransactionOptions
from customer_value.transactions.quality import DataQualityReport, Refused, RuleCount
from customer_value.transactions.rules import (
    CANONICAL,
    CARRIED,
    canonical_columns,
    check_zone,
    is_number_key,
    log_rules,
    role,
    zero_sale,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._frames.contracts import Rule
    from customer_value._typing import Frame

_HINT = "name the log's columns with read_transactions(..., columns=Columns(customer=..., ...))"


class Check(NamedTuple):
    """What one pass over a log finds.

    Attributes:
        rows: Number of rows.
        offences: Which rules are broken, by how many rows.
        currencies: Codes of the usable rows, sorted; none where no column is named.
        counts: What the report counts, where the same pass counted it.
    """

    rows: int
    offences: list[Offence]
    currencies: tuple[str, ...]
    counts: dict[str, Any] | None


class Source(NamedTuple):
    """A log as the caller gave it, with the names and options to read it.

    Attributes:
        frame: The table; `named` has its columns by what they hold.
        columns: The caller's names.
        options: How it is read.
        schema: Types of the named columns, by what they hold.
    """

    frame: pl.DataFrame | pl.LazyFrame
    columns: Columns
    options: TransactionOptions
    schema: dict[str, pl.DataType]

    @classmethod
    def of(
        cls, table: Frame, columns: Columns | None, options: TransactionOptions | None
    ) -> Source:
        """Take a log whose columns are there and of usable types.

        Raises:
            OptionError: `columns` or `options` are something else.
            SchemaError: Columns are missing or of an unusable type.
        """
        options = TransactionOptions() if options is None else options
        check_instance("options", options, TransactionOptions)
        if columns is not None:
            check_instance("columns", columns, Columns)
        frame = _table(table, columns, options)
        names = _canonical_names(frame) if columns is None else columns
        kinds = {name: CANONICAL[what][1] for what, name in names.named.items()}
        library = words_of(table)
        schema = require(frame, kinds, what="transactions", hint=_HINT, library=library)
        check_zone(names.time, schema[names.time], options, what="transactions")
        types = {what: schema[name] for what, name in names.named.items()}
        return cls(frame, names, options, types)

    @property
    def named(self) -> pl.LazyFrame:
        """The table with, beside its own columns, those that are named by what they hold."""
        # By selector: a name such as "*" or "^.*$" is a pattern to pl.col.
        return self.frame.lazy().with_columns(
            selectors.by_name(name).alias(role(what)) for what, name in self.columns.named.items()
        )

    def check(self, *, counting: bool = False) -> Check:
        """Look at every row once.

        Args:
            counting: Whether to count for the report in the same pass.

        Raises:
            DataError: Rows cannot be used and `on_invalid` is `"raise"`, or currencies are mixed.
        """
        rules = exclusive(log_rules(self.schema, self.options))
        looks = [self.named.select(**offence_counts(rules), **self._codes(rules))]
        if counting:
            looks += [self._counts()]
        broken, *counts = pl.collect_all(looks)
        offences = offences_in(broken, self.named, rules, key=role("customer"))
        if not self.options.show_keys:
            offences = [offence._replace(examples=()) for offence in offences]
        codes = broken["currencies"].item().to_list() if "currencies" in broken.columns else []
        found = Check(
            broken.item(0, "rows"),
            offences,
            tuple(sorted(codes)),
            counts[0].row(0, named=True) if counts else None,
        )
        self._refuse(found)
        return found

    def canonical(self, *, checked: bool = True) -> pl.LazyFrame:
        """The canonical log of usable rows; all rows are, where a check found none that is not."""
        log = self.named if checked else self._usable()
        if self.options.duplicates == "drop":
            own = self.frame.collect_schema().names()
            log = log.unique(selectors.by_name(*own), maintain_order=True)
        log = log.select(**canonical_columns(self.schema, self.options))
        return log.filter(~zero_sale()) if self.options.zero_amount == "drop" else log

    def refused(self) -> pl.DataFrame:
        """The rows that cannot be used, as they came, each with the rule that it broke."""
        rules = log_rules(self.schema, self.options)
        broken = pl.coalesce(
            pl.when(rule.broken.fill_null(value=False)).then(pl.lit(rule.name)) for rule in rules
        )
        own = self.frame.collect_schema().names()
        rows = self.named.with_row_index("__row__").with_columns(__rule__=broken)
        found = rows.filter(pl.col("__rule__").is_not_null()).collect()
        return found.select(
            pl.col("__row__").cast(pl.Int64).alias("row"),
            pl.col("__rule__").alias("rule"),
            selectors.by_name(*own),
        )

    def report(self, check: Check) -> DataQualityReport:
        """Say what the log holds; what the check did not count is counted now."""
        dropped = [
            RuleCount(rule=o.rule, says=o.says, rows=o.rows, examples=o.examples)
            for o in check.offences
        ]
        counts = dict(check.counts or self._counts().collect().row(0, named=True))
        duplicates = counts.pop("usable") - counts.pop("distinct")
        zeros = counts.pop("distinct_zeros")
        if self.options.duplicates == "drop" and duplicates:
            dropped.append(RuleCount(rule="duplicate", says="exact duplicate", rows=duplicates))
        else:
            zeros = counts["zero_amounts"]
        if self.options.zero_amount == "drop" and zeros:
            dropped.append(RuleCount(rule="zero_amount", says="a zero amount", rows=zeros))
        report = DataQualityReport(
            rows_in=check.rows,
            rows_out=check.rows - sum(rule.rows for rule in dropped),
            dropped=tuple(dropped),
            exact_duplicates=duplicates,
            currencies=check.currencies,
            unused_columns=self._unused(),
            **counts,
        )
        return report.with_refused(Refused(self.refused))

    def _refuse(self, found: Check) -> None:
        problems = []
        if found.offences and self.options.on_invalid == "raise":
            problems.append(f"{describe(found.offences)}: on_invalid='drop' leaves them out")
        if len(found.currencies) > 1:
            problems.append(f"more than one currency ({', '.join(found.currencies)})")
        if problems:
            raise DataError(f"transactions: {'; '.join(problems)}", self.report(found))

    def _codes(self, rules: Sequence[Rule]) -> dict[str, pl.Expr]:
        """The currencies of usable rows, as one list."""
        if "currency" not in self.schema:
            return {}
        code = pl.col(role("currency")).cast(pl.String)
        return {"currencies": code.filter(~any_broken(rules)).unique().implode()}

    def _counts(self) -> pl.LazyFrame:
        """What the report counts among the usable rows, in one row."""
        own = pl.struct(selectors.by_name(*self.frame.collect_schema().names()))
        number_keys = pl.len() if is_number_key(self.schema["customer"]) else pl.lit(0)
        usable = self._usable().with_columns(**canonical_columns(self.schema, self.options))
        return usable.select(
            **_counts(self.options.money_scale),
            usable=pl.len(),
            distinct=own.n_unique(),
            distinct_zeros=own.filter(zero_sale()).n_unique(),
            number_keys=number_keys,
        )

    def _usable(self) -> pl.LazyFrame:
        return self.named.filter(~any_broken(log_rules(self.schema, self.options)))

    def _unused(self) -> tuple[str, ...]:
        named = set(self.columns.named.values())
        return tuple(name for name in self.frame.collect_schema().names() if name not in named)


def _table(
    table: Frame, columns: Columns | None, options: TransactionOptions
) -> pl.DataFrame | pl.LazyFrame:
    """The caller's table in polars: only the columns that are named, where that is enough."""
    named = columns.named if columns else {what: name for what, (name, _) in CANONICAL.items()}
    needed = {name: CANONICAL[what][1] for what, name in named.items()}
    if options.duplicates == "keep":
        table = only_columns(table, needed)
    return as_polars(table, needed, what="transactions")


def _canonical_names(frame: pl.DataFrame | pl.LazyFrame) -> Columns:
    present = set(frame.collect_schema().names())
    optional = (*CARRIED, "kind")
    found = {what: name for what in optional if (name := CANONICAL[what][0]) in present}
    return Columns(**found)


def _counts(scale: int) -> dict[str, pl.Expr]:
    """Counts of the report, over usable rows with canonical columns."""
    sale = pl.col("kind") == "sale"
    amount = pl.col("amount")
    exact = amount.cast(pl.Decimal(38, scale)).cast(pl.Float64)
    days = pl.struct("customer_id", "ordered_at").filter(sale)
    return {
        "customers": pl.col("customer_id").n_unique(),
        "first_day": pl.col("ordered_at").min(),
        "last_day": pl.col("ordered_at").max(),
        "returns": (~sale).sum(),
        "zero_amounts": zero_sale().sum(),
        "same_day_merges": sale.sum() - days.n_unique(),
        "rounded_amounts": (exact != amount.cast(pl.Float64)).sum(),
    }
