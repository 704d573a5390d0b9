"""All public functions, and how each is called on one small world."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import customer_value as cv

PACKAGES = (
    "abc",
    "allocation",
    "changes",
    "channels",
    "clv",
    "contracts",
    "datasets",
    "effects",
    "equity",
    "lifecycle",
    "loyalty",
    "profit",
    "report",
    "reviews",
    "rfm",
    "segments",
    "service",
    "simulate",
    "tiers",
    "transactions",
)


def _public() -> dict[str, Callable[..., Any]]:
    found = {name: getattr(cv, name) for name in cv.__all__}
    for package in PACKAGES:
        module = importlib.import_module(f"customer_value.{package}")
        names = getattr(module, "__all__", None) or [
            name
            for name, thing in vars(module).items()
            if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
        ]
        found |= {f"{package}.{name}": getattr(module, name) for name in names}
    functions = {name: thing for name, thing in found.items() if inspect.isfunction(thing)}
    at_root = {id(thing) for name, thing in functions.items() if "." not in name}
    return {
        name: thing
        for name, thing in functions.items()
        if "." not in name or id(thing) not in at_root
    }


PUBLIC = _public()
"""Public functions by name: those of the root, and `package.name` of the others."""


class Case(NamedTuple):
    """One call of a public function.

    Attributes:
        kind: `"log"`: the first argument is a log. `"rows"`: it is a table, and each row of the
            result is that row with columns added. `"crowd"`: likewise, but of columns that are
            about the other rows too, such as a rank. `"table"`: it is a table, and the result is
            something else. `"plain"`: it is neither.
        first: Gives a valid first argument.
        rest: Gives the other arguments.
        lazy: Whether the first argument may be a LazyFrame.
    """

    kind: Literal["log", "rows", "crowd", "table", "plain"]
    first: Callable[[], Any]
    rest: Callable[[], dict[str, Any]] = dict
    lazy: bool = True
