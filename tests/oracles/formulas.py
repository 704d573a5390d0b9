"""Lifetime value by formula, summed period by period in fractions."""

from __future__ import annotations

from fractions import Fraction


def constant_retention_value(
    margin: float,
    retention: float,
    discount_rate: float,
    timing: str,
    growth: float,
    periods: int,
) -> Fraction:
    m, r, d, g = map(Fraction, (margin, retention, discount_rate, growth))
    if timing == "begin":
        return sum((m * (r * (1 + g) / (1 + d)) ** k for k in range(periods)), Fraction(0))
    return sum(
        (m * (1 + g) ** (k - 1) * (r / (1 + d)) ** k for k in range(1, periods + 1)), Fraction(0)
    )


def markov_value(
    matrix: list[list[float]], rewards: list[float], discount_rate: float, periods: int
) -> list[float]:
    """Follow the probability of each state, from each state on."""
    values = []
    for start in range(len(rewards)):
        chance = [float(state == start) for state in range(len(rewards))]
        value = 0.0
        for t in range(periods + 1):
            income = sum(p * reward for p, reward in zip(chance, rewards, strict=True))
            value += income / (1 + discount_rate) ** t
            chance = [
                sum(p * row[to] for p, row in zip(chance, matrix, strict=True))
                for to in range(len(rewards))
            ]
        values.append(value)
    return values
