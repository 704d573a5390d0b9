"""The Pareto/NBD formulas as integrals over the age at death, in mpmath.

`python -m oracles.pareto_nbd` in `tests/` writes `golden/kernels_pareto_nbd.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import mpmath
import numpy as np
from mpmath import mp

if TYPE_CHECKING:
    from collections.abc import Callable

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_pareto_nbd.json"


def log_likelihood(
    x: Number, t_x: Number, T: Number, r: Number, alpha: Number, s: Number, beta: Number
) -> Number:
    """Alive at T, or dead since an age between t_x and T; both averaged over the gammas."""
    with mp.workdps(50):
        alive, dead = _alive_and_dead(x, t_x, T, r, alpha, s, beta)
        r, alpha, s, beta = map(mp.mpf, (r, alpha, s, beta))
        front = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) + s * mp.log(beta)
        return front + _log_add(alive, dead)


def probability_alive(
    x: Number,
    t_x: Number,
    T: Number,
    r: Number,
    alpha: Number,
    s: Number,
    beta: Number,
    ahead: Number = 0,
) -> Number:
    """The share of the likelihood that those alive at T hold, and their survival after T."""
    with mp.workdps(50):
        alive, dead = _alive_and_dead(x, t_x, T, r, alpha, s, beta)
        here = 1 / (1 + mp.exp(dead - alive)) if dead > -mp.inf else mp.mpf(1)
        return here * ((mp.mpf(beta) + T) / (mp.mpf(beta) + T + ahead)) ** s


def discounted_expected_purchases(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    delta: Number,
    r: Number,
    alpha: Number,
    s: Number,
    beta: Number,
) -> Number:
    """Integrate the rate of purchase of the survivors against exp(-delta y)."""
    with mp.workdps(50):
        a, b = mp.mpf(alpha) + T, mp.mpf(beta) + T
        s, delta = mp.mpf(s), mp.mpf(delta)
        end = min(mp.mpf(horizon), 130 / delta if delta else mp.inf)
        total = _integrate(
            lambda v: mp.exp(-delta * b * mp.expm1(v) + (1 - s) * v), 0, mp.log1p(end / b)
        )
        rate = (mp.mpf(r) + x) * b / a
        return rate * total * probability_alive(x, t_x, T, r, alpha, s, beta)


def purchase_probability(
    x: Number,
    t_x: Number,
    T: Number,
    horizon: Number,
    n: int,
    r: Number,
    alpha: Number,
    s: Number,
    beta: Number,
) -> Number:
    """Poisson counts of those who live through the horizon, or until they die within it."""
    with mp.workdps(50):
        r, alpha, s, beta, t = map(mp.mpf, (r, alpha, s, beta, horizon))
        alive_now = probability_alive(x, t_x, T, r, alpha, s, beta)
        r, alpha, beta = r + x, alpha + T, beta + T

        def log_count(y: Number) -> Number:
            """Of n purchases by y, in a life that lasts beyond y."""
            shape = mp.loggamma(r + n) - mp.loggamma(r) - mp.loggamma(n + 1)
            log_share = n * (mp.log(y) - mp.log(alpha + y)) if n else 0
            return shape + log_share - r * mp.log1p(y / alpha) - s * mp.log1p(y / beta)

        low, high = mp.log(t) - 140, mp.log(t)
        count = mp.exp(log_count(t)) + _integrate(
            lambda u: mp.exp(log_count(mp.exp(u)) + u) * s / (beta + mp.exp(u)), low, high
        )
        return alive_now * count + (1 - alive_now if n == 0 else 0)


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
        alpha, s, beta = (log_uniform(1e-3, 1e3) for _ in range(3))
        s = float(rng.choice([s, 1.0, 1.0 + 1e-9], p=[0.7, 0.2, 0.1]))
        beta = float(rng.choice([beta, alpha, alpha * (1 + 1e-9)], p=[0.7, 0.2, 0.1]))
        row = {"x": x, "t_x": t_x, "T": T, "r": log_uniform(1e-3, 1e3), "alpha": alpha, "s": s}
        row |= {"beta": beta, "horizon": log_uniform(1e-3, 1e4), "delta": log_uniform(1e-5, 1.0)}
        rows.append(row | {"n": float(rng.choice([0, 1, 2, np.floor(log_uniform(3.0, 1000.0))]))})
    return rows


def golden_row(row: Row) -> Row:
    """Add the oracles' values to the inputs of one row."""
    state = {name: row[name] for name in ("x", "t_x", "T", "r", "alpha", "s", "beta")}
    horizon, delta = row["horizon"], row["delta"]
    values = {
        "log_likelihood": log_likelihood(**state),
        "probability_alive": probability_alive(**state),
        "alive_ahead": probability_alive(ahead=horizon, **state),
        "expected_purchases": discounted_expected_purchases(horizon=horizon, delta=0, **state),
        "discounted": discounted_expected_purchases(horizon=horizon, delta=delta, **state),
        "discounted_life": discounted_expected_purchases(horizon=mp.inf, delta=delta, **state),
        "purchase_probability": purchase_probability(horizon=horizon, n=int(row["n"]), **state),
    }
    return row | {name: float(value) for name, value in values.items()}


def write_golden() -> None:
    """Write the golden grid: 120 random rows with the oracles' values."""
    source = "python -m oracles.pareto_nbd: mpmath at 50 digits; integrals by Gauss-Legendre"
    rows = [golden_row(row) for row in random_rows(120, seed=19870101)]
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


def _alive_and_dead(
    x: Number, t_x: Number, T: Number, r: Number, alpha: Number, s: Number, beta: Number
) -> tuple[Number, Number]:
    """Logs of (alpha+T)^-n (beta+T)^-s and of s times the integral of (alpha+y)^-n (beta+y)^-(s+1).

    The integral is over t_x < y < T, here in v = ln((m+y)/(m+t_x)).
    """
    x, t_x, T, r, alpha, s, beta = map(mp.mpf, (x, t_x, T, r, alpha, s, beta))
    n = r + x
    alive = -n * mp.log(alpha + T) - s * mp.log(beta + T)
    if t_x == T:
        return alive, -mp.inf
    a, b = alpha + t_x, beta + t_x
    m = min(a, b)

    def integrand(v: Number) -> Number:
        y = m * mp.expm1(v)
        return mp.exp(-n * mp.log1p(y / a) - (s + 1) * mp.log1p(y / b)) * (m + y)

    mass = _integrate(integrand, 0, mp.log1p((T - t_x) / m))
    return alive, mp.log(s * mass) - n * mp.log(a) - (s + 1) * mp.log(b)


def _integrate(f: Callable[[Number], Number], low: Number, high: Number) -> Number:
    """Halve panels until both halves by Gauss-Legendre of 40 nodes add up to the whole."""
    nodes, weights = _rule()

    def panel(left: Number, right: Number) -> Number:
        width = right - left
        return width * mp.fsum(w * f(left + width * u) for u, w in zip(nodes, weights, strict=True))

    done = [mp.mpf(0)]
    stack = [(panel(low, high), mp.mpf(low), mp.mpf(high))]
    while stack:  # the largest panel first, so that negligible ones are seen to be so
        stack.sort()
        whole, left, right = stack.pop()
        middle = (left + right) / 2
        halves = panel(left, middle), panel(middle, right)
        both = halves[0] + halves[1]
        if abs(both - whole) <= mp.mpf(10) ** -25 * (mp.fsum(done) + both):
            done.append(both)
        else:
            stack += [(halves[0], left, middle), (halves[1], middle, right)]
    return mp.fsum(done)


_RULES: dict[int, tuple[list[Number], list[Number]]] = {}


def _rule() -> tuple[list[Number], list[Number]]:
    """Give the Gauss-Legendre rule of 40 nodes on (0, 1) at 60 digits."""
    if not _RULES:
        with mp.workdps(60):
            starts = np.polynomial.legendre.leggauss(40)[0]
            nodes, weights = [], []
            for start in starts:
                u = mp.findroot(lambda v: mpmath.legendre(40, v), start)
                slope = 40 * (u * mpmath.legendre(40, u) - mpmath.legendre(39, u)) / (u * u - 1)
                nodes.append((1 + u) / 2)
                weights.append(1 / ((1 - u * u) * slope**2))
            _RULES[40] = nodes, weights
    return _RULES[40]


def _log_add(u: Number, v: Number) -> Number:
    return max(u, v) + mp.log1p(mp.exp(-abs(u - v))) if min(u, v) > -mp.inf else max(u, v)


if __name__ == "__main__":
    write_golden()
