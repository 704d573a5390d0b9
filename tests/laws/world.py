"""One small world: a log, the customers made of it by the main job, and tables beside them."""

from __future__ import annotations

from datetime import date
from functools import cache

import polars as pl

import customer_value as cv

AS_OF = date(1998, 6, 30)
BEFORE = date(1998, 3, 31)


@cache
def log() -> pl.DataFrame:
    """300 customers of the CDNOW sample, with every optional column."""
    rows = cv.load_cdnow().filter(pl.col("customer_id") % 8 == 0).drop("quantity")
    place = pl.int_range(pl.len())
    return rows.with_columns(
        order_id=place,
        cost=(pl.col("amount") * 0.6).round(2),
        discount=pl.lit(0.5),
        category=pl.format("c{}", place % 3),
        channel=pl.format("ch{}", pl.col("customer_id") // 8 % 2),
    )


@cache
def bg() -> cv.BgNbd:
    return cv.fit_bg_nbd(plain())


@cache
def gg() -> cv.GammaGamma:
    return cv.fit_gamma_gamma(plain())


@cache
def plain() -> pl.DataFrame:
    """The customer frame, with a few columns that a CRM would add."""
    customers = cv.summarize(log(), as_of=AS_OF)
    place = pl.int_range(pl.len())
    return customers.with_columns(
        region=pl.format("r{}", place % 3),
        size_band=pl.when(place % 2 == 0).then(pl.lit("small")).otherwise(pl.lit("large")),
        channel=pl.format("ch{}", place % 2),
        strategic=place % 50 == 0,
        last_review=pl.lit(date(1998, 1, 15)),
        contacts=(place % 7).cast(pl.Float64),
        satisfaction=(place % 10).cast(pl.Float64),
        group=pl.when(place % 2 == 0).then(pl.lit("treated")).otherwise(pl.lit("control")),
        rank=(place % 3 + 1).cast(pl.Int64),
        brands=pl.lit(3),
        item_1=(place % 5 + 1).cast(pl.Float64),
        item_2=((place + 2) % 5 + 1).cast(pl.Float64),
    )


@cache
def customers() -> pl.DataFrame:
    """The customers after the main job: every score, class, tier, stage, value and account."""
    valued = (
        plain()
        .pipe(cv.probability_alive, bg())
        .pipe(cv.customer_lifetime_value, purchases=bg(), spend=gg(), horizon="12mo", margin=0.3)
        .pipe(cv.score_rfm, cv.fit_rfm(plain()))
        .pipe(cv.segment_rfm)
        .pipe(cv.classify_abc, value="clv")
        .pipe(cv.assign_tiers, value="clv")
        .pipe(cv.assign_stages)
        .pipe(cv.lifecycle.churn_risk)
    )
    accounts = cv.customer_pnl(log(), as_of=AS_OF).drop("as_of", "cost", "discount", strict=False)
    new = [name for name in accounts.columns if name not in valued.columns]
    return valued.join(
        accounts.select("customer_id", *new), on="customer_id", how="left", maintain_order="left"
    )


@cache
def earlier() -> pl.DataFrame:
    """The same shop three months before."""
    known = cv.summarize(log(), as_of=BEFORE)
    return (
        known.pipe(cv.customer_lifetime_value, purchases=bg(), spend=gg(), margin=0.3)
        .pipe(cv.assign_tiers, value="clv")
        .pipe(cv.assign_stages)
    )


@cache
def contracts() -> pl.DataFrame:
    """Contracts of 40 customers, some over."""
    place = pl.int_range(40)
    return pl.select(
        customer_id=place,
        contract_start=pl.date(2023, 1 + place % 12, 1),
        contract_end=pl.when(place % 3 == 0).then(pl.date(2024, 1 + place % 12, 28)),
        mrr=(10.0 + place).cast(pl.Float64),
    )
