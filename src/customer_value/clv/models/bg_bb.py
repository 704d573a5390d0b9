"""BG/BB: purchases at opportunities that come once a period, and a chance to stop before each.

Fader, P. S., Hardie, B. G. S. and Shang, J. (2010), "Customer-Base Analysis in a Discrete-Time
Noncontractual Setting", Marketing Science 29(6), 1086-1108.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from customer_value._kernels.models import bg_bb as kernels
from customer_value._kernels.models import parameters
from customer_value._kernels.models.bg_bb import Opportunities
from customer_value._kernels.models.contracts import residual_lives
from customer_value.clv.base import (
    OPPORTUNITIES,
    FitOptions,
    OpportunityFutures,
    OpportunityModel,
    Parameter,
    opportunity_rules,
)
from customer_value.clv.fit.fitting import fit_options, fit_rows, maximize, unit_days

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame, TimeUnit


class BgBb(OpportunityModel, frozen=True):
    """A BG/BB model, fitted by `fit_bg_bb` or built from published parameters.

    Purchases can happen once a period, such as donations once a year or stays at a yearly fair. At
    each opportunity a living customer buys with a probability that is Beta(alpha, beta) among
    customers; before each opportunity the customer stops for good with a probability that is
    Beta(gamma, delta) among them.

    Its methods take arrays, one element a customer: x purchases, the last at opportunity t_x (0:
    none), among T opportunities so far. Time counts in opportunities, in the methods' horizons too;
    a horizon of the functions of the same names is a number of them, or a duration of whole
    periods. Rates of discount are continuous and per day, as for all purchase models.

    Attributes:
        alpha: First parameter of the probability of a purchase.
        beta: Second parameter of the probability of a purchase.
        gamma: First parameter of the probability of stopping.
        delta: Second parameter of the probability of stopping.
        time_unit: Time from one opportunity to the next.
        fit: How the parameters were found; None where they were given.

    Examples:
        >>> import customer_value as cv
        >>> donors = cv.BgBb(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
        >>> round(donors.new_customer_purchases(10), 2)
        3.18
    """

    model: Literal["bg_bb"] = "bg_bb"
    alpha: Parameter
    beta: Parameter
    gamma: Parameter
    delta: Parameter

    @property
    def _shapes(self) -> parameters.BgBb:
        return parameters.BgBb(self.alpha, self.beta, self.gamma, self.delta)

    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each history."""
        return kernels.log_likelihood(Opportunities(x, t_x, T), self._shapes)

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive at opportunity T + ahead.

        The paper's P(alive) is that of being there at the next opportunity, `ahead=1`; at
        opportunity T itself, a customer who bought at it is certainly alive.
        """
        return kernels.probability_alive(Opportunities(x, t_x, T), self._shapes, ahead)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases at the next `horizon` opportunities (equation 13)."""
        return self.discounted_purchases(x, t_x, T, horizon, 0.0)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of one unit of money at each of those purchases.

        The purchase at the k-th opportunity from now is divided by (1 + d)^k, d the effective rate
        from one opportunity to the next; with a horizon of inf these are the discounted expected
        residual transactions (DERT, equation 14), inf where they have no limit.
        """
        if horizon == math.inf and not self.has_finite_value(rate):
            return np.full(T.size, math.inf)
        alive = self.probability_alive(x, t_x, T)
        buys = (self.alpha + x) / (self.alpha + self.beta + T)
        return alive * buys * self._lives(T, horizon, rate)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases at the next `horizon` opportunities."""
        alive = self.probability_alive(x, t_x, T)
        count = kernels.probability_while_alive(
            Opportunities(x, t_x, T), self._shapes, horizon, float(n)
        )
        return alive * count + ((1.0 - alive) if n == 0 else 0.0)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n purchases or more at the next `horizon` opportunities."""
        if horizon - n >= n:
            return super().at_least_probability(x, t_x, T, horizon, n)
        # Fewer counts lie above than below, none where n is more than there are opportunities.
        more = np.zeros_like(T)
        for k in range(n, int(horizon) + 1):
            more += self.purchase_probability(x, t_x, T, horizon, k)
        return more

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Opportunities after T until the next purchase has happened with probability q.

        A whole number, inf where the probability does not reach q in 100,000 of them.
        """
        return kernels.next_purchase_quantile(Opportunities(x, t_x, T), self._shapes, q)

    def posterior_means(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Expected probabilities of a purchase and of stopping of each customer."""
        return kernels.posterior_means(Opportunities(x, t_x, T), self._shapes)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected purchases of a new customer at `horizon` opportunities (equation 7)."""
        mean = self.alpha / (self.alpha + self.beta)
        return mean * float(self._lives(np.zeros(1), horizon, 0.0)[0])

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability of exactly n purchases of a new customer there."""
        none = np.zeros(1)
        now = Opportunities(none, none, none)
        return float(kernels.probability_while_alive(now, self._shapes, horizon, float(n))[0])

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: not without discount if gamma <= 1."""
        return rate > 0 or self.gamma > 1

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> OpportunityFutures:
        """From what each customer's purchases to come are drawn: conjugate given alive at T."""
        alive = self.probability_alive(x, t_x, T)
        buys = self.alpha + x, self.beta + (T - x)
        return OpportunityFutures(alive, buys, (np.full_like(alive, self.gamma), self.delta + T))

    def _lives(self, T: FloatArray, horizon: float, rate: float) -> FloatArray:
        """Discounted opportunities at which a customer alive at T will be alive."""
        stopping = parameters.Contract(self.gamma, self.delta, 1.0)
        return residual_lives(T, stopping, horizon, rate * self.days_per_unit)


def fit_bg_bb(
    customers: Frame,
    *,
    time_unit: TimeUnit = "year",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> BgBb:
    """Fit a BG/BB model by maximum likelihood.

    The likelihood of Fader, Hardie & Shang (2010) is maximised over the logarithms of the
    parameters, with exact gradient and Hessian.

    Args:
        customers: Frame with `repeat_purchases`, `last_opportunity` (number of the opportunity of
            the last purchase, 0 without any) and `opportunities` (how many there were), as
            `summarize_opportunities` makes them from a log. Customers with nulls are left out and
            counted in the warnings.
        time_unit: Time from one opportunity to the next.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, `fit.status` is
        `"boundary"` and a warning says so.

    Raises:
        SchemaError: Columns are missing or not numeric.
        DataError: Histories are impossible, such as more purchases than opportunities.
        FitError: No row can be used.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> guests = pl.DataFrame(
        ...     {
        ...         "repeat_purchases": [0, 1, 1, 2, 2, 3],
        ...         "last_opportunity": [0, 1, 3, 2, 3, 3],
        ...         "opportunities": 3,
        ...         "customers": [400, 120, 90, 80, 110, 200],
        ...     }
        ... )
        >>> model = cv.fit_bg_bb(guests, weights="customers")
        >>> round(model.new_customer_purchases(3), 2)
        1.2
    """
    unit_days(time_unit)
    options = fit_options(options)
    rows = fit_rows(
        customers,
        OPPORTUNITIES,
        weights=weights,
        rules=opportunity_rules(),
        usable=pl.all_horizontal(pl.col(OPPORTUNITIES).is_not_null()),
        unusable="repeat_purchases, last_opportunity or opportunities unknown",
    )
    x, t_x, _ = rows.arrays
    histories = Opportunities(*rows.arrays)

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        at = parameters.BgBb(*np.exp(theta).tolist())
        return kernels.value_gradient_hessian(histories, rows.weights, at)

    idle = float(rows.weights @ (t_x - x)) / max(float(rows.weights @ x), 1e-9)
    best = maximize(
        evaluate,
        np.log([1.0, min(max(idle, 0.05), 20.0), 0.5, 2.0]),
        names=("alpha", "beta", "gamma", "delta"),
        scales=np.ones(4),
        rows=rows,
        offset=0.0,
        options=options,
    )
    alpha, beta, gamma, delta = np.exp(best.log_parameters).tolist()
    return BgBb(
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        delta=delta,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )
