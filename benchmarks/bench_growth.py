"""`growth_accounting` and `cohort_table` against bare polars, and against openretailscience.

Run: `python benchmarks/bench_growth.py [millions of rows] [python with openretailscience]`. The
bare query does the same sort and group-bys by hand, without checks and in floats. Ratios are of
the best of three, in turns.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = date(2023, 12, 31)
PEER = """
import sys, time
import pandas as pd
from openretailscience.analysis.cohort import CohortAnalysis
from openretailscience.analysis.customer import TransactionChurn
log = pd.read_parquet(sys.argv[1]).rename(
    columns={"ordered_at": "transaction_date", "amount": "unit_spend"}
)
log["transaction_date"] = pd.to_datetime(log["transaction_date"])
begin = time.perf_counter()
CohortAnalysis(log, aggregation_column="unit_spend", agg_func="sum", period="month")
print("cohorts", time.perf_counter() - begin)
begin = time.perf_counter()
TransactionChurn(log, churn_period=90)
print("churn", time.perf_counter() - begin)
"""


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
    """Customers and money by quarter: new, back, retained with more or less, and gone after."""
    day, customer, n = pl.col("ordered_at"), pl.col("customer_id"), pl.col("quarter")
    spend = pl.col("amount")
    before = (customer == customer.shift(1)).fill_null(value=False)
    after = (customer == customer.shift(-1)).fill_null(value=False)
    kept, change = before & (n == n.shift(1) + 1), spend - spend.shift(1)
    return (
        log.lazy()
        .filter(day <= AS_OF)
        .group_by("customer_id", quarter=day.dt.year() * 4 + (day.dt.month() - 1) // 3)
        .agg(spend.cast(pl.Decimal(38, 6)).sum())
        .sort("customer_id", "quarter")
        .select(
            "quarter",
            "amount",
            new=~before,
            reactivated=before & ~kept,
            retained=kept,
            leaving=~(after & (n == n.shift(-1) - 1)),
            more=pl.when(kept & (change > 0)).then(change),
            less=pl.when(kept & (change < 0)).then(change),
        )
        .group_by("quarter")
        .agg(
            pl.col("new", "reactivated", "retained", "leaving").sum(),
            pl.col("amount", "more", "less").sum(),
        )
        .sort("quarter")
        .collect()
    )


def ours(log: pl.DataFrame) -> pl.DataFrame:
    return cv.growth_accounting(log, as_of=AS_OF)


def cohorts(log: pl.DataFrame) -> pl.DataFrame:
    return cv.cohort_table(log, as_of=AS_OF)


def seconds(run: Callable[[pl.DataFrame], pl.DataFrame], log: pl.DataFrame) -> float:
    begin = time.perf_counter()
    run(log)
    return time.perf_counter() - begin


def main() -> None:
    rows = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 10_000_000
    log = transactions(rows)
    growth, by_hand = ours(log), bare(log)
    assert growth["new"].to_list() == by_hand["new"].to_list()
    assert growth["retained"].to_list() == by_hand["retained"].to_list()
    best = {run: min(seconds(run, log) for _ in range(3)) for run in (ours, bare, cohorts)}
    print(f"{rows:,} rows, {rows // 5:,} customers")
    print(f"growth_accounting {best[ours]:.2f} s, bare polars {best[bare]:.2f} s")
    print(f"ratio {best[ours] / best[bare]:.2f}")
    print(f"cohort_table {best[cohorts]:.2f} s, {best[cohorts] / best[bare]:.2f} x that query")
    if len(sys.argv) > 2:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "log.parquet")
            log.write_parquet(path)
            peer = subprocess.run(
                [sys.argv[2], "-c", PEER, path], capture_output=True, text=True, check=True
            )
        took = dict(line.split() for line in peer.stdout.splitlines()[-2:])
        print(f"openretailscience cohorts {float(took['cohorts']):.2f} s:", end=" ")
        print(f"{float(took['cohorts']) / best[cohorts]:.1f} x ours")
        print(f"openretailscience churn {float(took['churn']):.2f} s:", end=" ")
        print(f"{float(took['churn']) / best[ours]:.1f} x our growth accounting")


if __name__ == "__main__":
    main()
