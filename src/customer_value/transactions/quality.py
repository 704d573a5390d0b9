"""What a log holds, and what was left out of it."""

from __future__ import annotations

from datetime import date
from html import escape
from typing import TYPE_CHECKING, Self

import polars as pl
from pydantic import BaseModel, PrivateAttr

if TYPE_CHECKING:
    from collections.abc import Callable


class Refused:
    """The way to the refused rows of a log; equal to any other, for reports compare by counts."""

    def __init__(self, rows: Callable[[], pl.DataFrame]) -> None:
        self.rows = rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused)

    def __hash__(self) -> int:
        return hash(Refused)


class RuleCount(BaseModel, frozen=True, extra="forbid"):
    """Rows that a rule left out or refused.

    Attributes:
        rule: Name of the rule.
        says: The rule in words.
        rows: Number of rows.
        examples: Keys of up to three of them.
    """

    rule: str
    says: str
    rows: int
    examples: tuple[str, ...] = ()


class DataQualityReport(BaseModel, frozen=True, extra="forbid"):
    """What a log holds and what was left out of it.

    Attributes:
        rows_in: Rows of the log.
        rows_out: Rows that can be used; `rows_in` less all that `dropped` counts.
        customers: Distinct customers among the usable rows.
        first_day: First business day.
        last_day: Last business day.
        dropped: Rows left out, rule by rule; a row that breaks several rules counts in the first.
        returns: Usable rows that are returns.
        zero_amounts: Sales of zero.
        exact_duplicates: Rows that repeat an earlier row in every column.
        same_day_merges: Sales that share a customer's business day with an earlier one.
        rounded_amounts: Amounts with more decimal places than `money_scale`.
        future_rows: Rows after `as_of`, where one was given.
        currencies: Currency codes, where the log has the column.
        unused_columns: Columns of the table that nothing names.
    """

    rows_in: int
    rows_out: int
    customers: int
    first_day: date | None
    last_day: date | None
    dropped: tuple[RuleCount, ...] = ()
    returns: int
    zero_amounts: int
    exact_duplicates: int
    same_day_merges: int
    rounded_amounts: int
    number_keys: int = 0
    currencies: tuple[str, ...] = ()
    unused_columns: tuple[str, ...] = ()
    _refused: Refused = PrivateAttr(default_factory=lambda: Refused(pl.DataFrame))

    def invalid(self) -> pl.DataFrame:
        """The refused rows themselves.

        Returns:
            `row` (Int64, place in the log, from 0), `rule` (the rule that it broke, the first
            where it broke several), and the columns of the log as they came. A log that is read
            lazily is read once more. Empty where nothing was refused, and in a report that comes
            from JSON.
        """
        return self._refused.rows()

    def with_refused(self, refused: Refused) -> Self:
        """The same report with a way to the refused rows."""
        report = self.model_copy()
        report._refused = refused  # type: ignore[misc]  # noqa: SLF001  frozen, but its own
        return report

    def _lines(self) -> list[tuple[str, str]]:
        lines = [
            ("rows in", f"{self.rows_in:,}"),
            *((f"dropped: {d.says}", f"{d.rows:,}") for d in self.dropped),
            ("rows out", f"{self.rows_out:,}"),
            ("customers", f"{self.customers:,}"),
            ("days", f"{self.first_day} to {self.last_day}" if self.customers else "none"),
            ("returns", f"{self.returns:,}"),
            ("zero amounts", f"{self.zero_amounts:,}"),
            ("exact duplicates", f"{self.exact_duplicates:,}"),
            ("same-day merges", f"{self.same_day_merges:,}"),
            ("rounded amounts", f"{self.rounded_amounts:,}"),
        ]
        if self.number_keys:
            lines.append(("keys of whole floats", f"{self.number_keys:,}"))
        if self.currencies:
            lines.append(("currencies", ", ".join(self.currencies)))
        if self.unused_columns:
            lines.append(("columns not used", ", ".join(self.unused_columns)))
        return lines

    def __str__(self) -> str:
        lines = self._lines()
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._lines()
        )
        return f"<table>{rows}</table>"
