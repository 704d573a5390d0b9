"""The stages of all customers at every month's end, against a bare sort and group-by in polars.

Run: `python benchmarks/bench_stage_history.py [millions of rows]`. The log covers 36 months, with
five rows a customer. The peer sorts the log by customer and day and counts the purchases of each
customer and month, which is where a history by window functions would only begin; the snapshots
are what the history replaces.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = date(2023, 12, 31)


def transactions(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    days = np.datetime64("2021-01-01") + rng.integers(0, 1095, rows)
    return pl.DataFrame(
        {
            "customer_id": rng.integers(0, rows // 5, rows),
            "ordered_at": days.astype("datetime64[D]"),
            "amount": np.round(rng.gamma(2, 20, rows), 2),
        }
    )


def bare(log: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("ordered_at")
    # Sorted first: in one lazy query the optimizer would leave the sort out.
    ordered = log.select("customer_id", "ordered_at").sort("customer_id", "ordered_at")
    return ordered.group_by("customer_id", day.dt.truncate("1mo")).agg(pl.len())


def three_snapshots(log: pl.DataFrame) -> pl.DataFrame:
    previous = None
    for day in (date(2023, 10, 31), date(2023, 11, 30), AS_OF):
        previous = cv.assign_stages(cv.summarize(log, as_of=day), previous=previous)
    assert previous is not None
    return previous


def seconds(task: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        task()
        taken.append(time.perf_counter() - start)
    return median(taken)


def main() -> None:
    log = transactions(int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000)
    small = log.head(1000)
    cv.stage_history(small, as_of=AS_OF), cv.lifecycle.stage_counts(small, as_of=AS_OF)  # compiled
    counts = cv.lifecycle.stage_counts(log, as_of=AS_OF)
    history = cv.stage_history(log, as_of=AS_OF)
    assert counts["customers"].sum() == history.height
    print(f"{log.height:,} rows to {history.height:,} of {history.estimated_size() / 1e6:,.0f} MB")
    del history
    peer = seconds(lambda: bare(log), 3)
    print(f"bare polars sort and group-by: {peer:.2f} s")
    for name, task, times in (
        ("stage_counts", lambda: cv.lifecycle.stage_counts(log, as_of=AS_OF), 3),
        ("stage_history", lambda: cv.stage_history(log, as_of=AS_OF), 3),
        ("three of the 36 snapshots one by one", lambda: three_snapshots(log), 1),
    ):
        taken = seconds(task, times)
        print(f"{name}: {taken:.2f} s, {taken / peer:.2f} x bare polars")


if __name__ == "__main__":
    main()
