"""Several purchase models of the same customers side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel

from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.time import DAYS_PER_UNIT
from customer_value.clv.base import OpportunityModel, PurchaseModel
from customer_value.clv.fit.fitting import unit_days
from customer_value.clv.models.bg_nbd import fit_bg_nbd
from customer_value.clv.models.mbg_cnbd import fit_mbg_cnbd
from customer_value.clv.models.mbg_nbd import fit_mbg_nbd
from customer_value.clv.models.nbd import fit_nbd
from customer_value.clv.models.pareto_nbd import fit_pareto_nbd
from customer_value.clv.predict.predictions import log_likelihood
from customer_value.clv.validate.accuracy import error_table, losses
from customer_value.clv.validate.forecasts import purchase_outcome, read_holdout
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._typing import Frame, TimeUnit

_FITS: dict[str, Callable[..., PurchaseModel]] = {
    "nbd": fit_nbd,
    "bg_nbd": fit_bg_nbd,
    "mbg_nbd": fit_mbg_nbd,
    "mbg_cnbd": fit_mbg_cnbd,
    "pareto_nbd": fit_pareto_nbd,
}
_DEFAULT = ("nbd", "bg_nbd", "mbg_nbd", "pareto_nbd")
_AS_GOOD = 2.0
"""AIC that a model may have more and still be as good (Burnham & Anderson 2002)."""


class ModelComparison(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True):
    """Models of the same customers, see `compare_models`.

    Attributes:
        table: One row per model, and with a holdout per forecast without one.
        advice: One line: which model to take, and what speaks against it.
        best: Name of that model.
        models: The models by name, fitted where only a name was given.
        customers: Customers whose likelihood is known of all models.
    """

    table: pl.DataFrame
    advice: str
    best: str
    models: dict[str, PurchaseModel]
    customers: int

    def __str__(self) -> str:
        """The advice and the table."""
        return f"{self.advice}\n{self.table}"


def compare_models(
    customers: Frame,
    models: Sequence[str | PurchaseModel] | Mapping[str, PurchaseModel] = _DEFAULT,
    *,
    time_unit: TimeUnit = "week",
) -> ModelComparison:
    """Compare how well models explain the calibration period, and how well they foretell the next.

    Args:
        customers: Customer frame; with the columns of `split_holdout` the forecasts are compared
            too.
        models: Names, `"nbd"`, `"bg_nbd"`, `"mbg_nbd"`, `"mbg_cnbd"` (needs `log_gap_sum`) and
            `"pareto_nbd"`, of models to fit here; models fitted before; or those under names of
            your own.
        time_unit: Unit of the models that are fitted here, and of all likelihoods.

    Returns:
        The comparison. Its table has `model`, `status` of the fit, `parameters` (Int64),
        `log_likelihood` of all customers by `time_unit`, `aic` = 2k - 2 log L and `bic` =
        k ln n - 2 log L (Float64; these three, as `status`, null where the model was not fitted to
        these customers). With a holdout also `expected` and `actual` (totals), `bias`, `mae`,
        `rmse` and `gini`, as in `evaluate_holdout`, and the rows `own_rate` and `everyone_average`.
        The best model is the one with the smallest RMSE in the holdout, or without one the
        smallest AIC; the first of equals.

    Raises:
        OptionError: A name is unknown or there twice, no model is given, one counts opportunities
            and so has another kind of likelihood, or the time unit is unknown.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories or holdouts are impossible.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> split = cv.split_holdout(
        ...     cv.load_cdnow(),
        ...     calibration_end=date(1997, 9, 30),
        ...     holdout_end=date(1998, 6, 30),
        ... )
        >>> compared = cv.compare_models(split, ["nbd", "bg_nbd", "pareto_nbd"])
        >>> compared.table["log_likelihood"][:3].round(1).to_list()
        [-9763.7, -9582.4, -9595.0]
        >>> compared.best
        'pareto_nbd'
    """
    unit_days(time_unit)
    frame = read_frame(customers, {"repeat_purchases": "number"}).lazy().collect()
    fitted = _fitted(frame, models, time_unit)
    likelihoods, repeats, n = _likelihoods(frame, fitted)
    rows = [
        _row(name, model, likelihoods[name], repeats * _shift(model, time_unit), n)
        for name, model in fitted.items()
    ]
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    known = frame["repeat_purchases"].drop_nulls()
    one_time = float((known == 0).sum()) / max(known.len(), 1)
    if "holdout_purchases" not in frame.columns:
        best, advice = _by_aic(table)
    else:
        holdout = read_holdout(frame, list(fitted.values()), None, horizon=None)
        errors = error_table([purchase_outcome(holdout, fitted)])
        best, advice = _by_holdout(table, errors)
        table = errors.drop("outcome", "customers").join(
            table, left_on="forecast", right_on="model", how="left", maintain_order="left"
        )
        table = table.rename({"forecast": "model"}).select(*_SCHEMA, *_ERRORS)
    return ModelComparison(
        table=table,
        advice=advice + _reservation(fitted[best], one_time),
        best=best,
        models=fitted,
        customers=n,
    )


_SCHEMA = {
    "model": pl.String,
    "status": pl.String,
    "parameters": pl.Int64,
    "log_likelihood": pl.Float64,
    "aic": pl.Float64,
    "bic": pl.Float64,
}
_ERRORS = ("expected", "actual", "bias", "mae", "rmse", "gini")


def _fitted(
    frame: pl.DataFrame,
    models: Sequence[str | PurchaseModel] | Mapping[str, PurchaseModel],
    time_unit: TimeUnit,
) -> dict[str, PurchaseModel]:
    """The models by name; those that are only named are fitted."""
    named: list[tuple[str, str | PurchaseModel]] = (
        list(models.items())
        if isinstance(models, Mapping)
        else [(m if isinstance(m, str) else str(getattr(m, "model", "")), m) for m in models]
    )
    for name, each in named:
        check_instance(f"models: {name!r}", each, (str, PurchaseModel))
    names = [name for name, _ in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    unknown = sorted(m for _, m in named if isinstance(m, str) and m not in _FITS)
    discrete = sorted(n for n, m in named if isinstance(m, OpportunityModel))
    problems = [
        *(["no model is given"] if not named else []),
        *([f"unknown {unknown}, known are {list(_FITS)}"] if unknown else []),
        *([f"{twice} more than once: give a mapping with names of your own"] if twice else []),
        *([f"{discrete} count opportunities: their likelihood is another"] if discrete else []),
    ]
    if problems:
        raise OptionError(f"models: {'; '.join(problems)}")
    return {
        name: _FITS[model](frame, time_unit=time_unit) if isinstance(model, str) else model
        for name, model in named
    }


def _likelihoods(
    frame: pl.DataFrame, models: Mapping[str, PurchaseModel]
) -> tuple[dict[str, float], float, int]:
    """Log-likelihoods, repeat purchases and number of the customers that all models can tell."""
    columns = [
        log_likelihood(frame, model)["log_likelihood"].alias(name) for name, model in models.items()
    ]
    known = pl.DataFrame([*columns, frame["repeat_purchases"].alias("repeats of the customer")])
    known = known.drop_nulls()
    repeats = float(known["repeats of the customer"].sum())
    return {name: math.fsum(known[name]) for name in models}, repeats, known.height


def _shift(model: PurchaseModel, time_unit: TimeUnit) -> float:
    """What another unit of time adds to the logarithm of a density, once for each purchase."""
    return math.log(DAYS_PER_UNIT[time_unit] / model.days_per_unit)


def _row(
    name: str, model: PurchaseModel, likelihood: float, shift: float, n: int
) -> tuple[str | float | None, ...]:
    """The row of a model; AIC and BIC only for a maximum of this very likelihood."""
    fit = model.fit
    total = likelihood + shift
    if fit is None or not math.isclose(fit.log_likelihood, likelihood, rel_tol=1e-6, abs_tol=1e-6):
        return name, None, None, total, None, None
    k = round(fit.aic / 2 + fit.log_likelihood)  # AIC = 2k - 2 log L
    return name, fit.status, k, total, 2 * k - 2 * total, k * math.log(n) - 2 * total


def _by_aic(table: pl.DataFrame) -> tuple[str, str]:
    """The model with the smallest AIC, or likelihood where none is known."""
    found = table.filter(pl.col("status").is_in(["converged", "boundary"]))
    known = found.sort("aic", maintain_order=True)
    if known.is_empty():
        best = table.sort("log_likelihood", descending=True, maintain_order=True)["model"][0]
        return best, f"take {best}: the largest likelihood, of models that were not fitted here"
    best = known["model"][0]
    smallest = known["aic"][0]
    advice = f"take {best}: the smallest AIC ({smallest:,.1f})"
    level = known.filter(pl.col("aic") <= smallest + _AS_GOOD)["model"][1:].to_list()
    if level:
        advice += f", as good as {' and '.join(level)}: let a holdout decide"
    return best, advice


def _by_holdout(table: pl.DataFrame, errors: pl.DataFrame) -> tuple[str, str]:
    """The model with the smallest RMSE, which should be smaller than without a model."""
    names = table["model"].to_list()
    own = errors.filter(pl.col("forecast").is_in(names)).sort("rmse", maintain_order=True)
    best = own["forecast"][0]
    lost, words = losses(errors, "purchases", best, models=names)
    if lost:
        return best, f"take none of them: even {best} loses to a forecast without a model ({words})"
    advice = f"take {best}: the smallest error in the holdout ({words})"
    explains, _ = _by_aic(table)
    if explains != best and table["aic"].null_count() < table.height:
        advice += f"; {explains} explains the calibration period best"
    return best, advice


def _reservation(model: PurchaseModel, one_time: float) -> str:
    """What speaks against the best model."""
    words = ""
    if model.fit is not None and model.fit.status != "converged":
        words += f"; its fit is {model.fit.status!r}: see its warnings"
    if getattr(model, "model", "") == "bg_nbd" and one_time > 0:
        words += (
            f"; it takes the {100 * one_time:.0f} % without a repeat purchase for alive: read "
            "p_alive from mbg_nbd or pareto_nbd"
        )
    if getattr(model, "model", "") == "nbd":
        words += "; there is no sign that customers leave"
    return words
