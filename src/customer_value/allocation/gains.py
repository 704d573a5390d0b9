"""What an offer is expected to bring: to customers who may leave, and to those who have left."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl
from pydantic import BaseModel

from customer_value._frames.derive import AMOUNT, MONEY, SHARE, derive, number
from customer_value._frames.options import Amount, Share, build
from customer_value._frames.valued import check_if_alive

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["retention_offer_gain", "win_back_gain"]


class _RetentionTerms(BaseModel, frozen=True, extra="forbid", title="retention_offer_gain"):
    success: Share | str
    acceptance: Share | str
    offer_cost: Amount | str
    contact_cost: Amount | str


class _WinBackTerms(BaseModel, frozen=True, extra="forbid", title="win_back_gain"):
    success: Share | str
    offer_cost: Amount | str
    contact_cost: Amount | str


@overload
def retention_offer_gain(
    customers: pl.LazyFrame,
    *,
    success: float | str,
    acceptance: float | str,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    churn: str = "churn_risk",
    clv_if_alive: str = "clv_if_alive",
) -> pl.LazyFrame: ...
@overload
def retention_offer_gain(
    customers: ArrowStream,
    *,
    success: float | str,
    acceptance: float | str,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    churn: str = "churn_risk",
    clv_if_alive: str = "clv_if_alive",
) -> pl.DataFrame: ...
def retention_offer_gain(
    customers: Frame,
    *,
    success: float | str,
    acceptance: float | str,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    churn: str = "churn_risk",
    clv_if_alive: str = "clv_if_alive",
) -> pl.DataFrame | pl.LazyFrame:
    """Add what an offer to stay is expected to bring and to cost.

    gain = p g (V - c) - (1 - p) a c - k: of those who would leave (probability p) the share g
    accepts and stays, with value V; of those who would have stayed, the share a takes the offer
    of cost c for nothing; k is the cost of the contact. High risk alone does not justify an
    offer: where an experiment exists, take the success that it measured for such customers.

    Args:
        customers: Frame with churn and the value if alive.
        success: Share g of would-be leavers whom the offer keeps, 0 to 1, or a column of it.
        acceptance: Share a of the others who take the offer, 0 to 1, or a column of it.
        offer_cost: Cost c of an accepted offer, money, or a column of it.
        contact_cost: Cost k of making the offer, money, or a column of it.
        churn: Column of the probability that the customer leaves.
        clv_if_alive: Column of the lifetime value of a customer who stays, margin basis, money.
            `clv` cannot serve here: it is P(alive) times this value already, and would count the
            probability twice.

    Returns:
        The frame with `offer_gain` (Float64, money, after all costs of the offer) and
        `expected_offer_cost` (Float64, money, the cost that is in it), which `select_offers` takes
        as gain and cost; null where an input is unknown: leave those customers out before.

    Raises:
        OptionError: A number is out of range.
        OptionError: `clv_if_alive` is a value that holds P(alive).
        SchemaError: Columns are missing or not numbers.
        DataError: Values are out of range, NaN, infinite or too large; for a LazyFrame when it is
            collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"churn_risk": [0.5, 0.0625], "clv_if_alive": [500.0, 500.0]})
        >>> cv.allocation.retention_offer_gain(
        ...     customers, success=0.25, acceptance=0.5, offer_cost=50.0, contact_cost=1.0
        ... ).select("offer_gain", "expected_offer_cost").rows()
        [(42.75, 19.75), (-17.40625, 25.21875)]
    """
    terms = build(
        _RetentionTerms,
        success=success,
        acceptance=acceptance,
        offer_cost=offer_cost,
        contact_cost=contact_cost,
    )
    check_if_alive("clv_if_alive", clv_if_alive)
    leaves = number(churn)
    worth = number(clv_if_alive)
    kept = leaves * number(terms.success)
    taken = kept + (1 - leaves) * number(terms.acceptance)
    spent = taken * number(terms.offer_cost) + number(terms.contact_cost)
    columns = {"offer_gain": kept * worth - spent, "expected_offer_cost": spent}
    shares = dict.fromkeys((churn, terms.success, terms.acceptance), SHARE)
    costs = dict.fromkeys((terms.offer_cost, terms.contact_cost), AMOUNT)
    return derive(customers, {clv_if_alive: MONEY, **shares, **costs}, columns)


@overload
def win_back_gain(
    segments: pl.LazyFrame,
    *,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    success: float | str = "win_back_rate",
    customers: str = "customers",
    value: str = "second_lifetime_value",
) -> pl.LazyFrame: ...
@overload
def win_back_gain(
    segments: ArrowStream,
    *,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    success: float | str = "win_back_rate",
    customers: str = "customers",
    value: str = "second_lifetime_value",
) -> pl.DataFrame: ...
def win_back_gain(
    segments: Frame,
    *,
    offer_cost: float | str,
    contact_cost: float | str = 0.0,
    success: float | str = "win_back_rate",
    customers: str = "customers",
    value: str = "second_lifetime_value",
) -> pl.DataFrame | pl.LazyFrame:
    """Add what winning lost customers back is expected to bring, by segment.

    gain = n q (V - c) - n k, after Stauss & Friege (1999): of n customers who are contacted at a
    cost of k each, the share q comes back for an offer of cost c and brings a second lifetime
    value V.

    Args:
        segments: Frame with one row per segment of lost customers.
        offer_cost: Cost c of an accepted offer, money, or a column of it.
        contact_cost: Cost k of contacting one customer, money, or a column of it.
        success: Share q who comes back, 0 to 1, or a column of it; it falls with the time since
            the loss.
        customers: Column of the number n of customers.
        value: Column of the lifetime value V of customers who were won back, margin basis, money:
            known from those who were, not from first lives.

    Returns:
        The frame with `win_back_gain` (Float64, money) and `maximum_offer` (Float64, money, the
        cost of an offer at which the gain is 0, V - k / q; null where none come back); null
        where an input is unknown.

    Raises:
        OptionError: A number is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are out of range, NaN, infinite or too large; for a LazyFrame when it is
            collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> segments = pl.DataFrame(
        ...     {"customers": [200], "win_back_rate": [0.12], "second_lifetime_value": [450.0]}
        ... )
        >>> valued = cv.allocation.win_back_gain(segments, offer_cost=50.0, contact_cost=6.0)
        >>> valued.select("win_back_gain", "maximum_offer").row(0)
        (8400.0, 400.0)
    """
    terms = build(_WinBackTerms, success=success, offer_cost=offer_cost, contact_cost=contact_cost)
    back = number(customers) * number(terms.success)
    gain = back * (number(value) - number(terms.offer_cost))
    share, contact = number(terms.success), number(terms.contact_cost)
    columns = {
        "win_back_gain": gain - number(customers) * contact,
        "maximum_offer": pl.when(share > 0).then(number(value) - contact / share),
    }
    costs = dict.fromkeys((customers, terms.offer_cost, terms.contact_cost), AMOUNT)
    inputs = {value: MONEY, terms.success: SHARE, **costs}
    return derive(segments, inputs, columns, what="segments")
