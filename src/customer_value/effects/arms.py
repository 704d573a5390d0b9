"""Reading the customers of an evaluation: two arms, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import Kind, Offence, Rule, describe, find_offences, require
from customer_value._frames.door import read_frame
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import BoolArray, FloatArray, Frame

_GROUP = "__group__"
_LARGEST = 1e140


class Arms(NamedTuple):
    """The customers in an order that does not depend on the input's."""

    rows: pl.DataFrame
    treated: BoolArray

    def pair(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The values of the treated, and those of the controls."""
        return values[self.treated], values[~self.treated]

    def column(self, name: str) -> FloatArray:
        """A column as floats, NaN where unknown."""
        return to_array(self.rows[name].fill_null(float("nan")))

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of treated and of controls."""
        n = int(self.treated.sum())
        return n, self.treated.size - n


def read_arms(
    customers: Frame,
    group: str,
    treated: str,
    *,
    numbers: Sequence[str],
    gaps: Sequence[str] = (),
    others: Sequence[str] = (),
) -> Arms:
    """Read and check the customers.

    Args:
        customers: One row a customer.
        group: Column of the arm: Boolean, or text of two values.
        treated: The value of the treated, where it is text.
        numbers: Columns of numbers that must be known.
        gaps: Columns of numbers that may be null.
        others: Further columns to keep.

    Raises:
        OptionError: There are not two arms.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are null, NaN or infinite.
    """
    names = [group, *others, *numbers, *gaps]
    frame = read_frame(customers, dict.fromkeys(names, "any"))
    schema = frame.collect_schema()
    kinds: dict[str, Kind] = dict.fromkeys((*numbers, *gaps), "number")
    kinds[group] = "text"
    require(frame, {n: k for n, k in kinds.items() if schema[n] != pl.Boolean}, what="customers")
    arm = pl.col(group)
    if schema[group] != pl.Boolean:
        arm = arm.cast(pl.String) == treated
    values = [pl.col(name).cast(pl.Float64) for name in dict.fromkeys((*numbers, *gaps))]
    rows = (
        frame.lazy()
        .select(arm.alias(_GROUP), pl.col(group).cast(pl.String).alias("__arm__"), *values, *others)
        .collect()
    )
    rules = [
        Rule("group", pl.col(_GROUP).is_null(), f"no {group}"),
        *(
            Rule(n, ~_finite(n), f"{n} null, NaN, infinite or beyond {_LARGEST:g}")
            for n in dict.fromkeys(numbers)
        ),
        *(
            Rule(
                n,
                ~_finite(n) & pl.col(n).is_not_null(),
                f"{n} NaN, infinite or beyond {_LARGEST:g}",
            )
            for n in gaps
        ),
    ]
    _, offences = find_offences(rows.lazy(), rules, key="__arm__")
    if offences:
        raise DataError(f"customers: {describe(offences)}")
    found = sorted(rows["__arm__"].unique())
    if len(found) != 2 or not 0 < rows[_GROUP].sum() < rows.height:
        raise OptionError(
            f"'{group}' must hold two arms, one of them '{treated}'; it holds "
            + (", ".join(f"'{name}'" for name in found[:5]) or "nothing")
        )
    ordered = rows.sort(_GROUP, *others, *numbers, *gaps, nulls_last=True)
    return Arms(ordered, ordered[_GROUP].to_numpy())


def _finite(name: str) -> pl.Expr:
    """Known, and small enough that squares can be added up."""
    return (pl.col(name).abs() <= _LARGEST).fill_null(value=False)


def two_valued(values: FloatArray, name: str) -> None:
    """Refuse an outcome that is not a yes or no."""
    other = ~np.isin(values, (0.0, 1.0))
    if other.any():
        examples = tuple(f"{value:g}" for value in values[other][:3])
        offence = Offence("", f"{name} not 0 or 1", int(other.sum()), examples)
        raise DataError(f"customers: {describe([offence])}")
