"""Errors that name every offence at once.

All derive from [`CustomerValueError`][customer_value.CustomerValueError], a `ValueError`, so one
`except` catches whatever this library refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


class CustomerValueError(ValueError):
    """Base of all errors raised by this library."""


class SchemaError(CustomerValueError):
    """A frame lacks columns, or a column has a type that cannot be used."""


class DataError(CustomerValueError):
    """Values that cannot be used, such as null keys or infinite amounts.

    Attributes:
        report: What was found in the whole table, rule by rule, where the function that raised
            makes a report; otherwise None.
    """

    def __init__(self, message: str, report: BaseModel | None = None) -> None:
        super().__init__(message)
        self.report = report


class FitError(CustomerValueError):
    """A model cannot be fitted: no usable rows, or no finite optimum.

    Attributes:
        summary: State of the fit when it was given up, or None if it never started.
    """

    def __init__(self, message: str, summary: BaseModel | None = None) -> None:
        super().__init__(message)
        self.summary = summary
