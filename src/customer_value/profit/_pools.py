"""Pools of shared cost, and what they do for each other: how they are read, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import Kind, Rule
from customer_value._frames.door import read_frame
from customer_value._frames.money import MONEY_LIMIT, MONEY_SCALE
from customer_value.profit._periods import START, period_columns, period_rules
from customer_value.transactions.rules import money_rules

if TYPE_CHECKING:
    from customer_value._typing import Frame

SPAN = "__span__"
"""The number of a period, in pools and units; always 0 where the pools have none."""


def take_pools(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The pools, sorted by the number of their period."""
    if "practical_capacity" not in frame.collect_schema().names():
        frame = with_columns(frame, pl.lit(None, pl.Float64).alias("practical_capacity"))
    if "driver" in frame.collect_schema() and frame.collect_schema()["driver"] == pl.Null:
        frame = with_columns(frame, pl.col("driver").cast(pl.String))
    kinds: dict[str, Kind] = {"pool": "text", "amount": "number", "driver": "text"}
    kinds |= {"practical_capacity": "money"}
    days = period_columns(frame.collect_schema().names(), what="pools")
    hint = "one row per pool: pool, amount, driver"
    frame = read_frame(frame, kinds | days, what="pools", hint=hint)
    span = pl.col(START).rank("dense").cast(pl.Int64) if days else pl.lit(0, pl.Int64)
    return (
        frame.lazy()
        .select(
            pl.col("pool", "driver").cast(pl.String),
            "amount",
            pl.col("practical_capacity").cast(pl.Float64),
            *days,
            span.alias(SPAN),
        )
        .sort(SPAN, maintain_order=True)
        .collect()
    )


def take_support(support: Frame | None) -> pl.DataFrame:
    """What pools do for pools; nothing where no table says."""
    if support is None:
        return pl.DataFrame(schema={"pool": pl.String, "user": pl.String, "quantity": pl.Float64})
    kinds: dict[str, Kind] = {"pool": "text", "user": "text", "quantity": "number"}
    hint = "one row per pool and user: pool, user, quantity"
    frame = read_frame(support, kinds, what="support", hint=hint).lazy()
    return frame.select(
        pl.col("pool", "user").cast(pl.String), pl.col("quantity").cast(pl.Float64)
    ).collect()


def quantity_rules(quantity: pl.Expr) -> list[Rule]:
    """What no quantity may be."""
    usable = quantity.is_finite() & (quantity < MONEY_LIMIT)
    return [
        Rule("no_quantity", quantity.is_null(), "no quantity"),
        Rule("negative", quantity < 0, "a quantity below zero"),
        Rule("not_finite", ~usable & ~(quantity < 0), f"a quantity not below {MONEY_LIMIT:g}"),
    ]


def pool_rules(ledger: pl.DataFrame, served: pl.DataFrame) -> list[Rule]:
    """What no pool may be."""
    pool, driver, capacity = pl.col("pool"), pl.col("driver"), pl.col("practical_capacity")
    supports = pool.is_in(served["pool"].drop_nulls().to_list())
    return [
        Rule("no_pool", pool.is_null(), "no pool"),
        Rule(
            "twice",
            pl.struct("pool", SPAN).is_duplicated(),
            "a pool of more than one row for a period",
        ),
        *(period_rules() if START in ledger.columns else []),
        Rule("no_amount", pl.col("amount").is_null(), "no amount"),
        *money_rules("amount", "amount", ledger.schema["amount"], MONEY_SCALE),
        Rule("no_driver", driver.is_null() & ~supports, "no driver, and no pool that they serve"),
        Rule("two_ways", driver.is_not_null() & supports, "both a driver and pools they serve"),
        Rule(
            "capacity",
            ~((capacity > 0) & capacity.is_finite()),
            "a practical capacity not above zero, or not finite",
        ),
        Rule(
            "support_capacity",
            capacity.is_not_null() & supports,
            "a practical capacity though they serve pools",
        ),
    ]


def support_rules(ledger: pl.DataFrame) -> list[Rule]:
    """What no row of the support may be."""
    names = ledger["pool"].drop_nulls().to_list()
    pool, user = pl.col("pool"), pl.col("user")
    known = pool.is_in(names) & user.is_in(names)
    return [
        Rule("unknown", ~known.fill_null(value=False), "a pool or user that is not a pool"),
        Rule("itself", pool == user, "a pool that serves itself"),
        Rule("twice", pl.struct("pool", "user").is_duplicated(), "a pair of more than one row"),
        *quantity_rules(pl.col("quantity")),
    ]
