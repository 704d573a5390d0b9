"""Maximum likelihood: rows compressed, search on log-parameters, errors by the delta method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
import scipy  # loads optimize, or stats, where it is used: most fits need neither

from customer_value._common.stored import FittedOn
from customer_value._frames.arrays import to_array, to_arrays
from customer_value._frames.contracts import ArrayRule, check_choice, check_instance, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_columns, fitted_on
from customer_value._frames.time import DAYS_PER_UNIT
from customer_value.clv.base import HISTORY, FitOptions, FitSummary, history_rules
from customer_value.exceptions import FitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from customer_value._typing import BoolArray, FloatArray, Frame, TimeUnit

    # Log-likelihood, gradient and Hessian at the logarithms of the parameters.
    Evaluate: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]

_LIMIT = math.log(1e6)
_SAMPLE = 4_000
"""Rows, every k-th of many, whose maximum is near that of all."""
_FIRST_STEPS = 40
"""Newton steps that are tried before any other search."""
_LEVEL = 1e-10
_FLAT = 1e-9
_WEIGHT = "weight of the row"  # no covariate has such a name
_BAD_WEIGHT = ArrayRule("a weight that is not 0 or more", lambda w: ~((w >= 0) & np.isfinite(w)))


class Rows(NamedTuple):
    """The rows of a fit, equal ones counted once."""

    arrays: tuple[FloatArray, ...]
    weights: FloatArray
    warnings: tuple[str, ...]
    fitted_on: FittedOn = FittedOn()


def fit_options(options: FitOptions | None) -> FitOptions:
    """The options of a fit, checked."""
    found = FitOptions() if options is None else options
    check_instance("options", found, FitOptions)
    return found


def unit_days(time_unit: TimeUnit) -> float:
    """Length in days of a model's unit of time, checked."""
    check_choice("time_unit", time_unit, tuple(DAYS_PER_UNIT))
    return DAYS_PER_UNIT[time_unit]


def history_rows(customers: Frame, weights: str | None, covariates: Sequence[str] = ()) -> Rows:
    """The purchase histories of a fit, and the covariates behind them: `fit_rows`."""
    columns = (*HISTORY, *covariates)
    return fit_rows(
        customers,
        columns,
        weights=weights,
        rules=history_rules(len(covariates)),
        usable=pl.all_horizontal(pl.col(columns).is_not_null()),
        unusable="no purchase, or an unknown covariate" if covariates else "no purchase",
    )


def mean_age(rows: Rows) -> float:
    """Mean T in days, the unit of time of a search, so that its limits fit any data."""
    return float(rows.weights @ rows.arrays[2]) / float(rows.weights.sum()) or 1.0


def fit_rows(
    customers: Frame,
    columns: Sequence[str],
    *,
    weights: str | None,
    rules: Sequence[ArrayRule],
    usable: pl.Expr,
    unusable: str,
) -> Rows:
    """Read the rows of a fit, refuse bad ones, leave out unusable ones and compress equal ones.

    Args:
        customers: The customer frame.
        columns: Columns that the likelihood reads.
        weights: Column with the number of customers that each row stands for.
        rules: What no row may be.
        usable: Which rows enter the likelihood.
        unusable: What the others are, in words.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Rows break the rules.
        FitError: No row can be used.
    """
    names = [*columns, *([weights] if weights else [])]
    frame = read_frame(customers, dict.fromkeys(names, "number")).lazy()
    weight = pl.col(weights).cast(pl.Float64) if weights else pl.lit(1.0)
    rows = frame.select(
        pl.col(columns).cast(pl.Float64), *fitted_columns(frame), weight.alias(_WEIGHT)
    ).collect()
    refuse({"weight": to_array(rows[_WEIGHT])}, [_BAD_WEIGHT], what="customers")
    kept = rows.filter(usable.fill_null(value=False) & (pl.col(_WEIGHT) > 0))
    refuse({name: to_array(kept[name]) for name in columns}, rules, what="customers")
    if kept.is_empty():
        raise FitError(f"no customers to fit: {rows.height:,} rows, all with {unusable}")
    left_out = rows.height - kept.height
    warnings = (f"{left_out:,} customers left out: {unusable}",) if left_out else ()
    compressed = compress(kept.select(columns), kept[_WEIGHT], warnings)
    fitted = fitted_on(kept).model_copy(update={"n_customers": round(compressed.weights.sum())})
    return compressed._replace(fitted_on=fitted)


def compress(customers: pl.DataFrame, weights: pl.Series, warnings: tuple[str, ...]) -> Rows:
    """Count equal customers once, with the sum of their weights."""
    # By age first, of which the fewest are equal and need to be compared further; by weight too, so
    # that the sums do not depend on the order of the rows.
    names = customers.columns
    ordered = customers.with_columns(weights.alias(_WEIGHT)).sort(
        [*names[2::-1], *names[3:], _WEIGHT]
    )
    *arrays, weight = to_arrays(ordered)
    same = np.logical_and.reduce([column[1:] == column[:-1] for column in arrays])
    first = np.flatnonzero(np.append(True, ~same))
    return Rows(tuple(column[first] for column in arrays), np.add.reduceat(weight, first), warnings)


class Optimum(NamedTuple):
    """Where a likelihood is largest."""

    log_parameters: FloatArray
    summary: FitSummary


def climb_from_sample(
    climb: Callable[[Rows, FloatArray], Optimum], rows: Rows, start: FloatArray
) -> Optimum:
    """Find the maximum of many rows from that of some: a likelihood of a million is not cheap.

    Args:
        climb: Finds the maximum for the rows, from a start.
        rows: All rows of the fit.
        start: Log-parameters to start from.
    """
    if rows.weights.size <= 2 * _SAMPLE:
        return climb(rows, start)
    # Every k-th of the rows by purchases, so that the sample has as many of each as all have.
    purchases = np.minimum(rows.arrays[0], 2.0**15 - 1).astype(np.int16)
    sample = np.argsort(purchases, kind="stable")[:: -(-purchases.size // _SAMPLE)]
    some = Rows(tuple(array[sample] for array in rows.arrays), rows.weights[sample], ())
    found = climb(some, start)
    return climb(rows, found.log_parameters if found.summary.status == "converged" else start)


def maximize(
    evaluate: Evaluate,
    start: FloatArray,
    *,
    names: Sequence[str],
    scales: FloatArray,
    rows: Rows,
    offset: float,
    options: FitOptions,
    jacobian: Callable[[FloatArray], FloatArray] | None = None,
) -> Optimum:
    """Find the maximum by Newton steps on the exact Hessian.

    Where they do not get there from the start, L-BFGS-B within wide bounds goes before them.

    Args:
        evaluate: Log-likelihood, gradient and Hessian by the log-parameters.
        start: Log-parameters to start from, of data scaled to unit size.
        names: Names of the parameters.
        scales: What turns the parameters of scaled data into those of the model's unit.
        rows: The rows of the fit.
        offset: What turns the log-likelihood of scaled data into that of the model's unit.
        options: Limits of the search.
        jacobian: Gives the derivatives of the reported parameters by the searched ones, for the
            standard errors; without it these are `scales` times exponentials.

    Returns:
        The log-parameters for the scaled data, and the summary in the model's unit.
    """
    total = float(rows.weights.sum())
    counted = _Counted(evaluate, total)
    found = _climb(counted, start, min(_FIRST_STEPS, options.max_iterations))
    if not _is_top(*found):
        start = _search(counted, start, options.max_iterations)
        found = _climb(counted, start, options.max_iterations)
    theta, value, gradient, hessian = found
    free = _free(theta, gradient)
    norm = float(np.max(np.abs(gradient[free]), initial=0.0))
    covariance = None
    if free.all():
        slopes = np.diag(np.exp(theta) * scales) if jacobian is None else jacobian(theta)
        covariance = _covariance(hessian * total, slopes)
    status, words = _judge(names, free, covariance, norm <= options.gradient_tolerance)
    log_likelihood = value * total + offset
    k = len(start)
    table = None
    if status == "converged" and covariance is not None:
        table = tuple(tuple(row) for row in covariance.tolist())
    summary = FitSummary(
        status=status,
        log_likelihood=log_likelihood,
        n_customers=total,
        aic=2 * k - 2 * log_likelihood,
        bic=k * math.log(total) - 2 * log_likelihood,
        names=tuple(names),
        covariance=table,
        gradient_norm=norm,
        iterations=counted.calls,
        warnings=rows.warnings + words,
    )
    if jacobian is None:
        summary = warn_if_vague(summary, dict(zip(names, np.exp(theta) * scales, strict=True)))
    return Optimum(theta, summary)


def warn_if_vague(summary: FitSummary, parameters: Mapping[str, float]) -> FitSummary:
    """Name the parameters that are smaller than their standard errors.

    Args:
        summary: How the model was fitted.
        parameters: The positive parameters of the model.
    """
    errors = summary.standard_errors or {}
    vague = [name for name, value in parameters.items() if errors.get(name, 0.0) > value]
    if not vague:
        return summary
    words = (
        f"the standard error is larger than the parameter for {', '.join(vague)}: the data tell "
        "little of it, and intervals that draw the parameters can be far too wide"
    )
    return summary.model_copy(update={"warnings": (*summary.warnings, words)})


class _Counted:
    """The mean log-likelihood, and how often it was asked for."""

    def __init__(self, evaluate: Evaluate, total: float) -> None:
        self.evaluate = evaluate
        self.total = total
        self.calls = 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        self.calls += 1
        value, gradient, hessian = self.evaluate(theta)
        return value / self.total, gradient / self.total, hessian / self.total

    def objective(self, theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient, _ = self(theta)
        return -value, -gradient


def _search(counted: _Counted, start: FloatArray, max_steps: int) -> FloatArray:
    found = scipy.optimize.minimize(
        counted.objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_LIMIT, _LIMIT)] * len(start),
        options={"maxiter": max_steps, "ftol": 1e-13, "gtol": 1e-7, "maxcor": 20},
    )
    return np.asarray(found.x)


def _climb(
    counted: _Counted, theta: FloatArray, max_steps: int
) -> tuple[FloatArray, float, FloatArray, FloatArray]:
    """Newton steps, damped where the likelihood is not concave or would fall."""
    value, gradient, hessian = counted(theta)
    damping = 0.0
    for _ in range(max_steps):
        free = _free(theta, gradient)
        if np.max(np.abs(gradient[free]), initial=0.0) < 1e-13:
            break
        curvature = -hessian[np.ix_(free, free)]
        lift = max(0.0, 1e-12 - float(np.linalg.eigvalsh(curvature)[0])) * 2 + damping
        step = np.zeros_like(theta)
        step[free] = np.linalg.solve(curvature + lift * np.eye(free.sum()), gradient[free])
        step /= max(1.0, float(np.max(np.abs(step))))
        trial = np.clip(theta + step, -_LIMIT, _LIMIT)
        if np.max(np.abs(trial - theta)) < 1e-12:
            break
        found = counted(trial)
        # At the top the value is all rounding, and only the gradient tells.
        flatter = np.max(np.abs(found[1][free])) < np.max(np.abs(gradient[free]))
        if found[0] > value or (flatter and found[0] >= value - 1e-12 * abs(value)):
            theta, (value, gradient, hessian), damping = trial, found, damping / 10
        else:
            damping = max(10 * damping, 1e-6)
    return theta, value, gradient, hessian


def _is_top(theta: FloatArray, _: float, gradient: FloatArray, hessian: FloatArray) -> bool:
    """Whether Newton steps have come to their end, and not only far out where it is flat."""
    inside = np.max(np.abs(theta)) < _LIMIT
    return bool(inside and np.max(np.abs(gradient)) < _LEVEL) and _is_curved(hessian)


def _is_curved(hessian: FloatArray) -> bool:
    eigenvalues = np.linalg.eigvalsh(-hessian)
    return bool(eigenvalues[0] > _FLAT * max(1.0, eigenvalues[-1]))


def _free(theta: FloatArray, gradient: FloatArray) -> BoolArray:
    """Which parameters can still move: inside the bounds, or pulled back from one."""
    return np.asarray((np.abs(theta) < _LIMIT) | (gradient * theta < 0))


def _covariance(hessian: FloatArray, slopes: FloatArray) -> FloatArray | None:
    """Delta method: J (-H)^-1 J' with the slopes J; None where the likelihood is flat."""
    if not _is_curved(hessian):
        return None
    covariance = slopes @ np.linalg.inv(-hessian) @ slopes.T
    return np.asarray((covariance + covariance.T) / 2)


def _judge(
    names: Sequence[str], free: BoolArray, covariance: FloatArray | None, small_gradient: bool
) -> tuple[Literal["converged", "boundary", "failed"], tuple[str, ...]]:
    held = [name for name, is_free in zip(names, free, strict=True) if not is_free]
    if held:
        words = (
            f"the likelihood still rises at the limit of {', '.join(held)}: the data do not "
            "identify this model (too few purchases or renewals, or customers too much alike)"
        )
        return "boundary", (words,)
    if covariance is None:
        words = "the likelihood is flat at its maximum: the data do not identify the parameters"
        return "boundary", (words,)
    if not small_gradient:
        return "failed", ("the search stopped before the likelihood was largest",)
    return "converged", ()
