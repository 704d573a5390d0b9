"""The one table of contracts: its columns, its rules, its last day."""

from __future__ import annotations

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
