"""What models of purchases and of spend have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, Field

from customer_value._frames.contracts import ArrayRule
from customer_value._frames.time import DAYS_PER_UNIT
from customer_value._typing import FloatArray, TimeUnit

Parameter: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]

HISTORY = ("repeat_purchases", "t_x", "T")
"""The columns that a purchase model reads; ages in days."""


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
        standard_errors: Of each parameter, by the delta method; None unless converged.
        covariance: Of the parameters in their order; None unless converged.
        gradient_norm: Largest component of the projected gradient per customer.
        iterations: Evaluations of the likelihood.
        warnings: What to know before using the model, in words.
    """

    status: Literal["converged", "boundary", "failed"]
    log_likelihood: float
    n_customers: float
    aic: float
    bic: float
    standard_errors: dict[str, float] | None
    covariance: tuple[tuple[float, ...], ...] | None
    gradient_norm: float
    iterations: int
    warnings: tuple[str, ...] = ()


class PurchaseModel(BaseModel, ABC, frozen=True, extra="forbid"):
    """A model of when customers buy and when they stop.

    Its methods take arrays, one element a customer, and ages and horizons in **days**; only the
    parameters are in `time_unit`. Frames go through the functions of the same names.

    Attributes:
        time_unit: Unit in which the parameters are expressed.
        fit: How the parameters were found; None where they were given.
    """

    time_unit: TimeUnit = "week"
    fit: FitSummary | None = None

    @property
    def days_per_unit(self) -> float:
        """Length of the time unit in days."""
        return DAYS_PER_UNIT[self.time_unit]

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns beside the history that the model reads."""
        return ()

    def for_rows(self, *covariates: FloatArray) -> PurchaseModel:
        """The model of customers whose covariates are given, one array each."""
        del covariates
        return self

    @abstractmethod
    def log_likelihood(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Log-likelihood of each customer's history, by the model's time unit."""

    @abstractmethod
    def probability_alive(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        """Probability that each customer still buys at age T."""

    @abstractmethod
    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected number of purchases in the `horizon` days after age T, given the history."""

    @abstractmethod
    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """The same, each purchase discounted continuously at `rate` per day; horizon may be inf."""

    @abstractmethod
    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in the first `horizon` days."""

    @abstractmethod
    def has_finite_value(self, rate: float) -> bool:
        """Whether the discounted purchases of the whole residual life are finite."""


def history_rules() -> list[ArrayRule]:
    """What no customer's history may be, nor any covariates that stand after it."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases, t_x or T",
            lambda x, t_x, age, *_: ~np.isfinite(x + t_x + age),
        ),
        ArrayRule("repeat_purchases not 0, 1, 2 ...", lambda x, *_: (x < 0) | (x != np.floor(x))),
        ArrayRule("t_x outside 0 .. T", lambda _, t_x, age, *__: (t_x < 0) | (t_x > age)),
        ArrayRule(
            "NaN or infinite covariates", lambda *columns: ~np.isfinite(np.sum(columns[3:], axis=0))
        ),
        ArrayRule("t_x above 0 without a repeat purchase", lambda x, t_x, *_: (x == 0) & (t_x > 0)),
    ]


def spend_rules() -> list[ArrayRule]:
    """What no customer's spend may be."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases or repeat_spend", lambda x, m: ~np.isfinite(x + m)
        ),
        ArrayRule("repeat_purchases not 0, 1, 2 ...", lambda x, _: (x < 0) | (x != np.floor(x))),
    ]
