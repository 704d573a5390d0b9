"""An interval for the value of all CDNOW customers together, against a bootstrap of refits.

Run: `python benchmarks/bench_intervals.py [python with lifetimes]`. Ours runs in a fresh process
with an empty cache, compilation included; the peer's thousand refits are reckoned from ten.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

import customer_value as cv

REFITS = 10
LIFETIMES = """
import json, sys, time, numpy as np, pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
x, t_x, T, m = np.load(sys.argv[1])
rng, totals = np.random.default_rng(1), []
begin = time.perf_counter()
for _ in range(int(sys.argv[2])):
    rows = rng.integers(0, x.size, x.size)
    again = rows[x[rows] > 0]
    bg, gg = BetaGeoFitter(), GammaGammaFitter()
    bg.fit(x[rows], t_x[rows], T[rows])
    gg.fit(x[again], m[again])
    columns = [pd.Series(column) for column in (x, t_x, T, m)]
    totals.append(gg.customer_lifetime_value(bg, *columns, time=12, freq="W").sum())
print(json.dumps([time.perf_counter() - begin, float(np.std(totals))]))
"""


def interval(seed: int, *, kind: str = "outcome") -> cv.clv.ValueInterval:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
    return cv.value_interval(
        customers,
        purchases=cv.fit_bg_nbd(customers),
        spend=cv.fit_gamma_gamma(customers),
        margin=1.0,
        seed=seed,
        discount_rate=1.01**12 - 1,
        options=cv.IntervalOptions.model_validate({"interval_method": kind}),
    )


def timed(kind: str) -> None:
    begin = perf_counter()
    found = interval(1, kind=kind)
    cold = perf_counter() - begin
    begin = perf_counter()
    interval(2, kind=kind)
    print(json.dumps([cold, perf_counter() - begin, found.low, found.total, found.high]))


def child(kind: str) -> list[float]:
    """Run ours in a new process that finds nothing compiled."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, __file__, kind],
            env=os.environ | {"NUMBA_CACHE_DIR": empty},
            capture_output=True,
            text=True,
            check=True,
        )
    return list(json.loads(done.stdout.splitlines()[-1]))


def lifetimes(python: str) -> tuple[float, float]:
    """Give the seconds of one refit and valuation, and the spread of the totals."""
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
    weeks = customers.select(
        "repeat_purchases", pl.col("t_x", "T") / 7, pl.col("repeat_spend").fill_null(0.0)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.npy"
        np.save(path, weeks.cast(pl.Float64).to_numpy().T)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", LIFETIMES, str(path), str(REFITS)],
            capture_output=True,
            text=True,
            check=True,
        )
    seconds, spread = json.loads(done.stdout.splitlines()[-1])
    return seconds / REFITS, spread


def main() -> None:
    results = {kind: child(kind) for kind in ("outcome", "mean")}
    for kind, (cold, warm, low, total, high) in results.items():
        print(
            f"{kind:>8} of the total: {low:,.0f} to {high:,.0f} about {total:,.0f}; "
            f"{cold:.2f} s from nothing (fits and compilation included), {warm:.2f} s again"
        )
    if len(sys.argv) > 1:
        seconds, spread = lifetimes(sys.argv[1])
        cold, *_, low, _, high = results["mean"]
        print(
            f"lifetimes, 1,000 refits: {1000 * seconds:,.0f} s, {1000 * seconds / cold:.0f}x as "
            f"long (the total's standard deviation {spread:,.0f}; ours {(high - low) / 3.92:,.0f})"
        )


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in {"outcome", "mean"}:
        timed(sys.argv[1])
    else:
        main()
