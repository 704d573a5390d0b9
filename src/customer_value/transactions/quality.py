"""What a log holds, and what was left out of it."""

from __future__ import annotations

from datetime import date
from html import escape

from pydantic import BaseModel


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
    future_rows: int | None = None
    currencies: tuple[str, ...] = ()

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
        if self.future_rows is not None:
            lines.append(("rows after as_of", f"{self.future_rows:,}"))
        if self.currencies:
            lines.append(("currencies", ", ".join(self.currencies)))
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
