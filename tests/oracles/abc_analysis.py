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


def classify_by_count(
    values: list[int | None],
    cutoffs: tuple[Fraction, Fraction] = (Fraction(20, 100), Fraction(50, 100)),
    *,
    crossing: bool,
    together: bool,
    separate: bool,
) -> list[str | None]:
    """Ask how many customers stand before each, and how many up to it."""
    known = [v for v in values if v is not None]
    n = sum(v > 0 for v in known) if separate else len(known)
    found: list[str | None] = []
    for i, value in enumerate(values):
        if value is None:
            found.append(None)
        elif value <= 0:
            found.append("D" if separate else "C")
        else:
            equals = [j for j, v in enumerate(values) if v == value]
            before = sum(v > value for v in known) + (0 if together else equals.index(i))
            upto = before + (len(equals) if together else 1)
            a, b = (before < c * n if crossing else upto <= c * n for c in cutoffs)
            found.append("A" if a else "B" if b else "C")
    return found
