"""Types of numbers that options take, and options made of a function's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, Field, ValidationError

from customer_value._frames.money import MONEY_LIMIT
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Money: TypeAlias = Annotated[float, Field(gt=-MONEY_LIMIT, lt=MONEY_LIMIT)]
Amount: TypeAlias = Annotated[float, Field(ge=0, lt=MONEY_LIMIT)]
"""Money, or a count, that cannot be negative."""


def build(model: type[M], /, **values: object) -> M:
    """An option model of a function's arguments, which are refused as the function's own.

    Raises:
        OptionError: Names every argument that cannot be used, and why.
    """
    try:
        return model(**values)
    except ValidationError as error:
        title = model.model_config.get("title") or model.__name__
        raise OptionError(f"{title}: {problems(error)}") from None


def problems(error: ValidationError) -> str:
    """What pydantic found, in one line."""
    return "; ".join(_problem(problem) for problem in error.errors())


def _problem(problem: ErrorDetails) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    says = problem["msg"].removeprefix("Value error, ")
    says = says[:1].lower() + says[1:]
    given = problem["input"]
    got = "" if isinstance(given, dict | BaseModel) else f", got {repr(given)[:60]}"
    return f"{place}: {says}{got}" if place else says
