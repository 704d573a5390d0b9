"""What a fitted model says of each customer, whether it has seen them or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import array_column, with_columns
from customer_value._frames.contracts import as_polars, require
from customer_value._frames.time import duration_days
from customer_value.clv.base import HISTORY, history_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from customer_value._typing import ArrowStream, FloatArray, Frame
    from customer_value.clv.base import PurchaseModel
    from customer_value.clv.gamma_gamma import GammaGamma


@overload
def probability_alive(customers: pl.LazyFrame, model: PurchaseModel) -> pl.LazyFrame: ...
@overload
def probability_alive(customers: ArrowStream, model: PurchaseModel) -> pl.DataFrame: ...
def probability_alive(customers: Frame, model: PurchaseModel) -> pl.DataFrame | pl.LazyFrame:
    """Add the probability that each customer still buys.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.

    Returns:
        The frame with `p_alive` (Float64, 0 to 1; null for customers without any purchase).

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Histories are impossible, such as `t_x` above `T`; for a LazyFrame when it is
            collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2], "t_x": [213.0], "T": [272.0]})
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.probability_alive(customers, bg)["p_alive"].round(4).item()
        0.7266
    """
    return _with_history(customers, model, p_alive=lambda m, *at: m.probability_alive(*at))


@overload
def expected_purchases(
    customers: pl.LazyFrame, model: PurchaseModel, *, horizon: str | timedelta
) -> pl.LazyFrame: ...
@overload
def expected_purchases(
    customers: ArrowStream, model: PurchaseModel, *, horizon: str | timedelta
) -> pl.DataFrame: ...
def expected_purchases(
    customers: Frame, model: PurchaseModel, *, horizon: str | timedelta
) -> pl.DataFrame | pl.LazyFrame:
    """Add the number of purchases to expect of each customer, given the customer's history.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.
        horizon: Length of the time after `as_of`, e.g. `"39w"`, `"12mo"` or a `timedelta`.

    Returns:
        The frame with `expected_purchases` (Float64; null for customers without any purchase).

    Raises:
        CustomerValueError: The horizon is no duration above zero.
        SchemaError: Columns are missing or no numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2], "t_x": [213.0], "T": [272.0]})
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.expected_purchases(customers, bg, horizon="39w")["expected_purchases"].round(
        ...     3
        ... ).item()
        1.226
    """
    days = duration_days(horizon)
    return _with_history(
        customers,
        model,
        expected_purchases=lambda m, x, t_x, T: m.expected_purchases(x, t_x, T, days),
    )


@overload
def log_likelihood(customers: pl.LazyFrame, model: PurchaseModel) -> pl.LazyFrame: ...
@overload
def log_likelihood(customers: ArrowStream, model: PurchaseModel) -> pl.DataFrame: ...
def log_likelihood(customers: Frame, model: PurchaseModel) -> pl.DataFrame | pl.LazyFrame:
    """Add the log-likelihood of each customer's history.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.

    Returns:
        The frame with `log_likelihood` (Float64, by the model's time unit; null for customers
        without any purchase).

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [0], "t_x": [0.0], "T": [280.0]})
        >>> bg = cv.BgNbd(r=0.25, alpha=4, a=0.8, b=2.5)
        >>> cv.log_likelihood(customers, bg)["log_likelihood"].round(4).item()
        -0.5995
    """
    return _with_history(customers, model, log_likelihood=lambda m, *at: m.log_likelihood(*at))


@overload
def expected_spend(customers: pl.LazyFrame, model: GammaGamma) -> pl.LazyFrame: ...
@overload
def expected_spend(customers: ArrowStream, model: GammaGamma) -> pl.DataFrame: ...
def expected_spend(customers: Frame, model: GammaGamma) -> pl.DataFrame | pl.LazyFrame:
    """Add the spend per purchase to expect of each customer.

    The mean of the customer's own repeat purchases, shrunk to the mean of all:
    E[M | x, m] = p (v + x m) / (p x + q - 1), equation 5 of Fader & Hardie's note 025.

    Args:
        customers: Customer frame with `repeat_purchases` and `repeat_spend`.
        model: A spend model.

    Returns:
        The frame with `expected_spend` (Float64, money, revenue basis). Customers without a
        repeat purchase get the mean of a new customer, which is null where q <= 1; a mean repeat
        spend below zero counts as zero.

    Raises:
        SchemaError: Columns are missing or no numbers.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2, 0], "repeat_spend": [22.35, None]})
        >>> gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
        >>> cv.expected_spend(customers, gg)["expected_spend"].round(2).to_list()
        [24.66, 35.22]
    """
    frame = as_polars(customers)
    require(frame, {"repeat_purchases": "number", "repeat_spend": "number"}, what="customers")
    return with_columns(frame, spend_column(model).alias("expected_spend"))


def expected_purchases_new_customer(model: PurchaseModel, *, horizon: str | timedelta) -> float:
    """Expected repeat purchases of a customer about whom nothing is known yet.

    Args:
        model: A purchase model.
        horizon: Length of the time after the first purchase, e.g. `"52w"`.

    Returns:
        The expected number, without the first purchase.

    Raises:
        CustomerValueError: The horizon is no duration above zero.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(cv.expected_purchases_new_customer(bg, horizon="52w"), 4)
        1.4461
    """
    return model.new_customer_purchases(duration_days(horizon))


def spend_column(model: GammaGamma) -> pl.Expr:
    """The formula of `expected_spend`."""
    x = pl.col("repeat_purchases").cast(pl.Float64)
    total = pl.when(x > 0).then(x * pl.col("repeat_spend").clip(0)).otherwise(0.0)
    certainty = model.p * x + (model.q - 1)
    return pl.when(certainty > 0).then(model.p * (model.v + total) / certainty)


def history_column(model: PurchaseModel, function: Callable[..., FloatArray]) -> pl.Expr:
    """Column that a model's array method makes of each customer's history, once it is checked."""
    return array_column(
        lambda x, t_x, T, *covariates: function(model.for_rows(*covariates), x, t_x, T),
        (*HISTORY, *model.covariates),
        rules=history_rules(),
    )


def _with_history(
    customers: Frame, model: PurchaseModel, **functions: Callable[..., FloatArray]
) -> pl.DataFrame | pl.LazyFrame:
    frame = as_polars(customers)
    require(frame, dict.fromkeys((*HISTORY, *model.covariates), "number"), what="customers")
    return with_columns(
        frame, *(history_column(model, each).alias(name) for name, each in functions.items())
    )
