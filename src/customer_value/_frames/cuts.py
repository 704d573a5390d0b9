"""Cuts between low and high, learnt from one set of customers, for any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import polars as pl
from pydantic import BaseModel, Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import finite_column, quantile
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_value._typing import Frame


class Cut(BaseModel, frozen=True, extra="forbid"):
    """Where high begins in one column.

    Attributes:
        column: The column.
        at: The value above which customers are high; None where no value was known, and then no
            customer is told high from low.
    """

    column: str
    at: Annotated[float, Field(allow_inf_nan=False)] | None


class Cuts(StoredModel, frozen=True):
    """Cuts of several columns, learnt from one set of customers; plain JSON.

    Attributes:
        kind: The function that the cuts are for.
        cuts: The cuts by what they part, such as `"activity"` or `"existing"`.
    """

    model: Literal["cuts"] = "cuts"
    kind: str
    cuts: dict[str, Cut]

    def literals(self) -> dict[str, pl.Expr]:
        """The value at each cut, as an expression."""
        return {name: pl.lit(cut.at, pl.Float64) for name, cut in self.cuts.items()}

    def columns(self) -> dict[str, str]:
        """The column of each cut."""
        return {name: cut.column for name, cut in self.cuts.items()}


def fit_cuts(customers: Frame, shares: Mapping[str, tuple[str, float]], *, kind: str) -> Cuts:
    """Learn cuts as quantiles (type 7) of the known values.

    Args:
        customers: Frame with the columns; a LazyFrame is collected.
        shares: Column and share of the customers below the cut, by the name of the cut.
        kind: The function that the cuts are for.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.
    """
    frame = read_frame(customers, {column: "number" for column, _ in shares.values()})
    values = frame.lazy().select(
        finite_column(column).alias(name) for name, (column, _) in shares.items()
    )
    at = values.select(quantile(pl.col(name), share) for name, (_, share) in shares.items())
    found = at.collect().row(0, named=True) if shares else {}
    return Cuts(
        kind=kind,
        cuts={name: Cut(column=shares[name][0], at=value) for name, value in found.items()},
        fitted_on=fitted_on(frame),
    )


def check_cuts(model: object, kind: str, columns: Mapping[str, str] | None = None) -> None:
    """Refuse a model that is not made of cuts, or of the cuts of another function.

    Args:
        model: What was given.
        kind: The function that the cuts are to be for.
        columns: Columns that are to be cut, by the name of the cut, where arguments name them: the
            model must know each, learnt from the same column.
    """
    check_instance("model", model, Cuts)
    if not isinstance(model, Cuts):
        return
    if model.kind != kind:
        raise OptionError(f"model holds the cuts of {model.kind}; take those of fit_{kind}")
    known = model.columns()
    wrong = [
        f"{name} is learnt from '{known[name]}', not '{column}'"
        if name in known
        else f"{name} ('{column}') is not learnt"
        for name, column in (columns or {}).items()
        if known.get(name) != column
    ]
    if wrong:
        raise OptionError(f"model: {'; '.join(wrong)}; fit it with the same arguments")
