"""Allocations by trying everything."""

from __future__ import annotations

from itertools import product
from typing import Any


def best_offers(offers: list[tuple[str, int, int]], budget: int, minimum: float = 0.0) -> float:
    """Try every choice of an offer, or none, for every customer."""
    by: dict[str, list[tuple[int, int]]] = {}
    for who, cost, gain in offers:
        by.setdefault(who, []).append((cost, gain))
    choices = [[(0, 0), *options] for options in by.values()]
    return max(
        sum(gain - minimum * cost for cost, gain in choice)
        for choice in product(*choices)
        if sum(cost for cost, _ in choice) <= budget
    )


def hull(offers: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offers that no mixture of two others, or of one and nothing, beats."""
    points = [(0, 0), *offers]
    kept = []
    for cost, gain in sorted(set(offers)):
        if gain <= 0:
            continue
        beaten = False
        for c1, g1 in points:
            if (c1, g1) != (cost, gain) and c1 <= cost and g1 >= gain:
                beaten = True
            for c2, g2 in points:
                # On the line from one to the other, at this cost.
                if c1 < cost < c2 and (gain - g1) * (c2 - c1) <= (g2 - g1) * (cost - c1):
                    beaten = True
        if not beaten:
            kept.append((cost, gain))
    return kept


def best_assignment(customers: list[tuple[int, int, int]], capacity: list[int], bonus: int) -> int:
    """Try every manager, or none, for every customer of hours, gain and manager of today."""
    best = 0
    for places in product(range(-1, len(capacity)), repeat=len(customers)):
        used = [0] * len(capacity)
        value = 0
        for (hours, gain, current), place in zip(customers, places, strict=True):
            if place >= 0:
                used[place] += hours
                value += gain + (bonus if place == current else 0)
        if all(u <= c for u, c in zip(used, capacity, strict=True)):
            best = max(best, value)
    return best


def unit_greedy(curves: list[Any], budget: int) -> list[int]:
    """Give one unit at a time to the segment where it brings most."""
    given = [0] * len(curves)
    for _ in range(budget):
        gains = [f(x + 1) - f(x) for f, x in zip(curves, given, strict=True)]
        given[gains.index(max(gains))] += 1
    return given
