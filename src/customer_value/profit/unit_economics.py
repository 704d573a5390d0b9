"""Unit economics: what a customer costs to win, and when and how far it pays that back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import check_names
from customer_value._frames.derive import AMOUNT, FINITE, MONEY, SHARE, derive, number
from customer_value._frames.intervals import wilson
from customer_value._frames.options import Share, build

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["clv_to_cac", "payback_months", "simple_clv"]

_SLACK = 1e-9
_MOST_PAYMENTS = 12_000
_ONE_SIDED_95 = 1.6448536269514722


class _PaybackTerms(BaseModel, frozen=True, extra="forbid", title="payback_months"):
    discount_rate: Share


class _ClvTerms(BaseModel, frozen=True, extra="forbid", title="simple_clv"):
    max_months: Annotated[float, Field(gt=0, le=1200)]


@overload
def payback_months(
    units: pl.LazyFrame,
    *,
    cac: str = "cac",
    profit_per_period: str = "profit_per_period",
    churn: str | None = None,
    discount_rate: float = 0.10,
) -> pl.LazyFrame: ...
@overload
def payback_months(
    units: ArrowStream,
    *,
    cac: str = "cac",
    profit_per_period: str = "profit_per_period",
    churn: str | None = None,
    discount_rate: float = 0.10,
) -> pl.DataFrame: ...
def payback_months(
    units: Frame,
    *,
    cac: str = "cac",
    profit_per_period: str = "profit_per_period",
    churn: str | None = None,
    discount_rate: float = 0.10,
) -> pl.DataFrame | pl.LazyFrame:
    """Add how long a customer takes to pay back what it cost to win.

    The simple payback is CAC / m, with m the margin of a month. The number of payments is the
    smallest k with sum over t < k of m r^t / (1 + d)^t >= CAC, where r = 1 - churn is the share
    of customers who are still there after a month and d the discount rate of a month. That sum
    never exceeds m / (1 - r / (1 + d)): a CAC above it is never paid back, and then there is no
    payback to show, simple or not.

    Args:
        units: Frame of customers, channels or segments.
        cac: Column of the cost of winning a customer (CAC), money.
        profit_per_period: Column of the margin that a customer brings in a month, money; the first
            payment comes at once.
        churn: Column of the share of customers, 0 to 1, who leave in a month; by default no one
            does.
        discount_rate: Annual effective rate, 0 to 1.

    Returns:
        The frame with `payback_months` (Float64, the simple payback), `payback_payments` (Int64,
        monthly payments that are needed, survival and interest included) and `payback_reached`
        (Boolean). Never reached is null, null and false: margins at or below zero, a CAC above
        what will ever be paid, or more than 12,000 payments. Unknown inputs make all three null.
        Sums that reach the CAC to a relative 1e-9 count as reaching it.

    Raises:
        OptionError: The discount rate is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Costs are below zero, churn is not within 0 to 1, or values are NaN, infinite
            or 1e23 and more; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> channels = pl.DataFrame(
        ...     {
        ...         "cac": [95.0, 140.0, 200.0],
        ...         "profit_per_period": [20.0, 16.0, 16.0],
        ...         "churn": [0.06, 0.09, 0.09],
        ...     }
        ... )
        >>> cv.profit.payback_months(channels, churn="churn").select(
        ...     "payback_months", "payback_payments", "payback_reached"
        ... ).rows()
        [(4.75, 6, True), (8.75, 19, True), (None, None, False)]
    """
    rate = build(_PaybackTerms, discount_rate=discount_rate).discount_rate
    given = (cac, profit_per_period) if churn is None else (cac, profit_per_period, churn)
    check_names(given, what="units")
    monthly = (1 + rate) ** (1 / 12) - 1
    left = number(0.0 if churn is None else churn)
    cost, margin = number(cac), number(profit_per_period)
    simple = pl.when(cost == 0).then(0.0).when(margin > 0).then(cost / margin)
    # What each payment lacks of the one before: 1 - r / (1 + d), exact where both are small.
    lacks = (left + monthly) / (1 + monthly)
    last = simple * lacks * (1 - _SLACK)
    geometric = (-last).log1p() / (-lacks).log1p()
    payments = (
        pl.when(lacks == 0)
        .then(simple)
        .when((lacks == 1) & (last <= 1))
        .then(simple.clip(upper_bound=1))
        .when(last < 1)
        .then(geometric)
    )
    whole = (payments * (1 - _SLACK)).ceil()
    known = cost.is_not_null() & margin.is_not_null() & left.is_not_null()
    reached = (whole <= _MOST_PAYMENTS).fill_null(value=False)
    columns = {
        "payback_months": pl.when(known & reached).then(simple),
        "payback_payments": pl.when(known & reached).then(whole).cast(pl.Int64),
        "payback_reached": pl.when(known).then(reached),
    }
    inputs = {cac: AMOUNT, profit_per_period: MONEY}
    return derive(units, inputs | ({} if churn is None else {churn: SHARE}), columns, what="units")


@overload
def simple_clv(
    units: pl.LazyFrame,
    *,
    profit_per_period: str = "profit_per_period",
    churn: str = "churn",
    max_months: float = 120.0,
    sample: str | None = None,
) -> pl.LazyFrame: ...
@overload
def simple_clv(
    units: ArrowStream,
    *,
    profit_per_period: str = "profit_per_period",
    churn: str = "churn",
    max_months: float = 120.0,
    sample: str | None = None,
) -> pl.DataFrame: ...
def simple_clv(
    units: Frame,
    *,
    profit_per_period: str = "profit_per_period",
    churn: str = "churn",
    max_months: float = 120.0,
    sample: str | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the simple lifetime value of a customer: monthly margin over monthly churn.

    m / churn is the expected margin of a customer whose chance to leave is the same in every
    month, undiscounted. It grows without bound as churn falls to 0, which it does by chance in
    small samples; so lives are cut at a limit, and that is said. `customer_lifetime_value` and the
    contractual models are the better choice wherever there are histories.

    Args:
        units: Frame of channels, plans or segments.
        profit_per_period: Column of what a customer brings in a month, money: margin, not
            revenue.
        churn: Column of the share of customers, 0 to 1, who leave in a month.
        max_months: The longest expected life that is believed, in months.
        sample: Column of the number of customers whom the churn was counted on.

    Returns:
        The frame with `clv` (Float64, money, margin basis, before the acquisition cost) and
        `clv_capped` (Boolean: the expected life 1 / churn is above `max_months`); with `sample`
        also `clv_at_high_churn` (Float64), the value at the upper bound of churn (Wilson 1927,
        one-sided, 95 %), which a lucky sample cannot inflate. Unknown inputs give nulls.

    Raises:
        OptionError: `max_months` is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Churn is not within 0 to 1, samples are below zero, or values are NaN, infinite
            or 1e23 and more; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> plans = pl.DataFrame({"profit_per_period": [18.0, 18.0], "churn": [0.03, 0.0]})
        >>> cv.profit.simple_clv(plans).select("clv", "clv_capped").rows()
        [(600.0, False), (2160.0, True)]
    """
    longest = build(_ClvTerms, max_months=max_months).max_months
    given = (profit_per_period, churn) if sample is None else (profit_per_period, churn, sample)
    check_names(given, what="units")
    margin, left = number(profit_per_period), number(churn)

    def worth(rate: pl.Expr) -> pl.Expr:
        life = pl.when(rate * longest < 1).then(longest * margin).otherwise(margin / rate)
        return pl.when(rate.is_not_null()).then(life)

    columns = {"clv": worth(left), "clv_capped": left * longest < 1}
    inputs = {profit_per_period: MONEY, churn: SHARE}
    if sample is not None:
        columns["clv_at_high_churn"] = worth(_high_churn(left, number(sample)))
        inputs[sample] = AMOUNT
    return derive(units, inputs, columns, what="units")


@overload
def clv_to_cac(units: pl.LazyFrame, *, value: str = "clv", cac: str = "cac") -> pl.LazyFrame: ...
@overload
def clv_to_cac(units: ArrowStream, *, value: str = "clv", cac: str = "cac") -> pl.DataFrame: ...
def clv_to_cac(
    units: Frame, *, value: str = "clv", cac: str = "cac"
) -> pl.DataFrame | pl.LazyFrame:
    """Add lifetime value over acquisition cost.

    Both are money of one customer, and the value is on margin: with revenue on top the ratio
    looks better by one over the margin. That it should be 3 is a rule of thumb.

    Args:
        units: Frame of customers, channels or segments.
        value: Column of lifetime value before the acquisition cost, margin basis, money.
        cac: Column of the cost of winning a customer (CAC), money.

    Returns:
        The frame with `clv_to_cac` (Float64; null where the cost is zero or an input unknown).

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Costs are below zero, or 1e23 and more, or values are NaN or infinite; for a
            LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> channels = pl.DataFrame({"clv": [600.0, 280.0], "cac": [20.0, 0.0]})
        >>> cv.profit.clv_to_cac(channels)["clv_to_cac"].to_list()
        [30.0, None]
    """
    check_names((value, cac), what="units")
    worth, cost = number(value), number(cac)
    columns = {"clv_to_cac": pl.when(cost > 0).then(worth / cost)}
    return derive(units, {value: FINITE, cac: AMOUNT}, columns, what="units")


def _high_churn(rate: pl.Expr, n: pl.Expr) -> pl.Expr:
    """Upper end of the score interval of Wilson (1927); unknown without a sample."""
    _, high = wilson(rate, n, _ONE_SIDED_95)
    return pl.when(n > 0).then(high.clip(0, 1))
