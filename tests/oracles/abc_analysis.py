"""ABC classes one customer at a time, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Place(NamedTuple):
    """Where a customer stands."""

    abc_class: str
    abc_rank: int
    cumulative_share: Fraction | None


def classify(
    values: list[int | None],
    cutoffs: tuple[Fraction, Fraction] = (Fraction(80, 100), Fraction(95, 100)),
    *,
    crossing: bool = False,
    together: bool = True,
) -> list[Place | None]:
    """Ask for each customer who stands above it, and who stands beside it."""
    total = sum(v for v in values if v is not None and v > 0)
    places: list[Place | None] = []
    for i, value in enumerate(values):
        if value is None:
            places.append(None)
            continue
        others = [(j, v) for j, v in enumerate(values) if v is not None]
        above = [v for j, v in others if v > value or (v == value and j < i and not together)]
        beside = [v for j, v in others if v == value] if together else [value]
        before = sum(v for v in above if v > 0)
        reached = before + sum(v for v in beside if v > 0)
        share = Fraction(reached, total) if total else None
        places.append(
            Place(
                _class(value, before, reached, total, cutoffs, crossing=crossing),
                len(above) + 1,
                share,
            )
        )
    return places


def _class(
    value: int,
    before: int,
    reached: int,
    total: int,
    cutoffs: tuple[Fraction, Fraction],
    *,
    crossing: bool,
) -> str:
    if value <= 0:
        return "C"
    for name, cutoff in zip("AB", cutoffs, strict=True):
        inside = before < cutoff * total if crossing else reached <= cutoff * total
        if inside:
            return name
    return "C"
