"""What all fitted models have in common: how they were fitted, and how sure that is."""

from __future__ import annotations

from abc import ABC
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    FiniteFloat,
    field_validator,
    model_validator,
)

from customer_value._common.stored import StoredModel
from customer_value.exceptions import FitError


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not {value}")  # noqa: TRY004  pydantic reports it
    return value


Number: TypeAlias = Annotated[FiniteFloat, BeforeValidator(_no_truth)]
"""A finite number; true and false are none."""

Parameter: TypeAlias = Annotated[
    float, BeforeValidator(_no_truth), Field(gt=0, allow_inf_nan=False)
]
"""A finite number above zero."""

Count: TypeAlias = Annotated[int, BeforeValidator(_no_truth), Field(ge=1, le=100)]
"""A small whole number."""


class FitOptions(BaseModel, frozen=True, extra="forbid"):
    """How a likelihood is maximised.

    Attributes:
        max_iterations: Iterations after which the search stops.
        gradient_tolerance: A fit has converged when no component of the projected gradient of the
            mean log-likelihood, by the logarithms of the parameters, is larger.
    """

    max_iterations: Annotated[int, Field(ge=1)] = 500
    gradient_tolerance: Annotated[float, Field(gt=0, le=1e-2)] = 1e-6


class FitSummary(BaseModel, frozen=True, extra="forbid"):
    """How a model was fitted and how far to trust it.

    Attributes:
        status: `"converged"`; `"boundary"` where the likelihood rises towards a limit of the
            parameters or is flat, so that they are not identified; `"failed"` where the search
            stopped elsewhere.
        log_likelihood: Its maximum, by the model's time unit.
        n_customers: Customers that entered the likelihood (sum of the weights).
        aic: Akaike's information criterion, 2k - 2 log L.
        bic: Bayesian information criterion, k ln n - 2 log L.
        names: The parameters and coefficients that the fit found.
        covariance: Their covariance by the delta method, rows and columns in the order of `names`;
            None unless converged.
        gradient_norm: Largest component of the projected gradient per customer.
        iterations: Evaluations of the likelihood.
        warnings: What to know before using the model, in words.
    """

    status: Literal["converged", "boundary", "failed"]
    log_likelihood: FiniteFloat
    n_customers: FiniteFloat
    aic: FiniteFloat
    bic: FiniteFloat
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    covariance: tuple[tuple[Number, ...], ...] | None
    gradient_norm: FiniteFloat
    iterations: int
    warnings: tuple[str, ...] = ()

    @field_validator("names")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names given twice: {', '.join(twice)}")
        return names

    @model_validator(mode="after")
    def _is_a_covariance(self) -> Self:
        if self.covariance is None:
            return self
        size = len(self.names)
        if len(self.covariance) != size or any(len(row) != size for row in self.covariance):
            lengths = [len(row) for row in self.covariance]
            raise ValueError(
                f"the covariance of {', '.join(self.names)} needs {size} rows of {size} numbers; "
                f"got rows of {lengths}"
            )
        table = np.array(self.covariance)
        if (table.diagonal() <= 0).any():
            raise ValueError(
                f"the covariance has variances that are not above 0: {table.diagonal().tolist()}"
            )
        deviations = np.sqrt(table.diagonal())
        limits = np.outer(deviations, deviations) * (1 + 1e-6)
        if (np.abs(table) > limits).any() or not np.allclose(table, table.T, rtol=1e-9, atol=0.0):
            raise ValueError(
                "the covariance is not symmetric, or holds a correlation outside -1 .. 1"
            )
        return self

    @property
    def standard_errors(self) -> dict[str, float] | None:
        """Standard error of each parameter and coefficient; None unless converged."""
        if self.covariance is None:
            return None
        variances = np.array(self.covariance).diagonal()
        return dict(zip(self.names, np.sqrt(variances).tolist(), strict=True))


class FittedModel(StoredModel, ABC, frozen=True):
    """A model whose parameters come from a likelihood, or are given.

    Attributes:
        fit: How the parameters were found; None where they were given.
    """

    fit: FitSummary | None = None

    @model_validator(mode="after")
    def _fit_is_its_own(self) -> Self:
        if self.fit is None:
            return self
        known = type(self).model_fields.keys() | self._coefficients
        if unknown := sorted(set(self.fit.names) - known):
            raise ValueError(f"the fit is of another model, with {', '.join(unknown)}")
        return self

    def draw_parameters(self, n: int, rng: np.random.Generator) -> tuple[Self, ...]:
        """Draw n models as likely as this one: the logarithms of their parameters are normal.

        So are the coefficients of covariates, on their own scale. The covariance is that of the
        fit, the inverse of the likelihood's curvature (Laplace).

        Raises:
            FitError: The fit has no covariance, or there was none.
        """
        fit = self.fit
        if fit is None or fit.covariance is None:
            raise FitError(
                f"the parameters of this {type(self).__name__} have no covariance "
                f"({'they were given' if fit is None else f'its fit is {fit.status!r}'}): take "
                "them as known with IntervalOptions(parameters='fixed')",
                fit,
            )
        added = np.array([name in self._coefficients for name in fit.names])
        covariance = np.array(fit.covariance)
        errors = np.sqrt(covariance.diagonal())
        scales = np.where(added, errors, [getattr(self, name, 1.0) for name in fit.names])
        sizes, axes = np.linalg.eigh(covariance / np.outer(scales, scales))
        spread = axes * np.sqrt(np.maximum(sizes, 0.0))
        moves = np.clip(rng.standard_normal((n, scales.size)) @ spread.T, -300.0, 300.0)
        drawn = scales * np.where(added, moves, np.exp(moves))
        return tuple(self._drawn(dict(zip(fit.names, row, strict=True))) for row in drawn.tolist())

    @property
    def _coefficients(self) -> frozenset[str]:
        """What a fit may find beside parameters: numbers of either sign, normal as they are."""
        return frozenset()

    def _drawn(self, values: dict[str, float]) -> Self:
        """The model with these parameters; coefficients are given by what is added to them."""
        return self.model_copy(update=values)
