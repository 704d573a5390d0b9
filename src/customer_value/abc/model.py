"""ABC classes learnt from one set of customers, for any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import polars as pl
from pydantic import Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import array_column
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on
from customer_value.abc._curve import curve_of, limits, rules_of, values_of
from customer_value.abc.options import AbcOptions
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame

__all__ = ["AbcModel", "fit_abc"]

Worth: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_WITHOUT_VALUE = 3.0


class AbcModel(StoredModel, frozen=True):
    """Where ABC classes A and B end, learnt from one set of customers; plain JSON.

    Attributes:
        value: The column that is classified.
        options: How the limits were found, and what becomes of values at or below zero.
        smallest_a: Smallest value in class A: whoever is worth as much is in it. None where class
            A was empty; then it stays so.
        smallest_b: Smallest value in class B likewise.
    """

    model: Literal["abc"] = "abc"
    value: str
    options: AbcOptions
    smallest_a: Worth | None
    smallest_b: Worth | None

    def codes(self) -> pl.Expr:
        """Number of the class of each customer, from 0; null where the value is unknown."""
        a = np.inf if self.smallest_a is None else self.smallest_a
        b = a if self.smallest_b is None else self.smallest_b

        def code(values: FloatArray) -> FloatArray:
            below = (values < a).astype(np.float64) + (values < b)
            return np.where(values > 0, below, _WITHOUT_VALUE)

        return array_column(code, [self.value], rules=rules_of(self.options)).cast(pl.UInt8)


def fit_abc(
    customers: Frame, *, value: str = "revenue", options: AbcOptions | None = None
) -> AbcModel:
    """Learn where ABC classes end, to classify other customers by the same limits.

    Args:
        customers: Frame with the value column; a LazyFrame is collected.
        value: Column to classify by, such as `"revenue"`, `"clv"` or `"profit"`.
        options: Where the classes end. Equal values cannot be split: a model classes them alike.

    Returns:
        The model, with the smallest value of class A and of class B. Its classes of the customers
        that it was fitted on are those of `classify_abc` without a model.

    Raises:
        SchemaError: The column is missing or not a number.
        DataError: Values are NaN or infinite, or at or below zero and refused.
        OptionError: The options are not `AbcOptions`, or split ties.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> model = cv.abc.fit_abc(monday)
        >>> model.smallest_a, model.smallest_b
        (10.0, 5.0)
        >>> friday = pl.DataFrame({"revenue": [12, 4, None]})
        >>> cv.classify_abc(friday, model)["abc_class"].to_list()
        ['A', 'C', None]
    """
    options = options or AbcOptions()
    check_instance("options", options, AbcOptions)
    if options.ties == "split":
        raise OptionError("ties='split' parts customers of equal value, which no model can repeat")
    frame = read_frame(customers, {value: "number"})
    column = frame.lazy().select(pl.col(value).cast(pl.Float64)).collect().to_series()
    curve = curve_of(values_of(column, value, options), options)
    a, b, _ = limits(curve, options)
    worth = curve.steps.worth
    return AbcModel(
        value=value,
        options=options,
        smallest_a=float(worth[a - 1]) if a else None,
        smallest_b=float(worth[b - 1]) if b > a else None,
        fitted_on=fitted_on(frame),
    )
