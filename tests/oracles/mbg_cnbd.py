"""The MBG/NBD and MBG/CNBD-k formulas as they follow from the story, in mpmath.

`python -m oracles.mbg_cnbd` in `tests/` writes `golden/kernels_mbg_nbd.json` and
`golden/kernels_mbg_cnbd.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from mpmath import mp

from oracles import bg_nbd

Number: TypeAlias = Any  # mpmath has no types
Row: TypeAlias = dict[str, float]

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = FOLDER / "kernels_mbg_nbd.json"
GOLDEN_REGULAR = FOLDER / "kernels_mbg_cnbd.json"
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


class Regular:
    """A living MBG/CNBD-k customer, by sums over the phase and the number of events."""

    def __init__(self, state: Row, k: int) -> None:
        self.k = k
        self.state = {name: state[name] for name in ("x", "t_x", "T", "r", "alpha", "a", "b")}
        x = int(state["x"])
        with mp.workdps(DIGITS):
            self.alive = probability_alive(k=k, **self.state)
            living, _ = terms(k=k, **self.state)
            self.phases = [term / mp.fsum(living) for term in living]
            self.n, self.a = mp.mpf(state["r"]) + k * x, mp.mpf(state["a"])
            self.b, self.age = mp.mpf(state["b"]) + x + 1, mp.mpf(state["alpha"]) + state["T"]

    def survived(self, m: int) -> Number:
        """The mean of (1 - p)^m."""
        return mp.exp(_log_beta(self.a, self.b + m) - _log_beta(self.a, self.b))

    def purchases(self, horizon: Number) -> list[tuple[Number, int]]:
        """The probabilities of all that may happen if no one leaves, and how many are bought."""
        out = []
        y = mp.mpf(horizon) / self.age
        for j, phase in enumerate(self.phases):
            n = self.n + j
            term, m = (1 + y) ** -n, 0
            while m < n * y or term > mp.mpf(10) ** -140:
                out.append((phase * term, (m + j) // self.k))
                term *= (n + m) / (m + 1) * y / (1 + y)
                m += 1
        return out

    def predict(self, horizon: Number, count: int) -> Row:
        """Expected purchases, P(alive later), P(exactly `count`), P(at least `count` + 1).

        Exact but for events of a probability below 1e-140.
        """
        with mp.workdps(160):
            events = self.purchases(horizon)
            most = max(m for _, m in events) + 1
            survived = [self.survived(m) for m in range(most + count + 2)]
            made = [mp.fsum(survived[:m]) for m in range(most)]
            reached = [mp.fsum(p for p, m in events if m >= least) for least in (count, count + 1)]
            exactly = reached[0] * (survived[count - 1] if count else 1)
            exactly -= reached[1] * survived[count]
            return {
                "probability_alive": float(self.alive),
                "expected_purchases": float(self.alive * mp.fsum(p * made[m] for p, m in events)),
                "alive_later": float(self.alive * mp.fsum(p * survived[m] for p, m in events)),
                "exactly": float(self.alive * exactly + (0 if count else 1 - self.alive)),
                "at_least": float(self.alive * reached[1] * survived[count]),
            }

    def discounted_life(self, delta: Number) -> Number:
        """The present value of the residual life, by a sum over the purchases to come.

        The m-th event to come is worth the mean of (lambda/(lambda+delta))^m, a Tricomi function.
        """
        with mp.workdps(30):
            d, total = mp.mpf(delta) * self.age, mp.mpf(0)
            for j, phase in enumerate(self.phases):
                n, i, value = self.n + j, 0, mp.inf
                while i < 3 or value > total * mp.mpf(10) ** -16:
                    m = (i + 1) * self.k - j
                    rise = mp.exp(mp.loggamma(n + m) - mp.loggamma(n))
                    worth = rise * d**n * mp.hyperu(n + m, n + 1, d)
                    value = phase * self.survived(i) * worth
                    total += value
                    i += 1
            return self.alive * total


def regular_rows(n: int, seed: int) -> list[Row]:
    """Histories with k, whose sums have few terms."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    rows: list[Row] = []
    while len(rows) < n:
        x = float(rng.choice([0, 1, 2, 5, 20]))
        T = float(rng.choice([0.0, log_uniform(1e-2, 1e4)], p=[0.1, 0.9]))
        t_x = 0.0 if x == 0.0 else T * float(rng.choice([rng.uniform(), 1.0], p=[0.8, 0.2]))
        row = {"k": float(rng.choice([2, 3, 12])), "x": x, "t_x": t_x, "T": T}
        row |= {name: log_uniform(1e-3, 1e3) for name in ("r", "alpha", "a", "b")}
        row |= {"horizon": log_uniform(1e-3, 1e4), "n": float(rng.choice([0, 1, 2, 7]))}
        y = row["horizon"] / (row["alpha"] + T)
        if (row["r"] + row["k"] * x) * y < 200 and y < 10:
            rows.append(row)
    return rows


def simulate(
    state: Row, k: int, horizon: float, delta: float, draws: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Tell the story many times and keep those in which the customer did as observed.

    Rate and drop-out probability are drawn from the prior and weighted by how likely they make the
    purchases; then gap after gap is drawn. No formula of the paper is used.

    Returns:
        For each prediction its mean and the mean's standard error.
    """
    rng = np.random.default_rng(seed)
    x, silence = state["x"], state["T"] - state["t_x"]
    rate = rng.gamma(state["r"], 1 / state["alpha"], draws)
    leave = rng.beta(state["a"], state["b"], draws)
    log_weight = k * x * np.log(rate) - rate * state["t_x"] + x * np.log1p(-leave)
    weight = np.exp(log_weight - log_weight.max())
    stays = rng.random(draws) > leave
    age = rng.gamma(k, 1 / rate) - silence  # of the next purchase
    seen = ~stays | (age > 0)
    alive = stays & (age > 0)
    count, value = np.zeros(draws), np.zeros(draws)
    buying = alive & (age <= horizon)
    while buying.any():
        count[buying] += 1
        value[buying] += np.exp(-delta * age[buying])
        alive[buying] = rng.random(buying.sum()) > leave[buying]
        age[buying] += rng.gamma(k, 1 / rate[buying])
        buying = alive & (age <= horizon)
    outcomes = {
        "probability_alive": stays & (silence >= 0) & seen,
        "alive_later": alive & seen,
        "expected_purchases": count,
        "discounted": value,
        "exactly": count == state["n"],
    }
    total = (weight * seen).sum()
    means = {}
    for name, outcome in outcomes.items():
        mean = (weight * seen * outcome).sum() / total
        error = np.sqrt(((weight * seen * (outcome - mean)) ** 2).sum()) / total
        means[name] = (float(mean), float(error))
    return means


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


def write_golden_regular() -> None:
    """Write the golden grid of the MBG/CNBD-k."""
    source = "python -m oracles.mbg_cnbd: sums over phases and events in mpmath at 160 digits"
    rows = [
        row | Regular(row, int(row["k"])).predict(row["horizon"], int(row["n"]))
        for row in regular_rows(100, seed=20210101)
    ]
    for row in rows:
        likelihood = {name: row[name] for name in ("x", "t_x", "T", "r", "alpha", "a", "b")}
        row["log_likelihood"] = float(log_likelihood(k=int(row["k"]), **likelihood))
    GOLDEN_REGULAR.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


def _log_beta(a: Number, b: Number) -> Number:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


if __name__ == "__main__":
    write_golden()
    write_golden_regular()
