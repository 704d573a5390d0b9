"""How likely n purchases or more are under the Pareto/NBD, as an integral in mpmath.

`python -m oracles.pareto_counts` in `tests/` writes `golden/kernels_pareto_counts.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import mpmath
import numpy as np
from mpmath import mp

from oracles import pareto_nbd as oracle

Number: TypeAlias = Any  # mpmath has no types

GOLDEN = Path(__file__).parents[1] / "golden" / "kernels_pareto_counts.json"


def at_least_probability(
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
    """The customer is alive, and the n-th purchase from now comes within the horizon and the life.

    At a share w = y / (alpha + T + y) of its time scale its density is that of Beta(n, r + x).
    """
    with mp.workdps(50):
        alive = oracle.probability_alive(x, t_x, T, r, alpha, s, beta)
        shape, a, b, s, t = mp.mpf(r) + x, mp.mpf(alpha) + T, mp.mpf(beta) + T, mp.mpf(s), horizon

        def density(log_odds: Number) -> Number:
            y = a * mp.exp(log_odds)
            early = n * (log_odds - mp.log1p(mp.exp(log_odds))) - shape * mp.log1p(y / a)
            return mp.exp(early - s * mp.log1p(y / b))

        end = mp.log(mp.mpf(t) / a)
        reached = oracle._integrate(density, end - 140, end)
        return alive * reached / mpmath.beta(n, shape)


def write_golden() -> None:
    """Write the golden grid: 100 random rows with the oracle's values."""
    source = "python -m oracles.pareto_counts: mpmath at 50 digits; integrals by Gauss-Legendre"
    rng, rows = np.random.default_rng(20260101), []
    for row in oracle.random_rows(100, seed=20261122):
        given = {name: value for name, value in row.items() if name not in {"delta", "n"}}
        n = int(rng.choice([1, 2, 5, np.floor(np.exp(rng.uniform(np.log(6), np.log(1000))))]))
        value = at_least_probability(n=n, **given)
        rows.append(given | {"n": n, "at_least": float(value)})
    GOLDEN.write_text(json.dumps({"source": source, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
