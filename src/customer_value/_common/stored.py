"""What was learnt from customers, as a value that plain JSON holds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from customer_value._version import __version__


class FittedOn(BaseModel, frozen=True, extra="forbid"):
    """The customers that a model was fitted on.

    Attributes:
        as_of: Day of the snapshot; None where the table did not say.
        first_day: First purchase day of the customers, where the period of the model begins; None
            where the table did not say.
        n_customers: Number of customers.
    """

    as_of: date | None = None
    first_day: date | None = None
    n_customers: Annotated[int, Field(ge=0)] = 0


class StoredModel(BaseModel, frozen=True, extra="forbid"):
    """Base of all fitted models: frozen, equal by value, plain JSON of any key order.

    A subclass names itself in a field `model` (a `Literal`), by which
    [`load_model`][customer_value.load_model] finds it, and counts its `SCHEMA` up when a stored
    model of an earlier version can no longer be read.

    Attributes:
        schema_version: Version of the stored form. A newer one is refused.
        library_version: Version of customer_value that wrote the model.
        fitted_on: The customers that the model was fitted on; None where it was built from
            published parameters.
    """

    SCHEMA: ClassVar[int] = 1

    # Before the schema's version, so that a refusal can name the writer.
    library_version: str = __version__
    schema_version: int = 1
    fitted_on: FittedOn | None = None

    @field_validator("schema_version")
    @classmethod
    def _readable(cls, version: int, info: ValidationInfo) -> int:
        if not 1 <= version <= cls.SCHEMA:
            writer = info.data.get("library_version", "another version")
            raise ValueError(
                f"stored as version {version}; customer_value {__version__} reads versions up to "
                f"{cls.SCHEMA}: install the version that wrote it ({writer}) or a later one"
            )
        return version

    @model_validator(mode="after")
    def _named(self) -> Self:
        if "model" not in type(self).model_fields:
            raise TypeError(f"{type(self).__name__} needs a field `model` that names it")
        return self
