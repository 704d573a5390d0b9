"""Potential value: what the relation will still bring, and what could be had besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.derive import AMOUNT, MARGIN, MONEY, SHARE, derive, number
from customer_value._frames.options import Share, build

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame


class PotentialOptions(BaseModel, frozen=True, extra="forbid"):
    """How much of the rest of a wallet is worth.

    Attributes:
        attainable_share: Share of the wallet that can be had, or the name of a column of such
            shares: such as the 80th to 90th percentile of the peers' shares. It is 1 for wallets
            from `wallet_from_peers`, which are attained by peers.
        realisation: Probability that the gap is closed, or the name of a column of it.
        retention: Yearly retention, or the name of a column of it: year k counts with its k-th
            power.
        years: Years for which the gap, once closed, brings its margin.
        ramp_years: Years until the gap is closed: year k counts with k / `ramp_years`, at most 1.
        discount_rate: Annual effective rate; margins come at the end of each year.
        unknown_wallet: `"residual"`: potential value is the residual value alone where the
            headroom is unknown; `"null"`: it is unknown too.
    """

    attainable_share: Share | str = 1.0
    realisation: Share | str = 1.0
    retention: Share | str = 1.0
    years: Annotated[int, Field(ge=1, le=100)] = 1
    ramp_years: Annotated[int, Field(ge=1, le=100)] = 1
    discount_rate: Share = 0.10
    unknown_wallet: Literal["residual", "null"] = "residual"


@overload
def potential_value(
    customers: pl.LazyFrame,
    *,
    residual: str = "clv",
    wallet: str | None = None,
    revenue: str = "revenue",
    margin: float | str | None = None,
    options: PotentialOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def potential_value(
    customers: ArrowStream,
    *,
    residual: str = "clv",
    wallet: str | None = None,
    revenue: str = "revenue",
    margin: float | str | None = None,
    options: PotentialOptions | None = None,
) -> pl.DataFrame: ...
def potential_value(
    customers: Frame,
    *,
    residual: str = "clv",
    wallet: str | None = None,
    revenue: str = "revenue",
    margin: float | str | None = None,
    options: PotentialOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the potential value of each customer: residual lifetime value and wallet headroom.

    gap = max(wallet s - revenue, 0) with the attainable share s, headroom = gap m p with margin m
    and probability of realisation p, and headroom value = headroom * sum over years k of
    min(k / ramp, 1) (r / (1 + d))^k with retention r and discount rate d.

    Args:
        customers: Frame with the residual value and, for the headroom, wallet and revenue.
        residual: Column of the residual lifetime value, margin basis: what is to come from the
            customer as it is, without its acquisition cost, which is spent.
        wallet: Column of what the customer spends on the category, money a year, revenue basis:
            its own word, a survey's, or that of `wallet_from_peers` or `wallet_from_ranks`. By
            default there is no headroom.
        revenue: Column of the customer's revenue, money a year.
        margin: Share of revenue that is margin, -1 to 1, or the name of a column of such shares;
            needed with a wallet.
        options: How much of the rest of the wallet is worth.

    Returns:
        The frame with `potential_value` (Float64, money, margin basis; null where the residual
        value is unknown); with a wallet also `wallet_share` (Float64, revenue over wallet, 0 to
        1; null where the wallet is unknown or zero), `wallet_exceeded` (Boolean: the revenue is
        above the wallet, which so is too small), `headroom` (Float64, margin a year) and
        `headroom_value` (Float64, margin in today's money), null where any part is unknown.

    Raises:
        OptionError: A share is out of range, or a wallet comes without a margin.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN, infinite or 1e23 and more, shares out of range, or wallets
            below zero; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "clv": [500.0, 900.0],
        ...         "revenue": [20_000.0, 45_000.0],
        ...         "wallet": [100_000.0, 50_000.0],
        ...     }
        ... )
        >>> options = cv.equity.PotentialOptions(attainable_share=0.6, discount_rate=0.0)
        >>> cv.equity.potential_value(
        ...     customers, wallet="wallet", margin=0.3, options=options
        ... ).select("headroom", "potential_value").rows()
        [(12000.0, 12500.0), (0.0, 900.0)]
    """
    options = options or PotentialOptions()
    if wallet is None:
        return derive(customers, {residual: MONEY}, {"potential_value": number(residual)})
    margin = build(_Terms, margin=margin).margin
    owned, spent = number(wallet), number(revenue)
    gap = (owned * number(options.attainable_share) - spent).clip(lower_bound=0)
    headroom = gap * number(margin) * number(options.realisation)
    value = headroom * _years_worth(options)
    more = value.fill_null(0) if options.unknown_wallet == "residual" else value
    columns = {
        "wallet_share": pl.when(owned > 0).then((spent / owned).clip(0, 1)),
        "wallet_exceeded": spent > owned,
        "headroom": headroom,
        "headroom_value": value,
        "potential_value": number(residual) + more,
    }
    shares = dict.fromkeys(
        (options.attainable_share, options.realisation, options.retention), SHARE
    )
    inputs = {residual: MONEY, wallet: AMOUNT, revenue: MONEY, margin: MARGIN, **shares}
    return derive(customers, inputs, columns)


class _Terms(BaseModel, frozen=True, extra="forbid", title="potential_value"):
    margin: Annotated[float, Field(ge=-1, le=1)] | str


def _years_worth(options: PotentialOptions) -> pl.Expr:
    """Today's value of one a year, as Horner's rule sums it."""
    kept = number(options.retention) / (1 + options.discount_rate)
    worth = pl.lit(0.0)
    for year in range(options.years, 0, -1):
        worth = (worth + min(year / options.ramp_years, 1.0)) * kept
    return worth
