"""Fitting BG/NBD and Pareto/NBD to customers who are all distinct, against lifetimes.

`python benchmarks/bench_fit.py [PYTHON] [LARGEST]`: PYTHON is an interpreter that can import
lifetimes 0.11.3, which needs numpy below 2, or "-" for our own times alone; LARGEST is the largest
number of customers. Prints the time of the first fit in a fresh process without cached kernels, the
times of fits of 10,000 customers and more, and the ratio to lifetimes, measured in the same run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._typing import FloatArray

SIZES = [10_000, 100_000, 1_000_000, 10_000_000]

PEER = """
import sys, time
import numpy as np
import lifetimes
x, t_x, T = np.load(sys.argv[2])
fitter = getattr(lifetimes, sys.argv[1])()
begin = time.perf_counter()
fitter.fit(x, t_x, T)
print(time.perf_counter() - begin, *fitter.params_)
"""

FIRST = """
import sys, time
begin = time.perf_counter()
from datetime import date
import numpy as np
import customer_value as cv
customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
model = getattr(cv, sys.argv[1])(customers)
fitted = time.perf_counter() - begin
at = np.ones(1), np.ones(1), np.full(1, 9.0)
model.log_likelihood(*at), model.discounted_purchases(*at, 9.0, 0.1), model.probability_alive(*at)
model.purchase_probability(*at, 9.0, 1), model.next_purchase_quantile(*at, 0.1)
model.at_least_probability(*at, 9.0, 1)
print(f"first {sys.argv[1]} of a fresh process, no cache: {fitted:.1f} s; "
      f"with all kernels of the model {time.perf_counter() - begin:.1f} s "
      f"({time.process_time():.1f} s of processor time)")
"""


def bg_nbd_customers(n: int) -> pl.DataFrame:
    """BG/NBD customers like CDNOW's, in weeks: T uniform, so that no two rows are equal."""
    rng = np.random.default_rng(1)
    T, rate = rng.uniform(27.0, 78.0, n), rng.gamma(0.243, 1 / 4.414, n)
    orders = rng.geometric(np.maximum(rng.beta(0.793, 2.426, n), 1e-9))  # until the last one
    x, t_x, buying = np.zeros(n), np.zeros(n), np.arange(n)
    while buying.size:
        at = t_x[buying] + rng.exponential(1.0, buying.size) / np.maximum(rate[buying], 1e-300)
        seen = at <= T[buying]
        buying, at = buying[seen], at[seen]
        x[buying] += 1
        t_x[buying] = at
        buying = buying[x[buying] < orders[buying]]
    return as_frame(x, t_x, T)


def pareto_nbd_customers(n: int) -> pl.DataFrame:
    """Pareto/NBD customers like CDNOW's, likewise."""
    rng = np.random.default_rng(1)
    T = rng.uniform(27.0, 78.0, n)
    rate, death = rng.gamma(0.553, 1 / 10.578, n), rng.gamma(0.606, 1 / 11.669, n)
    life = np.minimum(rng.exponential(1.0, n) / np.maximum(death, 1e-300), T)
    x = rng.poisson(rate * life).astype(np.float64)
    t_x = np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return as_frame(x, t_x, T)


def as_frame(x: FloatArray, t_x: FloatArray, T: FloatArray) -> pl.DataFrame:
    return pl.DataFrame({"repeat_purchases": x.astype(np.int64), "t_x": 7 * t_x, "T": 7 * T})


def lifetimes(python: str, fitter: str, customers: pl.DataFrame) -> list[float]:
    """Its seconds, and its parameters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.npy"
        x, t_x, T = customers.cast(pl.Float64).to_numpy().T
        np.save(path, np.array([x, t_x / 7, T / 7]))
        command = [python, "-W", "ignore", "-c", PEER, fitter, str(path)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in told.split()]


def compare(
    fit: Callable[..., cv.BgNbd | cv.ParetoNbd],
    simulate: Callable[[int], pl.DataFrame],
    fitter: str,
    names: str,
    peer_size: int,
) -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else "-"
    largest = int(float(sys.argv[2])) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST, fit.__name__]
        subprocess.run(command, check=True, env=environment)
    for n in (size for size in SIZES if size <= largest):
        customers, seconds = simulate(n), []
        for _ in range(3):
            begin = perf_counter()
            fit(customers, time_unit="week")
            seconds.append(perf_counter() - begin)
        words = f"{n:>12,} customers: {min(seconds):.2f} s, {min(seconds) / n * 1e6:.2f} us each"
        if n == peer_size and python != "-":
            theirs, *parameters = lifetimes(python, fitter, customers)
            model = fit(customers, time_unit="week")
            ours = [getattr(model, name) for name in names.split()]
            np.testing.assert_allclose(parameters, ours, rtol=2e-2)
            words += f"; lifetimes {theirs:.1f} s, {theirs / min(seconds):.0f} times as long"
        print(words)


if __name__ == "__main__":
    compare(cv.fit_bg_nbd, bg_nbd_customers, "BetaGeoFitter", "r alpha a b", 1_000_000)
    compare(cv.fit_pareto_nbd, pareto_nbd_customers, "ParetoNBDFitter", "r alpha s beta", 100_000)
