"""The BG/NBD's distribution of purchases to come as the paper prints it, in mpmath.

`python -m oracles.bg_nbd_counts` in `tests/` writes `golden/kernels_bg_nbd_counts.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import mpmath
import numpy as np
from mpmath import mp

from oracles.bg_nbd import Number, Row, _mean_decay, probability_alive, random_rows

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_bg_nbd_counts.json"


def new_customer_probability(
    t: Number, n: int, r: Number, alpha: Number, a: Number, b: Number
) -> Number:
    """Fader, Hardie & Lee (2005), eq. 8, with digits to spare for its difference."""
    with mp.workdps(900):
        r, alpha, a, b, t = map(mp.mpf, (r, alpha, a, b, t))
        stay, move = alpha / (alpha + t), t / (alpha + t)
        alive = mpmath.beta(a, b + n) / mpmath.beta(a, b) * _arrivals(r, n) * stay**r * move**n
        if n == 0:
            return alive
        fewer, term = mp.mpf(0), mp.mpf(1)
        for j in range(n):
            fewer += term
            term *= (r + j) / (j + 1) * move
        last = mpmath.beta(a + 1, b + n - 1) / mpmath.beta(a, b) * (1 - stay**r * fewer)
        return alive + last


def purchase_probability(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    n: int,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """A customer who is alive is a new one with updated parameters; the dead buy no more."""
    with mp.workdps(60):
        alive = probability_alive(x, t_x, T, r, alpha, a, b)
        new = new_customer_probability(horizon, n, mp.mpf(r) + x, mp.mpf(alpha) + T, a, b + x)
        return (1 - alive) * (n == 0) + alive * new


def at_least_probability(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    n: int,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """Give one minus the probabilities of fewer."""
    with mp.workdps(900):
        alive = probability_alive(x, t_x, T, r, alpha, a, b)
        r, alpha, b = mp.mpf(r) + x, mp.mpf(alpha) + T, mp.mpf(b) + x
        fewer = sum(new_customer_probability(horizon, k, r, alpha, a, b) for k in range(n))
        return alive * (1 - fewer)


def probability_alive_later(
    x: Number,
    t_x: Number,
    T: Number,
    ahead: Number,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """Those alive die at the rate lambda p: the mean of exp(-lambda p ahead) over both."""
    with mp.workdps(60):
        y = mp.mpf(ahead) / (mp.mpf(alpha) + T)
        stay = _mean_decay(mp.mpf(r) + x - 1, mp.mpf(a), mp.mpf(a) + b + x, y)
        return stay * probability_alive(x, t_x, T, r, alpha, a, b)


def next_purchase_quantile(
    x: Number,
    t_x: Number,
    T: Number,
    q: Number,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """Solve P(alive) (1 - ((alpha+T)/(alpha+T+t))^(r+x)) = q for t."""
    with mp.workdps(60):
        age = mp.mpf(alpha) + T
        alive = probability_alive(x, t_x, T, r, alpha, a, b)
        return age * ((1 - q / alive) ** (-1 / (mp.mpf(r) + x)) - 1) if q < alive else mp.inf


def golden_rows(n: int, seed: int) -> list[Row]:
    """Add a number of purchases and a probability, and the oracles' values, to random rows."""
    rng = np.random.default_rng(seed)
    rows = []
    for drawn in random_rows(n, seed):
        row = dict(drawn)
        count = int(rng.choice([0, 1, 2, 5, np.floor(np.exp(rng.uniform(2, 8)))]))
        q = float(rng.choice([0.5, rng.uniform(1e-3, 0.999)]))
        at = {name: row[name] for name in ("x", "t_x", "T", "r", "alpha", "a", "b")}
        horizon, least = row["horizon"], min(count, 4) + 1
        later = probability_alive_later(ahead=horizon, **at)
        values = {
            "probability": purchase_probability(horizon=horizon, n=count, **at),
            "at_least": at_least_probability(horizon=horizon, n=least, **at),
            "alive_later": later,
            "next_purchase": next_purchase_quantile(q=q, **at),
        }
        row |= {"n": count, "least": least, "q": q}
        rows.append(row | {name: float(value) for name, value in values.items()})
    return rows


def write_golden() -> None:
    """Write the golden grid."""
    source = "python -m oracles.bg_nbd_counts: mpmath at 60 digits, 900 where it subtracts"
    text = json.dumps({"source": source, "rows": golden_rows(150, seed=20051)}, indent=1)
    GOLDEN.write_text(text.replace("Infinity", '"inf"') + "\n")


def _arrivals(r: Number, n: int) -> Number:
    return mpmath.rf(r, n) / mpmath.factorial(n)


if __name__ == "__main__":
    write_golden()
