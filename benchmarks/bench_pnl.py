"""`customer_pnl` with costs against the bare polars joins and group-bys of the same columns.

Run: `python benchmarks/bench_pnl.py [--rows 5e6]`. One cost row and one customer for ten rows of
the log, all lazy. Prints the ratio of the medians.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = date(2023, 12, 31)
LINES = ["shipping", "payment", "marketing", "service", "maintenance"]
MONEY = pl.Decimal(38, 6)


def tables(rows: int) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    rng = np.random.default_rng(0)
    customers, costs = rows // 10, rows // 10
    amount = np.round(rng.gamma(2, 20, rows), 2)
    log = pl.DataFrame(
        {
            "customer_id": rng.permutation(np.arange(rows) % customers),
            "ordered_at": (np.datetime64("2021-01-01") + rng.integers(0, 1000, rows)),
            "amount": np.where(rng.random(rows) < 0.03, -amount, amount),
            "cost": np.round(amount * 0.6, 2),
            "discount": np.round(amount * 0.1, 2),
        }
    )
    booked = pl.DataFrame(
        {
            "customer_id": rng.integers(0, customers, costs),
            "line": pl.Series(rng.integers(0, len(LINES), costs)).replace_strict(
                dict(enumerate(LINES)), return_dtype=pl.String
            ),
            "amount": np.round(rng.gamma(2, 3, costs), 2),
            "date": (np.datetime64("2021-01-01") + rng.integers(0, 1000, costs)),
        }
    )
    return log.lazy(), booked.lazy()


def ours(log: pl.LazyFrame, costs: pl.LazyFrame) -> pl.DataFrame:
    stack = cv.CostStack(complete=True)
    return cv.customer_pnl(log, as_of=AS_OF, costs=costs, stack=stack).collect()


def bare(log: pl.LazyFrame, costs: pl.LazyFrame) -> pl.DataFrame:
    amount, sale, line = pl.col("amount"), pl.col("amount") >= 0, pl.col("line")
    levels = {
        "fulfilment": ["shipping", "payment"],
        "marketing": ["marketing"],
        "service": ["service"],
        "maintenance": ["maintenance"],
    }
    sums = {
        "sales": pl.when(sale).then(amount).otherwise(0),
        "returns": pl.when(sale).then(0).otherwise(-amount),
        "discounts": pl.when(sale).then("discount").otherwise(0),
        "cogs": pl.col("cost"),
    }
    sales = (
        log.filter(pl.col("ordered_at") <= AS_OF)
        .select("customer_id", **{name: value.cast(MONEY) for name, value in sums.items()})
        .group_by("customer_id")
        .agg(pl.col(*sums).sum())
    )
    booked = (
        costs.filter(pl.col("date") <= AS_OF)
        .select(
            "customer_id",
            **{k: pl.when(line.is_in(v)).then(amount.cast(MONEY)) for k, v in levels.items()},
        )
        .group_by("customer_id")
        .agg(pl.col(*levels).sum())
    )
    net = pl.col("sales") - pl.col("returns")
    account = sales.join(booked, on="customer_id", how="left").with_columns(
        pl.col(*levels).fill_null(0)
    )
    return (
        account.with_columns(cm1=net - pl.col("cogs"))
        .with_columns(cm2=pl.col("cm1") - pl.col("fulfilment"))
        .with_columns(cm3=pl.col("cm2") - pl.col("marketing"))
        .with_columns(profit=pl.col("cm3") - pl.col("service") - pl.col("maintenance"))
        .select(
            "customer_id",
            gross_sales=(pl.col("sales") + pl.col("discounts")).cast(pl.Float64),
            discounts=pl.col("discounts").cast(pl.Float64),
            returns=pl.col("returns").cast(pl.Float64),
            net_revenue=net.cast(pl.Float64),
            cogs=pl.col("cogs").cast(pl.Float64),
            cm1=pl.col("cm1").cast(pl.Float64),
            fulfilment=pl.col("fulfilment").cast(pl.Float64),
            cm2=pl.col("cm2").cast(pl.Float64),
            marketing=pl.col("marketing").cast(pl.Float64),
            cm3=pl.col("cm3").cast(pl.Float64),
            service=pl.col("service").cast(pl.Float64),
            maintenance=pl.col("maintenance").cast(pl.Float64),
            acquisition=pl.lit(0.0),
            profit=pl.col("profit").cast(pl.Float64),
        )
        .with_columns(
            margin_pct=pl.when(pl.col("net_revenue") > 0).then(
                pl.col("profit") / pl.col("net_revenue")
            ),
            cost_coverage=pl.lit(1.0),
        )
        .collect()
    )


def seconds(job: Callable[..., pl.DataFrame], *inputs: pl.LazyFrame) -> float:
    start = time.perf_counter()
    job(*inputs)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=5e6, help="rows of the log")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    log, costs = tables(int(options.rows))
    first, expected = (job(log, costs).sort("customer_id") for job in (ours, bare))
    assert_frame_equal(first, expected, check_exact=True)
    pairs = [(seconds(ours, log, costs), seconds(bare, log, costs)) for _ in range(options.repeats)]
    mine, theirs = (median(times) for times in zip(*pairs, strict=True))
    print(
        f"customer_pnl of {int(options.rows):,} rows and {int(options.rows) // 10:,} costs: "
        f"{mine:.2f} s; bare polars {theirs:.2f} s; ratio {mine / theirs:.2f}"
    )


if __name__ == "__main__":
    main()
