"""The log-normal model of spend in mpmath."""

from __future__ import annotations

from typing import Any, TypeAlias

from mpmath import mp

Number: TypeAlias = Any  # mpmath has no types


def _density_of_log(u: Number, mean: Number, variance: Number) -> Number:
    return mp.exp(-((u - mean) ** 2) / (2 * variance)) / mp.sqrt(2 * mp.pi * variance)


def log_likelihood(x: Number, m: Number, median: Number, between: Number, within: Number) -> Number:
    """ln of the density of m, a log-normal in k = ln of the customer's mean and one around it."""
    with mp.workdps(60):
        x, m, median, between, within = map(mp.mpf, (x, m, median, between, within))
        v = mp.log(1 + within**2 / x)
        u = mp.log(m)
        return mp.log(_density_of_log(u, mp.log(median) - v / 2, between**2 + v)) - u


def integrals(
    x: Number, m: Number, median: Number, between: Number, within: Number
) -> tuple[Number, Number]:
    """The likelihood and E[e^k | m], both integrated over k without completing any square."""
    with mp.workdps(30):
        x, m, median, between, within = map(mp.mpf, (x, m, median, between, within))
        v = mp.log(1 + within**2 / x)
        center, spread = mp.log(median), between

        def joint(k: Number) -> Number:
            return (
                _density_of_log(k, center, spread**2) * _density_of_log(mp.log(m), k - v / 2, v) / m
            )

        steps = [center + spread * j for j in range(-12, 13)]
        total = mp.quad(joint, steps)
        return total, mp.quad(lambda k: mp.exp(k) * joint(k), steps) / total
