"""BG/NBD: purchases at random, and a chance to stop after each one.

Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005), "'Counting Your Customers' the Easy Way: An
Alternative to the Pareto/NBD Model", Marketing Science 24(2), 275-284.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_value._kernels.math.sums import counting_sums, reach
from customer_value._kernels.models import bg_nbd as kernels
from customer_value._kernels.models import bg_nbd_counts as counts
from customer_value._kernels.models import bg_nbd_future as future
from customer_value._kernels.models import bg_nbd_rows, parameters
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


class BgNbd(CovariateModel, frozen=True):
    """A BG/NBD model, fitted by `fit_bg_nbd` or built from published parameters.

    While alive a customer buys at a Poisson rate that is Gamma(r, alpha) among customers; after
    each repeat purchase the customer stops with a probability that is Beta(a, b) among them.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Rate parameter of the purchase rates, in `time_unit`.
        a: First parameter of the probability of stopping.
        b: Second parameter of the probability of stopping.
        effects: Coefficients of covariates, as in `CovariateModel`.

    Examples:
        >>> import customer_value as cv
        >>> bg = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="week")
        >>> round(bg.new_customer_purchases(52 * 7), 4)
        1.4461
    """

    model: Literal["bg_nbd"] = "bg_nbd"
    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    def _parameters(self, purchase: PerRow, attrition: PerRow) -> dict[str, PerRow]:
        """Purchases are sooner or later, and the odds of stopping change at the same a + b."""
        unit = (self.a + self.b) / (self.a * attrition + self.b)
        return {
            "alpha": self.alpha / purchase,
            "a": self.a * attrition * unit,
            "b": self.b * unit,
        }

    @property
    def _by_day(self) -> parameters.BgNbd:
        return parameters.BgNbd(self.r, self.alpha * self.days_per_unit, self.a, self.b)

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit (equation 6 of the paper)."""
        histories = Histories(x, t_x, T).over(self.days_per_unit)
        return kernels.log_likelihood(
            histories, parameters.BgNbd(self.r, self.alpha, self.a, self.b)
        )

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive `ahead` days after age T: 1 at T without a repeat purchase."""
        if ahead == 0.0:
            return kernels.probability_alive(Histories(x, t_x, T), self._by_day)
        return counts.probability_alive_later(Histories(x, t_x, T), self._by_day, ahead)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T (equation 10 of the paper)."""
        return future.expected_purchases(Histories(x, t_x, T), self._by_day, horizon)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` days after age T."""
        return counts.purchase_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n >= 1 purchases or more in the `horizon` days after age T."""
        return counts.at_least_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days until the next purchase has happened with probability q; inf if it never does."""
        return counts.next_purchase_quantile(Histories(x, t_x, T), self._by_day, q)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        histories = Histories(x, t_x, T)
        return future.discounted_expected_purchases(histories, self._by_day, horizon, rate)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days (equation 9)."""
        return future.expected_purchases_new_customer(self._by_day, horizon)

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability of exactly n repeat purchases of a new customer in `horizon` days (eq. 8)."""
        return counts.new_customer_probability(self._by_day, horizon, n)

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Futures:
        """Given alive, rates are Gamma(r + x, alpha + T), chances to stop Beta(a, b + x)."""
        r, alpha, a, b = self._by_day
        alive = self.probability_alive(x, t_x, T)
        return Futures(alive, r + x, alpha + T, "at_purchase", np.full_like(alive, a), b + x)

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: it is infinite without a discount if a <= 1.

        Where covariates act on attrition it may be so for some customers.
        """
        return rate > 0 or (self.a > 1 and not self.effects.attrition)


def fit_bg_nbd(
    customers: Frame,
    *,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    covariates: CovariateTerms | Sequence[str] | None = None,
    options: FitOptions | None = None,
) -> BgNbd:
    """Fit a BG/NBD model by maximum likelihood.

    The likelihood (equation 6 of Fader, Hardie & Lee 2005) is maximised over the logarithms of the
    parameters, with exact gradient and Hessian, from a start that depends on the data alone: the
    same customers give the same model, in whatever order they come.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are left out and counted in the warnings.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        covariates: Columns of numbers that do not change with time, such as 0 and 1 for a channel:
            names act on purchase and on attrition, `CovariateTerms` says more. Customers with a
            null are left out and counted in the warnings. With covariates z a customer's
            alpha is alpha exp(-c'z), and the odds a / b of the mean probability of stopping are
            multiplied by exp(d'z) while a + b stays.
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
        >>> bg = cv.fit_bg_nbd(customers)
        >>> round(bg.r, 3), round(bg.alpha, 3), round(bg.a, 3), round(bg.b, 3)
        (0.243, 4.414, 0.793, 2.426)
        >>> round(bg.fit.log_likelihood, 1)
        -9582.4
    """
    options = fit_options(options)
    days = unit_days(time_unit)
    terms = as_terms(covariates, BgNbd)
    rows = history_rows(customers, weights, terms.columns)
    repeats = float(rows.weights @ rows.arrays[0])
    mean_repeats = max(repeats / float(rows.weights.sum()), 1e-3)
    scale = mean_age(rows)
    unit = scale / days

    def climb(some: Rows, start: FloatArray) -> Optimum:
        histories = Histories(*some.arrays[:3]).over(scale)
        reached = reach(histories.x, some.weights)

        def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            return kernels.value_gradient_hessian(
                histories, some.weights, parameters.BgNbd(*np.exp(theta).tolist()), reached
            )

        return maximize(
            evaluate,
            start,
            names=("r", "alpha", "a", "b"),
            scales=np.array([1.0, unit, 1.0, 1.0]),
            rows=some,
            offset=-repeats * float(np.log(unit)),
            options=options,
        )

    start = np.log([0.5, 0.5 / mean_repeats, 1.0, 2.5])
    best = climb_from_sample(climb, rows, start)
    if terms.columns:
        return _with_covariates(rows, best, terms, time_unit=time_unit, options=options)
    r, alpha, a, b = np.exp(best.log_parameters).tolist()
    return BgNbd(
        r=r,
        alpha=alpha * unit,
        a=a,
        b=b,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )


def _with_covariates(
    rows: Rows, null: Optimum, terms: CovariateTerms, *, time_unit: TimeUnit, options: FitOptions
) -> BgNbd:
    """Climb on from the maximum without covariates, in (ln r, ln alpha, ln(a+b), ln(b/a))."""
    scale = mean_age(rows)
    unit = scale / unit_days(time_unit)
    histories = Histories(*rows.arrays[:3]).over(scale)
    log_r, log_alpha, log_a, log_b = null.log_parameters
    start = np.array([log_r, log_alpha, np.logaddexp(log_a, log_b), log_b - log_a])

    def evaluate(
        theta: FloatArray, purchase: FloatArray, attrition: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        r, alpha, precision = np.exp(theta[:3]).tolist()
        each = bg_nbd_rows.row_derivatives(
            histories, r, alpha * np.exp(-purchase), precision, attrition - theta[3]
        )
        return counting_sums(histories.x, rows.weights, r), each

    def report(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        r, alpha, precision = np.exp(theta[:3])
        p = 1 / (1 + np.exp(theta[3]))
        q = 1 / (1 + np.exp(-theta[3]))
        values = np.array([r, alpha * unit, precision * p, precision * q])
        slopes = np.diag(values)
        slopes[2, 2:] = values[2] * np.array([1.0, -q])
        slopes[3, 2:] = values[3] * np.array([1.0, p])
        return values, slopes

    (r, alpha, a, b), effects, summary = maximize_with_covariates(
        evaluate,
        start,
        terms,
        names=("r", "alpha", "a", "b"),
        report=report,
        rows=rows,
        offset=-float(rows.weights @ histories.x) * float(np.log(unit)),
        options=options,
    )
    return BgNbd(
        r=r,
        alpha=alpha,
        a=a,
        b=b,
        effects=effects,
        time_unit=time_unit,
        fit=summary,
        fitted_on=rows.fitted_on,
    )
