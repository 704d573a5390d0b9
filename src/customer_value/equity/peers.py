"""Wallets by peers: what the best of a customer's likes buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import check_instance
from customer_value._frames.derive import MONEY, check_numbers, derive, number
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import ArrowStream, Frame

_SEPARATOR = "\x1f"


class _Terms(BaseModel, frozen=True, extra="forbid", title="wallet_from_peers"):
    by: tuple[str, ...]
    revenue: str
    share: Annotated[float, Field(gt=0, lt=1)]
    min_peers: Annotated[int, Field(ge=1)]


class WalletGroup(BaseModel, frozen=True, extra="forbid"):
    """A group of peers.

    Attributes:
        key: Its attributes, written as text, widest first.
        wallet: What the best of its customers buy, money a year.
        peers: Customers of known revenue in it.
    """

    key: tuple[str, ...]
    wallet: Annotated[float, Field(allow_inf_nan=False)]
    peers: Annotated[int, Field(ge=1)]


class WalletModel(StoredModel, frozen=True):
    """Wallets of groups of peers, learnt from one set of customers; plain JSON.

    Attributes:
        by: The attribute columns, widest group first.
        revenue: Column of revenue, money a year.
        share: The quantile of the peers' revenue.
        min_peers: Customers of known revenue that a group needs.
        groups: The groups that have as many.
    """

    model: Literal["wallet"] = "wallet"
    by: Annotated[tuple[str, ...], Field(min_length=1)]
    revenue: str
    share: Annotated[float, Field(gt=0, lt=1)]
    min_peers: Annotated[int, Field(ge=1)]
    groups: tuple[WalletGroup, ...]


def fit_wallet(
    customers: Frame,
    *,
    by: str | Sequence[str],
    revenue: str = "revenue",
    share: float = 0.9,
    min_peers: int = 20,
) -> WalletModel:
    """Learn the wallets of groups of peers, to apply them to other customers.

    Args:
        customers: Frame with the attributes and the revenue of a year; a LazyFrame is collected.
        by: The attribute columns, widest group first.
        revenue: Column of revenue, money a year.
        share: Quantile (type 7) of the peers' revenue, above 0 and below 1.
        min_peers: Customers of known revenue that a group needs.

    Returns:
        The model, for `wallet_from_peers`.

    Raises:
        OptionError: The quantile or the number of peers is out of range.
        OptionError: `by` names no column, or one twice.
        SchemaError: Columns are missing, or the revenue is not a number.
        DataError: Revenue is NaN, infinite or 1e23 and more.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"industry": ["steel"] * 3, "revenue": [100.0, 50.0, 10.0]})
        >>> model = cv.equity.fit_wallet(monday, by="industry", share=0.5, min_peers=2)
        >>> friday = pl.DataFrame({"industry": ["steel", "glass"], "revenue": [20.0, 20.0]})
        >>> cv.equity.wallet_from_peers(friday, model)["wallet"].to_list()
        [50.0, None]
    """
    terms = build(_Terms, by=_names(by), revenue=revenue, share=share, min_peers=min_peers)
    frame = read_frame(customers, {**dict.fromkeys(terms.by, "any"), revenue: "number"})
    table = frame.lazy().select(*dict.fromkeys([*terms.by, revenue])).collect()
    spent = check_numbers(table, {revenue: MONEY}, what="customers")[revenue]
    rows = table.select(pl.col(name).cast(pl.String) for name in terms.by).with_columns(
        spent.alias("__spent__")
    )
    groups = [
        WalletGroup(key=tuple(key), wallet=wallet, peers=peers)
        for depth in range(1, len(terms.by) + 1)
        for *key, wallet, peers in _groups(rows, terms.by[:depth], terms).iter_rows()
    ]
    return WalletModel(**terms.model_dump(), groups=tuple(groups), fitted_on=fitted_on(frame))


def _groups(rows: pl.DataFrame, keys: Sequence[str], terms: _Terms) -> pl.DataFrame:
    """Wallet and number of peers of the groups that are large enough."""
    spent = pl.col("__spent__")
    found = rows.drop_nulls(keys).group_by(keys, maintain_order=True)
    sums = found.agg(
        quantile(spent, terms.share).alias("__wallet__"),
        spent.count().cast(pl.Int64).alias("__peers__"),
    )
    return sums.filter(pl.col("__peers__") >= terms.min_peers)


@overload
def wallet_from_peers(
    customers: pl.LazyFrame,
    model: WalletModel | None = None,
    *,
    by: str | Sequence[str] | None = None,
    revenue: str | None = None,
    share: float | None = None,
    min_peers: int | None = None,
) -> pl.LazyFrame: ...
@overload
def wallet_from_peers(
    customers: ArrowStream,
    model: WalletModel | None = None,
    *,
    by: str | Sequence[str] | None = None,
    revenue: str | None = None,
    share: float | None = None,
    min_peers: int | None = None,
) -> pl.DataFrame: ...
def wallet_from_peers(
    customers: Frame,
    model: WalletModel | None = None,
    *,
    by: str | Sequence[str] | None = None,
    revenue: str | None = None,
    share: float | None = None,
    min_peers: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the wallet of each customer by its peers: a high quantile of what they buy.

    Peers are the customers of equal attributes, such as industry and size band. What the best of
    them buy is what can be had from such a customer: with this wallet, the attainable share of
    `potential_value` is 1. Groups of too few known customers take the quantile of the wider group,
    without the last attribute.

    Args:
        customers: Frame with the attributes and the revenue of a year.
        model: Wallets of groups from `fit_wallet`, which then says all that follows. Without one
            they are learnt from these customers, and move with them.
        by: The attribute columns, widest group first: `["industry", "size_band"]`.
        revenue: Column of revenue, money a year; by default `"revenue"`.
        share: Quantile (type 7) of the peers' revenue, above 0 and below 1; by default 0.9.
        min_peers: Customers of known revenue that a group needs, the customer included; by default
            20.

    Returns:
        The frame with `wallet` (Float64, money a year, revenue basis; at least the customer's own
        revenue), `wallet_peers` (Int64, customers of known revenue in the group that was used)
        and `wallet_level` (String, the last attribute of that group). All are null where every
        group is too small or the customer's first attribute is unknown; groups by an unknown
        later attribute are passed over.

    Raises:
        OptionError: The quantile or the number of peers is out of range.
        OptionError: `by` names no column, or one twice; the model is not a `WalletModel`, or
            arguments are given that it says already.
        SchemaError: Columns are missing, or the revenue is not a number.
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
    if model is not None:
        check_instance("model", model, WalletModel)
        refuse_beside_model(by=by, revenue=revenue, share=share, min_peers=min_peers)
        return _by_model(customers, model)
    terms = build(
        _Terms,
        by=_names(by),
        revenue=revenue or "revenue",
        share=0.9 if share is None else share,
        min_peers=20 if min_peers is None else min_peers,
    )
    keys, revenue = list(terms.by), terms.revenue
    frame = read_frame(customers, {**dict.fromkeys(keys, "any"), revenue: "number"})
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


def _names(by: str | Sequence[str] | None) -> tuple[str, ...]:
    keys = (by,) if isinstance(by, str) else tuple(by or ())
    if not keys or len(set(keys)) < len(keys):
        raise OptionError(f"by must name different columns, got {list(keys)}")
    return keys


def _by_model(customers: Frame, model: WalletModel) -> pl.DataFrame | pl.LazyFrame:
    frame = read_frame(customers, {**dict.fromkeys(model.by, "any"), model.revenue: "number"})
    spent = number(model.revenue)
    wallet, peers, level = (pl.lit(None, t) for t in (pl.Float64, pl.Int64, pl.String))
    for depth in range(1, len(model.by) + 1):
        known = {_SEPARATOR.join(g.key): g for g in model.groups if len(g.key) == depth}
        if not known:
            continue
        key = _key(model.by[:depth])
        best = _looked_up(key, {text: g.wallet for text, g in known.items()}, pl.Float64())
        count = _looked_up(key, {text: g.peers for text, g in known.items()}, pl.Int64())
        usable = count.is_not_null()
        wallet = pl.when(usable).then(pl.max_horizontal(best, spent)).otherwise(wallet)
        peers = pl.when(usable).then(count).otherwise(peers)
        level = pl.when(usable).then(pl.lit(model.by[depth - 1])).otherwise(level)
    columns = {"wallet": wallet, "wallet_peers": peers, "wallet_level": level}
    return derive(frame, {model.revenue: MONEY}, columns)


def _key(names: Sequence[str]) -> pl.Expr:
    """The attributes as one text; null where one is unknown."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=_SEPARATOR)


def _looked_up(key: pl.Expr, known: Mapping[str, float], dtype: pl.DataType) -> pl.Expr:
    return key.replace_strict(list(known), list(known.values()), default=None, return_dtype=dtype)
