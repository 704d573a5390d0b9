"""Gaps, trends and error curves, customer by customer and gap by gap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from oracles.lifecycle import activity
from oracles.transactions import ZERO, Row

Gap = tuple[Any, date, int, bool]


def purchase_days(log: Iterable[Row], as_of: date) -> dict[Any, list[date]]:
    return {
        customer: sorted(date.fromordinal(day) for day, (bought, _) in days.items() if bought)
        for customer, days in activity(log, as_of, "day").items()
    }


def gaps(log: Iterable[Row], as_of: date) -> list[Gap]:
    found: list[Gap] = []
    for customer, days in purchase_days(log, as_of).items():
        found += [(customer, a, (b - a).days, True) for a, b in pairwise(days)]
        if days:
            found.append((customer, days[-1], (as_of - days[-1]).days, False))
    return found


def trend(log: Iterable[Row], as_of: date, window: int, value: str) -> dict[Any, Fraction | None]:
    """Against the window before."""
    log = list(log)
    spent = activity(log, as_of, "day")
    return {
        customer: _change(days, spent[customer], as_of, window, value)
        for customer, days in purchase_days(log, as_of).items()
    }


def _change(
    days: list[date],
    spent: dict[int, tuple[bool, Decimal]],
    as_of: date,
    window: int,
    value: str,
) -> Fraction | None:
    begin_now = as_of - timedelta(days=window - 1)
    begin_before = begin_now - timedelta(days=window)

    def total(first: date, after: date) -> Fraction:
        if value == "purchases":
            return Fraction(sum(first <= day < after for day in days))
        inside = range(first.toordinal(), after.toordinal())
        return Fraction(sum((money for day, (_, money) in spent.items() if day in inside), ZERO))

    if len(days) < 2 or days[0] > begin_before:
        return None
    mean_gap = Fraction((days[-1] - days[0]).days, len(days) - 1)
    now, before = total(begin_now, as_of + timedelta(days=1)), total(begin_before, begin_now)
    if window < 2 * mean_gap or before <= 0:
        return None
    return (now - before) / before


def errors(gaps: list[tuple[int, bool]], days: int) -> tuple[Fraction, Fraction]:
    """Both errors of taking for lost who is silent for that many days, as fractions."""

    def lasting(until: int) -> Fraction:
        """Product-limit probability of a gap of at least so many days."""
        share = Fraction(1)
        for day in range(until):
            at_risk = sum(gap >= day for gap, _ in gaps)
            ended = sum(gap == day and over for gap, over in gaps)
            share *= 1 - Fraction(ended, at_risk) if at_risk else 1
        return share

    never = lasting(max(gap for gap, _ in gaps) + 1)
    weights = {k: 1 / lasting(gap) for k, (gap, over) in enumerate(gaps) if not over}
    missed = sum((w for k, w in weights.items() if gaps[k][0] < days), Fraction(0))
    return (lasting(days) - never) / (1 - never), missed / sum(weights.values())
