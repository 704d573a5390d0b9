"""The Gamma-Gamma formulas as note 025 prints them, in mpmath."""

from __future__ import annotations

from typing import Any, TypeAlias

from mpmath import mp

Number: TypeAlias = Any  # mpmath has no types


def log_likelihood(x: Number, m: Number, p: Number, q: Number, v: Number) -> Number:
    """Fader & Hardie (2013), note 025, eq. 1a: the density of the mean spend m of x purchases."""
    with mp.workdps(60):
        x, m, p, q, v = map(mp.mpf, (x, m, p, q, v))
        return (
            mp.loggamma(p * x + q)
            - mp.loggamma(p * x)
            - mp.loggamma(q)
            + q * mp.log(v)
            + (p * x - 1) * mp.log(m)
            + p * x * mp.log(x)
            - (p * x + q) * mp.log(v + m * x)
        )
