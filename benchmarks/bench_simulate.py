"""Ten million simulated rows, against one customer at a time in a Python loop."""

from __future__ import annotations

import platform
import resource
from datetime import date
from time import perf_counter

import numpy as np
import polars as pl

from customer_value.simulate import CDNOW_BG_NBD, CDNOW_GAMMA_GAMMA, simulate_transactions

CUSTOMERS = 4_400_000  # 10.3 M rows in two years
LOOP_CUSTOMERS = 40_000
START, END = date(2024, 1, 1), date(2025, 12, 31)


def loop_simulator(n_customers: int, seed: int) -> pl.DataFrame:
    """The processes as they are told in the papers: one customer, one purchase after the other."""
    rng = np.random.default_rng(seed)
    bg, gg = CDNOW_BG_NBD, CDNOW_GAMMA_GAMMA
    weeks = ((END - START).days + 1) / 7
    epoch = (START - date(1970, 1, 1)).days * 86_400_000_000
    customers, moments, amounts = [], [], []
    for customer in range(1, n_customers + 1):
        rate = rng.gamma(bg.r) / bg.alpha
        dropout = rng.beta(bg.a, bg.b)
        spend_rate = rng.gamma(gg.q) / gg.v
        moment = rng.random() * weeks
        while moment < weeks:
            customers.append(customer)
            moments.append(epoch + round(moment * 7 * 86_400_000_000))
            amounts.append(max(round(rng.gamma(gg.p) / spend_rate, 2), 0.01))
            is_repeat = len(customers) > 1 and customers[-2] == customer
            if is_repeat and rng.random() < dropout:
                break
            moment += rng.exponential() / max(rate, 1e-300)
    return pl.DataFrame(
        {
            "customer_id": customers,
            "ordered_at": pl.Series(moments).cast(pl.Datetime("us")),
            "amount": amounts,
        }
    ).sort("ordered_at")


def peak_mb() -> float:
    """Peak resident memory of this process, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if platform.system() == "Darwin" else 1e3)


def main() -> None:
    simulate_transactions(1_000, start=START, end=END, seed=1)
    before = peak_mb()
    begin = perf_counter()
    log = simulate_transactions(CUSTOMERS, start=START, end=END, seed=1)
    seconds = perf_counter() - begin
    peak = peak_mb() - before

    begin = perf_counter()
    slow = loop_simulator(LOOP_CUSTOMERS, seed=1)
    slow_seconds = perf_counter() - begin

    assert abs(slow.height / LOOP_CUSTOMERS / (log.height / CUSTOMERS) - 1) < 0.05
    ratio = log.height / seconds / (slow.height / slow_seconds)
    print(
        f"simulate_transactions: {log.height:,} rows in {seconds:.1f} s, "
        f"{log.height / seconds / 1e6:.1f} M rows/s, peak {peak:,.0f} MB "
        f"(the log itself {log.estimated_size('mb'):,.0f} MB); "
        f"{ratio:.0f}x the rows/s of a per-customer Python loop ({slow.height:,} rows)"
    )


if __name__ == "__main__":
    main()
