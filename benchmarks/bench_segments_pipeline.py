"""Transactions to named segments, against pymc-marketing and openretailscience.

Run: `python benchmarks/bench_segments_pipeline.py --pymc PYTHON --retail PYTHON [--rows MILLIONS]`,
with the interpreters of environments that have `pymc-marketing` and `openretailscience`: their
requirements conflict with each other. A peer that is not given is left out. Each gets the same log
as a pandas frame in memory; reading it is not counted. Prints the best of three
runs of each, taken in turns, and the ratios.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import customer_value as cv

if TYPE_CHECKING:
    import polars as pl

START, AS_OF = date(2022, 1, 1), date(2023, 12, 31)

PEERS = {
    "pymc": """
import sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from pymc_marketing.clv.utils import rfm_segments
log = pd.read_parquet(sys.argv[1])
start = time.perf_counter()
columns = "customer_id", "ordered_at", "amount"
segments = rfm_segments(log, *columns, observation_period_end=sys.argv[2])
print(time.perf_counter() - start, len(segments))
""",
    "retail": """
import sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from openretailscience.segmentation.rfm import RFMSegmentation
names = {"ordered_at": "transaction_date", "order_id": "transaction_id", "amount": "unit_spend"}
log = pd.read_parquet(sys.argv[1]).rename(columns=names)
start = time.perf_counter()
segments = RFMSegmentation(log, current_date=sys.argv[2]).df
print(time.perf_counter() - start, len(segments))
""",
}


def transactions(rows: int) -> pl.DataFrame:
    often = cv.BgNbd(r=1.3, alpha=8.0, a=0.8, b=5.0, time_unit="week")
    return cv.simulate_transactions(rows // 5, start=START, end=AS_OF, seed=1, purchases=often)


def ours(log: pl.DataFrame) -> pl.DataFrame:
    customers = cv.summarize(log, as_of=AS_OF)
    return customers.pipe(cv.score_rfm, cv.fit_rfm(customers)).pipe(cv.segment_rfm)


def theirs(python: str, script: str, path: Path) -> tuple[float, int]:
    command = [python, "-c", script, str(path), AS_OF.isoformat()]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, customers = printed.split()[-2:]
    return float(seconds), int(customers)


def main() -> None:
    parser = argparse.ArgumentParser()
    for peer in PEERS:
        parser.add_argument(f"--{peer}", metavar="PYTHON")
    parser.add_argument("--rows", type=float, default=5.0, metavar="MILLIONS")
    given = vars(parser.parse_args())
    log = transactions(int(given["rows"] * 1e6))
    ours(log.head(1_000))  # load what is loaded once
    customers = ours(log).height
    seconds: dict[str, list[float]] = {name: [] for name in ("ours", *PEERS)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        log.write_parquet(path)
        for _ in range(3):  # in turns: what else the machine does falls on all
            start = time.perf_counter()
            ours(log)
            seconds["ours"].append(time.perf_counter() - start)
            for peer, script in PEERS.items():
                if given[peer]:
                    taken, found = theirs(given[peer], script, path)
                    assert found == customers
                    seconds[peer].append(taken)
    best = min(seconds.pop("ours"))
    print(f"{log.height:,} rows, {customers:,} customers: customer_value {best:.2f} s")
    for peer, times in seconds.items():
        if times:
            print(f"{peer}: {min(times):.2f} s, {min(times) / best:.1f} times as long")


if __name__ == "__main__":
    main()
