"""Beta-discrete-Weibull: contracts whose customers differ, and change with their tenure.

Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. and Steenburgh, T. (2018), "'How to Project
Customer Retention' Revisited: The Role of Duration Dependence", Journal of Interactive Marketing
43, 1-16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from customer_value._kernels.models import contracts as kernels
from customer_value._kernels.models.parameters import Contract
from customer_value.clv.base import FitOptions, Parameter
from customer_value.clv.fit.fitting import fit_options, maximize, unit_days
from customer_value.clv.models.contract import ContractModel, read_renewals
from customer_value.clv.models.sbg import search_sbg

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame, TimeUnit


class Bdw(ContractModel, frozen=True):
    """A beta-discrete-Weibull model, fitted by `fit_bdw` or built from published parameters.

    A customer survives t renewals with probability (1 - theta)^(t^c), theta ~ Beta(alpha, beta)
    among customers: S(t) = B(alpha, beta + t^c) / B(alpha, beta). With c = 1 it is the shifted
    beta-geometric; with c > 1 each customer grows more likely to leave, with c < 1 less.

    Attributes:
        alpha: First parameter of the probability of leaving at the first renewal.
        beta: Its second parameter.
        c: Exponent of the time.

    Examples:
        >>> import numpy as np, customer_value as cv
        >>> regular = cv.Bdw(alpha=0.4556, beta=0.7793, c=1.2835)
        >>> regular.survival(np.array([1.0, 2.0])).round(3)
        array([0.631, 0.467])
    """

    model: Literal["bdw"] = "bdw"
    alpha: Parameter
    beta: Parameter
    c: Parameter

    @property
    def _shapes(self) -> Contract:
        return Contract(self.alpha, self.beta, self.c)


def fit_bdw(
    contracts: Frame,
    *,
    time_unit: TimeUnit = "year",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> Bdw:
    """Fit a beta-discrete-Weibull model to survivors or to contracts, by maximum likelihood.

    The search starts from the shifted beta-geometric that fits best, of which this model is a
    generalisation: compare the two by `fit.aic` or `fit.bic`.

    Args:
        contracts: A table of survivors (`period`, `survivors` and, for several cohorts, `cohort`)
            or a frame of customers (`renewals`, `churned`), as in `fit_sbg`.
        time_unit: Length of a period of the contract.
        weights: Column with the number of customers that each row stands for, or by which its
            survivors are multiplied.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary. Where the data do not identify it, for example with
        fewer than three periods, `fit.status` is `"boundary"` and a warning says so.

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
        >>> round(cv.fit_bdw(survivors).c, 2)
        1.72
    """
    options = fit_options(options)
    unit_days(time_unit)
    renewals = read_renewals(contracts, weights)
    kept = renewals.kept
    lost = renewals.lost
    simple = search_sbg(renewals, time_unit=time_unit, options=options)

    def evaluate(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return kernels.value_gradient_hessian(kept, lost, Contract(*np.exp(theta).tolist()))

    best = maximize(
        evaluate,
        np.log([*np.clip([simple.alpha, simple.beta], 1e-3, 1e3), 1.0]),
        names=("alpha", "beta", "c"),
        scales=np.ones(3),
        rows=renewals.rows,
        offset=0.0,
        options=options,
    )
    alpha, beta, c = np.exp(best.log_parameters).tolist()
    return Bdw(
        alpha=alpha,
        beta=beta,
        c=c,
        time_unit=time_unit,
        fit=best.summary,
        fitted_on=renewals.rows.fitted_on,
    )
