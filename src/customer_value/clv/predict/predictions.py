"""What a fitted model says of each customer, whether it has seen them or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import array_column, with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value.clv.base import SPEND, PurchaseModel, SpendModel
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._typing import ArrowStream, FloatArray, Frame
    from customer_value.clv.base import Horizon


@overload
def probability_alive(
    customers: pl.LazyFrame, model: PurchaseModel, *, horizon: Horizon | None = None
) -> pl.LazyFrame: ...
@overload
def probability_alive(
    customers: ArrowStream, model: PurchaseModel, *, horizon: Horizon | None = None
) -> pl.DataFrame: ...
def probability_alive(
    customers: Frame, model: PurchaseModel, *, horizon: Horizon | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """P(alive): add the probability that each customer still buys, now or later.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.
        horizon: How long after `as_of`, e.g. `"6mo"`; None is at `as_of` itself.

    Returns:
        The frame with `p_alive`, or `p_alive_later` where a horizon is given (Float64, 0 to 1;
        null for customers without any purchase).

    Raises:
        OptionError: The horizon is not a duration above zero, or the model not one of purchases.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible, such as `t_x` above `T`; for a LazyFrame when it is
            collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2], "t_x": [213.0], "T": [272.0]})
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.probability_alive(customers, bg)["p_alive"].round(4).item()
        0.7266
        >>> cv.probability_alive(customers, bg, horizon="1y")["p_alive_later"].round(4).item()
        0.5312
    """
    check_instance("model", model, PurchaseModel)
    if horizon is None:
        now = history_column(model, lambda m, *at: m.probability_alive(*at))
        return _with_history(customers, p_alive=now)
    ahead = model.horizon_length(horizon)
    later = history_column(model, lambda m, *at: m.probability_alive(*at, ahead))
    return _with_history(customers, p_alive_later=later)


@overload
def expected_purchases(
    customers: pl.LazyFrame, model: PurchaseModel, *, horizon: Horizon
) -> pl.LazyFrame: ...
@overload
def expected_purchases(
    customers: ArrowStream, model: PurchaseModel, *, horizon: Horizon
) -> pl.DataFrame: ...
def expected_purchases(
    customers: Frame, model: PurchaseModel, *, horizon: Horizon
) -> pl.DataFrame | pl.LazyFrame:
    """Expected purchases: add how many each customer will make, given the customer's history.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.
        horizon: Length of the time after `as_of`, e.g. `"39w"`, `"12mo"` or a `timedelta`.

    Returns:
        The frame with `expected_purchases` (Float64; null for customers without any purchase).

    Raises:
        OptionError: The horizon is not a duration above zero, or the model not one of purchases.
        SchemaError: Columns are missing or not numbers.
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
    check_instance("model", model, PurchaseModel)
    length = model.horizon_length(horizon)
    expected = history_column(model, lambda m, *at: m.expected_purchases(*at, length))
    return _with_history(customers, expected_purchases=expected)


@overload
def purchase_probability(
    customers: pl.LazyFrame,
    model: PurchaseModel,
    *,
    horizon: Horizon,
    n: int | None = None,
    at_least: int | None = None,
) -> pl.LazyFrame: ...
@overload
def purchase_probability(
    customers: ArrowStream,
    model: PurchaseModel,
    *,
    horizon: Horizon,
    n: int | None = None,
    at_least: int | None = None,
) -> pl.DataFrame: ...
def purchase_probability(
    customers: Frame,
    model: PurchaseModel,
    *,
    horizon: Horizon,
    n: int | None = None,
    at_least: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the probability that each customer buys in a horizon: at all, or a number of times.

    Without `n` and `at_least` it is that of one purchase or more, the purchase intention.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.
        horizon: Length of the time after `as_of`, e.g. `"3mo"`.
        n: Exactly how many purchases, 0 or more.
        at_least: How many purchases at least, 1 or more; instead of `n`.

    Returns:
        The frame with `purchase_probability` (Float64, 0 to 1; null for customers without any
        purchase).

    Raises:
        OptionError: The horizon is not a duration above zero, a number of purchases is
            impossible or both are given, or the model is not one of purchases.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2], "t_x": [213.0], "T": [272.0]})
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> some = cv.purchase_probability(customers, bg, horizon="3mo")
        >>> some["purchase_probability"].round(4).item()
        0.3242
        >>> none = cv.purchase_probability(customers, bg, horizon="3mo", n=0)
        >>> none["purchase_probability"].round(4).item()
        0.6758
    """
    check_instance("model", model, PurchaseModel)
    if n is not None and at_least is not None:
        raise OptionError(f"give n or at_least, not both: n={n}, at_least={at_least}")
    length = model.horizon_length(horizon)
    if n is not None:
        exactly = _whole_number(n, lowest=0)
        probability = history_column(
            model, lambda m, *at: m.purchase_probability(*at, length, exactly)
        )
    else:
        least = _whole_number(1 if at_least is None else at_least, lowest=1)
        probability = history_column(
            model, lambda m, *at: m.at_least_probability(*at, length, least)
        )
    return _with_history(customers, purchase_probability=probability)


@overload
def next_purchase_quantile(
    customers: pl.LazyFrame, model: PurchaseModel, *, q: float = 0.5
) -> pl.LazyFrame: ...
@overload
def next_purchase_quantile(
    customers: ArrowStream, model: PurchaseModel, *, q: float = 0.5
) -> pl.DataFrame: ...
def next_purchase_quantile(
    customers: Frame, model: PurchaseModel, *, q: float = 0.5
) -> pl.DataFrame | pl.LazyFrame:
    """Add in how many days each customer will have bought again with probability q.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot.
        model: A purchase model.
        q: The probability, above 0 and below 1; 0.5 gives the median.

    Returns:
        The frame with `next_purchase_days` (Float64, days after `as_of`). It is null for customers
        without any purchase, and where the probability of buying ever again is below q: no such
        day comes. The day itself is
        `pl.col("as_of") + pl.duration(days=pl.col("next_purchase_days").ceil())`.

    Raises:
        OptionError: q is not between 0 and 1, or the model not one of purchases.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"repeat_purchases": [2, 9], "t_x": [213.0, 30.0], "T": [272.0, 272.0]}
        ... )
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> cv.clv.next_purchase_quantile(customers, bg)["next_purchase_days"].round(1).to_list()
        [206.3, None]
    """
    check_instance("model", model, PurchaseModel)
    if not 0 < q < 1:
        raise OptionError(f"q must be above 0 and below 1, got {q}")
    wait = history_column(model, lambda m, *at: m.next_purchase_quantile(*at, q))
    days = pl.when(wait.is_finite()).then(wait * model.days_per_length)
    return _with_history(customers, next_purchase_days=days)


@overload
def log_likelihood(customers: pl.LazyFrame, model: PurchaseModel) -> pl.LazyFrame: ...
@overload
def log_likelihood(customers: ArrowStream, model: PurchaseModel) -> pl.DataFrame: ...
def log_likelihood(customers: Frame, model: PurchaseModel) -> pl.DataFrame | pl.LazyFrame:
    """Add the log-likelihood of each customer's history.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T`, of any snapshot; and with
            `log_gap_sum` for an MBG/CNBD-k model of k above 1.
        model: A purchase model.

    Returns:
        The frame with `log_likelihood` (Float64, by the model's time unit; null for customers
        without any purchase).

    Raises:
        OptionError: The model is not one of purchases.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [0], "t_x": [0.0], "T": [280.0]})
        >>> bg = cv.BgNbd(r=0.25, alpha=4, a=0.8, b=2.5)
        >>> cv.clv.log_likelihood(customers, bg)["log_likelihood"].round(4).item()
        -0.5995
    """
    check_instance("model", model, PurchaseModel)
    found = history_column(
        model, lambda m, *at: m.log_likelihood(*at), history=model.likelihood_columns
    )
    return _with_history(customers, log_likelihood=found)


@overload
def expected_spend(customers: pl.LazyFrame, model: SpendModel) -> pl.LazyFrame: ...
@overload
def expected_spend(customers: ArrowStream, model: SpendModel) -> pl.DataFrame: ...
def expected_spend(customers: Frame, model: SpendModel) -> pl.DataFrame | pl.LazyFrame:
    """Expected spend: add how much each customer will spend per purchase.

    The mean of the customer's own repeat purchases, shrunk to the mean of all. By Gamma-Gamma it is
    E[M | x, m] = p (v + x m) / (p x + q - 1), equation 5 of Fader & Hardie's note 025.

    Args:
        customers: Customer frame with `repeat_purchases` and `repeat_spend`.
        model: A spend model.

    Returns:
        The frame with `expected_spend` (Float64, money, revenue basis). Customers without a
        repeat purchase get the mean of a new customer, which is null where q <= 1; a mean repeat
        spend below zero counts as zero.

    Raises:
        OptionError: The model is not one of spend.
        SchemaError: Columns are missing or not numbers.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"repeat_purchases": [2, 0], "repeat_spend": [22.35, None]})
        >>> gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
        >>> cv.expected_spend(customers, gg)["expected_spend"].round(2).to_list()
        [24.66, 35.22]
    """
    check_instance("model", model, SpendModel)
    frame = read_frame(customers, dict.fromkeys(SPEND, "number"))
    return with_columns(frame, model.spend_column().alias("expected_spend"))


def expected_purchases_new_customer(model: PurchaseModel, *, horizon: Horizon) -> float:
    """Expected repeat purchases of a new customer, without a history.

    Args:
        model: A purchase model.
        horizon: Length of the time after the first purchase, e.g. `"52w"`.

    Returns:
        The expected number, without the first purchase.

    Raises:
        OptionError: The horizon is not a duration above zero, or the model not one of purchases.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(cv.clv.expected_purchases_new_customer(bg, horizon="52w"), 4)
        1.4461
    """
    check_instance("model", model, PurchaseModel)
    return model.new_customer_purchases(model.horizon_length(horizon))


def purchase_probability_new_customer(model: PurchaseModel, *, horizon: Horizon, n: int) -> float:
    """Probability that a new customer makes exactly n repeat purchases in a horizon.

    Args:
        model: A purchase model.
        horizon: Length of the time after the first purchase, e.g. `"39w"`.
        n: Number of repeat purchases, 0 or more; the first purchase does not count.

    Returns:
        The probability.

    Raises:
        OptionError: The horizon is not a duration above zero, n not a number of purchases,
            or the model not one of purchases.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(cv.clv.purchase_probability_new_customer(bg, horizon="39w", n=0), 4)
        0.5738
    """
    check_instance("model", model, PurchaseModel)
    length = model.horizon_length(horizon)
    return model.new_customer_probability(length, _whole_number(n, lowest=0))


def history_column(
    model: PurchaseModel, function: Callable[..., FloatArray], *, history: Sequence[str] = ()
) -> pl.Expr:
    """Column that an array method makes of each customer's history, once it is checked.

    Args:
        model: A purchase model.
        function: Takes the model, with the covariates of the rows in it, and the history.
        history: Columns that it takes, by default `model.history`.
    """
    own = tuple(history) or model.history
    return array_column(
        lambda *columns: function(model.for_rows(*columns[len(own) :]), *columns[: len(own)]),
        (*own, *model.covariates),
        rules=model.rules,
    )


def _with_history(customers: Frame, **column: pl.Expr) -> pl.DataFrame | pl.LazyFrame:
    read = [name for each in column.values() for name in each.meta.root_names()]
    frame = read_frame(customers, dict.fromkeys(read, "number"))
    return with_columns(frame, *(each.alias(name) for name, each in column.items()))


def _whole_number(number: int, *, lowest: int) -> int:
    check_instance("a number of purchases", number, (int, float))
    if not float(number).is_integer() or number < lowest:
        raise OptionError(
            f"a number of purchases must be a whole number from {lowest}, got {number}"
        )
    return int(number)
