"""The balance of acquisition and retention spending (Blattberg & Deighton 1996)."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator
from scipy.optimize import brentq

from customer_value._frames.money import MONEY_LIMIT
from customer_value._frames.options import Amount, Money, build

__all__ = [
    "AcquisitionRetention",
    "ResponseCurve",
    "acquisition_retention_value",
    "balance_acquisition_retention",
]


class ResponseCurve(BaseModel, frozen=True, extra="forbid"):
    """How the rate of success rises with spending: rate = ceiling (1 - exp(-k spend)).

    The curve is known by its ceiling, which no spending passes, and one point on it, the rate at
    the spending of today: k = -ln(1 - rate / ceiling) / spend.

    Attributes:
        ceiling: The highest rate that spending can reach, above 0 and at most 1.
        spend: Spending of today per prospect, or per customer and year, money, above zero.
        rate: The rate it reaches, above 0 and below the ceiling.

    Examples:
        >>> import customer_value as cv
        >>> curve = cv.allocation.ResponseCurve(ceiling=0.8, spend=8.0, rate=0.6)
        >>> round(curve.steepness, 6), round(curve.rate_at(16.0), 2)
        (0.173287, 0.75)
    """

    ceiling: Annotated[float, Field(gt=0, le=1)]
    spend: Annotated[float, Field(gt=0, lt=MONEY_LIMIT)]
    rate: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _below_the_ceiling(self) -> Self:
        if not self.rate < self.ceiling:
            raise ValueError(f"the rate {self.rate:g} must be below the ceiling {self.ceiling:g}")
        return self

    @property
    def steepness(self) -> float:
        """The k of the curve, per unit of money."""
        return -math.log1p(-self.rate / self.ceiling) / self.spend

    def rate_at(self, spend: float) -> float:
        """The rate that a spending reaches."""
        return -self.ceiling * math.expm1(-self.steepness * spend)

    def marginal_cost(self, spend: float) -> float:
        """What one more success costs at a spending, money; infinite where none is to be had."""
        log_slope = math.log(self.ceiling * self.steepness) - self.steepness * spend
        return math.exp(-log_slope) if log_slope > -700 else math.inf


class AcquisitionRetention(BaseModel, frozen=True, extra="forbid"):
    """What a prospect is worth at some spending on acquisition and retention.

    Attributes:
        acquisition_spend: Spending per prospect, money.
        retention_spend: Spending per customer and year, money.
        acquisition_rate: Share of prospects who become customers.
        retention_rate: Share of customers who stay for another year.
        customer_value: Value of a customer at the time it is won, money.
        equity_per_prospect: Acquisition rate times customer value, less acquisition spend, money.
        marginal_acquisition_cost: What one more customer costs, money.
        marginal_retention_cost: What keeping one more customer costs, money.
    """

    acquisition_spend: float
    retention_spend: float
    acquisition_rate: float
    retention_rate: float
    customer_value: float
    equity_per_prospect: float
    marginal_acquisition_cost: float
    marginal_retention_cost: float


class _Terms(BaseModel, frozen=True, extra="forbid", title="acquisition_retention"):
    profit_per_period: Money
    discount_rate: Annotated[float, Field(gt=0, le=1)]
    acquisition_spend: Amount = 0.0
    retention_spend: Amount = 0.0


def acquisition_retention_value(
    acquisition: ResponseCurve,
    retention: ResponseCurve,
    *,
    profit_per_period: float,
    discount_rate: float = 0.10,
    acquisition_spend: float | None = None,
    retention_spend: float | None = None,
) -> AcquisitionRetention:
    """Find what a prospect is worth at a given spending on acquisition and retention.

    V = m + (m - R / r) r / (1 + d - r) and equity = a V - A, with acquisition rate a at spend A,
    retention rate r at spend R, yearly profit m and discount rate d (Blattberg & Deighton 1996).

    Args:
        acquisition: Curve of the share of prospects won, by spend per prospect.
        retention: Curve of the share of customers kept, by spend per customer and year.
        profit_per_period: Profit of a customer in a year, before retention spending, money.
        discount_rate: Annual effective rate, above 0 and at most 1.
        acquisition_spend: Spend per prospect, money; by default that of today.
        retention_spend: Spend per customer and year, money; by default that of today.

    Returns:
        Spending, rates, values and marginal costs.

    Raises:
        OptionError: A number is out of range.

    Examples:
        >>> import customer_value as cv
        >>> acquire = cv.allocation.ResponseCurve(ceiling=0.10, spend=1.0, rate=0.04)
        >>> retain = cv.allocation.ResponseCurve(ceiling=0.80, spend=8.0, rate=0.60)
        >>> today = cv.allocation.acquisition_retention_value(
        ...     acquire, retain, profit_per_period=50.0
        ... )
        >>> round(today.customer_value, 2), round(today.equity_per_prospect, 2)
        (94.0, 2.76)
    """
    terms = build(
        _Terms,
        profit_per_period=profit_per_period,
        discount_rate=discount_rate,
        acquisition_spend=acquisition.spend if acquisition_spend is None else acquisition_spend,
        retention_spend=retention.spend if retention_spend is None else retention_spend,
    )
    a, r = acquisition.rate_at(terms.acquisition_spend), retention.rate_at(terms.retention_spend)
    worth = terms.profit_per_period + (terms.profit_per_period * r - terms.retention_spend) / (
        terms.discount_rate + (1 - r)
    )
    return AcquisitionRetention(
        acquisition_spend=terms.acquisition_spend,
        retention_spend=terms.retention_spend,
        acquisition_rate=a,
        retention_rate=r,
        customer_value=worth,
        equity_per_prospect=a * worth - terms.acquisition_spend,
        marginal_acquisition_cost=acquisition.marginal_cost(terms.acquisition_spend),
        marginal_retention_cost=retention.marginal_cost(terms.retention_spend),
    )


def balance_acquisition_retention(
    acquisition: ResponseCurve,
    retention: ResponseCurve,
    *,
    profit_per_period: float,
    discount_rate: float = 0.10,
) -> AcquisitionRetention:
    """Find the spending on acquisition and retention that makes a prospect worth most.

    At the optimum one more customer costs as much to win as to keep, and as much as it is worth
    (Pfeifer 2005), wherever spending pays at all. The best retention spend does not depend on
    acquisition; the best acquisition spend is ln(c k V) / k for the value V that follows.

    Args:
        acquisition: Curve of the share of prospects won, by spend per prospect.
        retention: Curve of the share of customers kept, by spend per customer and year.
        profit_per_period: Profit of a customer in a year, before retention spending, money.
        discount_rate: Annual effective rate, above 0 and at most 1.

    Returns:
        The best spending, with its rates, values and marginal costs. Spending that does not pay
        for its first unit of money is zero.

    Raises:
        OptionError: A number is out of range.

    Examples:
        >>> import customer_value as cv
        >>> acquire = cv.allocation.ResponseCurve(ceiling=0.10, spend=1.0, rate=0.04)
        >>> retain = cv.allocation.ResponseCurve(ceiling=0.80, spend=8.0, rate=0.60)
        >>> best = cv.allocation.balance_acquisition_retention(
        ...     acquire, retain, profit_per_period=50.0
        ... )
        >>> round(best.acquisition_spend, 3), round(best.retention_spend, 3)
        (3.405, 15.798)
        >>> round(best.marginal_acquisition_cost, 3), round(best.marginal_retention_cost, 3)
        (111.439, 111.439)
    """
    terms = build(_Terms, profit_per_period=profit_per_period, discount_rate=discount_rate)
    most = terms.profit_per_period * (1 + terms.discount_rate)

    def gain(spend: float) -> float:
        """Falls in the spending; zero where the next unit of money is worth one."""
        rate = retention.rate_at(spend)
        slope = retention.steepness * (retention.ceiling - rate)
        return slope * (most - spend) - (terms.discount_rate + (1 - rate))

    pays = most > 0 and gain(0.0) > 0
    kept = float(brentq(gain, 0.0, most, xtol=1e-300, rtol=1e-15, maxiter=5000)) if pays else 0.0
    worth = acquisition_retention_value(
        acquisition,
        retention,
        profit_per_period=profit_per_period,
        discount_rate=discount_rate,
        acquisition_spend=0.0,
        retention_spend=kept,
    ).customer_value
    k = acquisition.steepness
    first = acquisition.ceiling * k * worth
    return acquisition_retention_value(
        acquisition,
        retention,
        profit_per_period=profit_per_period,
        discount_rate=discount_rate,
        acquisition_spend=math.log(first) / k if first > 1 else 0.0,
        retention_spend=kept,
    )
