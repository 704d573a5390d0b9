"""Wallets: what a customer spends on the category, with whomever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import quantile, with_columns
from customer_value._frames.contracts import ArrayRule
from customer_value._frames.derive import FINITE, MONEY, derive, number
from customer_value._frames.door import read_frame
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

_BEHIND = "brands - rank + 1"
_BELOW_ONE = ArrayRule("values below 1", lambda values: values < 1)


class _Terms(BaseModel, frozen=True, extra="forbid", title="wallet_from_peers"):
    share: Annotated[float, Field(gt=0, lt=1)]
    min_peers: Annotated[int, Field(ge=1)]


@overload
def wallet_from_peers(
    customers: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    revenue: str = "revenue",
    share: float = 0.9,
    min_peers: int = 20,
) -> pl.LazyFrame: ...
@overload
def wallet_from_peers(
    customers: ArrowStream,
    *,
    by: str | Sequence[str],
    revenue: str = "revenue",
    share: float = 0.9,
    min_peers: int = 20,
) -> pl.DataFrame: ...
def wallet_from_peers(
    customers: Frame,
    *,
    by: str | Sequence[str],
    revenue: str = "revenue",
    share: float = 0.9,
    min_peers: int = 20,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the wallet that each customer's peers suggest: a high quantile of what they buy.

    Peers are the customers of equal attributes, such as industry and size band. What the best of
    them buy is what can be had from such a customer: with this wallet, the attainable share of
    `potential_value` is 1. Groups of too few known customers take the quantile of the wider group,
    without the last attribute.

    Args:
        customers: Frame with the attributes and the revenue of a year.
        by: The attribute columns, widest group first: `["industry", "size_band"]`.
        revenue: Column of revenue, money a year.
        share: Quantile (type 7) of the peers' revenue, above 0 and below 1.
        min_peers: Customers of known revenue that a group needs, the customer included.

    Returns:
        The frame with `wallet` (Float64, money a year, revenue basis; at least the customer's own
        revenue), `wallet_peers` (Int64, customers of known revenue in the group that was used)
        and `wallet_level` (String, the last attribute of that group). All are null where every
        group is too small or the customer's first attribute is unknown; groups by an unknown
        later attribute are passed over.

    Raises:
        ValidationError: The quantile or the number of peers is out of range.
        OptionError: `by` names no column, or one twice.
        SchemaError: Columns are missing, or the revenue is no number.
        DataError: Revenue is NaN, infinite or 1e23 and more; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "industry": ["steel"] * 3,
        ...         "size": ["big", "big", "small"],
        ...         "revenue": [100.0, 50.0, 10.0],
        ...     }
        ... )
        >>> cv.equity.wallet_from_peers(
        ...     customers, by=["industry", "size"], share=0.5, min_peers=2
        ... ).select("wallet", "wallet_peers", "wallet_level").rows()
        [(100.0, 2, 'size'), (75.0, 2, 'size'), (50.0, 3, 'industry')]
    """
    terms = _Terms(share=share, min_peers=min_peers)
    keys = [by] if isinstance(by, str) else list(by)
    if not keys or len(set(keys)) < len(keys):
        raise OptionError(f"by must name different columns, got {keys}")
    frame = read_frame(
        customers, {**dict.fromkeys(keys, "any"), revenue: "number"}, what="customers"
    )
    spent = number(revenue)
    wallet, peers, level = (pl.lit(None, t) for t in (pl.Float64, pl.Int64, pl.String))
    for depth in range(1, len(keys) + 1):
        group = keys[:depth]
        count = spent.count().over(group).cast(pl.Int64)
        usable = (count >= terms.min_peers) & pl.all_horizontal(pl.col(group).is_not_null())
        best = quantile(spent, terms.share).over(group)
        wallet = pl.when(usable).then(pl.max_horizontal(best, spent)).otherwise(wallet)
        peers = pl.when(usable).then(count).otherwise(peers)
        level = pl.when(usable).then(pl.lit(keys[depth - 1])).otherwise(level)
    columns = {"wallet": wallet, "wallet_peers": peers, "wallet_level": level}
    return derive(frame, {revenue: MONEY}, columns)


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
        SchemaError: Columns are missing or no numbers.
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
