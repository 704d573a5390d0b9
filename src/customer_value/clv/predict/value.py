"""Customer lifetime value: purchases to come, what they bring, and what that is worth today."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, field_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import Kind, check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value._frames.time import daily_rate
from customer_value.clv.base import SPEND, Horizon, PurchaseModel, SpendModel
from customer_value.clv.predict.drawing import IntervalOptions, draw_parameters, interval_options
from customer_value.clv.predict.predictions import history_column
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from customer_value._typing import ArrowStream, FloatArray, Frame

_ENDS = ("clv_low", "clv_high")
_SURELY_GONE = 1e-290
"""A probability of being alive below it, and what it multiplies, have lost their digits."""
_STEPS = {"week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}


class ValueTerms(BaseModel, frozen=True, extra="forbid", title="customer_lifetime_value"):
    """The terms on which lifetime value is computed; see `customer_lifetime_value`.

    Attributes:
        horizon: Length of the time that counts; None is the whole residual life.
        discount_rate: Annual effective rate.
        margin: Share of revenue that is margin, or the name of a column of such shares.
    """

    horizon: Horizon | None
    discount_rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    margin: float | str

    @field_validator("margin")
    @classmethod
    def _a_share(cls, margin: float | str) -> float | str:
        if not isinstance(margin, str) and not -1 <= margin <= 1:
            raise ValueError(f"a share from -1 to 1, or a column, is needed; got {margin:g}")
        return margin

    @property
    def daily_rate(self) -> float:
        """Continuous discount rate per day."""
        return daily_rate(self.discount_rate)

    @property
    def share(self) -> pl.Expr:
        """The margin as a column of shares."""
        given = self.margin
        return (pl.col(given) if isinstance(given, str) else pl.lit(given)).cast(pl.Float64)

    def length(self, purchases: PurchaseModel) -> float:
        """The horizon as the model takes it, inf for the whole residual life.

        Raises:
            OptionError: The horizon is not a duration, or the residual life has no finite
                value.
        """
        if self.horizon is not None:
            return purchases.horizon_length(self.horizon)
        if not purchases.has_finite_value(self.daily_rate):
            raise OptionError(
                "the residual life of these customers has no finite value without discount: give "
                "a discount_rate above 0, or a horizon"
            )
        return math.inf


@overload
def customer_lifetime_value(
    customers: pl.LazyFrame,
    *,
    purchases: PurchaseModel,
    spend: SpendModel,
    margin: float | str,
    horizon: Horizon | None = "12mo",
    discount_rate: float = 0.10,
    steps: str | timedelta | None = None,
    interval: bool | IntervalOptions = False,
    seed: int | None = None,
) -> pl.LazyFrame: ...
@overload
def customer_lifetime_value(
    customers: ArrowStream,
    *,
    purchases: PurchaseModel,
    spend: SpendModel,
    margin: float | str,
    horizon: Horizon | None = "12mo",
    discount_rate: float = 0.10,
    steps: str | timedelta | None = None,
    interval: bool | IntervalOptions = False,
    seed: int | None = None,
) -> pl.DataFrame: ...
def customer_lifetime_value(
    customers: Frame,
    *,
    purchases: PurchaseModel,
    spend: SpendModel,
    margin: float | str,
    horizon: Horizon | None = "12mo",
    discount_rate: float = 0.10,
    steps: str | timedelta | None = None,
    interval: bool | IntervalOptions = False,
    seed: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Customer lifetime value: add what each customer will bring, in today's money.

    clv = margin x expected spend x discounted expected purchases, where each purchase is
    discounted continuously from the day it is expected: the integral of e^(-d t) over the expected
    purchases, d = ln(1 + discount_rate) a year (Fader, Hardie & Lee 2005, "RFM and CLV: Using
    Iso-Value Curves for Customer Base Analysis", Journal of Marketing Research 42, 415-430). Past
    purchases and the cost of acquisition do not count.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x`, `T` and `repeat_spend`; for a
            `BgBb` with the columns of `summarize_opportunities`, and `repeat_spend` the mean per
            opportunity used.
        purchases: A purchase model.
        spend: A spend model.
        margin: Share of revenue that is margin, -1 to 1, or the name of a column of such shares;
            1.0 gives value on revenue basis.
        horizon: Length of the time after `as_of`, e.g. `"12mo"`, or a number of opportunities for a
            `BgBb`; None is the whole residual life.
        discount_rate: Annual effective rate, 0 to 1, e.g. 0.10 for 10 %; a rate of i a month is
            `(1 + i) ** 12 - 1`.
        steps: Discount all purchases of a step, such as `"month"` or `"1w"`, from the step's end,
            as lifetimes and pymc-marketing do; None discounts continuously, which gives more.
        interval: Whether to add an interval of 95 % for each customer; `IntervalOptions` says
            which other, e.g. `IntervalOptions(confidence=0.8)`.
        seed: Seed of the interval's draws; an interval needs one.

    Returns:
        The frame with these columns (Float64), null for customers without any purchase:

        - `p_alive`: probability of being alive.
        - `expected_purchases`: undiscounted; null for a horizon of None.
        - `expected_spend`: money per purchase, revenue basis.
        - `clv`: money, margin basis; null where a factor is. P(alive) is in it.
        - `clv_if_alive`: what the customer is worth if alive now, `clv / p_alive`, for whatever
          weighs by churn itself; null where clv is, or p_alive is 0 (below 1e-290).
        - `clv_low` and `clv_high`, with an interval: between them lies the customer's real value
          with the probability of the confidence. The parameters' uncertainty counts, and chance
          does. The tails are equal, unless zero lies in the lower one, which leaves its share to
          the upper. `clv` is a mean and may lie outside: of those who will most likely bring
          nothing, a few will bring much.

        Customers with equal histories get equal intervals, and the order of the customers changes
        nothing.

    Raises:
        OptionError: A rate is out of range, a model is of another kind, the horizon is not a
            duration above zero, the residual life has no finite value (without discount, for some
            models), steps have no horizon or an interval, or an interval has no seed.
        FitError: The parameters have no covariance, and the interval asks for it.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> valued = cv.customer_lifetime_value(
        ...     customers,
        ...     purchases=cv.fit_bg_nbd(customers),
        ...     spend=cv.fit_gamma_gamma(customers),
        ...     margin=0.3,
        ... )
        >>> valued.columns[-5:]
        ['p_alive', 'expected_purchases', 'expected_spend', 'clv', 'clv_if_alive']
    """
    check_instance("purchases", purchases, PurchaseModel)
    check_instance("spend", spend, SpendModel)
    options = interval_options(interval)
    if options is not None and steps is not None:
        raise OptionError("an interval is discounted continuously: leave out steps")
    terms = build(ValueTerms, horizon=horizon, discount_rate=discount_rate, margin=margin)
    frame = read_frame(customers, _needed(purchases, terms))
    valued = _with_means(frame, purchases, spend, terms, steps)
    if options is None:
        return valued
    drawing = draw_parameters(
        purchases,
        spend,
        length=terms.length(purchases),
        rate=terms.daily_rate,
        seed=seed,
        options=options,
    )
    ends = [pl.col(name) * terms.share for name in _ENDS]
    return with_columns(
        with_columns(valued, drawing.interval_columns(*_ENDS).struct.unnest()),
        pl.min_horizontal(ends).alias("clv_low"),
        pl.max_horizontal(ends).alias("clv_high"),
    )


def _needed(purchases: PurchaseModel, terms: ValueTerms) -> dict[str, Kind]:
    needed = [*purchases.history, *purchases.covariates, *SPEND]
    if isinstance(terms.margin, str):
        needed.append(terms.margin)
    return dict.fromkeys(needed, "number")


def _with_means(
    frame: pl.DataFrame | pl.LazyFrame,
    purchases: PurchaseModel,
    spend: SpendModel,
    terms: ValueTerms,
    steps: str | timedelta | None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the expected values; an interval of an earlier call does not stay beside them."""
    days = terms.length(purchases)
    rate = terms.daily_rate
    if steps is None:
        discounted = history_column(
            purchases, lambda m, *at: m.discounted_purchases(*at, days, rate)
        )
    else:
        discounted = _stepwise(purchases, days, rate, steps)
    expected = history_column(purchases, lambda m, *at: m.expected_purchases(*at, days))
    spends = pl.when(pl.col("repeat_purchases").is_not_null()).then(spend.spend_column())
    valued = with_columns(
        frame,
        history_column(purchases, lambda m, *at: m.probability_alive(*at)).alias("p_alive"),
        (expected if math.isfinite(days) else pl.lit(None, pl.Float64)).alias("expected_purchases"),
        spends.alias("expected_spend"),
        (discounted * spends * terms.share).alias("clv"),
    )
    alive = pl.when(pl.col("p_alive") >= _SURELY_GONE).then(pl.col("clv") / pl.col("p_alive"))
    return valued.with_columns(clv_if_alive=alive).drop(*_ENDS, strict=False)


def _stepwise(
    purchases: PurchaseModel, days: float, rate: float, steps: str | timedelta
) -> pl.Expr:
    """Purchases discounted from the ends of the steps in which they are expected.

    Summed by parts, since the expected number is known up to a moment: all terms are positive.
    """
    if not math.isfinite(days):
        raise OptionError("steps need a horizon")
    step = purchases.horizon_length(_STEPS.get(str(steps), steps))
    moments = [min(k * step, days) for k in range(1, math.ceil(days / step - 1e-9) + 1)]
    discounts = [math.exp(-rate * moment * purchases.days_per_length) for moment in moments]
    falls = [now - later for now, later in pairwise([*discounts, 0.0])]

    def discounted(model: PurchaseModel, *history: FloatArray) -> FloatArray:
        value = np.zeros_like(history[0])
        expected: Callable[..., FloatArray] = model.expected_purchases
        for moment, fall in zip(moments, falls, strict=True):
            value += fall * expected(*history, moment)
        return value

    return history_column(purchases, discounted)
