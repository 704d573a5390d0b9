"""Customer lifetime value: purchases to come, what they bring, and what that is worth today."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, overload

import polars as pl
from pydantic import BaseModel, Field, field_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import Kind, as_polars, require
from customer_value._frames.time import daily_rate, duration_days
from customer_value.clv.base import HISTORY
from customer_value.clv.predictions import history_column, spend_column
from customer_value.exceptions import CustomerValueError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame
    from customer_value.clv.base import PurchaseModel
    from customer_value.clv.gamma_gamma import GammaGamma


class ValueTerms(BaseModel, frozen=True, extra="forbid", title="customer_lifetime_value"):
    """The terms on which lifetime value is computed; see `customer_lifetime_value`.

    Attributes:
        horizon: Length of the time that counts; None is the whole residual life.
        discount_rate: Annual effective rate.
        margin: Share of revenue that is margin, or the name of a column of such shares.
    """

    horizon: str | timedelta | None
    discount_rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    margin: float | str

    @field_validator("margin")
    @classmethod
    def _a_share(cls, margin: float | str) -> float | str:
        if not isinstance(margin, str) and not -1 <= margin <= 1:
            raise ValueError(f"a share from -1 to 1, or a column, is needed; got {margin:g}")
        return margin

    @property
    def days(self) -> float:
        """The horizon in days, inf for the whole residual life."""
        return math.inf if self.horizon is None else duration_days(self.horizon)


@overload
def customer_lifetime_value(
    customers: pl.LazyFrame,
    *,
    purchases: PurchaseModel,
    spend: GammaGamma,
    margin: float | str,
    horizon: str | timedelta | None = "12mo",
    discount_rate: float = 0.10,
) -> pl.LazyFrame: ...
@overload
def customer_lifetime_value(
    customers: ArrowStream,
    *,
    purchases: PurchaseModel,
    spend: GammaGamma,
    margin: float | str,
    horizon: str | timedelta | None = "12mo",
    discount_rate: float = 0.10,
) -> pl.DataFrame: ...
def customer_lifetime_value(
    customers: Frame,
    *,
    purchases: PurchaseModel,
    spend: GammaGamma,
    margin: float | str,
    horizon: str | timedelta | None = "12mo",
    discount_rate: float = 0.10,
) -> pl.DataFrame | pl.LazyFrame:
    """Add what each customer will bring over a horizon, in today's money.

    clv = margin x expected spend x discounted expected purchases, where each purchase is
    discounted continuously from the day it is expected: the integral of e^(-d t) over the expected
    purchases, d = ln(1 + discount_rate) a year (Fader, Hardie & Lee 2005, "RFM and CLV: Using
    Iso-Value Curves for Customer Base Analysis", Journal of Marketing Research 42, 415-430). Past
    purchases and the cost of acquisition are no part of it.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x`, `T` and `repeat_spend`.
        purchases: A purchase model.
        spend: A spend model.
        margin: Share of revenue that is margin, -1 to 1, or the name of a column of such shares;
            1.0 gives value on revenue basis.
        horizon: Length of the time after `as_of`, e.g. `"12mo"`; None is the whole residual life.
        discount_rate: Annual effective rate, 0 to 1, e.g. 0.10 for 10 %.

    Returns:
        The frame with `p_alive`, `expected_purchases` (undiscounted, null for a horizon of None),
        `expected_spend` (money per purchase, revenue basis) and `clv` (money, margin basis). All
        are null for customers without any purchase; clv is null where a factor is.

    Raises:
        ValidationError: A rate is out of range.
        CustomerValueError: The horizon is no duration above zero, or the residual life has no
            finite value (without discount, for some models).
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
    terms = ValueTerms(horizon=horizon, discount_rate=discount_rate, margin=margin)
    frame, rate = as_polars(customers), daily_rate(terms.discount_rate)
    needed: dict[str, Kind] = dict.fromkeys(
        (*HISTORY, *purchases.covariates, "repeat_spend"), "number"
    )
    if isinstance(terms.margin, str):
        needed[terms.margin] = "number"
    require(frame, needed, what="customers")
    if terms.horizon is None and not purchases.has_finite_value(rate):
        raise CustomerValueError(
            "the residual life of these customers has no finite value without discount: give a "
            "discount_rate above 0, or a horizon"
        )
    days = terms.days
    expected = history_column(
        purchases, lambda model, x, t_x, T: model.expected_purchases(x, t_x, T, days)
    )
    discounted = history_column(
        purchases, lambda model, x, t_x, T: model.discounted_purchases(x, t_x, T, days, rate)
    )
    share = pl.col(terms.margin) if isinstance(terms.margin, str) else pl.lit(terms.margin)
    known = pl.col("repeat_purchases").is_not_null()
    spends = pl.when(known).then(spend_column(spend))
    return with_columns(
        frame,
        history_column(purchases, lambda model, *at: model.probability_alive(*at)).alias("p_alive"),
        (expected if math.isfinite(days) else pl.lit(None, pl.Float64)).alias("expected_purchases"),
        spends.alias("expected_spend"),
        (discounted * spends * share.cast(pl.Float64)).alias("clv"),
    )
