"""The three points of computed ABC analysis, customer by customer, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

Point = tuple[Fraction, Fraction]


def curve(values: list[int], *, together: bool = True) -> list[Point]:
    """Join the origin and the points of the customers, largest first; of equal ones the last."""
    ranked = sorted((max(v, 0) for v in values), reverse=True)
    n, total = len(ranked), sum(ranked)
    ends = [k for k in range(1, n) if not together or ranked[k] != ranked[k - 1]] + [n]
    points = [(Fraction(k, n), Fraction(sum(ranked[:k]), total)) for k in ends]
    return [(Fraction(0), Fraction(0)), *points]


def nearest(points: list[Point], at: Fraction) -> Point:
    """Measure the distance of each to (at, 1); of equal ones the first."""
    return min(points, key=lambda point: (point[0] - at) ** 2 + (1 - point[1]) ** 2)


def three_points(values: list[int], *, together: bool = True) -> tuple[Point, Point, Point]:
    """Give the Pareto, the break-even and the submarginal point."""
    points = curve(values, together=together)
    pareto = nearest(points, Fraction(0))
    mean = Fraction(sum(max(v, 0) for v in values), len(values))
    as_much = sum(v >= mean for v in values)
    break_even = next(point for point in points if point[0] == Fraction(as_much, len(values)))
    return pareto, break_even, nearest(points, max(pareto[0], break_even[0]))


def classes(values: list[int], *, together: bool = True) -> list[str]:
    """Class each customer by its own place; equal ones in the order of the list if apart."""
    pareto, break_even, submarginal = three_points(values, together=together)
    first, second = min(pareto[0], break_even[0]), submarginal[0]
    found = []
    for i, value in enumerate(values):
        above = sum(v > value for v in values)
        beside = sum(v == value for v in (values if together else values[: i + 1]))
        place = Fraction(above + beside, len(values))
        inside = value > 0
        found.append(
            "A" if inside and place <= first else "B" if inside and place <= second else "C"
        )
    return found
