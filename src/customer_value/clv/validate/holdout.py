"""How good the forecasts of a model were, told by what customers did afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import BaseModel

from customer_value._frames.arrays import to_array, to_arrays
from customer_value._frames.contracts import check_instance
from customer_value.clv.base import PurchaseModel, SpendModel
from customer_value.clv.predict.drawing import IntervalOptions, interval_options
from customer_value.clv.predict.value import customer_lifetime_value
from customer_value.clv.validate.accuracy import (
    MODEL,
    decile_table,
    error_table,
    losses,
    repeats_table,
)
from customer_value.clv.validate.forecasts import (
    PURCHASES,
    REVENUE,
    Holdout,
    purchase_outcome,
    read_holdout,
    revenue_outcome,
)
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, Frame
    from customer_value.clv.base import Horizon


class HoldoutReport(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True):
    """How good the forecasts were, see `evaluate_holdout`.

    Attributes:
        verdict: One sentence: whether the model beats the forecasts that need none, and how far the
            total was off.
        beats_naive: Whether the model has smaller errors than all of them, RMSE and MAE.
        errors: One row per outcome (`"purchases"`, and `"revenue"` with a spend model) and forecast
            (`"model"`, `"own_rate"`, `"everyone_average"` and the columns given): `customers`,
            `expected` and `actual` (totals), `bias` (mean of expected less actual), `mae`, `rmse`
            and `gini` (normalised, null where all came out alike).
        deciles: One row per outcome and tenth of the customers by the model's forecast, 10 the
            highest: `customers`, `expected` and `actual` (means). Equal forecasts share a tenth,
            and empty ones have no row.
        by_repeats: One row per outcome and number of repeat purchases before the holdout, `"0"` to
            `"6"` and `"7+"`: likewise.
        coverage: One row per outcome: `customers`, `confidence` and `coverage`; None without an
            interval.
        customers: Customers whose history and holdout are known.
        left_out: All others.
    """

    verdict: str
    beats_naive: bool
    errors: pl.DataFrame
    deciles: pl.DataFrame
    by_repeats: pl.DataFrame
    coverage: pl.DataFrame | None
    customers: int
    left_out: int

    def __str__(self) -> str:
        """The verdict, the errors, and the coverage of intervals where there are any."""
        tables = [self.errors] if self.coverage is None else [self.errors, self.coverage]
        return "\n".join([self.verdict, *map(str, tables)])


def evaluate_holdout(
    customers: Frame,
    purchases: PurchaseModel,
    *,
    spend: SpendModel | None = None,
    horizon: Horizon | None = None,
    baselines: Sequence[str] = (),
    interval: bool | IntervalOptions = False,
    seed: int | None = None,
) -> HoldoutReport:
    """Holdout validation: what a model expected, what came, and what simpler forecasts expected.

    Beside the model stand two forecasts that need none: each customer goes on at the own rate of
    repeat purchase, x / T (`own_rate`), or all do at the mean rate (`everyone_average`); and any
    column of the frame, such as the purchases of the year before or the rule in use today. A model
    is worth its trouble if it beats all of them by RMSE, the measure for forecasts of means
    (Gneiting 2011, "Making and Evaluating Point Forecasts", Journal of the American Statistical
    Association 106, 746-762), and by MAE.

    The normalised Gini coefficient says how well a forecast orders the customers, whatever its
    level: 1 is the true order, 0 is none (Wang, Liu & Miao 2019, arXiv:1912.07753).

    Args:
        customers: What `split_holdout` gives: histories at the end of calibration and
            `holdout_purchases`, `holdout_days` and, with a spend model, `holdout_revenue`.
        purchases: A purchase model, fitted to the calibration period alone.
        spend: A spend model, likewise; adds revenue, expected purchases times expected spend.
        horizon: Length of the holdout, in place of `holdout_days`.
        baselines: Columns with forecasts of the purchases in the holdout, 0 or more.
        interval: Whether to measure the coverage of intervals of 95 %; `IntervalOptions` says which
            others, and how to draw those of revenue.
        seed: Seed of the intervals of revenue, which need one.

    Returns:
        The report. Customers with a null in any column that is read are left out and counted. Of
        purchases the intervals are those of the model's counts, with its parameters taken as known
        and equal tails, unless zero lies in the lower one, which leaves its share to the upper; a
        count at an end of its interval is inside by as much as the confidence needs (Czado,
        Gneiting & Held 2009, Biometrics 65, 1254-1261), so that a true model covers just that. Of
        revenue they are those of `customer_lifetime_value` without discount, and a true model
        covers the confidence or more.

    Raises:
        OptionError: The horizon is not a duration, a model is of another kind, a baseline has a
            name that is taken, or the intervals of revenue have no seed or are of the mean.
        FitError: The parameters have no covariance, and the intervals of revenue ask for it.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories or holdouts are impossible, `holdout_days` differs among customers, or
            that of no customer is known.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> split = cv.split_holdout(
        ...     cv.load_cdnow(),
        ...     calibration_end=date(1997, 9, 30),
        ...     holdout_end=date(1998, 6, 30),
        ... )
        >>> report = cv.evaluate_holdout(split, cv.fit_pareto_nbd(split))
        >>> report.verdict  # doctest: +NORMALIZE_WHITESPACE
        'purchases: the model beats the forecasts without one (RMSE 1.603 against 2.104 of
        everyone_average and MAE 0.7545 against 1.024 of own_rate) and expects 1,665.5 where
        1,882 came (-11.5 %)'
        >>> report.by_repeats["expected"].round(2).to_list()
        [0.14, 0.6, 1.2, 1.71, 2.4, 2.91, 3.82, 6.4]
    """
    check_instance("purchases", purchases, PurchaseModel)
    check_instance("spend", spend, (SpendModel, type(None)))
    options = interval_options(interval)
    if options is not None and options.interval_method == "mean":
        raise OptionError("interval: outcomes need interval_method='outcome', not 'mean'")
    holdout = read_holdout(customers, [purchases], spend, horizon=horizon, baselines=baselines)
    outcomes = [purchase_outcome(holdout, {MODEL: purchases}, baselines)]
    if spend is not None:
        outcomes.append(revenue_outcome(holdout, purchases, spend))
    errors = error_table(outcomes)
    coverage = None
    if options is not None:
        shares = [_coverage_of_counts(holdout, purchases, options.confidence)]
        if spend is not None:
            shares.append(_coverage_of_revenue(holdout, purchases, spend, options, seed))
        coverage = pl.DataFrame(
            {
                "outcome": [outcome.name for outcome in outcomes],
                "customers": [outcome.actual.size for outcome in outcomes],
                "confidence": [options.confidence] * len(outcomes),
                "coverage": shares,
            }
        )
    return HoldoutReport(
        verdict="; ".join(_verdict(errors, outcome.name) for outcome in outcomes),
        beats_naive=not any(losses(errors, outcome.name)[0] for outcome in outcomes),
        errors=errors,
        deciles=decile_table(outcomes),
        by_repeats=repeats_table(outcomes),
        coverage=coverage,
        customers=holdout.rows.height,
        left_out=holdout.left_out,
    )


def _coverage_of_counts(holdout: Holdout, model: PurchaseModel, confidence: float) -> float:
    """Mean share of the step of the distribution function at what came that the interval holds."""
    rows = holdout.rows
    came = to_array(rows[PURCHASES])
    length = model.horizon_length(holdout.horizon)
    history = to_arrays(rows.select(model.history))
    covariates = rows.select(model.covariates)
    inside = np.empty(came.size)
    for n in np.unique(came):
        here = came == n
        at = tuple(array[here] for array in history)
        own = model.for_rows(*(array[here] for array in to_arrays(covariates)))
        below, none, upto = (_below(own, at, length, int(count)) for count in (n, 1, n + 1))
        inside[here] = _overlap(below, upto, none, outside=1.0 - confidence)
    return float(inside.mean())


def _below(
    model: PurchaseModel, history: tuple[FloatArray, ...], length: float, n: int
) -> FloatArray:
    """Probability of fewer than n purchases."""
    x, t_x, age = history
    if n == 0:
        return np.zeros(x.size)
    more: FloatArray = model.at_least_probability(x, t_x, age, length, n)
    return 1.0 - more


def _overlap(
    below: FloatArray, upto: FloatArray, none: FloatArray, *, outside: float
) -> FloatArray:
    """Share of the step from `below` to `upto` between the tails; one at zero has no lower tail."""
    low = np.where(none > outside / 2, 0.0, outside / 2)
    high = low + 1.0 - outside
    held = np.minimum(upto, high) - np.maximum(below, low)
    step = upto - below
    shares: FloatArray = np.zeros(step.size)
    np.divide(np.maximum(held, 0.0), step, out=shares, where=step > 0)
    return shares


def _coverage_of_revenue(
    holdout: Holdout,
    purchases: PurchaseModel,
    spend: SpendModel,
    options: IntervalOptions,
    seed: int | None,
) -> float:
    """Share of what came that lies in its interval, of the customers that have one."""
    days = purchases.horizon_length(holdout.horizon) * purchases.days_per_length
    valued = customer_lifetime_value(
        holdout.rows,
        purchases=purchases,
        spend=spend,
        margin=1.0,
        horizon=timedelta(days=days),
        discount_rate=0.0,
        interval=options,
        seed=seed,
    ).drop_nulls(["clv_low", "clv_high"])
    came, low, high = to_arrays(valued.select(REVENUE, "clv_low", "clv_high"))
    return float(np.mean((low <= came) & (came <= high)))


def _verdict(errors: pl.DataFrame, outcome: str) -> str:
    """One sentence on one outcome."""
    rows = errors.filter(pl.col("outcome") == outcome)
    own, naive = (rows.filter((pl.col("forecast") == MODEL) == is_own) for is_own in (True, False))
    row = own.row(0, named=True)
    ordered = naive.drop_nulls("gini").sort("gini")
    lost, words = losses(errors, outcome)
    says = f"{outcome}: the model {'loses to' if lost else 'beats'} the forecasts without one"
    says += f" ({words}) and expects {row['expected']:,.1f} where {row['actual']:,.10g} came"
    if row["actual"] > 0:
        says += f" ({100 * (row['expected'] / row['actual'] - 1):+.1f} %)"
    if not ordered.is_empty() and ordered["gini"][-1] > row["gini"]:
        best = ordered.row(-1, named=True)
        says += (
            f", though {best['forecast']} orders the customers better "
            f"(Gini {best['gini']:.3f} against {row['gini']:.3f})"
        )
    return says
