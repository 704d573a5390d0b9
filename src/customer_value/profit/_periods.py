"""Periods that money is booked for: whole days, from the first to the last, and none twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import Kind, Offence, Rule
from customer_value.exceptions import SchemaError

if TYPE_CHECKING:
    from collections.abc import Collection

START, END = "period_start", "period_end"
_KINDS: dict[str, Kind] = {START: "day", END: "day"}


def period_columns(present: Collection[str], *, what: str) -> dict[str, Kind]:
    """The columns of the period, where a table has any of them.

    Raises:
        SchemaError: It has a date as well, so that it is not said which one counts.
    """
    if not {*_KINDS} & {*present}:
        return {}
    if "date" in present:
        raise SchemaError(f"{what}: give 'date', or '{START}' and '{END}', not both")
    return _KINDS


def period_rules() -> list[Rule]:
    """What no row's period may be."""
    first, last = pl.col(START), pl.col(END)
    return [
        Rule("no_start", first.is_null(), f"no {START}"),
        Rule("no_end", last.is_null(), f"no {END}"),
        Rule("backwards", last < first, "a period that ends before it starts"),
    ]


def overlapping(frame: pl.LazyFrame, *, of: tuple[str, ...] = ()) -> list[Offence]:
    """Rows whose period overlaps another one of the same line, which books its days twice.

    Rows of the same period are no offence: their amounts add up.
    """
    first, last = pl.col(START), pl.col(END)
    before, after = last.cum_max().shift(1), first.shift(-1)
    if of:
        before, after = before.over(of), after.over(of)
    spans = frame.drop_nulls([START, END]).group_by(*of, START, END).agg(rows=pl.len())
    broken = (
        spans.sort(*of, START, END)
        .filter(((first <= before) | (after <= last)).fill_null(value=False))
        .collect()
    )
    if broken.is_empty():
        return []
    shown = broken.head(3).select(*of[-1:], START, END).rows()
    examples = tuple(" ".join(map(str, (*names, f"{a} to {b}"))) for *names, a, b in shown)
    return [Offence("", "a period that overlaps another", int(broken["rows"].sum()), examples)]
