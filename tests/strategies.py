"""Logs for hypothesis: few customers, days and orders, so that everything collides."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl
from hypothesis import strategies as st

import customer_value as cv

Row = dict[str, Any]

FIRST_DAY = date(2023, 12, 25)
LAST_DAY = FIRST_DAY + timedelta(days=40)
SCHEMA: dict[str, Any] = {
    "customer_id": pl.String,
    "ordered_at": pl.Date,
    "amount": pl.Float64,
    "order_id": pl.Int64,
    "cost": pl.Float64,
    "discount": pl.Float64,
    "category": pl.String,
    "kind": pl.String,
}

# Sums of these floats round, depend on their order and cancel; a few refund each other in full.
cents = st.one_of(
    st.sampled_from([0, 1, 10, 20, 30, 30, 999, 1000, 1000, 123_456_789, 10_000_000_001]),
    st.integers(0, 5_000),
)
days = st.one_of(st.integers(0, 6), st.integers(0, (LAST_DAY - FIRST_DAY).days)).map(
    lambda n: FIRST_DAY + timedelta(days=n)
)
customers = st.sampled_from(["ann", "bob", "cy", "李"])


class Log(NamedTuple):
    """A log as dicts and as a frame."""

    rows: list[Row]
    columns: tuple[str, ...]

    @property
    def frame(self) -> pl.DataFrame:
        schema = {name: SCHEMA[name] for name in self.columns}
        return pl.DataFrame(self.rows, schema=schema, orient="row")

    def where(self, **roles: bool) -> Log:
        """The log without the columns that are given as False."""
        kept = tuple(name for name in self.columns if roles.get(name, True))
        return Log([{name: row[name] for name in kept} for row in self.rows], kept)


@st.composite
def logs(
    draw: st.DrawFn,
    *,
    min_size: int = 1,
    max_size: int = 24,
    refunds: bool = True,
    optional: tuple[str, ...] = ("order_id", "cost", "discount", "category", "kind"),
) -> Log:
    """A usable log, with any of the optional columns."""
    extra = [name for name in optional if draw(st.booleans())]
    columns = tuple(name for name in SCHEMA if name in extra or list(SCHEMA).index(name) < 3)
    rows = draw(st.lists(_row(set(extra), refunds=refunds), min_size=min_size, max_size=max_size))
    return Log([{name: row[name] for name in columns} for row in rows], columns)


@st.composite
def _row(draw: st.DrawFn, extra: set[str], *, refunds: bool) -> Row:
    amount, returned = draw(cents) / 100, refunds and draw(st.integers(0, 3)) == 0
    row: Row = {"customer_id": draw(customers), "ordered_at": draw(days)}
    if returned and ("kind" not in extra or draw(st.booleans())):
        amount = -amount
    row["amount"] = amount
    if "kind" in extra:
        # A negative amount is a return whatever its kind says.
        row["kind"] = draw(st.sampled_from(["return", "sale"])) if amount < 0 else "sale"
        if returned and amount >= 0:
            row["kind"] = "return"
    is_return = amount < 0 or row.get("kind") == "return"
    if "order_id" in extra:
        orders = st.integers(1, 5)
        row["order_id"] = draw(st.none() | orders if is_return else orders)
    for name in ("cost", "discount"):
        if name in extra:
            values = cents.map(lambda n: n / 100)
            row[name] = draw(st.none() | values if draw(st.integers(0, 4)) == 0 else values)
    if "category" in extra:
        row["category"] = draw(st.sampled_from(["book", "film", "toy", None]))
    return row


def read(log: Any, *, columns: Any = None, options: Any = None) -> Any:
    """A log as a value where it has names or options, otherwise the table itself."""
    if columns is None and options is None:
        return log
    return cv.read_transactions(log, columns=columns, options=options)


def small(**columns: Any) -> pl.DataFrame:
    """A log with defaults for what is not given."""
    n = len(next(iter(columns.values())))
    defaults = {
        "customer_id": ["a"] * n,
        "ordered_at": [date(2024, 1, 1) + timedelta(days=k) for k in range(n)],
        "amount": [10.0] * n,
    }
    return pl.DataFrame(defaults | columns)
