"""P(alive), expected purchases and a year's value of many customers, against lifetimes.

Run: `python benchmarks/bench_clv.py [python with lifetimes] [largest number of customers]`. Each
size runs in a process of its own; all customers differ in (x, t_x, T). The ratio is that of the
cost per customer at a million, both measured in this run, the best of five.
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

import customer_value as cv

SIZES = [10_000, 100_000, 1_000_000, 10_000_000]
PEER_SIZE = 100_000
BG = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
GG = cv.GammaGamma(p=6.25, q=3.74, v=15.44)

LIFETIMES = """
import json, sys, time, numpy as np, pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
n = int(sys.argv[1])
x, t_x, T, m = (pd.Series(column) for column in np.load(sys.argv[2]))
bg, gg = BetaGeoFitter(), GammaGammaFitter()
bg.params_ = pd.Series({"r": 0.243, "alpha": 4.414 * 7, "a": 0.793, "b": 2.426})
bg.predict = bg.conditional_expected_number_of_purchases_up_to_time
gg.params_ = pd.Series({"p": 6.25, "q": 3.74, "v": 15.44})
seconds = []
for _ in range(5):
    begin = time.perf_counter()
    alive = bg.conditional_probability_alive(x, t_x, T)
    expected = bg.predict(365.25, x, t_x, T)
    value = gg.customer_lifetime_value(bg, x, t_x, T, m, time=12, discount_rate=0.01, freq="D")
    seconds.append(time.perf_counter() - begin)
print(json.dumps([min(seconds), float(np.sum(alive)), float(expected.sum()), float(value.sum())]))
"""


def customers(n: int, *, fractions: bool = False) -> pl.DataFrame:
    """All (x, t_x, T) differ: x from 1 to 20, t_x up to T, in whole days; in random order."""
    rng = np.random.default_rng(0)
    index = rng.permutation(n)
    x, pair = index % 20 + 1, index // 20
    del index
    T = ((np.sqrt(8.0 * pair + 1.0) - 1.0) / 2.0).astype(np.int64)
    t_x = (pair - T * (T + 1) // 2).astype(np.float64)
    days = T + 90.0 + (rng.random(n) if fractions else 0.0)
    return pl.DataFrame(
        {
            "repeat_purchases": x,
            "t_x": t_x,
            "T": days,
            "repeat_spend": rng.gamma(6.0, 6.0, n),
        }
    )


def value(frame: pl.DataFrame, horizon: str = "12mo", steps: str | None = None) -> pl.DataFrame:
    return cv.customer_lifetime_value(
        frame,
        purchases=BG,
        spend=GG,
        margin=1.0,
        horizon=horizon,
        discount_rate=1.01**12 - 1,
        steps=steps,
    )


def peak_mb() -> float:
    """Peak resident memory of this process, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if platform.system() == "Darwin" else 1e3)


def measure(n: int, *, fractions: bool) -> None:
    """Print seconds and the peak of a process that holds its customers and values them."""
    value(customers(1_000, fractions=fractions))
    frame = customers(n, fractions=fractions)
    seconds = []
    for _ in range(1 if n > 1_000_000 else 5):
        begin = perf_counter()
        valued = value(frame)
        seconds.append(perf_counter() - begin)
        assert valued["clv"].is_finite().all()
    print(json.dumps([min(seconds), peak_mb(), frame.estimated_size("mb")]))


def child(n: int, kind: str) -> list[float]:
    command = [sys.executable, __file__, kind, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def lifetimes(python: str, path: str) -> float:
    """Give its seconds per customer, and check that both compute the same."""
    frame = customers(PEER_SIZE)
    np.save(path, frame.cast(pl.Float64).to_numpy().T)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", LIFETIMES, str(PEER_SIZE), path],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, alive, expected, worth = json.loads(done.stdout.splitlines()[-1])
    # Its month has 30 days, its year 12 of them; expected purchases are over 365.25 days.
    ours = value(frame, horizon="360d", steps="30d")
    year = cv.expected_purchases(frame, BG, horizon="1y")["expected_purchases"].sum()
    assert abs(ours["p_alive"].sum() / alive - 1) < 1e-9
    assert abs(year / expected - 1) < 1e-9
    assert abs(ours["clv"].sum() / worth - 1) < 2e-3
    return float(seconds) / PEER_SIZE


def main() -> None:
    peer = sys.argv[1] if len(sys.argv) > 1 else ""
    largest = int(float(sys.argv[2])) if len(sys.argv) > 2 else SIZES[-1]
    cost = {}
    for n in (size for size in SIZES if size <= largest):
        seconds, peak, size = child(n, "whole")
        cost[n] = seconds / n
        print(
            f"{n:>12,} customers: {seconds:7.3f} s, {seconds / n * 1e6:.2f} us each, "
            f"peak {peak:,.0f} MB (of which the customers {size:,.0f})"
        )
    fractions = min(largest, 1_000_000)
    seconds, *_ = child(fractions, "fractions")
    print(
        f"{fractions:>12,} with ages in fractions of a day: {seconds / fractions * 1e6:.2f} us each"
    )
    if peer:
        with tempfile.TemporaryDirectory() as folder:
            theirs = lifetimes(peer, str(Path(folder) / "customers.npy"))
        ours = cost[min(largest, 1_000_000)]
        print(
            f"lifetimes: {theirs * 1e6:.2f} us each, {theirs / ours:.0f}x as long; "
            f"{theirs / (seconds / fractions):.0f}x with ages in fractions"
        )


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in {"whole", "fractions"}:
        measure(int(sys.argv[2]), fractions=sys.argv[1] == "fractions")
    else:
        main()
