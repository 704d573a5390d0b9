"""Customer equity: what all customers are worth together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel

from customer_value._frames.derive import AMOUNT, MONEY, SHARE, check_numbers
from customer_value._frames.door import read_frame
from customer_value._frames.money import exact_sum
from customer_value._frames.options import Share, build
from customer_value._frames.valued import WORTH, attributes, check_if_alive, inner, valued_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame

_RESULT = ("customers", "unvalued", "equity", "equity_share", "equity_at_risk", "risk_share")
_IF_ALIVE = "__equity_if_alive__"


def customer_equity(
    customers: Frame,
    *,
    by: str | Sequence[str] = (),
    value: str = "clv",
    churn: str | None = None,
    clv_if_alive: str = "clv_if_alive",
) -> pl.DataFrame:
    """Sum the lifetime values of customers: by tier, channel or stage, or of all.

    Each customer counts with its own value alone. Values of referrals are parts of the values of
    the referred, and adding them would count these twice.

    Args:
        customers: Frame with one row per customer; a LazyFrame is collected.
        by: The attribute columns, such as `"tier"`; several are crossed. By default all customers
            are one group.
        value: Column of residual lifetime value, margin basis, money.
        churn: Column of the probability, 0 to 1, that the customer has left or leaves, such as
            `"churn_risk"`.
        clv_if_alive: With `churn`, the column of the lifetime value of a customer who stays. `clv`
            cannot serve here: it is P(alive) times this value already, and would count the
            probability twice.

    Returns:
        One row per combination that occurs, unknown (null) attributes included, largest equity
        first: the attributes, `customers` (Int64), `unvalued` (Int64, customers of unknown value,
        who add nothing), `equity` (Float64, money, summed to six places exactly) and
        `equity_share` (Float64, of the equity of all; null where that is not above zero). With
        `churn` also `equity_at_risk` (Float64, sum of churn times the value if alive, over
        customers of whom both are known) and `risk_share` (Float64, its share of what these would
        be worth if all stayed; null where that is not above zero).

    Raises:
        OptionError: `by` names a column twice, or one that the result has besides; or
            `clv_if_alive` is a value that holds P(alive).
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN, infinite or 1e23 and more, or churn is not within 0 to 1.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "tier": ["high", "low", "low"],
        ...         "clv": [720.0, 100.0, 80.0],
        ...         "churn_risk": [0.1, 0.5, 0.2],
        ...         "clv_if_alive": [800.0, 200.0, 100.0],
        ...     }
        ... )
        >>> equity = cv.equity.customer_equity(customers, by="tier", churn="churn_risk")
        >>> equity.select("tier", "equity", "equity_share", "equity_at_risk").rows()
        [('high', 720.0, 0.8, 80.0), ('low', 180.0, 0.2, 120.0)]
    """
    keys = attributes(by, _RESULT)
    inputs = {value: MONEY}
    if churn is not None:
        check_if_alive("clv_if_alive", clv_if_alive)
        inputs |= {churn: SHARE, clv_if_alive: MONEY}
    rows = valued_rows(customers, keys, inputs, what="customers", key=None)
    worth = pl.col(WORTH)
    sums = {
        "customers": pl.len().cast(pl.Int64),
        "unvalued": worth.null_count().cast(pl.Int64),
        "equity": exact_sum(worth),
    }
    if churn is not None:
        if_alive = worth if clv_if_alive == value else pl.col(inner(clv_if_alive))
        leaves = pl.col(inner(churn))
        sums["equity_at_risk"] = exact_sum(leaves * if_alive)
        sums[_IF_ALIVE] = exact_sum(pl.when(leaves.is_not_null()).then(if_alive))
    groups = rows.group_by(keys).agg(**sums) if keys else rows.select(**sums)
    # As a column: polars divides by a scalar with its reciprocal, and one of one is not 1.
    equity = pl.col("equity")
    whole = pl.lit(rows.select(exact_sum(worth)).item()) + 0 * equity
    shares = {"equity_share": pl.when(whole > 0).then(equity / whole)}
    if churn is not None:
        whole_group = pl.col(_IF_ALIVE)
        lost = pl.col("equity_at_risk") / whole_group
        shares["risk_share"] = pl.when(whole_group > 0).then(lost)
    table = groups.with_columns(**shares)
    names = [name for name in _RESULT if name in table.columns]
    falling = [True] + [False] * len(keys)
    return table.select(*keys, *names).sort("equity", *keys, descending=falling, nulls_last=True)


def future_equity(cohorts: Frame, *, discount_rate: float = 0.10) -> float:
    """Find what customers who are yet to be won add to customer equity.

    sum over cohorts of n_k (CLV_k - CAC_k) / (1 + d)^k, after Gupta, Lehmann & Stuart (2004).

    Args:
        cohorts: Table with `years` (from now until the cohort is won), `customers` (their
            number), `clv` (value of each at that time, margin basis, money) and
            `cac` (of each, money).
        discount_rate: Annual effective rate, 0 to 1.

    Returns:
        The value today, money. It is not part of `customer_equity`: add it where future customers
        are to count.

    Raises:
        OptionError: The rate is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are unknown, NaN, infinite or too large, or times, numbers or costs below
            zero.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> cohorts = pl.DataFrame(
        ...     {
        ...         "years": [0, 1],
        ...         "customers": [100, 110],
        ...         "clv": [50.0, 50.0],
        ...         "cac": [30.0, 39.0],
        ...     }
        ... )
        >>> round(cv.equity.future_equity(cohorts, discount_rate=0.10), 2)
        3100.0
    """
    rate = build(_Terms, discount_rate=discount_rate).discount_rate
    rules = {"years": AMOUNT, "customers": AMOUNT, "clv": MONEY, "cac": AMOUNT}
    table = read_frame(cohorts, dict.fromkeys(rules, "number"), what="cohorts").lazy().collect()
    numbers = check_numbers(table, rules, what="cohorts", needed=tuple(rules))
    each = pl.col("clv") - pl.col("cac")
    value = pl.col("customers") * each * (1 + rate) ** -pl.col("years")
    return math.fsum(numbers.select(value).to_series())


class _Terms(BaseModel, frozen=True, extra="forbid", title="future_equity"):
    discount_rate: Share
