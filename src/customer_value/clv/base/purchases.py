"""What models of purchases have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from customer_value._frames.time import DAYS_PER_UNIT, duration_days
from customer_value._typing import TimeUnit
from customer_value.clv.base.fitted import FittedModel
from customer_value.clv.base.histories import (
    HISTORY,
    OPPORTUNITIES,
    history_rules,
    opportunity_rules,
)
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from customer_value._frames.contracts import ArrayRule
    from customer_value._typing import FloatArray
    from customer_value.clv.base.futures import Futures, OpportunityFutures

Horizon: TypeAlias = str | timedelta | int
"""Length of a future: a duration, or opportunities for a model that counts those."""


class PurchaseModel(FittedModel, ABC, frozen=True):
    """A model of when customers buy and when they stop.

    Its methods take arrays, one element a customer, in the order of `history`; how they count ages
    and horizons is the kind's own: a `TimedModel` in days, an `OpportunityModel` in opportunities.
    Frames go through the functions of the same names, which take durations for all.

    Attributes:
        history: Columns that the methods take.
        time_unit: Unit in which the parameters are expressed.
    """

    history: ClassVar[tuple[str, ...]]

    time_unit: TimeUnit

    @property
    def days_per_unit(self) -> float:
        """Length of the time unit in days."""
        return DAYS_PER_UNIT[self.time_unit]

    @property
    @abstractmethod
    def days_per_length(self) -> float:
        """Days of one unit of a horizon as the methods take it."""

    @property
    @abstractmethod
    def rules(self) -> list[ArrayRule]:
        """What no customer's history may be."""

    @property
    def likelihood_columns(self) -> tuple[str, ...]:
        """Columns that `log_likelihood` takes: the history, and what else the model needs."""
        return self.history

    @abstractmethod
    def horizon_length(self, horizon: Horizon) -> float:
        """The horizon as the methods take it.

        Raises:
            OptionError: The horizon is not a duration above zero.
        """

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
        """Probability of being alive at age T + ahead, given the history up to T."""

    @abstractmethod
    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected number of purchases in the `horizon` after age T, given the history."""

    @abstractmethod
    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` after age T."""

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n purchases or more in the `horizon` after age T."""
        more = np.ones_like(T)
        for k in range(n):
            more -= self.purchase_probability(x, t_x, T, horizon, k)
        return np.maximum(more, 0.0)

    @abstractmethod
    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Wait after age T until the next purchase has happened with probability q; may be inf."""

    @abstractmethod
    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Expected purchases, discounted continuously at `rate` a day; the horizon may be inf."""

    @abstractmethod
    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in the first `horizon`."""

    @abstractmethod
    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability that a new customer makes exactly n repeat purchases in the `horizon`."""

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
        raise OptionError(f"{type(self).__name__} cannot draw outcomes; use interval_method='mean'")


class TimedModel(PurchaseModel, ABC, frozen=True):
    """A model of purchases that can happen at any time.

    Its methods take ages and horizons in **days**; only the parameters are in `time_unit`.

    Attributes:
        history: Columns that the methods take, ages in days.
        time_unit: Unit in which the parameters are expressed.
    """

    history: ClassVar[tuple[str, ...]] = HISTORY

    time_unit: TimeUnit = "week"

    @property
    def days_per_length(self) -> float:
        """Days of one unit of a horizon: it is in days."""
        return 1.0

    @property
    def rules(self) -> list[ArrayRule]:
        """What no customer's history may be."""
        return history_rules(len(self.covariates))

    def horizon_length(self, horizon: Horizon) -> float:
        """The horizon in days.

        Raises:
            OptionError: The horizon is not a duration above zero.
        """
        return duration_days(horizon)


class OpportunityModel(PurchaseModel, ABC, frozen=True):
    """A model of purchases that can happen only at opportunities, one a period.

    Its methods count ages and horizons in **opportunities**; rates of discount are continuous and
    per day, as for all purchase models.

    Attributes:
        history: Columns that the methods take, all counts of opportunities.
        time_unit: Time from one opportunity to the next.
    """

    history: ClassVar[tuple[str, ...]] = OPPORTUNITIES

    time_unit: TimeUnit = "year"

    @property
    def days_per_length(self) -> float:
        """Days from one opportunity to the next."""
        return self.days_per_unit

    @property
    def rules(self) -> list[ArrayRule]:
        """What no customer's history may be."""
        return opportunity_rules()

    def horizon_length(self, horizon: Horizon) -> float:
        """Number of opportunities in a horizon: the number itself, or a duration's whole periods.

        Raises:
            OptionError: It is not 1, 2, 3 ... periods long.
        """
        if isinstance(horizon, int):
            count = float(horizon)
        else:
            count = duration_days(horizon) / self.days_per_unit
        if count < 1 or abs(count - round(count)) > 1e-9 * count:
            raise OptionError(
                f"a horizon must be a whole number of opportunities, one a {self.time_unit}, 1 or "
                f"more; got {horizon!r}"
            )
        return float(round(count))
