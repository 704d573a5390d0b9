"""Log-normal spend: an alternative to Gamma-Gamma for spend with a long tail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from customer_value._kernels.models import log_normal as kernels
from customer_value._kernels.models import parameters
from customer_value.clv.base import (
    SPEND,
    FitOptions,
    Parameter,
    SpendFutures,
    SpendModel,
    spend_rules,
)
from customer_value.clv.fit.fitting import fit_options, fit_rows, maximize

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame

_LARGEST = 700.0


class LogNormalSpend(SpendModel, frozen=True):
    """A log-normal model of spend, fitted by `fit_log_normal_spend` or built from parameters.

    Value in two parts: a purchase model says how often a customer buys, this one how much is spent
    each time. The mean spend of a customer is log-normal among customers; around it the mean of
    x purchases is log-normal with the squared coefficient of variation within^2 / x, which is that
    of a mean of x purchases exactly, and its distribution by Fenton's approximation (1960, "The Sum
    of Log-Normal Probability Distributions in Scatter Transmission Systems", IRE Transactions on
    Communications Systems 8, 57-67). Spend does not depend on how often the customer buys.

    Attributes:
        median: Median among customers of the mean spend per purchase, in money.
        between: Standard deviation among customers of the logarithm of that mean.
        within: Coefficient of variation of the spend of one customer's purchases.
        fit: How the parameters were found; None where they were given.

    Examples:
        >>> import customer_value as cv
        >>> spend = cv.LogNormalSpend(median=30.0, between=0.5, within=0.8)
        >>> round(spend.mean_spend, 2)
        33.99
    """

    model: Literal["log_normal_spend"] = "log_normal_spend"
    median: Parameter
    between: Parameter
    within: Parameter

    @property
    def mean_spend(self) -> float | None:
        """Mean spend of a new customer, median e^(between^2 / 2); None above all numbers."""
        exponent = math.log(self.median) + self.between * self.between / 2
        return math.exp(exponent) if exponent < _LARGEST else None

    def log_likelihood(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """Log-likelihood of x purchases of mean spend m, comparable with that of Gamma-Gamma."""
        at = parameters.LogNormal(self.median, self.between, self.within)
        return kernels.log_likelihood(x, np.log(m), at)

    def expected_spend(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """Expected spend per purchase after x repeat purchases of mean spend m.

        With v = ln(1 + within^2 / x) and k = between^2 / (between^2 + v), the posterior mean of the
        customer's own mean spend is median^(1 - k) m^k e^(k v). It grows with m, and towards it
        with x. Without a repeat purchase it is `mean_spend`; for a mean that is not above zero it
        is zero, the limit of a small one.
        """
        mean, variance = self._own_mean(x, m)
        new = np.nan if self.mean_spend is None else self.mean_spend
        with np.errstate(over="ignore"):
            return np.where(x == 0, new, np.exp(mean + variance / 2))

    def spend_futures(self, x: FloatArray, m: FloatArray) -> SpendFutures:
        """The logarithm of a customer's own mean is normal, and purchases about it log-normal.

        A customer who spent nothing so far spends nothing.
        """
        mean, variance = self._own_mean(x, m)
        return SpendFutures(self.within, mean, np.sqrt(variance), "log_normal")

    def _own_mean(self, x: FloatArray, m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of the logarithm of each customer's own mean spend."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            v = np.logaddexp(0.0, 2.0 * math.log(self.within) - np.log(x))
            k = 1.0 / (1.0 + v / self.between / self.between)
            own = (1.0 - k) * math.log(self.median) + k * (np.log(m) + v / 2)
            known = np.where(m <= 0, -np.inf, own)
            first = x == 0
            mean = np.where(first, math.log(self.median), known)
            return mean, np.where(first, self.between * self.between, k * v)


def fit_log_normal_spend(
    customers: Frame, *, weights: str | None = None, options: FitOptions | None = None
) -> LogNormalSpend:
    """Fit a log-normal model of the spend per purchase by maximum likelihood.

    It reads the same two columns as `fit_gamma_gamma`, so that the two models are comparable by
    `fit.aic`. The first purchase does not enter, as there. The spread between and within customers
    are told apart by how the spread of the means falls with the number of purchases.

    Args:
        customers: Customer frame with `repeat_purchases` and `repeat_spend`. Customers without a
            repeat purchase, or whose repeat spend is not above zero, are left out and counted in
            the warnings.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example when all
        customers bought equally often, `fit.status` is `"boundary"` and a warning says so.

    Raises:
        SchemaError: Columns are missing or not numeric.
        DataError: Values are NaN or infinite.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> spend = cv.fit_log_normal_spend(customers)
        >>> round(spend.median, 1), round(spend.between, 2), round(spend.within, 2)
        (31.3, 0.48, 0.6)
    """
    options = fit_options(options)
    rows = fit_rows(
        customers,
        SPEND,
        weights=weights,
        rules=spend_rules(),
        usable=(pl.col("repeat_purchases") > 0) & (pl.col("repeat_spend") > 0),
        unusable="no repeat purchase, or a mean repeat spend not above zero",
    )
    x, m = rows.arrays
    log_scale = float(np.median(np.log(m)))
    log_m = np.log(m) - log_scale

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        at = parameters.LogNormal(*np.exp(theta).tolist())
        return kernels.value_gradient_hessian(x, log_m, rows.weights, at)

    best = maximize(
        evaluate,
        np.log([1.0, 0.5, 0.5]),
        names=("median", "between", "within"),
        scales=np.array([math.exp(log_scale), 1.0, 1.0]),
        rows=rows,
        offset=-float(rows.weights.sum()) * log_scale,
        options=options,
    )
    median, between, within = np.exp(best.log_parameters).tolist()
    median *= math.exp(log_scale)
    return LogNormalSpend(
        median=median,
        between=between,
        within=within,
        fit=best.summary,
        fitted_on=rows.fitted_on,
    )
