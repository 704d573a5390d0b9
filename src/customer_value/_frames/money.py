"""Money that is summed exactly, so that neither row order nor threads change a bit."""

from __future__ import annotations

import numpy as np
import polars as pl

from customer_value._frames.contracts import ArrayRule

MONEY_SCALE = 6
"""Decimal places to which money is summed where no option says otherwise."""

MONEY_LIMIT = float(10 ** (29 - MONEY_SCALE))
"""Money is below this: a billion such amounts can still be summed exactly."""

DECIMAL = pl.Decimal(38, MONEY_SCALE)

TOO_LARGE = ArrayRule(
    "values too large to sum exactly", lambda values: np.abs(values) >= MONEY_LIMIT
)


def exact(money: pl.Expr) -> pl.Expr:
    """The amounts as decimals of six places."""
    return money.cast(DECIMAL)


def exact_sum(money: pl.Expr) -> pl.Expr:
    """The sum of the amounts, rounded once, when it becomes Float64; unknown ones add nothing."""
    return exact(money).sum().cast(pl.Float64)
