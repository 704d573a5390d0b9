"""Shifted beta-geometric: contracts whose customers differ in their chance to leave.

Fader, P. S. and Hardie, B. G. S. (2007), "How to Project Customer Retention", Journal of
Interactive Marketing 21(1), 76-90.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_value._kernels.models import contracts as kernels
from customer_value._kernels.models.parameters import Contract
from customer_value.clv.base import FitOptions, Parameter
from customer_value.clv.fit.fitting import fit_options, maximize, unit_days
from customer_value.clv.models.contract import ContractModel, Renewals, read_renewals

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame, TimeUnit


class Sbg(ContractModel, frozen=True):
    """A shifted beta-geometric model, fitted by `fit_sbg` or built from published parameters.

    At the end of each period a customer leaves with a probability that is Beta(alpha, beta) among
    customers and stays the same for each. Retention rises with tenure all the same, because those
    likely to leave are gone first: S(t) = B(alpha, beta + t) / B(alpha, beta), and the retention at
    renewal t is (beta + t - 1) / (alpha + beta + t - 1).

    Attributes:
        alpha: First parameter of the probability of leaving.
        beta: Second parameter of the probability of leaving.

    Examples:
        >>> import customer_value as cv
        >>> high_end = cv.Sbg(alpha=0.668, beta=3.806)
        >>> round(high_end.lifetime(0.10), 2)
        5.92
    """

    model: Literal["sbg"] = "sbg"
    alpha: Parameter
    beta: Parameter

    @property
    def _shapes(self) -> Contract:
        return Contract(self.alpha, self.beta, 1.0)


def fit_sbg(
    contracts: Frame,
    *,
    time_unit: TimeUnit = "year",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> Sbg:
    """Fit a shifted beta-geometric model to survivors or to contracts, by maximum likelihood.

    The likelihood is that of Fader & Hardie (2007): P(T = t) = S(t-1) - S(t) for each customer who
    left at renewal t, and S(t) for each who is still there after t renewals, and so censored.

    Args:
        contracts: One of two forms. A table of survivors has `period` (0, 1, 2 ...) and
            `survivors`, the customers still there after so many renewals (period 0: all), and
            where there are several cohorts a column `cohort`; cohorts may be of any length, and
            one without period 0 counts from its first period on. A frame of customers has
            `renewals` (how many times the contract was renewed) and `churned` (Boolean: left at
            the renewal after that; false: still there).
        time_unit: Length of a period of the contract.
        weights: Column with the number of customers that each row stands for, or by which its
            survivors are multiplied.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example with
        a single period or when no one left, `fit.status` is `"boundary"` and a warning says so.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Survivors rise, periods are missing or there twice, values are not counts.
        FitError: No one has had a renewal yet.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> survivors = pl.DataFrame(
        ...     {
        ...         "period": range(8),
        ...         "survivors": [1000, 869, 743, 653, 593, 551, 517, 491],
        ...     }
        ... )
        >>> high_end = cv.fit_sbg(survivors)
        >>> round(high_end.alpha, 3), round(high_end.beta, 3)
        (0.668, 3.806)
    """
    options = fit_options(options)
    unit_days(time_unit)
    renewals = read_renewals(contracts, weights)
    return search_sbg(renewals, time_unit=time_unit, options=options)


def search_sbg(renewals: Renewals, *, time_unit: TimeUnit, options: FitOptions) -> Sbg:
    """Maximise the likelihood of renewals that are counted already."""
    kept = renewals.kept
    lost = renewals.lost

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        alpha, beta = np.exp(theta).tolist()
        at = Contract(alpha, beta, 1.0)
        value, gradient, hessian = kernels.value_gradient_hessian(kept, lost, at)
        return value, gradient[:2], hessian[:2, :2]

    odds = min(max(kept.sum() / max(lost.sum(), 1e-9), 1e-2), 1e2)
    best = maximize(
        evaluate,
        np.log([1.0, odds]),
        names=("alpha", "beta"),
        scales=np.ones(2),
        rows=renewals.rows,
        offset=0.0,
        options=options,
    )
    alpha, beta = np.exp(best.log_parameters).tolist()
    return Sbg(
        alpha=alpha,
        beta=beta,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=renewals.rows.fitted_on,
    )
