"""The BG/NBD formulas as the papers print them, in mpmath.

`python -m oracles.bg_nbd` in `tests/` writes `golden/kernels_bg_nbd.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import mpmath
import numpy as np
from mpmath import mp

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_bg_nbd.json"


def log_likelihood(
    x: Number, t_x: Number, T: Number, r: Number, alpha: Number, a: Number, b: Number
) -> Number:
    """Fader, Hardie & Lee (2005), eq. 6."""
    with mp.workdps(60):
        r, alpha, a, b = map(mp.mpf, (r, alpha, a, b))
        arrival = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha)
        alive = _log_beta(a, b + x) - _log_beta(a, b) - (r + x) * mp.log(alpha + T)
        if x == 0:
            return arrival + alive
        dead = _log_beta(a + 1, b + x - 1) - _log_beta(a, b) - (r + x) * mp.log(alpha + t_x)
        return arrival + alive + mp.log1p(mp.exp(dead - alive))


def probability_alive(
    x: Number, t_x: Number, T: Number, r: Number, alpha: Number, a: Number, b: Number
) -> Number:
    """Fader, Hardie & Lee (2008), note 021."""
    with mp.workdps(60):
        r, alpha, a, b, T = map(mp.mpf, (r, alpha, a, b, T))
        if x == 0:
            return mp.mpf(1)
        return 1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x))


def expected_purchases(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """Fader, Hardie & Lee (2005), eq. 10, a hair beside its removable poles in a."""
    with mp.workdps(110):
        r, alpha, a, b, T = map(mp.mpf, (r, alpha, a, b, T))
        a += mp.mpf(10) ** -40
        c = a + b + x - 1
        z = horizon / (alpha + T + horizon)
        series = mpmath.hyp2f1(r + x, b + x, c, z)
        shrink = ((alpha + T) / (alpha + T + horizon)) ** (r + x)
        purchases = c / (a - 1) * (1 - shrink * series)
    return purchases * probability_alive(x, t_x, T, r, alpha, a, b)


def discounted_expected_purchases(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    delta: Number,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """Integrate the rate of purchase, the derivative of eq. 10, against exp(-delta s).

    Given p the rate at s is (r+x)/age (1 + p s/age)^-(r+x+1); its mean over Beta(a, b+x) is a 2F1.
    """
    with mp.workdps(40):
        age = mp.mpf(alpha) + T
        n, a, c = mp.mpf(r) + x, mp.mpf(a), mp.mpf(a) + b + x

        def discounted_rate(s: Number) -> Number:
            return mp.exp(-delta * s) * _mean_decay(n, a, c, s / age) * n / age

        end = min(mp.mpf(horizon), 80 / mp.mpf(delta))
        scale = min(end, age / (n + 1))
        cuts = [mp.mpf(0)]
        # Beyond the last cut is nothing, or less than 1e-25.
        while scale < end and discounted_rate(scale) * scale > 1e-30:
            cuts.append(scale)
            scale *= 2
        cuts.append(min(scale, end))
        value = mp.quad(discounted_rate, cuts, method="gauss-legendre", maxdegree=4)
    return value * probability_alive(x, t_x, T, r, alpha, a, b)


def random_rows(n: int, seed: int) -> list[Row]:
    """Draw n customers with their own parameters over the whole box that the kernels promise."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    rows = []
    for _ in range(n):
        x = float(rng.choice([0.0, 1.0, 2.0, np.floor(log_uniform(3.0, 5001.0))]))
        T = float(rng.choice([0.0, log_uniform(1e-2, 1e4)], p=[0.1, 0.9]))
        t_x = 0.0 if x == 0.0 else T * float(rng.choice([rng.uniform(), 1.0], p=[0.8, 0.2]))
        a, b = log_uniform(1e-3, 1e3), log_uniform(1e-3, 1e3)
        a = float(rng.choice([a, 1.0, 1.0 + 1e-9, 0.25], p=[0.7, 0.1, 0.1, 0.1]))
        b = 0.75 if a == 0.25 and rng.uniform() < 0.5 else b
        row = {"x": x, "t_x": t_x, "T": T, "r": log_uniform(1e-3, 1e3), "a": a, "b": b}
        row |= {"alpha": log_uniform(1e-3, 1e3), "horizon": log_uniform(1e-3, 1e4)}
        rows.append(row | {"delta": log_uniform(1e-5, 1.0)})
    return rows


def golden_row(row: Row) -> Row:
    """Add the oracles' values to the inputs of one row."""
    state = {name: row[name] for name in ("x", "t_x", "T", "r", "alpha", "a", "b")}
    values = {
        "log_likelihood": log_likelihood(**state),
        "probability_alive": probability_alive(**state),
        "expected_purchases": expected_purchases(horizon=row["horizon"], **state),
        "discounted": discounted_expected_purchases(
            horizon=row["horizon"], delta=row["delta"], **state
        ),
        "discounted_life": discounted_expected_purchases(
            horizon=mp.inf, delta=row["delta"], **state
        ),
    }
    return row | {name: float(value) for name, value in values.items()}


def write_golden() -> None:
    """Write the golden grid: 200 random rows with the oracles' values."""
    source = "python -m oracles.bg_nbd: mpmath at 40 digits or more; integrals by Gauss-Legendre"
    rows = [golden_row(row) for row in random_rows(200, seed=20050524)]
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


def _mean_decay(n: Number, a: Number, c: Number, y: Number) -> Number:
    """Give the mean of (1 + p y)^-(n+1) over p ~ Beta(a, c-a) by a series of positive terms."""
    z = y / (1 + y)
    if z < 0.97:
        return (1 - z) ** (n + 1) * _positive_series(n + 1, c - a, c, z)
    mean = mp.nan
    for digits in (60, 150, 400, 4000):
        before = mean
        with mp.workdps(digits):
            z = y / (1 + y)
            mean = (1 - z) ** (n + 1) * mpmath.hyp2f1(n + 1, c - a, c, z, maxprec=30000)
        # mpmath's connection formula for z near 1 may lose all digits: two runs must agree.
        if 0 < mean <= 1 and abs(mean - before) < 1e-20 * mean:
            break
    return mean


def _positive_series(a: Number, b: Number, c: Number, z: Number) -> Number:
    """Give 2F1(a, b; c; z) for positive arguments by its definition."""
    term = total = mp.mpf(1)
    k = 0
    while term > total * mp.eps:
        term *= (a + k) * (b + k) * z / ((c + k) * (k + 1))
        total += term
        k += 1
    return total


def _log_beta(a: Number, b: Number) -> Number:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


if __name__ == "__main__":
    write_golden()
