"""Wallets: what a customer spends on the category, with whomever."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import ArrayRule
from customer_value._frames.derive import FINITE, MONEY, derive, number
from customer_value._frames.door import read_frame

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

_BEHIND = "brands - rank + 1"
_BELOW_ONE = ArrayRule("values below 1", lambda values: values < 1)


@overload
def wallet_from_ranks(
    customers: pl.LazyFrame,
    *,
    rank: str = "rank",
    brands: str = "brands",
    revenue: str | None = "revenue",
) -> pl.LazyFrame: ...
@overload
def wallet_from_ranks(
    customers: ArrowStream,
    *,
    rank: str = "rank",
    brands: str = "brands",
    revenue: str | None = "revenue",
) -> pl.DataFrame: ...
def wallet_from_ranks(
    customers: Frame,
    *,
    rank: str = "rank",
    brands: str = "brands",
    revenue: str | None = "revenue",
) -> pl.DataFrame | pl.LazyFrame:
    """Add the share of wallet that a customer's ranking of suppliers implies, and the wallet.

    The Wallet Allocation Rule: share = (1 - rank / (n + 1)) (2 / n) for rank 1 (best) to n of the
    n suppliers that the customer uses (Keiningham, Aksoy, Williams & Buoye 2015). The shares of
    one customer's n suppliers sum to 1. Tied suppliers take the mean of their ranks.

    Args:
        customers: Frame with the answers of a survey, nulls where nothing was answered.
        rank: Column of the rank that the customer gives to us, 1 is best.
        brands: Column of the number n of suppliers that the customer uses, us included.
        revenue: Column of revenue, money a year; None for the share only.

    Returns:
        The frame with `wallet_share` (Float64, 0 to 1) and `wallet` (Float64, money a year:
        revenue over share). Both are null where an answer is unknown.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Ranks or numbers are below 1, ranks are above the number of suppliers, or
            values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> survey = pl.DataFrame({"rank": [1, 2, 3], "brands": [3, 3, 3], "revenue": [60.0] * 3})
        >>> cv.equity.wallet_from_ranks(survey).select("wallet_share", "wallet").row(1)
        (0.3333333333333333, 180.0)
    """
    frame = read_frame(customers, {rank: "number", brands: "number"}, what="customers")
    answered, used = (pl.col(name).cast(pl.Float64) for name in (rank, brands))
    frame = with_columns(frame, (used - answered + 1).alias(_BEHIND))  # the place from the last
    n = number(brands)
    share = 2 * number(_BEHIND) / (n * (n + 1))
    answers = dict.fromkeys((rank, brands, _BEHIND), (*FINITE, _BELOW_ONE))
    columns = {"wallet_share": share}
    if revenue is not None:
        columns["wallet"] = number(revenue) / share
        return derive(frame, {**answers, revenue: MONEY}, columns).drop(_BEHIND)
    return derive(frame, answers, columns).drop(_BEHIND)
