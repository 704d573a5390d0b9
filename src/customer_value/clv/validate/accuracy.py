"""How good forecasts were: their errors, their order, and beside them forecasts without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import scipy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from customer_value._typing import FloatArray, IntArray

MODEL = "model"
NAIVE = ("own_rate", "everyone_average")
"""Forecasts that need no model."""

_REPEATS = 7
_DECILES = 10


class Outcome(NamedTuple):
    """What came, and what the same customers were expected to do."""

    name: str
    actual: FloatArray
    forecasts: dict[str, FloatArray]
    repeats: FloatArray


def naive_forecasts(amounts: FloatArray, ages: FloatArray, length: float) -> dict[str, FloatArray]:
    """Go on as before: each customer at the own rate, or all at the mean rate.

    Args:
        amounts: What each customer brought since the first purchase.
        ages: The time in which that was; a customer of age 0 gets the mean rate.
        length: How long it goes on.
    """
    lived = float(ages.sum())
    mean = float(amounts.sum()) / lived if lived > 0 else 0.0
    own = np.divide(amounts, ages, out=np.full(ages.size, mean), where=ages > 0)
    return dict(zip(NAIVE, (own * length, np.full(ages.size, mean * length)), strict=True))


def normalised_gini(actual: FloatArray, predicted: FloatArray) -> float | None:
    """How well a forecast orders the customers by what came; 1 is perfect, 0 is none.

    The Gini coefficient of what came, with the customers in the order of the forecast, over that in
    their true order; None where all customers came out alike.
    """
    largest = float(np.abs(actual).max(initial=0.0)) or 1.0
    centre = (actual.size + 1) / 2
    # Equal forecasts get equal ranks: no order among them is better than another.
    by_forecast, by_outcome = (scipy.stats.rankdata(by) - centre for by in (predicted, actual))
    best = float((by_outcome * (actual / largest)).sum())
    return float((by_forecast * (actual / largest)).sum()) / best if best > 0 else None


def error_table(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """One row per outcome and forecast: totals, errors and order."""
    schema = {
        "outcome": pl.String,
        "forecast": pl.String,
        "customers": pl.Int64,
        "expected": pl.Float64,
        "actual": pl.Float64,
        "bias": pl.Float64,
        "mae": pl.Float64,
        "rmse": pl.Float64,
        "gini": pl.Float64,
    }
    rows = [
        (outcome.name, name, outcome.actual.size, *_errors(outcome.actual, forecast))
        for outcome in outcomes
        for name, forecast in outcome.forecasts.items()
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def decile_table(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Means by tenths of the customers, by what the model expects of them; equal ones together."""

    def tenth(outcome: Outcome) -> IntArray:
        # Mid-ranks twice are whole numbers: customers at a boundary do not depend on rounding.
        twice = np.rint(2 * scipy.stats.rankdata(outcome.forecasts[MODEL])).astype(np.int64)
        tenths: IntArray = (twice - 1) * _DECILES // (2 * twice.size)
        return tenths

    tables = [
        _means(outcome, tenth(outcome), {"decile": np.arange(1, _DECILES + 1)})
        for outcome in outcomes
    ]
    return pl.concat(tables)


def repeats_table(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Means by the number of repeat purchases so far: 0, 1 ... 6, and 7 or more."""
    names = np.array([*map(str, range(_REPEATS)), f"{_REPEATS}+"])
    tables = [
        _means(
            outcome,
            np.minimum(outcome.repeats, _REPEATS).astype(np.int64),
            {"repeat_purchases": names},
        )
        for outcome in outcomes
    ]
    return pl.concat(tables)


def losses(
    errors: pl.DataFrame, outcome: str, forecast: str = MODEL, *, models: Collection[str] = (MODEL,)
) -> tuple[bool, str]:
    """Whether a model's forecast is worse than one without a model, and by how much, in words.

    A forecast of means is judged by the squared error, which a mean makes smallest; the absolute
    error, which a median makes smallest, must be beaten too.
    """
    rows = errors.filter(pl.col("outcome") == outcome)
    own = rows.row(by_predicate=pl.col("forecast") == forecast, named=True)
    naive = rows.filter(~pl.col("forecast").is_in(list(models)))
    found = []
    lost = []
    for measure in ("rmse", "mae"):
        best = naive.sort(measure, maintain_order=True).row(0, named=True)
        words = f"{measure.upper()} {own[measure]:.4g} against {best[measure]:.4g}"
        found.append(f"{words} of {best['forecast']}")
        if own[measure] >= best[measure]:
            lost.append(found[-1])
    return bool(lost), " and ".join(lost or found)


def _errors(actual: FloatArray, forecast: FloatArray) -> tuple[float | None, ...]:
    error = forecast - actual
    return (
        float(forecast.sum()),
        float(actual.sum()),
        float(error.mean()),
        float(np.abs(error).mean()),
        float(np.sqrt((error * error).mean())),
        normalised_gini(actual, forecast),
    )


def _means(outcome: Outcome, place: IntArray, group: dict[str, np.ndarray]) -> pl.DataFrame:
    """What the model expects and what came, per customer of each group that has any."""
    ((name, labels),) = group.items()
    counts = np.bincount(place, minlength=labels.size)
    some = counts > 0

    def mean(values: FloatArray) -> FloatArray:
        sums = np.bincount(place, weights=values, minlength=labels.size)
        return np.asarray(sums[some] / counts[some])

    return pl.DataFrame(
        {
            name: labels[some],
            "customers": counts[some],
            "expected": mean(outcome.forecasts[MODEL]),
            "actual": mean(outcome.actual),
        },
    ).select(pl.lit(outcome.name).alias("outcome"), pl.all())
