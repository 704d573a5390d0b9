"""How far the customers' total value may be from what is expected."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import BaseModel

from customer_value._frames.arrays import to_arrays
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import as_polars
from customer_value._frames.options import build
from customer_value.clv.predict.drawing import IntervalOptions, draw_parameters
from customer_value.clv.predict.value import ValueTerms, customer_lifetime_value

if TYPE_CHECKING:
    from customer_value._typing import Frame
    from customer_value.clv.base import Horizon, PurchaseModel, SpendModel


class ValueInterval(BaseModel, frozen=True, extra="forbid"):
    """The value of all customers together, see `value_interval`.

    Attributes:
        total: Sum of the expected values, money on margin basis.
        low: Lower end of the interval.
        high: Upper end of the interval.
        confidence: Probability that the interval holds the total.
        interval_method: `"outcome"` or `"mean"`, see `IntervalOptions`.
        customers: Customers with a value, whose total it is.
        unknown: Customers whose value is not known.
    """

    total: float
    low: float
    high: float
    confidence: float
    interval_method: Literal["outcome", "mean"]
    customers: int
    unknown: int


def value_interval(
    customers: Frame,
    *,
    purchases: PurchaseModel,
    spend: SpendModel,
    margin: float | str,
    seed: int,
    horizon: Horizon | None = "12mo",
    discount_rate: float = 0.10,
    options: IntervalOptions | None = None,
) -> ValueInterval:
    """Interval of the total value: what all customers together will bring, and how sure that is.

    Each draw takes its own parameters of both models and draws every customer's future from them.
    So the interval holds what chance does to customers, which levels out in the sum, and what is
    not known of the parameters, which does not.

    Args:
        customers: Customer frame, as for `customer_lifetime_value`.
        purchases: A purchase model.
        spend: A spend model.
        margin: Share of revenue that is margin, or the name of a column of such shares.
        seed: Seed of all draws: the same seed gives the same interval, on any number of threads
            and in whatever order the customers come.
        horizon: Length of the time after `as_of`, or a number of opportunities for a `BgBb`; None
            is the whole residual life.
        discount_rate: Annual effective rate, 0 to 1.
        options: Confidence, method and number of draws of the interval.

    Returns:
        The total and its interval (equal tails), in today's money on margin basis.

    Raises:
        FitError: The parameters have no covariance; see `IntervalOptions.parameters`.
        OptionError: A rate is out of range, a model is of another kind or gives means only, the
            horizon is not a duration, the seed not a whole number from 0, or the residual life has
            no finite value.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> sure = cv.value_interval(
        ...     customers,
        ...     purchases=cv.fit_bg_nbd(customers),
        ...     spend=cv.fit_gamma_gamma(customers),
        ...     margin=0.3,
        ...     seed=1,
        ...     options=cv.IntervalOptions(draws=200),
        ... )
        >>> 0.8 * sure.total < sure.low < sure.total < sure.high < 1.3 * sure.total
        True
    """
    options = IntervalOptions() if options is None else options
    check_instance("options", options, IntervalOptions)
    terms = build(ValueTerms, horizon=horizon, discount_rate=discount_rate, margin=margin)
    valued = customer_lifetime_value(
        as_polars(customers).lazy(),
        purchases=purchases,
        spend=spend,
        margin=margin,
        horizon=horizon,
        discount_rate=discount_rate,
    )
    length = terms.length(purchases)
    drawing = draw_parameters(
        purchases, spend, length=length, rate=terms.daily_rate, seed=seed, options=options
    )
    rows = valued.select(
        *(pl.col(name).cast(pl.Float64) for name in drawing.inputs),
        terms.share.alias("margin of the total"),
        pl.col("clv").alias("value of the total"),
    ).collect()
    known = rows.filter(pl.col("value of the total").is_not_null())
    *columns, shares, values = to_arrays(known)
    low, high = options.ends(drawing.totals(tuple(columns), shares))
    return ValueInterval(
        total=math.fsum(values),
        low=float(low),
        high=float(high),
        confidence=options.confidence,
        interval_method=options.interval_method,
        customers=known.height,
        unknown=rows.height - known.height,
    )
