"""What models of purchases and of spend have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, Field

from customer_value._frames.assemble import array_column
from customer_value._frames.contracts import ArrayRule
from customer_value._frames.time import DAYS_PER_UNIT, duration_days
from customer_value._typing import FloatArray, TimeUnit
from customer_value.exceptions import FitError, OptionError

if TYPE_CHECKING:
    import polars as pl

Parameter: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Horizon: TypeAlias = str | timedelta | int
"""Length of a future: a duration, or opportunities for a model that counts those."""

HISTORY = ("repeat_purchases", "t_x", "T")
"""The columns that a purchase model reads; ages in days."""

SPEND = ("repeat_purchases", "repeat_spend")
"""The columns that a spend model reads."""

_MOST = 10_000_000
"""Repeat purchases of one customer: tables of a likelihood are as long."""


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


class Futures(NamedTuple):
    """From what each customer's purchases to come are drawn, given the history.

    Attributes:
        alive: Probability of being alive.
        shape: Shape of the rate of purchase given alive, a gamma distribution.
        rate: Its rate parameter, in days.
        end: Whether a purchase may be the last with probability Beta(first, second), or the end
            comes in time at a daily rate Gamma(first, second), or never.
        first: First parameter of the end; anything where it never comes.
        second: Second parameter of the end.
        gap_shape: Every how many events there is a purchase, where the rate is one of events: the
            k of Erlang-k gaps. Above 1 the end comes at a purchase.
        silence: Time since the last purchase over `rate`; needed where `gap_shape` is above 1,
            since the current gap is partly over. `shape` then counts the events up to that
            purchase.
    """

    alive: FloatArray
    shape: FloatArray
    rate: FloatArray
    end: Literal["at_purchase", "in_time", "never"]
    first: FloatArray
    second: FloatArray
    gap_shape: int = 1
    silence: FloatArray | None = None


class OpportunityFutures(NamedTuple):
    """The same where purchases can happen only at opportunities, which a horizon counts.

    Attributes:
        alive: Probability of being alive at the last opportunity so far.
        buys: Given alive, both parameters of the probability of a purchase at each opportunity, a
            beta distribution.
        stops: Those of the probability of stopping before each.
    """

    alive: FloatArray
    buys: tuple[FloatArray, FloatArray]
    stops: tuple[FloatArray, FloatArray]


class SpendFutures(NamedTuple):
    """From what the spend of each customer's purchases to come is drawn, given the history.

    Attributes:
        purchase: How one customer's purchases spread: the shape of a gamma distribution, or the
            coefficient of variation of a log-normal one.
        first: Of the customer's level: the shape of the rate parameter, a gamma distribution, or
            the mean of the logarithm of the mean spend, a normal one.
        second: Rate parameter of that in money, or its standard deviation.
        kind: Which of the two.
    """

    purchase: float
    first: FloatArray
    second: FloatArray
    kind: Literal["gamma", "log_normal"] = "gamma"


class FittedModel(BaseModel, ABC, frozen=True, extra="forbid"):
    """A model whose parameters come from a likelihood, or are given.

    Attributes:
        fit: How the parameters were found; None where they were given.
    """

    fit: FitSummary | None = None

    def draw_parameters(self, n: int, rng: np.random.Generator) -> tuple[Self, ...]:
        """Draw n models as likely as this one: the logarithms of their parameters are normal.

        So are the coefficients of covariates, on their own scale.

        The covariance is that of the fit, the inverse of the likelihood's curvature (Laplace).

        Raises:
            FitError: The fit has no covariance, or there was none.
        """
        fit = self.fit
        if fit is None or fit.covariance is None or fit.standard_errors is None:
            raise FitError(
                f"the parameters of this {type(self).__name__} have no covariance "
                f"({'they were given' if fit is None else f'its fit is {fit.status!r}'}): take "
                "them as known with IntervalOptions(parameters='fixed')",
                fit,
            )
        names, errors = list(fit.standard_errors), fit.standard_errors
        added = np.array([name in self._coefficients for name in names])
        scales = np.where(added, list(errors.values()), [getattr(self, n, 1.0) for n in names])
        sizes, axes = np.linalg.eigh(np.array(fit.covariance) / np.outer(scales, scales))
        spread = axes * np.sqrt(np.maximum(sizes, 0.0))
        moves = np.clip(rng.standard_normal((n, scales.size)) @ spread.T, -300.0, 300.0)
        drawn = scales * np.where(added, moves, np.exp(moves))
        return tuple(self._drawn(dict(zip(names, row, strict=True))) for row in drawn.tolist())

    @property
    def _coefficients(self) -> frozenset[str]:
        """What a fit may find beside parameters: numbers of either sign, normal as they are."""
        return frozenset()

    def _drawn(self, values: dict[str, float]) -> Self:
        """The model with these parameters; coefficients are given by what is added to them."""
        return self.model_copy(update=values)


class PurchaseModel(FittedModel, ABC, frozen=True):
    """A model of when customers buy and when they stop.

    Its methods take arrays, one element a customer, in the order of `history`, and ages and
    horizons in **days**; only the parameters are in `time_unit`. Frames go through the functions
    of the same names.

    Attributes:
        history: Columns that the methods take.
        time_unit: Unit in which the parameters are expressed.
    """

    history: ClassVar[tuple[str, ...]] = HISTORY

    time_unit: TimeUnit = "week"

    @property
    def days_per_unit(self) -> float:
        """Length of the time unit in days."""
        return DAYS_PER_UNIT[self.time_unit]

    @property
    def rules(self) -> list[ArrayRule]:
        """What no customer's history may be."""
        return history_rules(len(self.covariates))

    @property
    def likelihood_columns(self) -> tuple[str, ...]:
        """Columns that `log_likelihood` takes: the history, and what else the model's needs."""
        return self.history

    def horizon_length(self, horizon: Horizon) -> float:
        """The horizon as the methods take it: in days.

        Raises:
            OptionError: The horizon is no duration above zero.
        """
        return duration_days(horizon)

    @property
    def days_per_length(self) -> float:
        """Days of one unit of a horizon's length."""
        return 1.0

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
    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability that each customer still buys at age T + ahead, given the history up to T."""

    @abstractmethod
    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected number of purchases in the `horizon` days after age T, given the history."""

    @abstractmethod
    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` days after age T."""

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n purchases or more in the `horizon` days after age T."""
        more = np.ones_like(T)
        for k in range(n):
            more -= self.purchase_probability(x, t_x, T, horizon, k)
        return np.maximum(more, 0.0)

    @abstractmethod
    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days after age T until the next purchase has happened with probability q; may be inf."""

    @abstractmethod
    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Expected purchases, each discounted continuously at `rate` a day; horizon may be inf."""

    @abstractmethod
    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in the first `horizon` days."""

    @abstractmethod
    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability that a new customer makes exactly n repeat purchases in `horizon` days."""

    @abstractmethod
    def has_finite_value(self, rate: float) -> bool:
        """Whether the discounted purchases of the whole residual life are finite."""

    def futures(
        self,
        x: FloatArray,  # noqa: ARG002
        t_x: FloatArray,  # noqa: ARG002
        T: FloatArray,  # noqa: ARG002
    ) -> Futures | OpportunityFutures:
        """From what each customer's purchases to come are drawn.

        Raises:
            OptionError: This model gives means only.
        """
        raise OptionError(f"{type(self).__name__} cannot draw outcomes; use kind='mean'")


class SpendModel(FittedModel, ABC, frozen=True):
    """A model of what a customer spends per purchase."""

    @property
    @abstractmethod
    def mean_spend(self) -> float | None:
        """Mean spend per purchase of a new customer; None where it does not exist."""

    @abstractmethod
    def expected_spend(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """Expected spend per purchase after x repeat purchases of mean spend m.

        NaN where it does not exist or m is not known; m counts only where x is above 0.
        """

    def spend_column(self) -> pl.Expr:
        """The same as a column, from those of `repeat_purchases` and `repeat_spend`."""
        return array_column(
            self.expected_spend, SPEND, rules=spend_prediction_rules(), nullable=("repeat_spend",)
        )

    def spend_futures(self, x: FloatArray, m: FloatArray) -> SpendFutures:  # noqa: ARG002
        """From what the spend of each customer's purchases to come is drawn.

        Raises:
            OptionError: This model gives means only.
        """
        raise OptionError(f"{type(self).__name__} cannot draw outcomes; use kind='mean'")


def history_rules(n_covariates: int = 0) -> list[ArrayRule]:
    """What no customer's history may be, nor the covariates that stand after it."""
    rules = [
        ArrayRule(
            "NaN or infinite repeat_purchases, t_x or T",
            lambda x, t_x, age, *_: ~np.isfinite(x + t_x + age),
        ),
        _NO_COUNT,
        ArrayRule(
            f"more than {_MOST:,} repeat_purchases", lambda x, *_: (x > _MOST) & np.isfinite(x)
        ),
        ArrayRule("t_x outside 0 .. T", lambda _, t_x, age, *__: (t_x < 0) | (t_x > age)),
        ArrayRule("t_x above 0 without a repeat purchase", lambda x, t_x, *_: (x == 0) & (t_x > 0)),
    ]
    if n_covariates:
        last = len(HISTORY) + n_covariates
        rules.append(
            ArrayRule(
                "NaN or infinite covariates",
                lambda *columns: ~np.isfinite(np.sum(columns[len(HISTORY) : last], axis=0)),
            )
        )
    return rules


def spend_rules() -> list[ArrayRule]:
    """What no customer's spend may be."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases or repeat_spend", lambda x, m: ~np.isfinite(x + m)
        ),
        _NO_COUNT,
    ]


def spend_prediction_rules() -> list[ArrayRule]:
    """What no customer's spend may be, where a mean that is not known is NaN."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases or repeat_spend",
            lambda x, m: ~np.isfinite(x) | np.isinf(m),
        ),
        _NO_COUNT,
    ]


_NO_COUNT = ArrayRule(
    "repeat_purchases not 0, 1, 2 ...", lambda x, *_: (x < 0) | (x != np.floor(x))
)
