"""`summarize` against the bare polars group-by that computes the same columns exactly.

Run: `python benchmarks/bench_summarize.py [millions of rows]`. Prints the ratio of the medians.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from statistics import median

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

import customer_value as cv

AS_OF = date(2023, 12, 31)


def transactions(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    days = np.datetime64("2021-01-01") + rng.integers(0, 1000, rows)
    return pl.DataFrame(
        {
            "customer_id": rng.integers(0, rows // 10, rows),
            "ordered_at": days.astype("datetime64[D]"),
            "amount": np.round(rng.gamma(2, 20, rows), 2),
        }
    )


def bare(log: pl.DataFrame) -> pl.DataFrame:
    day, as_of = pl.col("ordered_at"), pl.lit(AS_OF)
    return (
        log.lazy()
        .filter(day <= AS_OF)
        .group_by("customer_id", "ordered_at")
        .agg(pl.col("amount").cast(pl.Decimal(38, 6)).sum(), orders=pl.len().cast(pl.Int64))
        .group_by("customer_id")
        .agg(
            day.min().alias("first_purchase"),
            day.max().alias("last_purchase"),
            pl.len().cast(pl.Int64).alias("purchases"),
            pl.col("orders").sum(),
            pl.col("amount").sum().alias("revenue"),
            pl.col("amount").min_by("ordered_at").alias("first_spend"),
        )
        .with_columns(repeated=(pl.col("revenue") - pl.col("first_spend")).cast(pl.Float64))
        .with_columns(pl.col("revenue").cast(pl.Float64))
        .with_columns(
            recency_days=(as_of - pl.col("last_purchase")).dt.total_days(),
            mean_purchase=pl.col("revenue") / pl.col("purchases"),
            repeat_purchases=pl.col("purchases") - 1,
            t_x=(pl.col("last_purchase") - pl.col("first_purchase")).dt.total_days().cast(float),
            T=(as_of - pl.col("first_purchase")).dt.total_days().cast(float),
            repeat_spend=pl.when(pl.col("purchases") > 1).then(
                pl.col("repeated") / (pl.col("purchases") - 1)
            ),
        )
        .drop("first_spend", "repeated")
        .collect()
        .sort("customer_id")
    )


def main() -> None:
    log = transactions(int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000)
    summary, expected = cv.summarize(log, as_of=AS_OF), bare(log)
    assert_frame_equal(summary.select(expected.columns), expected, check_exact=True)
    ours, theirs = [], []
    for _ in range(5):
        start = time.perf_counter()
        cv.summarize(log, as_of=AS_OF)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        bare(log)
        theirs.append(time.perf_counter() - start)
    print(
        f"summarize {log.height:,} rows: {median(ours):.2f} s; bare polars {median(theirs):.2f} s; "
        f"ratio {median(ours) / median(theirs):.2f}"
    )


if __name__ == "__main__":
    main()
