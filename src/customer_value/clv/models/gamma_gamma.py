"""Gamma-Gamma: what a customer spends per purchase.

Fader, P. S. and Hardie, B. G. S. (2013), "The Gamma-Gamma Model of Monetary Value", note 025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from customer_value._kernels.models import gamma_gamma as kernels
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


class GammaGamma(SpendModel, frozen=True):
    """A Gamma-Gamma model, fitted by `fit_gamma_gamma` or built from published parameters.

    Each purchase of a customer is Gamma(p, nu); nu is Gamma(q, v) among customers; neither depends
    on how often the customer buys.

    Attributes:
        p: Shape of the spend of one customer's purchases.
        q: Shape of the customers' rates; the mean spend of a new customer exists where q > 1.
        v: Rate parameter of the customers' rates, in money.
        fit: How the parameters were found; None where they were given.

    Examples:
        >>> import customer_value as cv
        >>> gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
        >>> round(gg.mean_spend, 2)
        35.22
    """

    model: Literal["gamma_gamma"] = "gamma_gamma"
    p: Parameter
    q: Parameter
    v: Parameter

    @property
    def mean_spend(self) -> float | None:
        """Mean spend per purchase of a new customer, p v / (q - 1); None where q <= 1."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else None

    def expected_spend(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """E[M | x, m] = p (v + x m) / (p x + q - 1), equation 5; a mean below zero counts as zero.

        NaN for a new customer where q <= 1.
        """
        certainty = self.p * x + (self.q - 1)
        shrunk = self.p * (self.v + _total(x, m)) / np.where(certainty > 0, certainty, np.nan)
        return np.asarray(shrunk)

    def spend_futures(self, x: FloatArray, m: FloatArray) -> SpendFutures:
        """The rate of a customer's purchases is Gamma(q + p x, v + x m) given x of mean spend m."""
        return SpendFutures(self.p, self.q + self.p * x, self.v + _total(x, m))

    def log_likelihood(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """Log-likelihood of x purchases of mean spend m (equation 1a of the note)."""
        return kernels.log_likelihood(x, m, parameters.GammaGamma(self.p, self.q, self.v))


def _total(x: FloatArray, m: FloatArray) -> FloatArray:
    """Spend of all repeat purchases."""
    return np.where(x > 0, x * np.maximum(m, 0.0), 0.0)


def fit_gamma_gamma(
    customers: Frame, *, weights: str | None = None, options: FitOptions | None = None
) -> GammaGamma:
    """Fit a Gamma-Gamma model of the spend per purchase by maximum likelihood.

    The likelihood is equation 1a of Fader & Hardie's note 025; as there, the first purchase does
    not enter, so only customers with a repeat purchase do.

    Args:
        customers: Customer frame with `repeat_purchases` and `repeat_spend`. Customers without a
            repeat purchase, or whose repeat spend is not above zero, are left out and counted in
            the warnings.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary.

    Raises:
        SchemaError: Columns are missing or not numeric.
        DataError: Values are NaN or infinite.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> gg = cv.fit_gamma_gamma(customers)
        >>> round(gg.p, 2), round(gg.q, 2), round(gg.v, 2)
        (6.25, 3.74, 15.44)
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
    scale = float(np.median(m))
    m = m / scale

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        at = parameters.GammaGamma(*np.exp(theta).tolist())
        return kernels.value_gradient_hessian(x, m, rows.weights, at)

    best = maximize(
        evaluate,
        np.log([2.0, 3.0, 1.0]),
        names=("p", "q", "v"),
        scales=np.array([1.0, 1.0, scale]),
        rows=rows,
        offset=-float(rows.weights.sum()) * float(np.log(scale)),
        options=options,
    )
    p, q, v = np.exp(best.log_parameters).tolist()
    summary = best.summary
    if q <= 1:
        words = "q <= 1: the mean spend of customers without a repeat purchase does not exist"
        summary = summary.model_copy(update={"warnings": (*summary.warnings, words)})
    return GammaGamma(p=p, q=q, v=v * scale, fit=summary, fitted_on=rows.fitted_on)
