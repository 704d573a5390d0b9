"""How each public function is called on the small world. A new function must be added here."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import polars as pl

import customer_value as cv
from laws import world as w
from laws.registry import Case

DAY = {"as_of": w.AS_OF}


def _model(**rest: Any) -> dict[str, Any]:
    return rest


def log(**rest: Any) -> Case:
    return Case("log", w.log, lambda: DAY | rest)


def rows(**rest: Any) -> Case:
    return Case("rows", w.customers, lambda: rest)


def fitted(fit: str, **rest: Any) -> Case:
    """Rows that a model is applied to, fitted on the whole world."""
    package, _, name = fit.rpartition(".")
    owner = getattr(cv, package) if package else cv
    arguments = {key: value for key, value in rest.items() if not key.startswith("apply_")}
    return Case("rows", w.customers, lambda: {"model": getattr(owner, name)(w.customers(), **arguments)})


def table(first: Any = w.customers, **rest: Any) -> Case:
    return Case("table", first, lambda: rest)


def lazily(kind: Any, first: Any, rest: Any) -> Case:
    return Case(kind, first, rest)


_PLAIN = Case("plain", lambda: None)

TICKETS = pl.DataFrame(
    {
        "opened_at": [date(1998, 5, day) for day in range(1, 21)],
        "closed_at": [date(1998, 5, day + 1) if day % 4 else None for day in range(1, 21)],
        "tier": ["high", "low"] * 10,
    }
)
ANSWERS = pl.DataFrame(
    {
        "customer_id": range(1, 41),
        "score": [10, 9, 8, 3] * 10,
        "answered_at": [date(1998, 5, 1)] * 40,
        "tier": ["high", "low"] * 20,
    }
)
UNITS = pl.DataFrame({"clv": [300.0, 100.0], "cac": [100.0, 50.0], "churn": [0.05, 0.1]})
