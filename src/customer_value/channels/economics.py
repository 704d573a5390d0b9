"""Channels: what they cost, who prefers them, and what relations they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.contracts import check_instance
from customer_value._frames.options import build
from customer_value.channels.scorecard import (
    AXES,
    CHANNEL,
    FIGURES,
    customer_rows,
    figures,
    over,
    preferences,
    scores,
    spent,
)
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import Frame

__all__ = ["ChannelShift", "ChannelWeights", "channel_economics", "channel_shift"]

Weight: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ChannelWeights(BaseModel, frozen=True, extra="forbid"):
    """What each axis of the scorecard weighs in the index; they need not sum to 1.

    Attributes:
        cost_efficiency: Weight of what the channel costs.
        preference: Weight of who prefers the channel.
        relationship: Weight of what becomes of its customers.
    """

    cost_efficiency: Weight = 1.0
    preference: Weight = 1.0
    relationship: Weight = 1.0

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.cost_efficiency + self.preference + self.relationship > 0:
            raise ValueError("at least one axis must weigh more than 0")
        return self


class ChannelShift(BaseModel, frozen=True, extra="forbid"):
    """What moving contacts from one channel to another saves and loses.

    Attributes:
        saving: Contacts times the difference of their costs, money.
        value_lost: Customers who leave because of it, times their lifetime value, money.
        net: Saving less value lost.
        breakeven_retention_loss: Share of the customers whose loss eats up the saving; None where
            there is none to lose.
    """

    saving: float
    value_lost: float
    net: float
    breakeven_retention_loss: float | None


def channel_economics(
    customers: Frame,
    spend: Frame | None = None,
    *,
    channel: str = "channel",
    preferred: str | None = None,
    value: str | None = "clv",
    revenue: str | None = None,
    cost: str | None = None,
    orders: str | None = None,
    retained: str | None = None,
    satisfaction: str | None = None,
    weights: ChannelWeights | None = None,
) -> pl.DataFrame:
    """Score channels on three axes: cost efficiency, preference, and ability to keep customers.

    An axis is the mean of the z-scores, over the channels, of the figures that are known for a
    channel: cost efficiency of `cac`, `cost_per_order` and `cost_share` (less is better);
    preference of `preferred_share` and `net_switching`; relationship of `retention`, `value_mean`
    and `satisfaction`. The index is the weighted mean of the axes that are known. A z-score is
    relative to these channels: it ranks them and says nothing about any of them alone.

    Which channel a customer belongs to (first, last, most frequent) is decided before, by the
    column that is given.

    Args:
        customers: Frame with one row per customer, its channel, and the measures named below.
        spend: Table with the channel, `spend` (money) and `new_customers`, one or more rows per
            channel, for the acquisition cost.
        channel: Column of the channel that won the customer; null is a channel of its own.
        preferred: Column of the channel that the customer prefers now, such as the one it uses
            most; by default that which won it.
        value: Column of lifetime value before the acquisition cost, margin basis, money; None
            for none. It counts from the first purchase on: to `clv` of customers who have bought
            already, which is of what is to come, add what they have brought so far.
        revenue: Column of revenue, money.
        cost: Column of the cost to serve, money.
        orders: Column of the number of orders.
        retained: Column of whether (0, 1, true, false), or with what probability, the customer is
            still there after a time, such as 12 months; null for customers younger than that.
        satisfaction: Column of a satisfaction score, more is better.
        weights: What each axis weighs.

    Returns:
        One row per channel of either table, sorted: the channel, `customers` (Int64),
        `preferred_by` (Int64), `preferred_share` (Float64, of all customers), `switched_in` and
        `switched_out` (Int64, customers who prefer it but were won elsewhere, and the reverse)
        and `net_switching` (Float64, their difference over `customers`); as far as they can be
        computed, all Float64: `spend`, `new_customers`, `cac`, `clv_to_cac`, `cost_per_order`,
        `cost_share` (of revenue), `value_mean` with `value_low` and `value_high` (95 % normal
        interval of the mean), `retention` with `retention_low` and `retention_high` (95 %
        interval of Wilson 1927), `satisfaction`; then `cost_efficiency`, `preference`,
        `relationship` and `channel_index`. What is unknown for a channel is null, and left out
        of its axes.

    Raises:
        OptionError: Weights are below zero, or all zero; the channel column has a name of the
            result.
        SchemaError: Columns are missing or of a wrong type, or channels of different types.
        DataError: Numbers are NaN, infinite, too large or out of range.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"channel": ["web", "web", "shop"], "clv": [90.0, 110.0, 240.0]}
        ... )
        >>> spend = pl.DataFrame(
        ...     {"channel": ["web", "shop"], "spend": [40.0, 120.0], "new_customers": [2, 1]}
        ... )
        >>> cv.channels.channel_economics(customers, spend).select(
        ...     "channel", "cac", "clv_to_cac", "cost_efficiency", "relationship"
        ... ).rows()
        [('shop', 120.0, 2.0, -1.0, 1.0), ('web', 20.0, 5.0, 1.0, -1.0)]
    """
    weights = ChannelWeights() if weights is None else weights
    check_instance("weights", weights, ChannelWeights)
    measures = {
        "value": value,
        "revenue": revenue,
        "cost": cost,
        "orders": orders,
        "retained": retained,
        "satisfaction": satisfaction,
    }
    rows = customer_rows(
        customers, channel, preferred, {n: c for n, c in measures.items() if c is not None}
    )
    table = preferences(rows)
    measured = figures(rows)
    table = table.join(measured, on=CHANNEL, how="left", nulls_equal=True)
    if spend is not None:
        costs = spent(spend, channel, rows.schema[CHANNEL])
        table = table.join(costs, on=CHANNEL, how="full", coalesce=True, nulls_equal=True)
        counts = ["customers", "preferred_by", "preferred_share", "switched_in", "switched_out"]
        table = table.with_columns(pl.col(counts).fill_null(0))
        if value is not None:
            table = table.with_columns(clv_to_cac=over("value_mean", "cac"))
    if channel in (taken := [*FIGURES, *AXES, "channel_index"]):
        raise OptionError(f"channel has a name of the result, rename it: {channel}")
    scored = scores(table.sort(CHANNEL, nulls_last=True), weights.model_dump())
    return scored.select(
        pl.col(CHANNEL).alias(channel), *(name for name in taken if name in scored.columns)
    )


class _ShiftTerms(BaseModel, frozen=True, extra="forbid", title="channel_shift"):
    contacts: Weight
    cost_from: Weight
    cost_to: Weight
    customers: Weight
    retention_loss: Annotated[float, Field(ge=-1, le=1)]
    customer_value: Annotated[float, Field(allow_inf_nan=False)]


def channel_shift(
    *,
    contacts: float,
    cost_from: float,
    cost_to: float,
    customers: float = 0.0,
    retention_loss: float = 0.0,
    customer_value: float = 0.0,
) -> ChannelShift:
    """Find what moving contacts to another channel saves, and what it loses.

    net = q (c_from - c_to) - n l V: q contacts of costs c, n customers concerned, of whom the
    share l leaves because of it, and V the lifetime value of each. The share lost is an
    assumption until an experiment has measured it, so the share at which nothing is gained is
    given beside it.

    Args:
        contacts: Number of contacts that move.
        cost_from: Cost of a contact in the channel that they leave, money.
        cost_to: Cost of a contact in the channel that they move to, money.
        customers: Number of customers concerned.
        retention_loss: Share of them, -1 to 1, that leaves because of it; negative if more stay.
        customer_value: Residual lifetime value of each, margin basis, money.

    Returns:
        Saving, value lost, their difference and the breakeven.

    Raises:
        OptionError: A number is out of range.

    Examples:
        >>> import customer_value as cv
        >>> shift = cv.channels.channel_shift(
        ...     contacts=1000,
        ...     cost_from=6.0,
        ...     cost_to=0.5,
        ...     customers=400,
        ...     retention_loss=0.01,
        ...     customer_value=300.0,
        ... )
        >>> shift.saving, shift.value_lost, shift.net
        (5500.0, 1200.0, 4300.0)
    """
    terms = build(
        _ShiftTerms,
        contacts=contacts,
        cost_from=cost_from,
        cost_to=cost_to,
        customers=customers,
        retention_loss=retention_loss,
        customer_value=customer_value,
    )
    saving = terms.contacts * (terms.cost_from - terms.cost_to)
    at_stake = terms.customers * terms.customer_value
    lost = terms.retention_loss * at_stake
    return ChannelShift(
        saving=saving,
        value_lost=lost,
        net=saving - lost,
        breakeven_retention_loss=saving / at_stake if at_stake > 0 else None,
    )
