"""`classify_abc` against one polars sort of the frame by the same column.

Run: `python benchmarks/bench_abc.py [millions of customers]`. Prints the ratio of the medians, and
what the first call took in addition at its peak.
"""

from __future__ import annotations

import resource
import sys
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable


def customers(rows: int) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(0)
    keys, money = np.arange(rows), rng.lognormal(4, 1.2, rows)
    values = {
        "floats": money,
        "cents": np.round(money, 2),
        "a third at zero": np.where(rng.random(rows) < 1 / 3, 0.0, money),
    }
    return {
        name: pl.DataFrame({"customer_id": keys, "revenue": column})
        for name, column in values.items()
    }


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    rows = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000
    cv.classify_abc(pl.DataFrame({"revenue": [1.0]}))  # load the kernels
    for number, (name, frame) in enumerate(customers(rows).items()):
        before, ours, sort = peak_megabytes(), [], []
        classified = cv.classify_abc(frame)
        assert classified["cumulative_share"].max() == 1.0
        result = classified.estimated_size("mb") - frame.estimated_size("mb")
        if not number:  # a process has one peak
            extra = peak_megabytes() - before - result
            print(f"peak {extra:.0f} MB beside the {result:.0f} MB of new columns")
        del classified
        for _ in range(3):
            ours.append(seconds(partial(cv.classify_abc, frame)))
            sort.append(seconds(partial(frame.sort, "revenue", descending=True)))
        print(
            f"classify_abc, {rows:,} customers, {name}: {median(ours):.2f} s; one polars sort "
            f"{median(sort):.2f} s; ratio {median(ours) / median(sort):.2f}"
        )


if __name__ == "__main__":
    main()
