"""Lifetime value by formula: profit, retention and a rate of discount, all per period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import array_column
from customer_value._frames.contracts import ArrayRule, refuse
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from customer_value._typing import BoolArray, FloatArray

Timing: TypeAlias = Literal["begin", "end"]
Column: TypeAlias = str | pl.Expr

_MOST_PERIODS = 10_000
_LARGEST = math.log(1e290)


class RetentionTerms(BaseModel, frozen=True, extra="forbid", title="lifetime value by formula"):
    """The terms that all customers of a formula share.

    Attributes:
        rate_per_period: Effective rate of discount per period.
        growth: Growth of the profit per period.
        periods: How many periods count; None is all.
        timing: When the first profit comes.
    """

    rate_per_period: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    growth: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] = 0.0
    periods: Annotated[int, Field(ge=1, le=_MOST_PERIODS)] | None = None
    timing: Timing = "begin"

    def shortfall(self, retention: FloatArray) -> FloatArray:
        """How far below 1 each term of the sum is of the one before, 1 - r (1 + g) / (1 + d)."""
        d = self.rate_per_period
        g = self.growth
        # Above 1 by rounding only: no term changes its sign.
        return np.minimum((d + (1.0 - retention) - retention * g) / (1.0 + d), 1.0)

    def annuity(self, retention: FloatArray, periods: int | None) -> FloatArray:
        """The sum of q^k over k = 0, 1 ..., with q = r (1 + g) / (1 + d)."""
        short = self.shortfall(retention)
        if periods is None:
            return 1.0 / short
        with np.errstate(divide="ignore", invalid="ignore"):
            total = -np.expm1(periods * np.log1p(-short)) / short
        return np.where(short == 0.0, float(periods), total)

    def rules(self) -> list[ArrayRule]:
        """What no customer's profit or retention may be."""

        def has_no_limit(_: FloatArray, r: FloatArray) -> BoolArray:
            return np.asarray((r >= 0) & (r <= 1) & (self.shortfall(r) <= 0))

        def is_too_large(_: FloatArray, r: FloatArray) -> BoolArray:
            q = 1.0 - self.shortfall(np.clip(r, 0.0, 1.0))
            return np.asarray((self.periods or 0) * np.log(np.maximum(q, 1.0)) > _LARGEST)

        limit = ArrayRule(
            "retention x (1 + growth) not below 1 + rate_per_period: the sum has no limit, give "
            "a number of periods",
            has_no_limit,
        )
        large = ArrayRule("a sum too large for a number: give fewer periods", is_too_large)
        return [
            ArrayRule("NaN or infinite profit_per_period", lambda m, _: ~np.isfinite(m)),
            ArrayRule("retention outside 0 .. 1", lambda _, r: ~((r >= 0) & (r <= 1))),
            limit if self.periods is None else large,
        ]


@overload
def constant_retention_value(
    profit_per_period: float,
    *,
    retention: float,
    rate_per_period: float,
    timing: Timing,
    growth: float = 0.0,
    periods: int | None = None,
) -> float: ...
@overload
def constant_retention_value(
    profit_per_period: Column,
    *,
    retention: float | Column,
    rate_per_period: float,
    timing: Timing,
    growth: float = 0.0,
    periods: int | None = None,
) -> pl.Expr: ...
@overload
def constant_retention_value(
    profit_per_period: float,
    *,
    retention: Column,
    rate_per_period: float,
    timing: Timing,
    growth: float = 0.0,
    periods: int | None = None,
) -> pl.Expr: ...
def constant_retention_value(
    profit_per_period: float | Column,
    *,
    retention: float | Column,
    rate_per_period: float,
    timing: Timing,
    growth: float = 0.0,
    periods: int | None = None,
) -> float | pl.Expr:
    """Lifetime value of customers who stay with the same probability each period.

    With profit m, retention r, growth g and rate of discount d, all per period, the value is the
    sum over k = 0, 1 ... of

    - `timing="begin"`: m (r (1 + g) / (1 + d))^k; the first profit comes now, and is certain. All
      of them make m (1 + d) / (1 + d - r (1 + g))
    - `timing="end"`: m r / (1 + d) (r (1 + g) / (1 + d))^k; the first profit comes in one period,
      if the customer stays. All of them make m r / (1 + d - r (1 + g)), the margin multiple of
      Gupta & Lehmann (2003), "Customers as Assets", Journal of Interactive Marketing 17(1)

    Without growth they differ by exactly m. With `profit_per_period=1`, `rate_per_period=0` and
    `timing="begin"` the value is the expected lifetime 1 / (1 - r).

    Args:
        profit_per_period: Money per period; or a column of it, by name or as an expression.
        retention: Share of the customers who stay for another period, 0 to 1; or a column.
        rate_per_period: Effective rate of discount **per period**, 0 to 1. Of an annual rate i the
            monthly one is (1 + i)^(1/12) - 1.
        timing: When the first profit comes.
        growth: Growth of the profit per period, -1 to 1.
        periods: How many profits count, 1 to 10,000; None is all.

    Returns:
        Money: a number; or, where a column is given, an expression named `clv` (Float64, null
        where one of the two is null) for `with_columns`.

    Raises:
        OptionError: A rate, a timing or a number of periods is out of range.
        DataError: The retention is not a share, the profit is not finite, or the sum has no limit
            (retention x (1 + growth) at or above 1 + rate_per_period, and no `periods`); for
            columns when they are computed.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> round(
        ...     cv.clv.constant_retention_value(
        ...         100.0, retention=0.8, rate_per_period=0.12, timing="end"
        ...     ),
        ...     2,
        ... )
        250.0
        >>> plans = pl.DataFrame({"profit": [100.0, 40.0], "kept": [0.8, 0.9]})
        >>> value = cv.clv.constant_retention_value(
        ...     "profit", retention="kept", rate_per_period=0.12, timing="begin"
        ... )
        >>> plans.with_columns(clv=value.round(2))["clv"].to_list()
        [350.0, 203.64]
    """
    terms = build(
        RetentionTerms,
        rate_per_period=rate_per_period,
        growth=growth,
        periods=periods,
        timing=timing,
    )

    def value(m: FloatArray, r: FloatArray) -> FloatArray:
        first = m if terms.timing == "begin" else m * r / (1.0 + terms.rate_per_period)
        return first * terms.annuity(r, terms.periods)

    return _by_row(value, terms, profit_per_period, retention)


@overload
def berger_nasr_value(
    profit_per_period: float,
    *,
    promotion: float,
    retention: float,
    rate_per_period: float,
    periods: int | None = None,
) -> float: ...
@overload
def berger_nasr_value(
    profit_per_period: Column,
    *,
    promotion: float,
    retention: float | Column,
    rate_per_period: float,
    periods: int | None = None,
) -> pl.Expr: ...
@overload
def berger_nasr_value(
    profit_per_period: float,
    *,
    promotion: float,
    retention: Column,
    rate_per_period: float,
    periods: int | None = None,
) -> pl.Expr: ...
def berger_nasr_value(
    profit_per_period: float | Column,
    *,
    promotion: float,
    retention: float | Column,
    rate_per_period: float,
    periods: int | None = None,
) -> float | pl.Expr:
    """Lifetime value with promotion between the sales, which come once a period.

    Case 1 of Berger & Nasr (1998), "Customer Lifetime Value: Marketing Models and Applications",
    Journal of Interactive Marketing 12(1), 17-30: with contribution GC, promotion M, retention r
    and rate of discount d, the sum over t = 0 .. n of GC (r / (1 + d))^t, less the sum over
    t = 1 .. n of M r^(t-1) / (1 + d)^(t-1/2). The first sale is now, and promotion is spent in the
    middle of each period, on who was there at its beginning.

    Args:
        profit_per_period: Contribution of a sale before promotion; or a column of it, by name or
            as an expression.
        promotion: Money spent on promotion per customer and period.
        retention: Share of the customers who buy again in the next period, 0 to 1; or a column.
        rate_per_period: Effective rate of discount **per period**, 0 to 1.
        periods: The n above, 1 to 10,000, so that n + 1 sales count; None is all.

    Returns:
        Money: a number; or, where a column is given, an expression named `clv` (Float64, null
        where one of the two is null) for `with_columns`.

    Raises:
        OptionError: A rate or a number of periods is out of range, or the promotion is not finite.
        DataError: The retention is not a share, the profit is not finite, or the sum has no limit
            (no loss, no discount and no `periods`); for columns when they are computed.

    Examples:
        >>> import customer_value as cv
        >>> value = cv.clv.berger_nasr_value(
        ...     260.0, promotion=50.0, retention=0.75, rate_per_period=0.2, periods=10
        ... )
        >>> round(value, 2)
        568.78
    """
    terms = build(RetentionTerms, rate_per_period=rate_per_period, periods=periods)
    if not math.isfinite(promotion):
        raise OptionError(f"promotion must be a finite number, got {promotion}")

    def value(m: FloatArray, r: FloatArray) -> FloatArray:
        sales = terms.annuity(r, None if periods is None else periods + 1)
        spent = terms.annuity(r, periods) / math.sqrt(1.0 + terms.rate_per_period)
        return m * sales - promotion * spent

    return _by_row(value, terms, profit_per_period, retention)


def present_value(
    cash_flows: Sequence[float] | npt.NDArray[np.float64] | pl.Series,
    *,
    rate_per_period: float,
    timing: Timing,
    survival: Sequence[float] | npt.NDArray[np.float64] | pl.Series | None = None,
) -> float:
    """Present value of money that comes period by period, certain or while a customer stays.

    The sum over k = 0, 1 ... of S(k) m(k) / (1 + d)^k, each flow with its own probability of being
    reached: observed survivors, or those of a model.

    Args:
        cash_flows: Money of each period, in order.
        rate_per_period: Effective rate of discount **per period**, 0 to 1.
        timing: `"begin"`: the first flow comes now; `"end"`: in one period.
        survival: Share of the customers, 0 to 1, who are still there when each flow comes; without
            it all are.

    Returns:
        Money; 0 without any flow.

    Raises:
        DataError: Flows are not finite, or survival is not a share.
        OptionError: The rate or the timing is out of range, or there are not as many shares as
            flows.

    Examples:
        >>> import customer_value as cv
        >>> kept = cv.clv.retention_curve(cv.Sbg(alpha=0.668, beta=3.806), periods=3)["survival"]
        >>> round(
        ...     cv.clv.present_value(
        ...         [100, 110, 120, 130], survival=kept, rate_per_period=0.1, timing="begin"
        ...     ),
        ...     2,
        ... )
        324.56
    """
    terms = build(RetentionTerms, rate_per_period=rate_per_period, timing=timing)
    flows = np.asarray(cash_flows, dtype=np.float64)
    shares = np.ones(flows.size) if survival is None else np.asarray(survival, dtype=np.float64)
    if shares.shape != flows.shape or flows.ndim != 1:
        raise OptionError(f"{flows.size} cash flows, but {shares.size} shares of survival")
    rules = [
        ArrayRule("NaN or infinite cash flow", lambda m, _: ~np.isfinite(m)),
        ArrayRule("survival outside 0 .. 1", lambda _, s: ~((s >= 0) & (s <= 1))),
    ]
    refuse({"cash_flow": flows, "survival": shares}, rules, what="cash flows")
    age = np.arange(flows.size) + (terms.timing == "end")
    return math.fsum(shares * flows * np.exp(-age * math.log1p(terms.rate_per_period)))


def _by_row(
    function: Callable[..., FloatArray],
    terms: RetentionTerms,
    profit_per_period: float | Column,
    retention: float | Column,
) -> float | pl.Expr:
    """The value of one customer from numbers, or a column from columns."""
    given = {"profit_per_period": profit_per_period, "retention": retention}
    if isinstance(profit_per_period, str | pl.Expr) or isinstance(retention, str | pl.Expr):
        columns = {
            name: value
            if isinstance(value, pl.Expr)
            else pl.col(value)
            if isinstance(value, str)
            else pl.lit(float(value))
            for name, value in given.items()
        }
        return array_column(function, columns, rules=terms.rules()).alias("clv")
    arrays = {name: np.array([value], dtype=np.float64) for name, value in given.items()}
    refuse(arrays, terms.rules(), what="lifetime value by formula")
    return float(function(*arrays.values())[0])
