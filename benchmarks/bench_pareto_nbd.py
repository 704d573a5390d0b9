"""Fitting Pareto/NBD to customers who are all distinct, against lifetimes in the same run.

`python benchmarks/bench_pareto_nbd.py [PYTHON]`: PYTHON is an interpreter that can import lifetimes
0.11.3, which needs numpy below 2; without it only our own times are taken.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

import customer_value as cv

PEER = """
import sys, time
import numpy as np
from lifetimes import ParetoNBDFitter
x, t_x, T = np.load(sys.argv[1])
begin = time.perf_counter()
model = ParetoNBDFitter().fit(x, t_x, T)
print(time.perf_counter() - begin, *model.params_)
"""

FIRST = """
import time
begin = time.perf_counter()
from datetime import date
import numpy as np
import customer_value as cv
customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
pn = cv.fit_pareto_nbd(customers)
fitted = time.perf_counter() - begin
at = np.ones(1), np.ones(1), np.full(1, 9.0)
pn.log_likelihood(*at), pn.discounted_purchases(*at, 9.0, 0.1), pn.probability_alive(*at)
pn.purchase_probability(*at, 9.0, 1), pn.next_purchase_quantile(*at, 0.1)
pn.at_least_probability(*at, 9.0, 1)
print(f"first fit in a fresh process, no cache: {fitted:.1f} s; "
      f"with all kernels of the model {time.perf_counter() - begin:.1f} s "
      f"({time.process_time():.1f} s of processor time)")
"""


def distinct_customers(n: int) -> pl.DataFrame:
    """Pareto/NBD customers like CDNOW's, in weeks: T uniform, so that no two rows are equal."""
    rng = np.random.default_rng(1)
    T = rng.uniform(27.0, 78.0, n)
    rate, death = rng.gamma(0.553, 1 / 10.578, n), rng.gamma(0.606, 1 / 11.669, n)
    life = np.minimum(rng.exponential(1.0, n) / np.maximum(death, 1e-300), T)
    x = rng.poisson(rate * life)
    t_x = np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return pl.DataFrame({"repeat_purchases": x, "t_x": 7 * t_x, "T": 7 * T})


def seconds(customers: pl.DataFrame) -> float:
    begin = perf_counter()
    cv.fit_pareto_nbd(customers)
    return perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        subprocess.run([sys.executable, "-c", FIRST], check=True, env=environment)
    customers = distinct_customers(100_000)
    ours = min(seconds(customers) for _ in range(3))
    print(f"fit of 100,000 customers: {ours:.2f} s; ", end="")
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "customers.npy"
            x, t_x, T = customers.cast(pl.Float64).to_numpy().T
            np.save(path, np.array([x, t_x / 7, T / 7]))
            command = [sys.argv[1], "-W", "ignore", "-c", PEER, str(path)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        theirs = float(told.split()[0])
        print(f"lifetimes {theirs:.1f} s: {theirs / ours:.0f}x", end="")
    print()
    begin = perf_counter()
    million = distinct_customers(1_000_000)
    print(f"(simulated 1,000,000 customers in {perf_counter() - begin:.1f} s)")
    print(f"fit of 1,000,000 customers: {seconds(million):.1f} s")


if __name__ == "__main__":
    main()
