"""Transaction logs to learn, test and measure with."""

from __future__ import annotations

from importlib.resources import files

import polars as pl


def load_cdnow() -> pl.DataFrame:
    """Load the CDNOW sample: what 2,357 customers bought at an online CD shop, 1997 to 1998.

    It holds every order up to 1998-06-30 of a 1/10 sample of the customers who first bought in the
    first quarter of 1997. The published results of most purchase models were obtained on this
    table, with the weeks to 1997-09-30 as the calibration period. Eight orders have a zero amount,
    223 share their day with an earlier row of the same customer, and there are no returns.

    Returns:
        A frame of 6,919 rows sorted by customer and day, with the columns `customer_id` (Int64, the
        number within the sample, 1 to 2357, by which the literature names customers), `ordered_at`
        (Date), `quantity` (Int64, number of CDs) and `amount` (Float64, US dollars).

    References:
        Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2).
        The data are from brucehardie.com; `data/README.md` in the package states the provenance.

    Examples:
        >>> from customer_value.datasets import load_cdnow
        >>> load_cdnow().head(2)
        shape: (2, 4)
        ┌─────────────┬────────────┬──────────┬────────┐
        │ customer_id ┆ ordered_at ┆ quantity ┆ amount │
        │ ---         ┆ ---        ┆ ---      ┆ ---    │
        │ i64         ┆ date       ┆ i64      ┆ f64    │
        ╞═════════════╪════════════╪══════════╪════════╡
        │ 1           ┆ 1997-01-01 ┆ 2        ┆ 29.33  │
        │ 1           ┆ 1997-01-18 ┆ 2        ┆ 29.73  │
        └─────────────┴────────────┴──────────┴────────┘
    """
    return pl.read_parquet(
        files("customer_value").joinpath("data/cdnow_sample.parquet").read_bytes()
    )
