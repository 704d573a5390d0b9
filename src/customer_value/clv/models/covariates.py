"""Covariates: what is known of a customer beside the purchases, and what it does to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import scipy
from pydantic import BaseModel, field_validator, model_validator

from customer_value._frames.contracts import check_instance
from customer_value._frames.options import build
from customer_value.clv.base import HISTORY, Number, PurchaseModel, TimedModel
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._kernels.run.per_row import PerRow
    from customer_value._typing import FloatArray

LARGEST_SHIFT = 300.0
"""Covariates change the logarithm of a rate by no more than this: no data want more."""


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
        >>> cv.clv.CovariateTerms(purchase=["discount"], shared=["online"]).columns
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
            raise ValueError(f"the history itself cannot be a covariate: {history}")
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
        purchase: Of the rate of purchase, by column in alphabetical order.
        attrition: Of the rate of attrition, likewise; of a BG/NBD model of the odds of stopping.
    """

    purchase: dict[str, Number] = {}
    attrition: dict[str, Number] = {}

    @field_validator("purchase", "attrition")
    @classmethod
    def _in_order(cls, coefficients: dict[str, float]) -> dict[str, float]:
        # A store may give the keys back in any order; sums must not differ by a bit for that.
        return dict(sorted(coefficients.items()))

    @model_validator(mode="after")
    def _not_the_history(self) -> Self:
        if history := sorted(set(self.columns) & set(HISTORY)):
            raise ValueError(f"the history itself cannot be a covariate: {history}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once."""
        return tuple(dict.fromkeys((*self.purchase, *self.attrition)))

    @property
    def names(self) -> frozenset[str]:
        """What a fit may call the coefficients; one that both processes share has the column's."""
        terms = CovariateTerms(purchase=tuple(self.purchase), attrition=tuple(self.attrition))
        return frozenset((*self.columns, *(each.name for each in terms.coefficients)))

    def check(self, values: Mapping[str, float]) -> None:
        """Refuse values that do not say of each covariate what it is."""
        if set(values) != set(self.columns) or not np.isfinite(list(values.values())).all():
            raise OptionError(
                f"a finite value for each of {list(self.columns)} is needed; got {dict(values)}"
            )

    def multipliers(self, values: Mapping[str, PerRow]) -> tuple[PerRow, PerRow]:
        """What the covariates multiply the mean rates of purchase and of attrition by."""
        purchase = sum(c * values[name] for name, c in self.purchase.items())
        attrition = sum(c * values[name] for name, c in self.attrition.items())
        return (
            np.exp(np.clip(purchase, -LARGEST_SHIFT, LARGEST_SHIFT)),
            np.exp(np.clip(attrition, -LARGEST_SHIFT, LARGEST_SHIFT)),
        )

    def moved(self, moves: Mapping[str, float]) -> CovariateEffects:
        """The effects after such changes of the coefficients, by their names in a fit."""

        def one(process: str, coefficients: dict[str, float]) -> dict[str, float]:
            return {
                name: value + moves.get(f"{process}:{name}", 0.0) + moves.get(name, 0.0)
                for name, value in coefficients.items()
            }

        return CovariateEffects(
            purchase=one("purchase", self.purchase), attrition=one("attrition", self.attrition)
        )


class CovariateModel(TimedModel, ABC, frozen=True):
    """A purchase model whose rates may depend on covariates.

    Attributes:
        effects: Coefficients of covariates. The parameters are those of a customer with all
            covariates at 0, and so are the array methods and those for a new customer:
            `with_covariates` gives the model of other customers.

    Examples:
        >>> import customer_value as cv
        >>> effects = cv.clv.CovariateEffects(purchase={"online": 0.5})
        >>> pn = cv.ParetoNbd(r=0.55, alpha=10.6, s=0.61, beta=11.7, effects=effects)
        >>> isinstance(pn, cv.clv.CovariateModel), pn.covariates
        (True, ('online',))
        >>> round(pn.with_covariates({"online": 1}).alpha, 2)
        6.43
    """

    effects: CovariateEffects = CovariateEffects()

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        if taken := sorted(type(self).model_fields.keys() & self.effects.columns):
            raise ValueError(f"covariates named as a parameter of the model: {taken}")
        return self

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns beside the history that the model reads."""
        return self.effects.columns

    def for_rows(self, *covariates: FloatArray) -> Self:
        """The model of customers whose covariates are given, one array each.

        It is not validated: some of its parameters are arrays, one element a customer.
        """
        return self._at(dict(zip(self.covariates, covariates, strict=True)))

    def with_covariates(self, values: Mapping[str, float]) -> Self:
        """The model of customers with these values of the covariates, as one without any.

        Raises:
            OptionError: A covariate is missing, unknown or not finite.
        """
        self.effects.check(values)
        return type(self).model_validate(self._at(values).model_dump() | {"fit": None})

    def _at(self, values: Mapping[str, PerRow]) -> Self:
        if not self.covariates:
            return self
        changed = self._parameters(*self.effects.multipliers(values))
        return self.model_copy(update=changed | {"effects": CovariateEffects()})

    @abstractmethod
    def _parameters(self, purchase: PerRow, attrition: PerRow) -> dict[str, PerRow]:
        """The parameters that change where mean rates are multiplied by these."""

    @property
    def _coefficients(self) -> frozenset[str]:
        return self.effects.names

    def _drawn(self, values: dict[str, float]) -> Self:
        moves = {name: values[name] for name in self._coefficients & values.keys()}
        own = {name: value for name, value in values.items() if name not in moves}
        return self.model_copy(update=own | {"effects": self.effects.moved(moves)})


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
        OptionError: A model was not fitted, the two were fitted to different customers or in
            different units, or `full` has no more parameters than `null`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> null = cv.fit_pareto_nbd(customers)
        >>> full = cv.fit_pareto_nbd(customers, covariates=["mean_purchase"])
        >>> cv.clv.likelihood_ratio_test(null, full).degrees_of_freedom
        2
    """
    if null.fit is None or full.fit is None:
        raise OptionError("likelihood_ratio_test: both models must be fitted")
    if null.time_unit != full.time_unit or null.fit.n_customers != full.fit.n_customers:
        raise OptionError(
            "likelihood_ratio_test: the models differ in their customers or time unit: "
            f"{null.fit.n_customers:,.0f} in {null.time_unit}s and "
            f"{full.fit.n_customers:,.0f} in {full.time_unit}s"
        )
    # AIC = 2k - 2 log L, so k can be read off.
    sizes = [round(fit.aic / 2 + fit.log_likelihood) for fit in (null.fit, full.fit)]
    more = sizes[1] - sizes[0]
    if more < 1:
        raise OptionError(
            f"likelihood_ratio_test: full has {sizes[1]} parameters, null {sizes[0]}: it must have "
            "more"
        )
    statistic = 2 * (full.fit.log_likelihood - null.fit.log_likelihood)
    return LikelihoodRatioTest(
        statistic=statistic,
        degrees_of_freedom=more,
        p_value=float(scipy.stats.chi2.sf(statistic, more)),
    )


def as_terms(
    covariates: CovariateTerms | Sequence[str] | None, model: type[CovariateModel]
) -> CovariateTerms:
    """Columns by name act on both processes, each with a coefficient of its own.

    Raises:
        OptionError: A column is named as a field of the model, or cannot be a covariate.
    """
    if isinstance(covariates, CovariateTerms):
        terms = covariates
    else:
        check_instance("covariates", covariates, (str, list, tuple, type(None)))
        names = (covariates,) if isinstance(covariates, str) else tuple(covariates or ())
        terms = build(CovariateTerms, purchase=names, attrition=names)
    if taken := sorted(model.model_fields.keys() & terms.columns):
        raise OptionError(f"covariates named as a parameter of the model: {taken}; rename them")
    return terms
