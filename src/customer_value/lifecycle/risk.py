"""Risk of churn: the money that stands to leave, and whether the probabilities are right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import array_column, finite_column, with_columns
from customer_value._frames.contracts import ArrayRule, Kind, refuse, require
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.intervals import Z95, wilson
from customer_value._frames.options import build
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, FloatArray, Frame

_PROBABILITY = ArrayRule("probabilities outside 0 to 1", lambda p: ~((p >= 0) & (p <= 1)))
_FALLING = [
    ArrayRule(
        "probabilities outside 0 to 1", lambda p, q: ~((p >= 0) & (p <= 1) & (q >= 0) & (q <= 1))
    ),
    ArrayRule("a probability that rises with time", lambda p, q: q > p * (1 + 1e-9)),
]
_YES_OR_NO = ArrayRule("outcomes not 0 or 1", lambda y: ~np.isin(y, (0.0, 1.0)))


@overload
def churn_risk(
    customers: pl.LazyFrame, *, p_alive: str = "p_alive", later: str | None = None
) -> pl.LazyFrame: ...
@overload
def churn_risk(
    customers: ArrowStream, *, p_alive: str = "p_alive", later: str | None = None
) -> pl.DataFrame: ...
def churn_risk(
    customers: Frame, *, p_alive: str = "p_alive", later: str | None = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add the risk of churn: that a customer has left, or the hazard of leaving from now on.

    1 - P(alive) says who is gone already; 1 - P(alive later) / P(alive) says who of those still
    there leaves within the time between: for the first a win-back is too late or due, for the
    second a retention offer is in time. Of a silence in gaps `purchase_rhythm` tells, and
    `calibration_table` whether any of them comes true.

    Args:
        customers: Customer frame with the probabilities, such as those of `probability_alive`.
        p_alive: Column of the probability of being alive now.
        later: Column of the probability of being alive later, such as `"p_alive_later"`.

    Returns:
        The frame with `churn_risk` (Float64, 0 to 1) or, with `later`, `churn_hazard` (Float64, 0
        to 1; null for customers who are surely gone). Null where a probability is unknown.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Probabilities are outside 0 to 1, or later ones above those of now; for a
            LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"p_alive": [0.8, 0.5], "p_alive_later": [0.6, 0.5]})
        >>> cv.lifecycle.churn_risk(customers)["churn_risk"].round(2).to_list()
        [0.2, 0.5]
        >>> cv.lifecycle.churn_risk(customers, later="p_alive_later")["churn_hazard"].round(
        ...     2
        ... ).to_list()
        [0.25, 0.0]
    """
    frame = as_polars(customers)
    names = [p_alive] if later is None else [p_alive, later]
    require(frame, dict.fromkeys(names, "number"), what="customers")
    if later is None:
        risk = 1 - array_column(lambda p: p, names, rules=[_PROBABILITY])
        return with_columns(frame, risk.alias("churn_risk"))
    kept = array_column(_kept, names, rules=_FALLING)
    return with_columns(frame, (1 - kept).alias("churn_hazard"))


@overload
def value_at_risk(
    customers: pl.LazyFrame,
    *,
    churn: str = "churn_risk",
    value: str = "profit",
) -> pl.LazyFrame: ...
@overload
def value_at_risk(
    customers: ArrowStream,
    *,
    churn: str = "churn_risk",
    value: str = "profit",
) -> pl.DataFrame: ...
def value_at_risk(
    customers: Frame,
    *,
    churn: str = "churn_risk",
    value: str = "profit",
) -> pl.DataFrame | pl.LazyFrame:
    """Add the value that each customer's leaving would cost, times its probability.

    Whom to call first is not who is most likely to leave: a customer worth 20,000 at 5 % stands for
    more than one worth 1,000 at 70 %. The value is that of a customer who stays, such as the profit
    of a year or `clv_if_alive`; `clv` counts the probability of being alive already and is refused.
    Leave out customers who are lost: nothing of them is at risk any more.

    Args:
        customers: Customer frame with the probability and the value.
        churn: Column of the probability of leaving, as `churn_risk` adds it.
        value: Column of what the customer is worth if retained, such as `profit` of `customer_pnl`.

    Returns:
        The frame with `value_at_risk` (Float64, money on the basis
        of the value; 0 where it is not above 0) and `risk_rank` (Int64, 1 is the most at risk;
        equal values have equal ranks, the lowest of theirs). Null where either is unknown.

    Raises:
        OptionError: The value is `clv`, which counts the probability of being alive already.
        SchemaError: Columns are missing or not numbers.
        DataError: Probabilities are outside 0 to 1, or values NaN or infinite; for a LazyFrame when
            it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"churn": [0.7, 0.2, 0.05], "profit": [1000, 5000, 20000]})
        >>> ranked = cv.lifecycle.value_at_risk(customers, churn="churn")
        >>> ranked["value_at_risk"].to_list()
        [700.0, 1000.0, 1000.0]
        >>> ranked["risk_rank"].to_list()
        [3, 1, 1]
    """
    if value == "clv":
        raise OptionError(
            "value_at_risk(value='clv') would count the probability of being alive twice: give "
            "value='clv_if_alive'"
        )
    frame = read_frame(customers, {churn: "number", value: "number"})
    risk = array_column(lambda p: p, [churn], rules=[_PROBABILITY])
    loss = risk * finite_column(value).clip(lower_bound=0)
    return with_columns(
        frame,
        loss.alias("value_at_risk"),
        loss.rank("min", descending=True).cast(pl.Int64).alias("risk_rank"),
    )


class Calibration(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True):
    """How well predicted probabilities came true; see `calibration_table`.

    Attributes:
        table: One row per bin.
        n_customers: Customers with a prediction and an outcome.
        brier_score: Mean squared difference of probability and outcome; lower is better.
        reference_score: The same for predicting the mean to everyone: a model above it is worse
            than that.
        expected_error: Mean absolute difference of predicted and observed shares over the bins,
            weighted by customers.
        auc: Probability that a customer to whom it happened had a higher prediction than one to
            whom it did not; None where all came out alike.
    """

    table: pl.DataFrame
    n_customers: int
    brier_score: float | None
    reference_score: float | None
    expected_error: float | None
    auc: float | None


class _Terms(BaseModel, frozen=True, extra="forbid", title="calibration_table"):
    bins: Annotated[int, Field(ge=1, le=100)]


def calibration_table(
    customers: Frame, *, predicted: str, observed: str, bins: int = 10
) -> Calibration:
    """Compare predicted probabilities with what happened.

    Customers are put in bins of about equal numbers by their prediction; equal predictions share a
    bin. In each, the mean prediction should be the observed share within its interval.

    Args:
        customers: One row per customer, such as a holdout.
        predicted: Column of the probability, such as the churn risk.
        observed: Column of what happened, Boolean or 0 and 1. Rows where either is null are left
            out.
        bins: Number of bins asked for.

    Returns:
        The measures and the table: `bin` (Int64, from 1), `customers` (Int64), `lowest`,
        `highest`, `predicted` (mean), `observed` (share), `low`, `high` (Wilson's 95 % interval of
        the share; Float64).

    Raises:
        OptionError: The number of bins is out of range.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Predictions are outside 0 to 1, or outcomes not 0 or 1.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> holdout = pl.DataFrame(
        ...     {"p": [0.1, 0.1, 0.1, 0.1, 0.8, 0.8], "left": [0, 0, 0, 1, 1, 1]}
        ... )
        >>> checked = cv.lifecycle.calibration_table(
        ...     holdout, predicted="p", observed="left", bins=2
        ... )
        >>> checked.table.select("customers", "predicted", "observed").rows()
        [(4, 0.1, 0.25), (2, 0.8, 1.0)]
        >>> round(checked.brier_score, 4), round(checked.auc, 4)
        (0.1533, 0.8333)
    """
    n_bins = build(_Terms, bins=bins).bins
    frame = as_polars(customers)
    kinds: dict[str, Kind] = {predicted: "number", observed: "any"}
    schema = require(frame, kinds, what="customers")
    if schema[observed] != pl.Boolean:
        require(frame, {observed: "number"}, what="customers")
    rows = (
        frame.lazy()
        .select(p=pl.col(predicted).cast(pl.Float64), y=pl.col(observed).cast(pl.Float64))
        .drop_nulls()
        .sort("p", "y")
        .collect()
    )
    p, y = to_array(rows["p"]), to_array(rows["y"])
    refuse({predicted: p}, [_PROBABILITY], what="customers")
    refuse({observed: y}, [_YES_OR_NO], what="customers")
    table = _bins(rows, n_bins)
    if not p.size:
        return Calibration(
            table=table,
            n_customers=0,
            brier_score=None,
            reference_score=None,
            expected_error=None,
            auc=None,
        )
    error = (table["predicted"] - table["observed"]).abs().to_numpy()
    return Calibration(
        table=table,
        n_customers=p.size,
        brier_score=float(np.mean((p - y) ** 2)),
        reference_score=float(np.mean((y.mean() - y) ** 2)),
        expected_error=float(error @ table["customers"].to_numpy() / p.size),
        auc=_auc(rows),
    )


def _kept(now: FloatArray, later: FloatArray) -> FloatArray:
    return np.divide(np.minimum(later, now), now, out=np.full_like(now, np.nan), where=now > 0)


def _bins(rows: pl.DataFrame, bins: int) -> pl.DataFrame:
    place = (pl.col("p").rank("average") - 0.5) / pl.len() * bins
    low, high = wilson(pl.col("observed"), pl.col("customers"), Z95)
    return (
        rows.group_by(bin=place.floor().cast(pl.Int64).clip(0, bins - 1))
        .agg(
            customers=pl.len().cast(pl.Int64),
            lowest=pl.col("p").min(),
            highest=pl.col("p").max(),
            predicted=pl.col("p").sort().mean(),
            observed=pl.col("y").mean(),
        )
        .sort("bin")
        .with_columns(
            bin=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
            low=low.clip(0, 1),
            high=high.clip(0, 1),
        )
    )


def _auc(rows: pl.DataFrame) -> float | None:
    """Mann and Whitney's statistic from mid-ranks."""
    happened = int(rows["y"].sum())
    others = rows.height - happened
    if not happened or not others:
        return None
    ranks = rows.select(pl.col("p").rank("average").filter(pl.col("y") == 1)).to_series()
    excess = math.fsum(ranks) - happened * (happened + 1) / 2
    return excess / (happened * others)
