"""What contracts are worth: renewals to come, in today's money."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import array_column, finite_column, with_columns
from customer_value._frames.contracts import Kind, check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value._frames.time import daily_rate
from customer_value.clv.models.contract import RENEWALS_RULE, ContractModel, check_churned
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._typing import ArrowStream, FloatArray, Frame

ContractTiming: TypeAlias = Literal["begin", "end", "due"]


class ContractTerms(BaseModel, frozen=True, extra="forbid", title="contractual_value"):
    """The terms on which contracts are valued; see `contractual_value`.

    Attributes:
        profit_per_period: Money per period, or the name of a column of it.
        timing: When the first payment that counts is made.
        discount_rate: Annual effective rate.
        periods: How many payments count; None is all.
    """

    profit_per_period: Annotated[float, Field(allow_inf_nan=False)] | str
    timing: ContractTiming
    discount_rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    periods: Annotated[int, Field(ge=1, le=10_000)] | None

    def payments(self, model: ContractModel, renewals: FloatArray, rate: float) -> FloatArray:
        """Present value of one unit of money at each payment, by the rate per period."""
        periods = math.inf if self.periods is None else float(self.periods)
        if self.timing == "begin":
            return 1.0 + model.discounted_renewals(renewals, rate, periods - 1.0)
        first = 1.0 + rate if self.timing == "due" else 1.0
        return first * model.discounted_renewals(renewals, rate, periods)


@overload
def contractual_value(
    customers: pl.LazyFrame,
    model: ContractModel,
    *,
    profit_per_period: float | str,
    timing: ContractTiming,
    discount_rate: float = 0.10,
    periods: int | None = None,
) -> pl.LazyFrame: ...
@overload
def contractual_value(
    customers: ArrowStream,
    model: ContractModel,
    *,
    profit_per_period: float | str,
    timing: ContractTiming,
    discount_rate: float = 0.10,
    periods: int | None = None,
) -> pl.DataFrame: ...
def contractual_value(
    customers: Frame,
    model: ContractModel,
    *,
    profit_per_period: float | str,
    timing: ContractTiming,
    discount_rate: float = 0.10,
    periods: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Contractual lifetime value: add what each contract will still bring, in today's money.

    clv = profit per period x the sum of S(n+k) / S(n) / (1 + d)^t over the payments to come, after
    n renewals, where S is the survival of the model and t the periods until payment k. What `t` is,
    and whether a payment of this moment counts, is the `timing`:

    - `"begin"`: the payment of the period that begins now counts, and is certain; for a new
      customer this is the discounted expected lifetime (DEL) of Fader & Hardie (2010), "Customer-
      Base Valuation in a Contractual Setting", Marketing Science 29, 85-93
    - `"end"`: the customer has just paid; the next payment is one period from now, if the customer
      renews. It is less than `"begin"` by exactly one payment
    - `"due"`: the renewal is due now; its payment is made at once, if the customer renews. This is
      that paper's discounted expected residual lifetime (DERL), `"end"` times 1 + d

    Args:
        customers: Frame with `renewals`, how many times the contract was renewed so far (0 for
            a new one), and, where some have ended, `churned` (Boolean).
        model: A model of contracts.
        profit_per_period: Money that each payment leaves, or the name of a column of it.
        timing: When the first payment that counts is made.
        discount_rate: Annual effective rate, 0 to 1; it becomes the rate per period of the
            model's `time_unit`.
        periods: How many payments count, 1 to 10,000; None is all.

    Returns:
        The frame with `p_renewal` (probability that the next renewal happens),
        `expected_payments` (undiscounted number of those that count; null where infinite) and
        `clv` (money, margin basis), all Float64. They are zero where `churned` is true, and null
        where `renewals` or `churned` is; clv also where the profit is.

    Raises:
        OptionError: A rate, a timing or a number of periods is out of range, the model is not one
            of contracts, or without discount all payments to come have no finite value.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Renewals are not counts, profits are NaN or infinite; for a LazyFrame when it is
            collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> high_end = cv.Sbg(alpha=0.668, beta=3.806)
        >>> customers = pl.DataFrame({"renewals": [0, 4, 2], "churned": [False, False, True]})
        >>> valued = cv.contractual_value(
        ...     customers, high_end, profit_per_period=100.0, timing="due"
        ... )
        >>> valued["clv"].round(1).to_list()
        [541.5, 689.7, 0.0]
    """
    check_instance("model", model, ContractModel)
    terms = build(
        ContractTerms,
        profit_per_period=profit_per_period,
        timing=timing,
        discount_rate=discount_rate,
        periods=periods,
    )
    money = terms.profit_per_period
    needed: dict[str, Kind] = {"renewals": "number"}
    if isinstance(money, str):
        needed[money] = "number"
    frame = read_frame(customers, needed)
    schema = frame.collect_schema()
    rate = math.expm1(daily_rate(terms.discount_rate) * model.days_per_unit)
    if terms.periods is None and not model.has_finite_value(rate):
        raise OptionError(
            "the lifetime of these contracts has no finite value without discount: give "
            "a discount_rate above 0, or a number of periods"
        )
    ended = pl.lit(value=False)
    if "churned" in schema:
        check_churned(schema)
        ended = pl.col("churned")
    each = finite_column(money) if isinstance(money, str) else pl.lit(money)

    def of_renewals(function: Callable[[FloatArray], FloatArray]) -> pl.Expr:
        value = array_column(function, ["renewals"], rules=[RENEWALS_RULE])
        still = pl.when(ended).then(pl.when(value.is_not_null()).then(0.0)).otherwise(value)
        return pl.when(ended.is_not_null()).then(still)

    finite = terms.periods is not None or model.has_finite_value(0.0)
    undiscounted = of_renewals(lambda n: terms.payments(model, n, 0.0))
    if not finite:  # but for those who have left
        undiscounted = pl.when(ended).then(of_renewals(np.zeros_like))
    return with_columns(
        frame,
        of_renewals(lambda n: model.retention(n + 1.0)).alias("p_renewal"),
        undiscounted.alias("expected_payments"),
        (of_renewals(lambda n: terms.payments(model, n, rate)) * each).alias("clv"),
    )


def retention_curve(model: ContractModel, *, periods: int, renewals: int = 0) -> pl.DataFrame:
    """Survival and retention by tenure: how many customers a model expects to keep.

    Args:
        model: A model of contracts.
        periods: How many periods ahead, 1 to 10,000.
        renewals: Renewals that the customers have behind them; 0 for new ones.

    Returns:
        One row per period, with `period` (Int64, 0 to `periods`, counted from now), `survival`
        (Float64, share of the customers of now who are still there), `retention` and `churn`
        (Float64, share of the customers of the period before who renew or leave; null in
        period 0).

    Raises:
        OptionError: A number of periods or renewals is out of range, or the model is not one of
            contracts.

    Examples:
        >>> import customer_value as cv
        >>> curve = cv.clv.retention_curve(cv.Sbg(alpha=0.668, beta=3.806), periods=3)
        >>> curve["survival"].round(3).to_list()
        [1.0, 0.851, 0.747, 0.67]
        >>> curve["retention"].round(3).to_list()
        [None, 0.851, 0.878, 0.897]
    """
    check_instance("model", model, ContractModel)
    if not 1 <= periods <= 10_000 or renewals < 0:
        raise OptionError(
            "periods must be 1 to 10,000 and renewals 0 or more, got "
            f"periods={periods}, renewals={renewals}"
        )
    log_kept = model.log_retention(np.arange(1.0, periods + 1) + renewals)
    return pl.DataFrame(
        {
            "period": np.arange(periods + 1),
            "survival": np.exp(np.append(0.0, np.cumsum(log_kept))),
            "retention": [None, *np.exp(log_kept).tolist()],
            "churn": [None, *(-np.expm1(log_kept)).tolist()],
        },
        schema_overrides={"period": pl.Int64},
    )
