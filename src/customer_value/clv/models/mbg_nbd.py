"""MBG/NBD: purchases at random, and a chance to stop after each one, the first included.

Batislam, E. P., Denizel, M. and Filiztekin, A. (2007), "Empirical validation and comparison of
models for customer base analysis", International Journal of Research in Marketing 24(3), 201-209.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_value._kernels.models import mbg_cnbd, mbg_nbd, parameters
from customer_value._kernels.models.histories import Histories
from customer_value.clv.base import (
    FitOptions,
    Futures,
    Parameter,
    TimedModel,
)
from customer_value.clv.fit.fitting import fit_options, history_rows, maximize, mean_age, unit_days

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame, TimeUnit
    from customer_value.clv.fit.fitting import Optimum, Rows


class MbgNbd(TimedModel, frozen=True):
    """An MBG/NBD model, fitted by `fit_mbg_nbd` or built from published parameters.

    While alive a customer buys at a Poisson rate that is Gamma(r, alpha) among customers; after
    each purchase the customer stops with a probability that is Beta(a, b) among them. Unlike in
    the BG/NBD, the first purchase may be the last, so that customers without a repeat purchase
    are not sure to be alive.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Rate parameter of the purchase rates, in `time_unit`.
        a: First parameter of the probability of stopping.
        b: Second parameter of the probability of stopping.

    Examples:
        >>> import customer_value as cv
        >>> mbg = cv.MbgNbd(r=0.525, alpha=6.183, a=0.891, b=1.614, time_unit="week")
        >>> round(mbg.new_customer_purchases(52 * 7), 4)
        1.4197
    """

    model: Literal["mbg_nbd"] = "mbg_nbd"
    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    @property
    def _by_day(self) -> parameters.MbgCnbd:
        return parameters.MbgCnbd(1, self.r, self.alpha * self.days_per_unit, self.a, self.b)

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit."""
        histories = Histories(x, t_x, T).over(self.days_per_unit)
        return mbg_cnbd.log_likelihood(
            histories, parameters.MbgCnbd(1, self.r, self.alpha, self.a, self.b)
        )

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive `ahead` days after age T."""
        if ahead == 0.0:
            return mbg_cnbd.probability_alive(Histories(x, t_x, T), self._by_day)
        return mbg_nbd.probability_alive_later(Histories(x, t_x, T), self._by_day, ahead)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T."""
        return mbg_nbd.expected_purchases(Histories(x, t_x, T), self._by_day, horizon)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` days after age T."""
        return mbg_nbd.purchase_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n >= 1 purchases or more in the `horizon` days after age T."""
        return mbg_nbd.at_least_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days until the next purchase has happened with probability q; inf if it never does."""
        return mbg_nbd.next_purchase_quantile(Histories(x, t_x, T), self._by_day, q)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        histories = Histories(x, t_x, T)
        return mbg_nbd.discounted_expected_purchases(histories, self._by_day, horizon, rate)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days."""
        now = np.zeros(1)
        return float(self.expected_purchases(now, now, now, horizon)[0])

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability of exactly n repeat purchases of a new customer in `horizon` days."""
        now = np.zeros(1)
        return float(self.purchase_probability(now, now, now, horizon, n)[0])

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Futures:
        """Given alive, rates are Gamma(r + x, alpha + T), chances to stop Beta(a, b + x + 1)."""
        _, r, alpha, a, b = self._by_day
        alive = self.probability_alive(x, t_x, T)
        return Futures(alive, r + x, alpha + T, "at_purchase", np.full_like(alive, a), b + x + 1)

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: it is infinite without a discount if a <= 1."""
        return rate > 0 or self.a > 1


def fit_mbg_nbd(
    customers: Frame,
    *,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> MbgNbd:
    """Fit an MBG/NBD model by maximum likelihood.

    A customer's likelihood is B(a, b+x+1)/B(a, b) Gamma(r+x)/Gamma(r) alpha^r [(alpha+T)^-(r+x) +
    a/(b+x) (alpha+t_x)^-(r+x)] (Batislam, Denizel & Filiztekin 2007). It is maximised over the
    logarithms of the parameters, with exact gradient and Hessian, from a start that depends on the
    data alone: the same customers give the same model, in whatever order they come.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are left out and counted in the warnings.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example when
        no one bought twice, `fit.status` is `"boundary"` and a warning says so.

    Raises:
        SchemaError: Columns are missing or not numeric.
        DataError: Histories are impossible, such as `t_x` above `T`.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> mbg = cv.fit_mbg_nbd(customers)
        >>> round(mbg.r, 3), round(mbg.alpha, 3), round(mbg.a, 3), round(mbg.b, 3)
        (0.525, 6.183, 0.891, 1.614)
        >>> round(mbg.fit.log_likelihood, 1)
        -9582.1
    """
    options = fit_options(options)
    unit = unit_days(time_unit)
    rows = history_rows(customers, weights)
    best = maximize_mbg(rows, k=1, unit=unit, options=options)
    r, alpha, a, b = np.exp(best.log_parameters).tolist()
    return MbgNbd(
        r=r,
        alpha=alpha * mean_age(rows) / unit,
        a=a,
        b=b,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )


def maximize_mbg(
    rows: Rows, *, k: int, unit: float, options: FitOptions, log_gaps: float = 0.0
) -> Optimum:
    """Maximise the likelihood of MBG/CNBD-k for one k.

    Args:
        rows: The histories, in days.
        k: Shape of the gaps.
        unit: Days in the model's time unit.
        options: Limits of the search.
        log_gaps: Logarithm of the factor of the gaps, for gaps in days.

    Returns:
        The log-parameters in units of `mean_age`, and the summary in the model's unit.
    """
    scale = mean_age(rows)
    histories = Histories(*rows.arrays).over(scale)
    events = k * float(rows.weights @ histories.x)

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return mbg_cnbd.value_gradient_hessian(
            histories, rows.weights, parameters.MbgCnbd(k, *np.exp(theta).tolist())
        )

    mean_events = max(events / float(rows.weights.sum()), 1e-3)
    return maximize(
        evaluate,
        np.log([0.5, 0.25 / mean_events, 1.0, 2.0]),
        names=("r", "alpha", "a", "b"),
        scales=np.array([1.0, scale / unit, 1.0, 1.0]),
        rows=rows,
        # Densities of gaps: per day for the factor of the gaps, per unit in the end.
        offset=log_gaps - events * float(np.log(scale)) + events / k * float(np.log(unit)),
        options=options,
    )
