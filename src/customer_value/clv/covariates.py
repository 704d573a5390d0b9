"""Covariates: what is known of a customer beside the purchases, and what it does to them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, model_validator
from scipy import stats

from customer_value.clv.base import HISTORY
from customer_value.clv.fitting import maximize
from customer_value.exceptions import CustomerValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from customer_value._typing import FloatArray
    from customer_value.clv.base import FitOptions, FitSummary, PurchaseModel
    from customer_value.clv.fitting import Rows


class Coefficient(NamedTuple):
    """A coefficient of a fit: its name, its column, and the processes that it acts on."""

    name: str
    column: str
    on_purchase: bool
    on_attrition: bool


class CovariateTerms(BaseModel, frozen=True, extra="forbid"):
    """Which covariates act on which process.

    Attributes:
        purchase: Columns that act on the rate of purchase.
        attrition: Columns that act on the rate of attrition; a column may stand in both.
        shared: Columns that act on both with the same coefficient.

    Examples:
        >>> import customer_value as cv
        >>> cv.CovariateTerms(purchase=["discount"], shared=["online"]).columns
        ('discount', 'online')
    """

    purchase: tuple[str, ...] = ()
    attrition: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        for names in (self.purchase + self.shared, self.attrition + self.shared):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise ValueError(f"covariates that act more than once on a process: {twice}")
        history = sorted(set(self.columns) & set(HISTORY))
        if history:
            raise ValueError(f"the history itself is no covariate: {history}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once."""
        return tuple(dict.fromkeys(self.purchase + self.attrition + self.shared))

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """What a fit has to find, in its order."""
        return (
            *(Coefficient(f"purchase:{name}", name, True, False) for name in self.purchase),
            *(Coefficient(f"attrition:{name}", name, False, True) for name in self.attrition),
            *(Coefficient(name, name, True, True) for name in self.shared),
        )

    def effects(self, values: Sequence[float]) -> CovariateEffects:
        """The effects that the coefficients' values are."""
        found = list(zip(self.coefficients, values, strict=True))
        return CovariateEffects(
            purchase={c.column: value for c, value in found if c.on_purchase},
            attrition={c.column: value for c, value in found if c.on_attrition},
        )


class CovariateEffects(BaseModel, frozen=True, extra="forbid"):
    """Coefficients: each unit of a covariate multiplies the mean rate by exp(coefficient).

    Attributes:
        purchase: Of the rate of purchase, by column.
        attrition: Of the rate of attrition, by column; of a BG/NBD model of the odds of stopping.
    """

    purchase: dict[str, float] = {}
    attrition: dict[str, float] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once."""
        return tuple(dict.fromkeys((*self.purchase, *self.attrition)))

    def check(self, values: Mapping[str, float]) -> None:
        """Refuse values that do not say of each covariate what it is."""
        if set(values) != set(self.columns) or not np.isfinite(list(values.values())).all():
            raise CustomerValueError(
                f"a finite value for each of {list(self.columns)} is needed; got {dict(values)}"
            )

    def multipliers(
        self, values: Mapping[str, float | FloatArray]
    ) -> tuple[float | FloatArray, float | FloatArray]:
        """What the covariates multiply the mean rates of purchase and of attrition by."""
        purchase = sum(c * values[name] for name, c in self.purchase.items())
        attrition = sum(c * values[name] for name, c in self.attrition.items())
        return np.exp(purchase), np.exp(attrition)


class LikelihoodRatioTest(BaseModel, frozen=True, extra="forbid"):
    """What `likelihood_ratio_test` found.

    Attributes:
        statistic: Twice the gain in log-likelihood.
        degrees_of_freedom: Parameters that the larger model has more.
        p_value: Chance of so large a statistic where the smaller model holds.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


def likelihood_ratio_test(null: PurchaseModel, full: PurchaseModel) -> LikelihoodRatioTest:
    """Test whether a larger model explains the same customers better than chance would.

    Args:
        null: A fitted model.
        full: A fitted model of the same customers and time unit that contains `null` as a special
            case, such as one with covariates.

    Returns:
        Twice the difference of the log-likelihoods, the number of parameters more, and the upper
        tail of the chi-squared distribution with as many degrees of freedom (Wilks 1938, Annals of
        Mathematical Statistics 9).

    Raises:
        CustomerValueError: A model was not fitted, the two were fitted to different customers or in
            different units, or `full` has no more parameters than `null`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> null = cv.fit_pareto_nbd(customers)
        >>> full = cv.fit_pareto_nbd(customers, covariates=["mean_purchase"])
        >>> cv.likelihood_ratio_test(null, full).degrees_of_freedom
        2
    """
    if null.fit is None or full.fit is None:
        raise CustomerValueError("likelihood_ratio_test: both models must be fitted")
    if null.time_unit != full.time_unit or null.fit.n_customers != full.fit.n_customers:
        raise CustomerValueError(
            "likelihood_ratio_test: the models differ in their customers or time unit: "
            f"{null.fit.n_customers:,.0f} in {null.time_unit}s and "
            f"{full.fit.n_customers:,.0f} in {full.time_unit}s"
        )
    # AIC = 2k - 2 log L, so k can be read off.
    sizes = [round(fit.aic / 2 + fit.log_likelihood) for fit in (null.fit, full.fit)]
    more = sizes[1] - sizes[0]
    if more < 1:
        raise CustomerValueError(
            f"likelihood_ratio_test: full has {sizes[1]} parameters, null {sizes[0]}: it must have "
            "more"
        )
    statistic = 2 * (full.fit.log_likelihood - null.fit.log_likelihood)
    return LikelihoodRatioTest(
        statistic=statistic,
        degrees_of_freedom=more,
        p_value=float(stats.chi2.sf(statistic, more)),
    )


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
        limit = 300.0  # of the search, far from what any data can want
        return (
            np.clip(self.purchase @ coefficients, -limit, limit),
            np.clip(self.attrition @ coefficients, -limit, limit),
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
        P, A = self.purchase, self.attrition
        size = 4 + P.shape[1]
        hessian = np.empty((size, size))
        upper = np.triu_indices(4)
        hessian[upper] = hessian.T[upper] = sums[5:]
        by_purchase, by_attrition = h[:, [6, 9, 10, 11]], h[:, [8, 11, 13, 14]]
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
    """
    design = Design.of(terms, rows, first=3)

    def likelihood(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        common, each = evaluate(theta[:4], *design.shifts(theta[4:]))
        return design.chain(common, each, rows.weights)

    def jacobian(theta: FloatArray) -> FloatArray:
        slopes = np.eye(len(theta))
        slopes[:4, :4] = report((design.to_reported @ theta)[:4])[1]
        return np.asarray(slopes @ design.to_reported)

    coefficients = [coefficient.name for coefficient in terms.coefficients]
    best = maximize(
        likelihood,
        np.append(start, np.zeros(len(coefficients))),
        names=(*names, *coefficients),
        scales=np.ones(4),
        rows=rows,
        offset=offset,
        options=options,
        near=True,
        jacobian=jacobian,
    )
    found = design.to_reported @ best.log_parameters
    return WithCovariates(
        report(found[:4])[0].tolist(), terms.effects(found[4:].tolist()), best.summary
    )


def as_terms(covariates: CovariateTerms | Sequence[str] | None) -> CovariateTerms:
    """Columns by name act on both processes, each with a coefficient of its own."""
    if isinstance(covariates, CovariateTerms):
        return covariates
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates or ())
    return CovariateTerms(purchase=names, attrition=names)
