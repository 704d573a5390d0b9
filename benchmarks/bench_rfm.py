"""RFM fit and score against the polars expressions one would write by hand, and against peers.

Run: `python benchmarks/bench_rfm.py [--rows 10_000_000]`. Prints seconds, and how many times ours
each of the others takes. Ours makes three scores and the cell, the others three scores; those of
the expressions by hand are the same scores as ours, the others split or merge equal values in ways
of their own. On Linux it prints as well how much more memory than the input and the result is
resident at the peak.
"""

from __future__ import annotations

import argparse
import gc
import time
import warnings
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS = {"r_score": "recency_days", "f_score": "purchases", "m_score": "revenue"}
SHARES = [0.2, 0.4, 0.6, 0.8]  # polars takes a list: one sort of a column for all four


def customers(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "recency_days": rng.integers(0, 730, rows),
            "purchases": rng.geometric(0.4, rows),
            "revenue": np.round(rng.gamma(2, 50, rows), 2),
        }
    )


def ours(frame: pl.DataFrame) -> pl.DataFrame:
    return cv.score_rfm(frame, cv.fit_rfm(frame))


def by_hand(frame: pl.DataFrame) -> pl.DataFrame:
    quantiles = [pl.col(name).quantile(SHARES, "linear") for name in METRICS.values()]
    cuts = frame.lazy().select(quantiles).collect()
    scores = []
    for score, name in METRICS.items():
        above = pl.lit(0, pl.UInt8)
        for cut in cuts[name].item():
            above = above + (pl.col(name) > cut).cast(pl.UInt8)
        scores.append((5 - above if score == "r_score" else 1 + above).alias(score))
    return frame.lazy().with_columns(scores).collect()


def polars_qcut(frame: pl.DataFrame) -> pl.DataFrame:
    bins = {
        score: pl.col(name).qcut(5, allow_duplicates=True).to_physical()
        for score, name in METRICS.items()
    }
    return frame.lazy().with_columns(**bins).collect()


def polars_rank(frame: pl.DataFrame) -> pl.DataFrame:
    ranks = {
        score: (pl.col(name).rank("min") * 5 / pl.len()).ceil().cast(pl.UInt8)
        for score, name in METRICS.items()
    }
    return frame.lazy().with_columns(**ranks).collect()


def duckdb_ntile(frame: pl.DataFrame) -> pl.DataFrame:
    tiles = ", ".join(f"ntile(5) OVER (ORDER BY {m}) AS {s}" for s, m in METRICS.items())
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        tiled: pl.DataFrame = connection.sql(f"SELECT *, {tiles} FROM frame").pl()  # noqa: S608
        return tiled


def pandas_qcut(frame: pl.DataFrame) -> object:
    import pandas as pd  # noqa: PLC0415

    table = frame.to_pandas()
    for score, name in METRICS.items():
        table[score] = pd.qcut(table[name], 5, labels=False, duplicates="drop")
    return table


def seconds(task: Callable[[pl.DataFrame], object], frame: pl.DataFrame, times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        task(frame)
        taken.append(time.perf_counter() - start)
    return median(taken)


def resident(field: str) -> float:
    """VmRSS or VmHWM (its peak) of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(field))


def extra_memory(frame: pl.DataFrame) -> float:
    """Peak of fit and score beyond the input and the result, in MB."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = resident("VmRSS")
    scored = ours(frame)
    result = scored.height * (3 + 16) / 1e6  # three bytes of scores, and views of the cells
    return resident("VmHWM") - before - result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=10_000_000)
    rows = parser.parse_args().rows
    warnings.simplefilter("ignore")
    frame = customers(rows)
    ours(frame.head(100_000))  # compiled
    if Path("/proc/self/clear_refs").exists():  # first, while no allocator keeps anything
        print(f"extra memory beyond the input and the result: {extra_memory(frame):.0f} MB")
    scored, expected = ours(frame), by_hand(frame)
    assert scored.drop("rfm_cell").equals(expected.select(scored.drop("rfm_cell").columns))
    del scored, expected
    scale, fast = cv.fit_rfm(frame), seconds(ours, frame, 5)
    fit = seconds(cv.fit_rfm, frame, 5)
    lazy = seconds(lambda f: cv.score_rfm(f.lazy(), scale).collect(), frame, 5)
    print(f"ours, {rows:,} rows: fit and score {fast:.2f} s (fit {fit:.2f} s)")
    print(f"ours, scores of a given scale, streamed: {lazy:.2f} s")
    peers = {by_hand: 5, polars_qcut: 3, polars_rank: 1, duckdb_ntile: 1, pandas_qcut: 1}
    for peer, times in peers.items():
        taken = seconds(peer, frame, times)
        print(f"{peer.__name__}: {taken:.2f} s, {taken / fast:.1f} x ours")


if __name__ == "__main__":
    main()
