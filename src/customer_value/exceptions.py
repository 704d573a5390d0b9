"""Errors that name every offence at once.

All derive from [`CustomerValueError`][customer_value.CustomerValueError], a `ValueError`, so one
`except` catches whatever this library refuses. Only option models, which are pydantic's, raise
pydantic's `ValidationError` when they are built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl
    from pydantic import BaseModel

    from customer_value.transactions.quality import DataQualityReport

_LONGEST: Final = 2_000
_ADDED_BY_POLARS: Final = "\n\nThis error occurred in the following"


class CustomerValueError(ValueError):
    """Base of all errors raised by this library."""

    def __init__(self, message: str) -> None:
        said = message.split(_ADDED_BY_POLARS, 1)[0]
        super().__init__(said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ...")


class SchemaError(CustomerValueError):
    """A table lacks columns, or a column has a type that cannot be used."""


class OptionError(CustomerValueError):
    """An argument that cannot be used: a wrong type, an unknown word, a number out of range."""


class DataError(CustomerValueError):
    """Values that cannot be used, such as null keys or infinite amounts.

    Attributes:
        report: What was found in the whole log, rule by rule, where a log is refused; otherwise
            None.
    """

    def __init__(self, message: str, report: DataQualityReport | None = None) -> None:
        super().__init__(message)
        self.report = report

    def invalid(self) -> pl.DataFrame | None:
        """The refused rows of a log, each with the rule that it broke; None for other tables."""
        return None if self.report is None else self.report.invalid()


class FitError(CustomerValueError):
    """A model cannot be fitted: no usable rows, or no finite optimum.

    Attributes:
        summary: State of the fit when it was given up, or None if it never started.
    """

    def __init__(self, message: str, summary: BaseModel | None = None) -> None:
        super().__init__(message)
        self.summary = summary
