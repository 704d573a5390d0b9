"""Concentration pair by pair in fractions, and steadiness by walking the calendar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from oracles.transactions import Row, is_return, read

Point = tuple[Fraction, Fraction | None]


def lorenz(values: list[int]) -> list[Point]:
    """Ask of each distinct value who has no more than that."""
    if not values:
        return []
    n, total = len(values), sum(values)
    points: list[Point] = [(Fraction(0), Fraction(0) if total > 0 else None)]
    for limit in sorted(set(values)):
        poorer = [v for v in values if v <= limit]
        held = Fraction(sum(poorer), total) if total > 0 else None
        points.append((Fraction(len(poorer), n), held))
    return points


def gini(values: list[int]) -> Fraction | None:
    """Half the mean absolute difference of all pairs, relative to the mean."""
    n, total = len(values), sum(values)
    if total <= 0:
        return None
    return Fraction(sum(abs(a - b) for a in values for b in values), 2 * n * total)


def gini_by_rank(values: list[int]) -> Fraction:
    """Weigh the sorted values by rank: the textbook formula."""
    n = len(values)
    ranked = enumerate(sorted(values), 1)
    return Fraction(sum((2 * k - n - 1) * v for k, v in ranked), n * sum(values))


def gini_by_area(values: list[int]) -> Fraction:
    """Subtract twice the area under the Lorenz curve, trapezoid by trapezoid."""
    area, below = Fraction(0), 0
    n, total = len(values), sum(values)
    for value in sorted(values):
        area += Fraction(below + below + value, 2 * n * total)
        below += value
    return 1 - 2 * area


def top_share(values: list[int], share: Fraction) -> Fraction | None:
    """Take the best one by one, and of the last the part that is left."""
    total = sum(values)
    if total <= 0:
        return None
    left, held = share * len(values), Fraction(0)
    for value in sorted(values, reverse=True):
        part = min(left, Fraction(1))
        held += part * value
        left -= part
    return held / total


def begin(day: date, period: str) -> date:
    """Find the first day of the calendar period that a day is in."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return date(day.year, {1: 1, 2: 4, 3: 7, 4: 10}[(day.month - 1) // 3 + 1], 1)


def classify_xyz(
    log: Iterable[Row], *, as_of: date, period: str, periods: int, cutoffs: tuple[float, float]
) -> list[dict[str, Any]]:
    """Look at each customer's complete periods one by one."""
    rows = [row for row in read(log) if row["day"] <= as_of]
    starts = []
    after = begin(as_of + timedelta(days=1), period)
    for _ in range(periods):
        after = begin(after - timedelta(days=1), period)
        starts.append(after)
    result = []
    for customer in sorted({row["customer_id"] for row in rows}):
        own = [row for row in rows if row["customer_id"] == customer]
        sales = [row["day"] for row in own if not is_return(row)]
        mine = [s for s in starts if sales and s >= begin(min(sales), period)]
        money = [
            sum((Fraction(r["net"]) for r in own if begin(r["day"], period) == s), Fraction(0))
            for s in mine
        ]
        result.append({"customer_id": customer, **_steadiness(money, cutoffs)})
    return result


def _steadiness(money: list[Fraction], cutoffs: tuple[float, float]) -> dict[str, Any]:
    n = len(money)
    mean = sum(money, Fraction(0)) / n if n else None
    cv = None
    if n >= 2 and mean is not None and mean > 0:
        cv = math.sqrt(sum((m - mean) ** 2 for m in money) / n / mean**2)
    x, y = (cut + 1e-12 for cut in cutoffs)
    name = "Z" if cv is None or cv > y else "Y" if cv > x else "X"
    return {
        "periods": n,
        "period_mean": None if mean is None else float(mean),
        "period_cv": cv,
        "xyz_class": name if n >= 2 else None,
    }
