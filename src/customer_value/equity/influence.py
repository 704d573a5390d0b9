"""Influence value: what a customer brings through the customers it refers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, overload

from pydantic import BaseModel, Field

from customer_value._frames.door import read_frame
from customer_value._frames.options import Amount, Money, Share, build
from customer_value._frames.time import check_day
from customer_value.equity.referrals import (
    InfluenceOptions,
    attribute,
    checked_referrals,
    facts_of,
    put_beside,
    still_open,
    sum_by,
)

if TYPE_CHECKING:
    import polars as pl

    from customer_value._frames.contracts import Kind
    from customer_value._typing import ArrowStream, Day, Frame


@overload
def influence_value(
    customers: pl.LazyFrame,
    referrals: Frame,
    *,
    as_of: Day,
    value: str = "clv",
    realised: str | None = None,
    options: InfluenceOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def influence_value(
    customers: ArrowStream,
    referrals: Frame,
    *,
    as_of: Day,
    value: str = "clv",
    realised: str | None = None,
    options: InfluenceOptions | None = None,
) -> pl.DataFrame: ...
def influence_value(
    customers: Frame,
    referrals: Frame,
    *,
    as_of: Day,
    value: str = "clv",
    realised: str | None = None,
    options: InfluenceOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the influence value of each customer: its customer referral value.

    After Kumar, Petersen & Leone (2010): a referred customer who came because of the referral
    (type one) brings the referrer its value and saves its acquisition cost, less the reward; one
    who would have come anyway (type two) only saves acquisition cost. Hence, summed over the
    referred, w value + saving - w reward, where w is 1 for type one, 0 for type two and the
    probability of type one where the type is unknown.

    A referral counts if it lies before the first purchase of the referred customer, by the window
    of the options at most; of several, the last one counts, and referrers of the same last day
    share value and saving equally. So no referred customer counts twice in this column.

    It counts in its own value, though: `attributed_value` says how much of it. Over all customers,
    own value + `influence_value` - `attributed_value` is own value + savings - rewards.

    Args:
        customers: Frame with `customer_id`, `first_purchase` and the value.
        referrals: Table with `referrer_id`, `referred_id`, `referred_at` (Date) and, where known,
            `type` (`"type_one"`, `"type_two"` or null), `p_incremental` (0 to 1), `reward_cost`
            and `acquisition_saving` (money); nulls in these are filled from the options.
        as_of: Day of the snapshot; referrals and first purchases after it do not count.
        value: Column of what each customer is still to bring, margin basis, money.
        realised: Column of what each customer has brought up to `as_of`, such as its profit.
        options: Which referrals count, and what they cost and save.

    Returns:
        The frame, in its order, with

        - `referrals` (Int64): customers won by referral, shared ones included
        - `open_referrals` (Int64): referrals of people who have bought nothing yet, while the
          window is open; they bring nothing so far
        - `influence_value` (Float64, money, margin basis): 0 without referrals, null where the
          value of a referred customer is unknown. With `realised` it is the forward part alone,
          w value; otherwise savings and rewards are in it.
        - `attributed_value` (Float64): what of the customer's own value stands in the
          `influence_value` of others; 0 for who was not referred, null where unknown
        - with `realised` also `realised_influence`, w realised + saving - w reward, and
          `attributed_realised`, so that past and future are apart

        A LazyFrame gives a LazyFrame; what the referrals need of it is collected at the call.

    Raises:
        OptionError: An option is out of range.
        OptionError: `as_of` is not a day.
        SchemaError: Columns are missing or of a wrong type, or keys are of different types.
        DataError: Referrals lack a key or a day, are of oneself, or are there twice; numbers in
            them are out of range, types unknown; referrers are not customers; customers who take
            part in referrals are there twice or have values that are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> customers = pl.DataFrame(
        ...     {
        ...         "customer_id": ["A", "B", "C"],
        ...         "first_purchase": [date(2023, 1, 9), date(2024, 3, 1), date(2024, 5, 2)],
        ...         "clv": [900.0, 400.0, 700.0],
        ...     }
        ... )
        >>> referrals = pl.DataFrame(
        ...     {
        ...         "referrer_id": ["A", "A"],
        ...         "referred_id": ["B", "C"],
        ...         "referred_at": [date(2024, 2, 1), date(2024, 4, 1)],
        ...         "type": ["type_one", "type_two"],
        ...     }
        ... )
        >>> options = cv.equity.InfluenceOptions(reward=50.0, acquisition_saving=95.0)
        >>> cv.equity.influence_value(
        ...     customers, referrals, as_of=date(2024, 6, 30), options=options
        ... ).select("referrals", "influence_value", "attributed_value").rows()
        [(2, 540.0, 0.0), (0, 0.0, 400.0), (0, 0.0, 0.0)]
    """
    day, options = check_day("as_of", as_of), options or InfluenceOptions()
    money = {"value": value} | ({} if realised is None else {"realised": realised})
    needed: dict[str, Kind] = {"customer_id": "key", "first_purchase": "day"}
    frame = read_frame(customers, needed | dict.fromkeys(money.values(), "number"))
    key = frame.collect_schema()
    table = checked_referrals(referrals, key["customer_id"], day, options)
    facts = facts_of(frame, table, money)
    attributed = attribute(table, facts, day, options)
    given, taken = sum_by(attributed, "referrer_id"), sum_by(attributed, "referred_id")
    waiting = still_open(table, facts, day, options)
    return put_beside(frame, given, taken, waiting, has_past=realised is not None)


class _ReferralTerms(BaseModel, frozen=True, extra="forbid", title="referral_value"):
    type_one: Amount
    type_two: Amount
    profit_per_period: Money
    incentive: Amount
    marketing_cost: Amount
    acquisition_saving: Amount
    periods: Annotated[int, Field(ge=0, le=10_000)]
    periods_per_year: Annotated[float, Field(gt=0, le=1000)]
    discount_rate: Share


def referral_value(
    *,
    type_one: float,
    type_two: float = 0.0,
    profit_per_period: float,
    incentive: float = 0.0,
    marketing_cost: float = 0.0,
    acquisition_saving: float = 0.0,
    periods: int = 1,
    periods_per_year: float = 1.0,
    discount_rate: float = 0.10,
) -> float:
    """Find the value of a steady stream of referrals to come.

    sum over t = 1 .. periods of (n1 (A - a - M + ACQ) + n2 ACQ) / (1 + d)^t, where n1 and n2 are
    the referrals of type one and two in a period, A the profit of a referred customer, a the
    incentive, M the marketing to keep the customer, ACQ the acquisition cost saved, and d the
    discount rate of a period (Kumar, Petersen & Leone 2010).

    Args:
        type_one: Customers in a period who would not have come without the referral.
        type_two: Customers in a period who would have come anyway.
        profit_per_period: Profit that a customer of type one brings, money.
        incentive: What the referrer is given for it, money.
        marketing_cost: What marketing to a customer of type one costs, money.
        acquisition_saving: Acquisition cost that each referred customer saves, money.
        periods: Number of periods; referrals come at the end of each.
        periods_per_year: Periods in a year, 2 for half-years.
        discount_rate: Annual effective rate, 0 to 1.

    Returns:
        The value today, money, margin basis.

    Raises:
        OptionError: A number is out of range.

    Examples:
        >>> import customer_value as cv
        >>> value = cv.equity.referral_value(
        ...     type_one=2,
        ...     type_two=2,
        ...     profit_per_period=98,
        ...     incentive=40,
        ...     marketing_cost=18,
        ...     acquisition_saving=5,
        ...     periods=2,
        ...     periods_per_year=2,
        ...     discount_rate=0.15,
        ... )
        >>> round(value, 2)
        180.21
    """
    terms = build(
        _ReferralTerms,
        type_one=type_one,
        type_two=type_two,
        profit_per_period=profit_per_period,
        incentive=incentive,
        marketing_cost=marketing_cost,
        acquisition_saving=acquisition_saving,
        periods=periods,
        periods_per_year=periods_per_year,
        discount_rate=discount_rate,
    )
    kept = (1 + terms.discount_rate) ** (-1 / terms.periods_per_year)
    saved = terms.acquisition_saving
    spent = terms.incentive + terms.marketing_cost
    won = terms.type_one * (terms.profit_per_period - spent + saved)
    return math.fsum((won + terms.type_two * saved) * kept**t for t in range(1, terms.periods + 1))
