"""Pareto/NBD: purchases at random, and a chance to stop at any time.

Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987), "Counting Your Customers: Who Are They
and What Will They Do Next?", Management Science 33(1), 1-24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from customer_value._kernels.math.sums import counting_sums
from customer_value._kernels.models import parameters
from customer_value._kernels.models import pareto_nbd as kernels
from customer_value._kernels.models.histories import Histories
from customer_value.clv.base import (
    FitOptions,
    Futures,
    Parameter,
)
from customer_value.clv.fit.covariates import maximize_with_covariates
from customer_value.clv.fit.fitting import (
    Optimum,
    Rows,
    climb_from_sample,
    fit_options,
    history_rows,
    maximize,
    mean_age,
    unit_days,
)
from customer_value.clv.models.covariates import CovariateModel, CovariateTerms, as_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._kernels.run.per_row import PerRow
    from customer_value._typing import FloatArray, Frame, TimeUnit


_NAMES = ("r", "alpha", "s", "beta")


class ParetoNbd(CovariateModel, frozen=True):
    """A Pareto/NBD model, fitted by `fit_pareto_nbd` or built from published parameters.

    While alive a customer buys at a Poisson rate that is Gamma(r, alpha) among customers, and lives
    for an exponential time from the first purchase, whose rate is Gamma(s, beta) among them.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Rate parameter of the purchase rates, in `time_unit`.
        s: Shape of the death rates.
        beta: Rate parameter of the death rates, in `time_unit`.
        effects: Coefficients of covariates, as in `CovariateModel`.

    Examples:
        >>> import customer_value as cv
        >>> pn = cv.ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669, time_unit="week")
        >>> round(pn.new_customer_purchases(52 * 7), 4)
        1.473
    """

    model: Literal["pareto_nbd"] = "pareto_nbd"
    r: Parameter
    alpha: Parameter
    s: Parameter
    beta: Parameter

    def _parameters(self, purchase: PerRow, attrition: PerRow) -> dict[str, PerRow]:
        return {"alpha": self.alpha / purchase, "beta": self.beta / attrition}

    @property
    def _by_day(self) -> parameters.ParetoNbd:
        unit = self.days_per_unit
        return parameters.ParetoNbd(self.r, self.alpha * unit, self.s, self.beta * unit)

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit."""
        histories = Histories(x, t_x, T).over(self.days_per_unit)
        return kernels.log_likelihood(
            histories, parameters.ParetoNbd(self.r, self.alpha, self.s, self.beta)
        )

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive at age T + `ahead`."""
        return kernels.probability_alive(Histories(x, t_x, T), self._by_day, ahead)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T."""
        return self.discounted_purchases(x, t_x, T, horizon, 0.0)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        histories = Histories(x, t_x, T)
        return kernels.discounted_expected_purchases(histories, self._by_day, horizon, rate)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly `n` purchases in the `horizon` days after age T."""
        return kernels.purchase_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n >= 1 purchases or more in the `horizon` days after age T."""
        return kernels.at_least_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days after age T by which the next purchase has come with probability `q`, or inf."""
        return kernels.next_purchase_quantile(Histories(x, t_x, T), self._by_day, q)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days."""
        zero = np.zeros(1)
        return float(self.expected_purchases(zero, zero, zero, horizon)[0])

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability that a new customer makes exactly `n` repeat purchases in `horizon` days."""
        zero = np.zeros(1)
        return float(self.purchase_probability(zero, zero, zero, horizon, n)[0])

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Futures:
        """Given alive, the rates are Gamma(r + x, alpha + T) and, of death, Gamma(s, beta + T)."""
        r, alpha, s, beta = self._by_day
        alive = self.probability_alive(x, t_x, T)
        return Futures(alive, r + x, alpha + T, "in_time", np.full_like(alive, s), beta + T)

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: it is infinite without a discount if s <= 1."""
        return rate > 0 or self.s > 1


def fit_pareto_nbd(
    customers: Frame,
    *,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    covariates: CovariateTerms | Sequence[str] | None = None,
    options: FitOptions | None = None,
) -> ParetoNbd:
    """Fit a Pareto/NBD model by maximum likelihood.

    The likelihood (Fader & Hardie 2005, note 009, "A Note on Deriving the Pareto/NBD Model and
    Related Expressions") is maximised over the logarithms of the parameters, with exact gradient
    and Hessian, from a start that depends on the data alone: the same customers give the same
    model, in whatever order they come.

    With covariates z a customer's alpha is alpha exp(-c'z) and beta is beta exp(-d'z), so that the
    mean rates are multiplied by exp(c'z) and exp(d'z) (Fader & Hardie 2007, note 019,
    "Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models").

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are left out and counted in the warnings.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        covariates: Columns of numbers that do not change with time, such as 0 and 1 for a channel:
            names act on purchase and on attrition, `CovariateTerms` says more. Customers with a
            null are left out and counted in the warnings.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example when
        no one bought twice, `fit.status` is `"boundary"` and a warning says so.

    Raises:
        OptionError: The time unit is unknown, or covariates are named as parameters.
        SchemaError: Columns are missing or not numeric.
        DataError: Histories are impossible, such as `t_x` above `T`.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> pn = cv.fit_pareto_nbd(customers)
        >>> round(pn.r, 3), round(pn.alpha, 2), round(pn.s, 3), round(pn.beta, 2)
        (0.553, 10.58, 0.606, 11.67)
        >>> round(pn.fit.log_likelihood, 1)
        -9595.0
    """
    options = fit_options(options)
    unit_days(time_unit)
    terms = as_terms(covariates, ParetoNbd)
    rows = history_rows(customers, weights, terms.columns)
    search = _Search.of(rows, time_unit, options)
    best = search.maximize()
    if terms.columns:
        return search.with_covariates(best, terms)
    r, alpha, s, beta = (np.exp(best.log_parameters) * search.scales).tolist()
    return ParetoNbd(
        r=r,
        alpha=alpha,
        s=s,
        beta=beta,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )


class _Search(NamedTuple):
    """The likelihood of some rows, time in units of their mean age, and how to maximise it.

    So the limits of the search fit any data.
    """

    rows: Rows
    mean_age: float
    time_unit: TimeUnit
    options: FitOptions

    @classmethod
    def of(cls, rows: Rows, time_unit: TimeUnit, options: FitOptions) -> _Search:
        return cls(rows, mean_age(rows), time_unit, options)

    @property
    def scales(self) -> FloatArray:
        unit = self.mean_age / unit_days(self.time_unit)
        return np.array([1.0, unit, 1.0, unit])

    @property
    def histories(self) -> Histories:
        return Histories(*self.rows.arrays[:3]).over(self.mean_age)

    @property
    def offset(self) -> float:
        return -float(self.rows.weights @ self.rows.arrays[0]) * float(np.log(self.scales[1]))

    def maximize(self) -> Optimum:
        """From a start that the mean number of purchases gives, or for many rows a sample."""
        total = float(self.rows.weights.sum())
        mean = max(float(self.rows.weights @ self.rows.arrays[0]) / total, 1e-3)
        return climb_from_sample(
            lambda rows, start: self._replace(rows=rows).climb(start),
            self.rows,
            np.log([0.5, 0.5 / mean, 0.5, 0.5]),
        )

    def climb(self, start: FloatArray) -> Optimum:
        histories = self.histories
        weights = self.rows.weights

        def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            at = parameters.ParetoNbd(*np.exp(theta).tolist())
            return kernels.value_gradient_hessian(histories, weights, at)

        return maximize(
            evaluate,
            start,
            names=_NAMES,
            scales=self.scales,
            rows=self.rows,
            offset=self.offset,
            options=self.options,
        )

    def with_covariates(self, null: Optimum, terms: CovariateTerms) -> ParetoNbd:
        """Climb on from the maximum without covariates."""
        histories = self.histories
        weights = self.rows.weights

        def evaluate(
            theta: FloatArray, purchase: FloatArray, attrition: FloatArray
        ) -> tuple[FloatArray, FloatArray]:
            r, alpha, s, beta = np.exp(theta).tolist()
            alphas = alpha * np.exp(-purchase)
            betas = beta * np.exp(-attrition)
            rows = kernels.row_derivatives(histories, parameters.ParetoNbd(r, alphas, s, betas))
            return counting_sums(histories.x, weights, r), rows

        def report(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
            values = np.exp(theta) * self.scales
            return values, np.diag(values)

        (r, alpha, s, beta), effects, summary = maximize_with_covariates(
            evaluate,
            null.log_parameters,
            terms,
            names=_NAMES,
            report=report,
            rows=self.rows,
            offset=self.offset,
            options=self.options,
        )
        return ParetoNbd(
            r=r,
            alpha=alpha,
            s=s,
            beta=beta,
            effects=effects,
            time_unit=self.time_unit,
            fit=summary,
            fitted_on=self.rows.fitted_on,
        )
