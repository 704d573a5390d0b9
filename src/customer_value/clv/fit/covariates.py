"""The fit of a model with covariates: coefficients beside the parameters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from customer_value.clv.fit.fitting import maximize, warn_if_vague
from customer_value.clv.models.covariates import LARGEST_SHIFT
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from customer_value._typing import FloatArray
    from customer_value.clv.base import FitOptions, FitSummary
    from customer_value.clv.fit.fitting import Rows
    from customer_value.clv.models.covariates import CovariateEffects, CovariateTerms


class Design(NamedTuple):
    """Covariates as a fit sees them: centred and of unit spread, one column a coefficient.

    Where a coefficient does not act on a process its column is 0.
    """

    purchase: FloatArray
    attrition: FloatArray
    to_reported: FloatArray
    """From the logarithms of the four parameters and the coefficients, as searched for, to those of
    the covariates as they were given: without centre, ln alpha and ln beta change."""

    @classmethod
    def of(cls, terms: CovariateTerms, rows: Rows, first: int) -> Design:
        """Take the columns of `terms` from the arrays of `rows`, beginning with number `first`."""
        values = dict(zip(terms.columns, rows.arrays[first:], strict=True))
        raw = np.array([values[c.column] for c in terms.coefficients])
        means = np.average(raw, axis=1, weights=rows.weights)
        centred = raw - means[:, None]
        spreads = np.sqrt(np.average(centred**2, axis=1, weights=rows.weights))
        spreads[spreads == 0.0] = 1.0
        unit = (centred / spreads[:, None]).T
        on_purchase = np.array([float(c.on_purchase) for c in terms.coefficients])
        on_attrition = np.array([float(c.on_attrition) for c in terms.coefficients])
        to_reported = np.diag(np.append(np.ones(4), 1.0 / spreads))
        to_reported[1, 4:] = on_purchase * means / spreads
        to_reported[3, 4:] = on_attrition * means / spreads
        return cls(unit * on_purchase, unit * on_attrition, to_reported)

    def shifts(self, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What the covariates add to the logarithms of each row's rates, or to its logit."""
        return (
            np.clip(self.purchase @ coefficients, -LARGEST_SHIFT, LARGEST_SHIFT),
            np.clip(self.attrition @ coefficients, -LARGEST_SHIFT, LARGEST_SHIFT),
        )

    def chain(
        self, common: FloatArray, rows: FloatArray, weights: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Derivatives by the coefficients too, from those by each row's own rate parameters.

        Args:
            common: What does not depend on the rate parameters, summed.
            rows: One row a customer: value, gradient and upper triangle of the Hessian by four
                numbers, of which the second falls by a unit with each unit of the shift of purchase
                and the fourth with that of attrition.
            weights: How many customers each row stands for.

        Returns:
            Log-likelihood, gradient and Hessian by those four and then the coefficients.
        """
        h = rows * weights[:, None]
        sums = common + h.sum(axis=0)
        P = self.purchase
        A = self.attrition
        size = 4 + P.shape[1]
        hessian = np.empty((size, size))
        upper = np.triu_indices(4)
        hessian[upper] = hessian.T[upper] = sums[5:]
        by_purchase = h[:, [6, 9, 10, 11]]
        by_attrition = h[:, [8, 11, 13, 14]]
        hessian[4:, :4] = -(P.T @ by_purchase + A.T @ by_attrition)
        hessian[:4, 4:] = hessian[4:, :4].T
        mixed = P.T @ (h[:, 11:12] * A)
        hessian[4:, 4:] = P.T @ (h[:, 9:10] * P) + A.T @ (h[:, 14:15] * A) + mixed + mixed.T
        gradient = np.append(sums[1:5], -(P.T @ h[:, 2] + A.T @ h[:, 4]))
        return float(sums[0]), gradient, hessian


class WithCovariates(NamedTuple):
    """What a fit with covariates found: the four parameters, the effects and how it went."""

    parameters: list[float]
    effects: CovariateEffects
    summary: FitSummary


def maximize_with_covariates(
    evaluate: Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    start: FloatArray,
    terms: CovariateTerms,
    *,
    names: Sequence[str],
    report: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    rows: Rows,
    offset: float,
    options: FitOptions,
) -> WithCovariates:
    """Climb on from the maximum without covariates, so that the likelihood cannot fall below it.

    Args:
        evaluate: From the four searched numbers and each row's shifts, the sums that rows share and
            their derivatives as `Design.chain` takes them.
        start: Where the four numbers are at the maximum without covariates.
        terms: Which covariates act on what.
        names: Names of the parameters.
        report: From the four numbers the parameters and their derivatives.
        rows: The rows of the fit, the covariates from the fourth array on.
        offset: What turns the log-likelihood of scaled data into that of the model's unit.
        options: Limits of the search.

    Raises:
        OptionError: Two of the parameters and coefficients have one name.
    """
    found_names = (*names, *(coefficient.name for coefficient in terms.coefficients))
    twice = sorted(name for name, count in Counter(found_names).items() if count > 1)
    if twice:
        raise OptionError(
            f"covariates named as a parameter or another coefficient: {twice}; rename the columns"
        )
    design = Design.of(terms, rows, first=3)

    def likelihood(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        common, each = evaluate(theta[:4], *design.shifts(theta[4:]))
        return design.chain(common, each, rows.weights)

    def jacobian(theta: FloatArray) -> FloatArray:
        slopes = np.eye(len(theta))
        slopes[:4, :4] = report((design.to_reported @ theta)[:4])[1]
        return np.asarray(slopes @ design.to_reported)

    best = maximize(
        likelihood,
        np.append(start, np.zeros(len(terms.coefficients))),
        names=found_names,
        scales=np.ones(4),
        rows=rows,
        offset=offset,
        options=options,
        jacobian=jacobian,
    )
    found = design.to_reported @ best.log_parameters
    parameters = report(found[:4])[0].tolist()
    summary = warn_if_vague(best.summary, dict(zip(names, parameters, strict=True)))
    return WithCovariates(parameters, terms.effects(found[4:].tolist()), summary)
