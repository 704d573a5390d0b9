"""Customer lifetime value: purchases to come, what they bring, and what that is worth today."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, field_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import Kind, check_instance, require
from customer_value._frames.door import as_polars
from customer_value._frames.time import daily_rate
from customer_value.clv.base import SPEND, Horizon, PurchaseModel, SpendModel
from customer_value.clv.predict.drawing import IntervalOptions, draw_parameters
from customer_value.clv.predict.predictions import history_column
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from customer_value._typing import ArrowStream, FloatArray, Frame

_ENDS = ("clv_low", "clv_high")
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

    def length(self, purchases: PurchaseModel) -> float:
        """The horizon as the model takes it, inf for the whole residual life.

        Raises:
            OptionError: The horizon is no duration, or the residual life has no finite
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
    interval: float | IntervalOptions | None = None,
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
    interval: float | IntervalOptions | None = None,
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
    interval: float | IntervalOptions | None = None,
    seed: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add what each customer will bring over a horizon, in today's money.

    clv = margin x expected spend x discounted expected purchases, where each purchase is
    discounted continuously from the day it is expected: the integral of e^(-d t) over the expected
    purchases, d = ln(1 + discount_rate) a year (Fader, Hardie & Lee 2005, "RFM and CLV: Using
    Iso-Value Curves for Customer Base Analysis", Journal of Marketing Research 42, 415-430). Past
    purchases and the cost of acquisition are no part of it.

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
        interval: Level of an interval for each customer, e.g. 0.95, or how to draw it.
        seed: Seed of the interval's draws.

    Returns:
        The frame with `p_alive`, `expected_purchases` (undiscounted, null for a horizon of None),
        `expected_spend` (money per purchase, revenue basis) and `clv` (money, margin basis). All
        are null for customers without any purchase; clv is null where a factor is. With an
        interval also `clv_low` and `clv_high`, between which the customer's real value lies with
        that probability: what is not known of the parameters counts, and what chance does. The
        tails are equal, unless zero lies in the lower one, which leaves its share to the upper.
        `clv` is a mean, and may lie outside: of those who will most likely bring nothing, a few
        will bring much.
        Customers of whom the models know the same get the same interval, and the order of the
        customers changes nothing.

    Raises:
        ValidationError: A rate is out of range.
        OptionError: The horizon is no duration above zero, the residual life has no
            finite value (without discount, for some models), steps have no horizon or an
            interval, or an interval has no seed.
        FitError: The parameters have no covariance, and the interval asks for it.
        SchemaError: Columns are missing or no numbers.
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
        >>> valued.columns[-4:]
        ['p_alive', 'expected_purchases', 'expected_spend', 'clv']
    """
    check_instance("purchases", purchases, PurchaseModel)
    check_instance("spend", spend, SpendModel)
    terms = ValueTerms(horizon=horizon, discount_rate=discount_rate, margin=margin)
    frame, days, rate = as_polars(customers), terms.length(purchases), terms.daily_rate
    needed: dict[str, Kind] = dict.fromkeys(
        (*purchases.history, *purchases.covariates, *SPEND), "number"
    )
    if isinstance(terms.margin, str):
        needed[terms.margin] = "number"
    require(frame, needed, what="customers")
    discounted = history_column(purchases, lambda m, *at: m.discounted_purchases(*at, days, rate))
    if steps is not None:
        discounted = _stepwise(purchases, days, rate, steps)
    expected = history_column(purchases, lambda m, *at: m.expected_purchases(*at, days))
    share = pl.col(terms.margin) if isinstance(terms.margin, str) else pl.lit(terms.margin)
    known = pl.col("repeat_purchases").is_not_null()
    spends = pl.when(known).then(spend.spend_column())
    valued = with_columns(
        frame,
        history_column(purchases, lambda m, *at: m.probability_alive(*at)).alias("p_alive"),
        (expected if math.isfinite(days) else pl.lit(None, pl.Float64)).alias("expected_purchases"),
        spends.alias("expected_spend"),
        (discounted * spends * share.cast(pl.Float64)).alias("clv"),
    )
    if interval is None:  # and none of an earlier call stays beside this value
        return valued.drop("clv_low", "clv_high", strict=False)
    if steps is not None:
        raise OptionError("an interval is discounted continuously: leave out steps")
    options = interval
    if not isinstance(options, IntervalOptions):
        options = IntervalOptions(level=options)
    drawing = draw_parameters(purchases, spend, length=days, rate=rate, seed=seed, options=options)
    ends = [pl.col(name) * share.cast(pl.Float64) for name in _ENDS]
    return with_columns(
        with_columns(valued, drawing.interval_columns(*_ENDS).struct.unnest()),
        pl.min_horizontal(ends).alias("clv_low"),
        pl.max_horizontal(ends).alias("clv_high"),
    )


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
