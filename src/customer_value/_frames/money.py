"""Money that is summed exactly, so that neither row order nor threads change a bit."""

from __future__ import annotations

import numpy as np
import polars as pl

from customer_value._frames.contracts import ArrayRule

MONEY_SCALE = 6
"""Decimal places to which money is summed where no option says otherwise."""

TOO_LARGE = ArrayRule(
    "values too large to sum exactly",
    lambda values: np.abs(values) >= float(10 ** (29 - MONEY_SCALE)),
)


def exact(money: pl.Expr) -> pl.Expr:
    """The amounts as decimals of six places."""
    return money.cast(pl.Decimal(38, MONEY_SCALE))


def exact_sum(money: pl.Expr) -> pl.Expr:
    """The sum of the amounts, rounded once, when it becomes Float64; unknown ones add nothing."""
    return exact(money).sum().cast(pl.Float64)
