"""Pareto/NBD: purchases at random, and a chance to stop at any time.

Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987), "Counting Your Customers: Who Are They
and What Will They Do Next?", Management Science 33(1), 1-24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from customer_value._frames.time import DAYS_PER_UNIT
from customer_value._kernels import pareto_nbd as kernels
from customer_value.clv.base import (
    HISTORY,
    FitOptions,
    Parameter,
    PurchaseModel,
    history_rules,
)
from customer_value.clv.fitting import Optimum, Rows, fit_rows, maximize, thin

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame, TimeUnit


_PILOT = 4_000
"""Rows of the sample on which a fit of many starts: a likelihood of a million is not cheap."""


class ParetoNbd(PurchaseModel, frozen=True):
    """A Pareto/NBD model, fitted by `fit_pareto_nbd` or built from published parameters.

    While alive a customer buys at a Poisson rate that is Gamma(r, alpha) among customers, and lives
    for an exponential time from the first purchase, whose rate is Gamma(s, beta) among them.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Rate parameter of the purchase rates, in `time_unit`.
        s: Shape of the death rates.
        beta: Rate parameter of the death rates, in `time_unit`.

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

    @property
    def _by_day(self) -> tuple[float, float, float, float]:
        return self.r, self.alpha * self.days_per_unit, self.s, self.beta * self.days_per_unit

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit."""
        unit = self.days_per_unit
        at = x, t_x / unit, T / unit
        return kernels.log_likelihood(*at, self.r, self.alpha, self.s, self.beta)

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive at age T + `ahead`."""
        return kernels.probability_alive(x, t_x, T, ahead, *self._by_day)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T."""
        return kernels.discounted_expected_purchases(x, t_x, T, horizon, 0.0, *self._by_day)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        return kernels.discounted_expected_purchases(x, t_x, T, horizon, rate, *self._by_day)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly `n` purchases in the `horizon` days after age T."""
        return kernels.purchase_probability(x, t_x, T, horizon, n, *self._by_day)

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days after age T by which the next purchase has come with probability `q`, or inf."""
        return kernels.next_purchase_quantile(x, t_x, T, q, *self._by_day)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days."""
        zero = np.zeros(1)
        return float(self.expected_purchases(zero, zero, zero, horizon)[0])

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability that a new customer makes exactly `n` repeat purchases in `horizon` days."""
        zero = np.zeros(1)
        return float(self.purchase_probability(zero, zero, zero, horizon, n)[0])

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: it is infinite without discount if s <= 1."""
        return rate > 0 or self.s > 1


def fit_pareto_nbd(
    customers: Frame,
    *,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> ParetoNbd:
    """Fit a Pareto/NBD model by maximum likelihood.

    The likelihood (Fader & Hardie 2005, note 009, "A Note on Deriving the Pareto/NBD Model and
    Related Expressions") is maximised over the logarithms of the parameters, with exact gradient
    and Hessian, from a start that depends on the data alone: the same customers give the same
    model, in whatever order they come.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are left out and counted in the warnings.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example when
        nobody bought twice, `fit.status` is `"boundary"` and a warning says so.

    Raises:
        SchemaError: Columns are missing or no numbers.
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
    rows = fit_rows(
        customers,
        HISTORY,
        weights=weights,
        rules=history_rules(),
        usable=pl.all_horizontal(pl.col(HISTORY).is_not_null()),
        unusable="no purchase",
    )
    total, repeats = float(rows.weights.sum()), float(rows.weights @ rows.arrays[0])
    # Time in units of the mean age, so that the limits of the search fit any data.
    scale = float(rows.weights @ rows.arrays[2]) / total or 1.0
    unit = scale / DAYS_PER_UNIT[time_unit]
    offset = -repeats * float(np.log(unit))

    def search(sample: Rows, start: FloatArray, *, near: bool) -> Optimum:
        x, t_x, age = sample.arrays
        t_x, age = t_x / scale, age / scale
        return maximize(
            lambda theta: kernels.value_gradient_hessian(
                x, t_x, age, sample.weights, *np.exp(theta).tolist()
            ),
            start,
            names=("r", "alpha", "s", "beta"),
            scales=np.array([1.0, unit, 1.0, unit]),
            rows=sample,
            offset=offset,
            options=options or FitOptions(),
            near=near,
        )

    mean = max(repeats / total, 1e-3)
    start, near = np.log([0.5, 0.5 / mean, 0.5, 0.5]), False
    if rows.weights.size > 2 * _PILOT:
        pilot = search(thin(rows, _PILOT), start, near=True)
        if pilot.summary.status == "converged":
            start, near = pilot.log_parameters, True
    best = search(rows, start, near=near)
    r, alpha, s, beta = np.exp(best.log_parameters).tolist()
    return ParetoNbd(
        r=r, alpha=alpha * unit, s=s, beta=beta * unit, time_unit=time_unit, fit=best.summary
    )
