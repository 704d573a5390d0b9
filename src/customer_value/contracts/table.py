"""The one table of contracts: its columns, its rules, its last day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import Kind, Rule, describe, find_offences
from customer_value._frames.door import read_frame
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from customer_value._typing import Frame

CONTRACT: dict[str, Kind] = {
    "customer_id": "key",
    "contract_start": "day",
    "contract_end": "maybe_day",
}
"""A contract runs from its start to its end, both days included; without an end it runs on."""

FOREVER = date(9999, 12, 31)
"""The last day of a contract that runs on."""


class Grace(BaseModel, frozen=True, extra="forbid"):
    """Days without a contract up to which a later one is a renewal."""

    grace_days: Annotated[int, Field(ge=0, le=3660)]


def contract_rules() -> list[Rule]:
    """What no contract may be."""
    start, end = pl.col("contract_start"), pl.col("contract_end")
    return [
        Rule("customer", pl.col("customer_id").is_null(), "no customer_id"),
        Rule("start", start.is_null(), "no contract_start"),
        Rule("order", end < start, "contract_end before contract_start"),
    ]


def read_contracts(contracts: Frame) -> pl.DataFrame:
    """The columns of a contract alone, checked.

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Keys or starts are null, or a contract ends before it starts.
    """
    frame = read_frame(contracts, CONTRACT, what="contracts")
    rows = frame.lazy().select(*CONTRACT).cast({"contract_end": pl.Date}).collect()
    _, offences = find_offences(rows.lazy(), contract_rules(), key="customer_id")
    if offences:
        raise DataError(f"contracts: {describe(offences)}")
    return rows


def in_turn(contracts: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Contracts that have started, each customer's in turn.

    Adds `covered`, the last day of the contract, `reach`, the last day that it or an earlier one
    of the customer covers, and `first`, whether there is no earlier one.
    """
    customer, start = pl.col("customer_id"), pl.col("contract_start")
    covered = pl.col("contract_end").fill_null(FOREVER)
    return (
        contracts.filter(start <= as_of)
        .sort("customer_id", "contract_start")
        .with_columns(
            covered=covered,
            reach=covered.cum_max().over("customer_id"),
            first=(customer != customer.shift(1)).fill_null(value=True),
        )
    )


def relation_number(grace: int) -> pl.Expr:
    """Number of the relation that a contract of `in_turn` belongs to.

    A contract begins a relation if more than the days of grace lie between it and all before.
    """
    apart = (pl.col("contract_start") - pl.col("reach").shift(1)).dt.total_days() > grace + 1
    return (pl.col("first") | apart).cum_sum()


def grace_runs(end: pl.Expr, as_of: date, grace: int) -> pl.Expr:
    """Whether a customer whose last contract ends then may still renew it: not yet lost."""
    return (pl.lit(as_of) - end).dt.total_days() <= grace
