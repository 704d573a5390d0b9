"""NBD: purchases at random forever, the benchmark of models in which customers leave.

Ehrenberg, A. S. C. (1959), "The Pattern of Consumer Purchases", Applied Statistics 8(1), 26-41.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_value._kernels.models import nbd as kernels
from customer_value._kernels.models import parameters
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


class Nbd(TimedModel, frozen=True):
    """An NBD model, fitted by `fit_nbd` or built from published parameters.

    Every customer stays forever and buys at a Poisson rate that is Gamma(r, alpha) among
    customers. What another model gains over it is what leaving explains.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Rate parameter of the purchase rates, in `time_unit`.

    Examples:
        >>> import customer_value as cv
        >>> nbd = cv.Nbd(r=0.385, alpha=12.07, time_unit="week")
        >>> round(nbd.new_customer_purchases(52 * 7), 4)
        1.6587
    """

    model: Literal["nbd"] = "nbd"
    r: Parameter
    alpha: Parameter

    @property
    def _by_day(self) -> parameters.Nbd:
        return parameters.Nbd(self.r, self.alpha * self.days_per_unit)

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit; `t_x` says nothing."""
        histories = Histories(x, t_x, T).over(self.days_per_unit)
        return kernels.log_likelihood(histories, parameters.Nbd(self.r, self.alpha))

    def probability_alive(
        self,
        x: FloatArray,
        t_x: FloatArray,  # noqa: ARG002
        T: FloatArray,  # noqa: ARG002
        ahead: float = 0.0,  # noqa: ARG002
    ) -> FloatArray:
        """Probability of being alive: 1."""
        return np.ones(x.size)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T: (r+x)/(alpha+T) a day."""
        return self.discounted_purchases(x, t_x, T, horizon, 0.0)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` days after age T."""
        return kernels.purchase_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n >= 1 purchases or more in the `horizon` days after age T."""
        return kernels.at_least_probability(Histories(x, t_x, T), self._by_day, horizon, n)

    def next_purchase_quantile(
        self,
        x: FloatArray,
        t_x: FloatArray,  # noqa: ARG002
        T: FloatArray,
        q: float,
    ) -> FloatArray:
        """Days until the next purchase has happened with probability q.

        Where customers hardly ever buy they are more than a float can say: inf.
        """
        with np.errstate(over="ignore"):
            return (self._by_day.alpha + T) * np.expm1(-math.log1p(-q) / (self.r + x))

    def discounted_purchases(
        self,
        x: FloatArray,
        t_x: FloatArray,  # noqa: ARG002
        T: FloatArray,
        horizon: float,
        rate: float,
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        length = horizon if rate == 0.0 else -math.expm1(-rate * horizon) / rate
        return (self.r + x) / (self._by_day.alpha + T) * length

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days."""
        return self.r / self._by_day.alpha * horizon

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability of exactly n repeat purchases of a new customer in `horizon` days."""
        now = np.zeros(1)
        return float(self.purchase_probability(now, now, now, horizon, n)[0])

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Futures:  # noqa: ARG002
        """Rates are Gamma(r + x, alpha + T), and no one stops."""
        rest = np.ones(x.size)
        return Futures(rest, self.r + x, self._by_day.alpha + T, "never", rest, rest)

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: never without discount."""
        return rate > 0


def fit_nbd(
    customers: Frame,
    *,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> Nbd:
    """Fit an NBD model by maximum likelihood: the benchmark without churn.

    A customer's likelihood is Gamma(r+x)/Gamma(r) alpha^r (alpha+T)^-(r+x), that of the purchase
    days, so that it compares with the other models' (Ehrenberg 1959 gives the distribution of the
    counts). It is maximised over the logarithms of the parameters, with exact gradient and Hessian,
    from a start that depends on the data alone.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are left out and counted in the warnings.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example when
        no one bought twice or all buy alike, `fit.status` is `"boundary"` and a warning says
        so.

    Raises:
        SchemaError: Columns are missing or not numeric.
        DataError: Histories are impossible, such as `t_x` above `T`.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> nbd = cv.fit_nbd(customers)
        >>> round(nbd.r, 4), round(nbd.alpha, 3), round(nbd.fit.log_likelihood, 1)
        (0.3848, 12.072, -9763.7)
    """
    options = fit_options(options)
    days = unit_days(time_unit)
    rows = history_rows(customers, weights)
    scale = mean_age(rows)
    histories = Histories(*rows.arrays).over(scale)
    repeats = float(rows.weights @ histories.x)

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        at = parameters.Nbd(*np.exp(theta).tolist())
        return kernels.value_gradient_hessian(histories, rows.weights, at)

    mean_repeats = max(repeats / float(rows.weights.sum()), 1e-3)
    unit = scale / days
    best = maximize(
        evaluate,
        np.log([0.5, 0.5 / mean_repeats]),
        names=("r", "alpha"),
        scales=np.array([1.0, unit]),
        rows=rows,
        offset=-repeats * float(np.log(unit)),
        options=options,
    )
    r, alpha = np.exp(best.log_parameters).tolist()
    return Nbd(
        r=r,
        alpha=alpha * unit,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )
