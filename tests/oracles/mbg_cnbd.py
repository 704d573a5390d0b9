"""The MBG/NBD and MBG/CNBD-k formulas as they follow from the story, in mpmath.

`python -m oracles.mbg_cnbd` in `tests/` writes `golden/kernels_mbg_nbd.json` and
`golden/kernels_mbg_cnbd.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from mpmath import mp

from oracles import bg_nbd

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = FOLDER / "kernels_mbg_nbd.json"
DIGITS = 60


def terms(
    x: Number, t_x: Number, T: Number, k: int, r: Number, alpha: Number, a: Number, b: Number
) -> tuple[list[Number], Number]:
    """The likelihood's terms: alive with j events since t_x, for each j < k, and gone at t_x.

    The factor of the gaps is left out; all terms are divided by Gamma(r+kx)/Gamma(r) alpha^r.
    """
    r, alpha, a, b, T, t_x = map(mp.mpf, (r, alpha, a, b, T, t_x))
    n = r + k * x
    stay = mp.exp(_log_beta(a, b + x + 1) - _log_beta(a, b))
    leave = mp.exp(_log_beta(a + 1, b + x) - _log_beta(a, b))
    alive = [
        stay * mp.rf(n, j) / mp.factorial(j) * (T - t_x) ** j * (alpha + T) ** -(n + j)
        for j in range(k)
    ]
    return alive, leave * (alpha + t_x) ** -n


def log_likelihood(
    x: Number, t_x: Number, T: Number, k: int, r: Number, alpha: Number, a: Number, b: Number
) -> Number:
    """Reutterer, Platzer & Schroeder (2021), without the factor of the gaps."""
    with mp.workdps(DIGITS):
        alive, gone = terms(x, t_x, T, k, r, alpha, a, b)
        r, alpha = mp.mpf(r), mp.mpf(alpha)
        rise = mp.loggamma(r + k * x) - mp.loggamma(r) + r * mp.log(alpha)
        return rise + mp.log(mp.fsum(alive) + gone)


def probability_alive(
    x: Number,
    t_x: Number,
    T: Number,
    k: int,
    r: Number,
    alpha: Number,
    a: Number,
    b: Number,
) -> Number:
    """The share of the living in the likelihood."""
    with mp.workdps(DIGITS):
        alive, gone = terms(x, t_x, T, k, r, alpha, a, b)
        return mp.fsum(alive) / (mp.fsum(alive) + gone)


class Living:
    """A living MBG/NBD customer: rate Gamma(r+x, alpha+T), leaves with p ~ Beta(a, b+x+1)."""

    def __init__(self, state: Row) -> None:
        self.state = {name: state[name] for name in ("x", "t_x", "T", "r", "alpha", "a", "b")}
        self.alive = probability_alive(k=1, **self.state)
        # The same customer in the BG/NBD's oracle, who has just bought and is surely known.
        self.known = self.state | {"b": mp.mpf(state["b"]) + 1, "t_x": state["T"]}
        self.known_alive = bg_nbd.probability_alive(**self.known)
        self.n, self.a = mp.mpf(state["r"]) + state["x"], mp.mpf(state["a"])
        self.b = mp.mpf(state["b"]) + state["x"] + 1
        self.age = mp.mpf(state["alpha"]) + state["T"]

    def alive_later(self, ahead: Number) -> Number:
        """P(alive at T + ahead)."""
        y = mp.mpf(ahead) / self.age
        return self.alive * bg_nbd._mean_decay(self.n - 1, self.a, self.a + self.b, y)

    def expected(self, horizon: Number) -> Number:
        """Expected purchases in the horizon."""
        known = bg_nbd.expected_purchases(horizon=horizon, **self.known)
        return self.alive * known / self.known_alive

    def discounted(self, horizon: Number, delta: Number) -> Number:
        """Their present value."""
        known = bg_nbd.discounted_expected_purchases(horizon=horizon, delta=delta, **self.known)
        return self.alive * known / self.known_alive

    def at_least(self, horizon: Number, m: int) -> Number:
        """P(m purchases or more): the first m - 1 survived, and m events in the horizon."""
        with mp.workdps(DIGITS):
            if m == 0:
                return mp.mpf(1)
            survived = mp.exp(_log_beta(self.a, self.b + m - 1) - _log_beta(self.a, self.b))
            z = horizon / (self.age + horizon)
            return self.alive * survived * reach(m, self.n, z)

    def exactly(self, horizon: Number, m: int) -> Number:
        """P(exactly m purchases), as a difference at many digits."""
        with mp.workdps(DIGITS):
            return self.at_least(horizon, m) - self.at_least(horizon, m + 1)

    def quantile(self, q: Number) -> Number:
        """When the next purchase has happened with probability q."""
        with mp.workdps(DIGITS):
            if q >= self.alive:
                return mp.inf
            return self.age * ((1 - q / self.alive) ** (-1 / self.n) - 1)


def reach(m: int, n: Number, z: Number) -> Number:
    """P(M >= m) of a negative binomial count: a sum of positive terms."""
    with mp.workdps(DIGITS):
        head = mp.exp(n * mp.log1p(-z) + mp.loggamma(n + m) - mp.loggamma(n)) * z**m
        total = term = mp.mpf(1)
        j = m
        while term > total * mp.mpf(10) ** -45:
            term *= (n + j) * z / (j + 1)
            total += term
            j += 1
            if j > m + 20_000:  # heavy tails: the finite sum instead
                return 1 - mp.fsum(_counts(m, n, z))
        return head / mp.factorial(m) * total


def _counts(m: int, n: Number, z: Number) -> list[Number]:
    """P(M = 0), ..., P(M = m - 1)."""
    out, term = [], mp.exp(n * mp.log1p(-z))
    for j in range(m):
        out.append(term)
        term *= (n + j) * z / (j + 1)
    return out


def golden_row(row: Row) -> Row:
    """Add the oracles' values to the inputs of one row."""
    living = Living(row)
    horizon, delta, n = row["horizon"], row["delta"], int(row["n"])
    values = {
        "log_likelihood": log_likelihood(k=1, **living.state),
        "probability_alive": living.alive,
        "alive_later": living.alive_later(horizon),
        "expected_purchases": living.expected(horizon),
        "exactly": living.exactly(horizon, n),
        "quantile": living.quantile(row["q"]),
        "discounted": living.discounted(horizon, delta),
        "discounted_life": living.discounted(mp.inf, delta),
    }
    return row | {name: float(value) for name, value in values.items()}


def random_rows(n: int, seed: int) -> list[Row]:
    """The box of the BG/NBD's grid, with a count and a probability."""
    rows = bg_nbd.random_rows(n, seed)
    return [
        row | {"n": float([0, 1, 2, 7, 60][i % 5]), "q": [1e-6, 0.01, 0.3, 0.9][i % 4]}
        for i, row in enumerate(rows)
    ]


def write_golden() -> None:
    """Write the golden grid of the MBG/NBD."""
    source = "python -m oracles.mbg_cnbd: mpmath at 40 digits or more; integrals by Gauss-Legendre"
    rows = [golden_row(row) for row in random_rows(100, seed=20070701)]
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


def _log_beta(a: Number, b: Number) -> Number:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


if __name__ == "__main__":
    write_golden()
