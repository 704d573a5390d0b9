"""Intervals of shares."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

Z95 = 1.959963984540054  # two-sided 95 %

Number = TypeVar("Number", float, pl.Expr)


def wilson(share: Number, n: Number, z: float) -> tuple[Number, Number]:
    """Both ends of the score interval of a share of n (Wilson 1927, JASA 22, 209-212).

    Args:
        share: A number, or a column of them.
        n: Of how many, above 0.
        z: Quantile of the normal law.
    """
    per = z * z / n
    centre, width = share + per / 2, (per * (share * (1 - share) + per / 4)) ** 0.5
    return (centre - width) / (1 + per), (centre + width) / (1 + per)
