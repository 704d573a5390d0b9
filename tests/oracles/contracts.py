"""The formulas of contractual models as the papers print them, in mpmath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from mpmath import mp

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_contracts.json"


def log_survival(t: Number, alpha: Number, beta: Number, c: Number) -> Number:
    """ln S(t) = ln B(alpha, beta + t^c) / B(alpha, beta)."""
    with mp.workdps(60):
        t, alpha, beta, c = map(mp.mpf, (t, alpha, beta, c))
        y = beta + t**c
        if y > mp.mpf(10) ** 40:  # Gamma(y) / Gamma(alpha + y) -> y^-alpha
            top = -alpha * mp.log(y)
        else:
            top = mp.loggamma(y) - mp.loggamma(alpha + y)
        return top + mp.loggamma(alpha + beta) - mp.loggamma(beta)


def log_likelihood(
    kept: list[float], lost: list[float], alpha: Number, beta: Number, c: Number
) -> Number:
    """Sum over those who left of ln P(T = t), and over those still there of ln S (2007)."""
    with mp.workdps(60):
        total = mp.mpf(0)
        for t, left in enumerate(lost, start=1):
            before = log_survival(t - 1, alpha, beta, c)
            log_kept = log_survival(t, alpha, beta, c) - before
            total += left * (before + mp.log(-mp.expm1(log_kept)))
        # Who was kept and is not at risk at the next renewal is still there, and censored.
        at_risk = [*(k + n for k, n in zip(kept, lost, strict=True)), 0.0]
        for t, stayed in enumerate(kept, start=1):
            total += (stayed - at_risk[t]) * log_survival(t, alpha, beta, c)
        return total


def sbg_life(n: Number, delta: Number, alpha: Number, beta: Number) -> Number:
    """The sum of S(n+k)/S(n) e^(-k delta) as a 2F1 (Fader & Hardie 2010), which converges."""
    with mp.workdps(60):
        n, alpha, beta = map(mp.mpf, (n, alpha, beta))
        z = mp.exp(-mp.mpf(delta))
        b = beta + n
        return z * b / (alpha + b) * mp.hyp2f1(1, b + 1, alpha + b + 1, z)


def life(n: int, periods: float, delta: Number, alpha: Number, beta: Number, c: Number) -> Number:
    """The sum of S(n+k)/S(n) e^(-k delta), term by term, and what is left as an integral."""
    with mp.workdps(30):
        start = log_survival(n, alpha, beta, c)

        def term(k: Number) -> Number:
            return mp.exp(log_survival(n + k, alpha, beta, c) - start - k * mp.mpf(delta))

        last = int(min(periods, 3000))
        total = mp.fsum(term(k) for k in range(1, last + 1))
        if periods == mp.inf and delta * last < 80:
            cuts = [mp.mpf(last)]
            while cuts[-1] * delta < 80:
                cuts.append(cuts[-1] * 2)
            total += mp.quad(term, cuts) - term(last) / 2 - mp.diff(term, last) / 12
        return total


def random_rows(n: int, seed: int) -> list[Row]:
    """Draw contracts: every other one a shifted beta-geometric over a wide box."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    rows = []
    for i in range(n):
        weibull = i % 2 == 1
        row = {"n": float(np.floor(log_uniform(1.0, 500.0))) - 1.0}
        row |= {
            "alpha": log_uniform(1e-3, 30.0 if weibull else 1e3),
            "beta": log_uniform(1e-3, 1e3),
        }
        row |= {"c": log_uniform(0.1, 3.0) if weibull else 1.0}
        rows.append(row | {"delta": log_uniform(1e-6, 0.7), "periods": float(rng.integers(1, 60))})
    return rows


def golden_row(row: Row) -> Row:
    """Add the oracles' values to the inputs of one row."""
    shapes = row["alpha"], row["beta"], row["c"]
    n, delta = int(row["n"]), row["delta"]
    whole = sbg_life(n, delta, *shapes[:2]) if row["c"] == 1.0 else life(n, mp.inf, delta, *shapes)
    values = {
        "log_survival": log_survival(n, *shapes),
        "log_retention": log_survival(n + 1, *shapes) - log_survival(n, *shapes),
        "limited_life": life(n, row["periods"], delta, *shapes),
        "whole_life": whole,
    }
    return row | {name: float(value) for name, value in values.items()}


def write_golden() -> None:
    """Write the golden grid: 60 random rows with the oracles' values."""
    source = "python -m oracles.contracts: mpmath at 30 digits or more"
    rows = [golden_row(row) for row in random_rows(60, seed=2007)]
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
