"""The BG/BB formulas as the paper prints them, in mpmath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from mpmath import mp

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_bg_bb.json"


def _log_ratio(a: Number, b: Number, alpha: Number, beta: Number) -> Number:
    """ln B(a, b) / B(alpha, beta)."""
    top = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return top - mp.loggamma(alpha) - mp.loggamma(beta) + mp.loggamma(alpha + beta)


def _ratio(a: Number, b: Number, alpha: Number, beta: Number) -> Number:
    return mp.exp(_log_ratio(a, b, alpha, beta))


def log_likelihood(
    x: Number, t_x: Number, n: Number, alpha: Number, beta: Number, gamma: Number, delta: Number
) -> Number:
    """ln of the sum over the opportunity after which the customer left, or none (2010)."""
    with mp.workdps(60):
        x, t_x, n = int(x), int(t_x), int(n)
        alpha, beta, gamma, delta = map(mp.mpf, (alpha, beta, gamma, delta))
        total = _ratio(alpha + x, beta + n - x, alpha, beta) * _ratio(
            gamma, delta + n, gamma, delta
        )
        for i in range(n - t_x):
            total += _ratio(alpha + x, beta + t_x - x + i, alpha, beta) * _ratio(
                gamma + 1, delta + t_x + i, gamma, delta
            )
        return mp.log(total)


def probability_alive(
    x: Number,
    t_x: Number,
    n: Number,
    ahead: Number,
    alpha: Number,
    beta: Number,
    gamma: Number,
    delta: Number,
) -> Number:
    """The share of the likelihood in which the customer is still there at n + ahead."""
    with mp.workdps(60):
        shapes = tuple(map(mp.mpf, (alpha, beta, gamma, delta)))
        a, b, c, d = shapes
        log_alive = _log_ratio(a + x, b + n - x, a, b) + _log_ratio(c, d + n + ahead, c, d)
        return mp.exp(log_alive - log_likelihood(x, t_x, n, *shapes))


def discounted_purchases(
    x: Number,
    t_x: Number,
    n: Number,
    horizon: Number,
    rate: Number,
    alpha: Number,
    beta: Number,
    gamma: Number,
    delta: Number,
) -> Number:
    """P(alive) at each opportunity times the mean of p, each discounted (eqs. 13 and 14)."""
    with mp.workdps(60):
        a, b, c, d = map(mp.mpf, (alpha, beta, gamma, delta))
        alive = probability_alive(x, t_x, n, 0, a, b, c, d)
        buys = (a + x) / (a + b + n)
        z = 1 / (1 + mp.mpf(rate))
        if horizon == mp.inf:
            first = (d + n) / (c + d + n)
            total = z * first * mp.hyp2f1(1, d + n + 1, c + d + n + 1, z)
        else:
            total, term = mp.mpf(0), mp.mpf(1)
            for k in range(int(horizon)):
                term *= z * (d + n + k) / (c + d + n + k)
                total += term
        return alive * buys * total


def purchase_probability(
    x: Number,
    t_x: Number,
    n: Number,
    horizon: int,
    k: int,
    alpha: Number,
    beta: Number,
    gamma: Number,
    delta: Number,
) -> Number:
    """A new customer's, at the updated shapes, if alive; and none of those who are not."""
    with mp.workdps(60):
        a, b, c, d = map(mp.mpf, (alpha, beta, gamma, delta))
        alive = probability_alive(x, t_x, n, 0, a, b, c, d)
        a, b, d = a + x, b + n - x, d + n
        total = mp.binomial(horizon, k) * _ratio(a + k, b + horizon - k, a, b)
        total *= _ratio(c, d + horizon, c, d)
        for i in range(k, horizon):
            term = mp.binomial(i, k) * _ratio(a + k, b + i - k, a, b)
            total += term * _ratio(c + 1, d + i, c, d)
        return alive * total + (1 - alive if k == 0 else 0)


def posterior_means(
    x: Number, t_x: Number, n: Number, alpha: Number, beta: Number, gamma: Number, delta: Number
) -> tuple[Number, Number]:
    """E[p] and E[theta] given the history: the likelihood with one more p, or theta, within."""
    with mp.workdps(60):
        a, b, c, d = map(mp.mpf, (alpha, beta, gamma, delta))
        base = log_likelihood(x, t_x, n, a, b, c, d)
        buys = a / (a + b) * mp.exp(log_likelihood(x, t_x, n, a + 1, b, c, d) - base)
        leaves = c / (c + d) * mp.exp(log_likelihood(x, t_x, n, a, b, c + 1, d) - base)
        return buys, leaves


def random_rows(n: int, seed: int) -> list[Row]:
    """Draw n customers with their own parameters over a wide box."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    rows = []
    for _ in range(n):
        opportunities = float(np.floor(log_uniform(1.0, 600.0)))
        x = float(rng.choice([0.0, np.floor(opportunities * rng.uniform() ** 2)]))
        later = float(rng.integers(int(x), int(opportunities) + 1))
        t_x = 0.0 if x == 0 else float(rng.choice([later, x]))
        row = {"x": x, "t_x": t_x, "n": opportunities, "ahead": float(rng.integers(0, 30))}
        row |= {name: log_uniform(1e-3, 1e3) for name in ("alpha", "beta", "gamma", "delta")}
        horizon = float(rng.integers(1, 50))
        row |= {"horizon": horizon, "k": float(rng.integers(0, int(horizon) + 1))}
        rows.append(row | {"rate": log_uniform(1e-6, 1.0)})
    return rows


def golden_row(row: Row) -> Row:
    """Add the oracles' values to the inputs of one row."""
    history = row["x"], row["t_x"], row["n"]
    shapes = row["alpha"], row["beta"], row["gamma"], row["delta"]
    horizon, rate = row["horizon"], row["rate"]
    values = {
        "log_likelihood": log_likelihood(*history, *shapes),
        "probability_alive": probability_alive(*history, row["ahead"], *shapes),
        "expected_purchases": discounted_purchases(*history, horizon, 0, *shapes),
        "discounted": discounted_purchases(*history, horizon, rate, *shapes),
        "discounted_life": discounted_purchases(*history, mp.inf, rate, *shapes),
        "purchase_probability": purchase_probability(
            *history, int(horizon), int(row["k"]), *shapes
        ),
        "posterior_purchase": posterior_means(*history, *shapes)[0],
        "posterior_leaving": posterior_means(*history, *shapes)[1],
    }
    return row | {name: float(value) for name, value in values.items()}


def write_golden() -> None:
    """Write the golden grid: 80 random rows with the oracles' values."""
    source = "python -m oracles.bg_bb: mpmath at 60 digits"
    rows = [golden_row(row) for row in random_rows(80, seed=2010)]
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
