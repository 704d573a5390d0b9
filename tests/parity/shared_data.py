"""Data of other packages that lies beside the repository, in `../shared/data`, never within it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import customer_value as cv

DATA = Path(__file__).parents[2].parent / "shared" / "data"
R_DAY = date(2006, 12, 31)  # the analysis date of R's results


def read(name: str) -> pl.DataFrame:
    """Read a file of the shared data, or skip the test."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"no ../shared/data/{name} beside the repository")
    return pl.read_csv(path, try_parse_dates=True)


def order_customers() -> pl.DataFrame:
    """Summarize the orders of the R package rfm, counting orders as R does."""
    columns = cv.Columns(customer="customer_id", time="order_date", amount="revenue")
    options = cv.TransactionOptions(occasion="order")
    return cv.summarize(
        cv.read_transactions(read("rfm_orders.csv"), columns=columns, options=options), as_of=R_DAY
    )
