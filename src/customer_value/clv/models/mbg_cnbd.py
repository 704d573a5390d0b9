"""MBG/CNBD-k: purchases at regular gaps, and a chance to stop after each one.

Reutterer, T., Platzer, M. and Schröder, N. (2021), "Leveraging purchase regularity for predicting
customer behavior the easy way", International Journal of Research in Marketing 38(1), 194-215.
"""

from __future__ import annotations

from math import lgamma
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from customer_value._frames.contracts import ArrayRule
from customer_value._kernels.models import mbg_cnbd, mbg_cnbd_future, mbg_nbd, parameters
from customer_value._kernels.models.histories import Histories
from customer_value.clv.base import (
    HISTORY,
    Count,
    FitOptions,
    Futures,
    Parameter,
    TimedModel,
    history_rules,
)
from customer_value.clv.fit.fitting import (
    Rows,
    compress,
    fit_options,
    fit_rows,
    history_rows,
    mean_age,
    unit_days,
)
from customer_value.clv.models.mbg_nbd import maximize_mbg
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._typing import BoolArray, FloatArray, Frame, TimeUnit
    from customer_value.clv.fit.fitting import Optimum

LARGEST_K = 12
"""The most regular gaps that a fit tries by itself."""


class MbgCnbd(TimedModel, frozen=True):
    """An MBG/CNBD-k model, fitted by `fit_mbg_cnbd` or built from published parameters.

    While alive a customer's gaps between purchases are Erlang-k with a rate that is Gamma(r, alpha)
    among customers: every k-th event of a Poisson process is a purchase, so that the mean gap is
    k / rate. After each purchase, the first one included, the customer stops with a probability
    that is Beta(a, b) among them. The larger k, the more regular the gaps and the sooner silence
    tells; with k = 1 it is the MBG/NBD.

    Attributes:
        k: Shape of the gaps; their coefficient of variation is 1 / sqrt(k).
        r: Shape of the rates.
        alpha: Rate parameter of the rates, in `time_unit`.
        a: First parameter of the probability of stopping.
        b: Second parameter of the probability of stopping.

    Examples:
        >>> import customer_value as cv
        >>> model = cv.MbgCnbd(k=2, r=1.329197, alpha=2.8126, a=0.424716, b=0.79004)
        >>> round(model.new_customer_purchases(52 * 7), 4)
        4.0951
    """

    model: Literal["mbg_cnbd"] = "mbg_cnbd"
    k: Count
    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    @property
    def _by_day(self) -> parameters.MbgCnbd:
        alpha = self.alpha * self.days_per_unit
        return parameters.MbgCnbd(self.k, self.r, alpha, self.a, self.b)

    @property
    def likelihood_columns(self) -> tuple[str, ...]:
        """The history, and the sum of the logarithms of the gaps where k is above 1."""
        return HISTORY if self.k == 1 else (*HISTORY, "log_gap_sum")

    def log_likelihood(
        self,
        x: FloatArray,
        t_x: FloatArray,
        T: FloatArray,
        log_gap_sum: FloatArray | None = None,
    ) -> FloatArray:
        """Log-likelihood of each history, by the model's time unit.

        Args:
            x: Repeat purchases.
            t_x: Age at the last purchase, in days.
            T: Age at the end of observation, in days.
            log_gap_sum: Sum of the logarithms of the gaps in days. Without it the factor of the
                gaps, which no parameter but k enters, is left out: such values compare models of
                the same k only.

        Returns:
            One log-likelihood per customer.
        """
        unit = self.days_per_unit
        rows = mbg_cnbd.log_likelihood(
            Histories(x, t_x, T).over(unit),
            parameters.MbgCnbd(self.k, self.r, self.alpha, self.a, self.b),
        )
        if log_gap_sum is None:
            return rows
        return rows + _log_gap_factor(x, log_gap_sum - x * np.log(unit), self.k)

    def probability_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, ahead: float = 0.0
    ) -> FloatArray:
        """Probability of being alive `ahead` days after age T."""
        histories = Histories(x, t_x, T)
        if ahead == 0.0:
            return mbg_cnbd.probability_alive(histories, self._by_day)
        if self.k == 1:
            return mbg_nbd.probability_alive_later(histories, self._by_day, ahead)
        return mbg_cnbd_future.probability_alive_later(histories, self._by_day, ahead)

    def expected_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float
    ) -> FloatArray:
        """Expected purchases in the `horizon` days after age T, exact for every k.

        The paper and BTYDplus rescale the expectation of an MBG/NBD customer instead.
        """
        histories = Histories(x, t_x, T)
        if self.k == 1:
            return mbg_nbd.expected_purchases(histories, self._by_day, horizon)
        return mbg_cnbd_future.expected_purchases(histories, self._by_day, horizon)

    def purchase_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of exactly n purchases in the `horizon` days after age T."""
        histories = Histories(x, t_x, T)
        if self.k == 1:
            return mbg_nbd.purchase_probability(histories, self._by_day, horizon, n)
        return mbg_cnbd_future.purchase_probability(histories, self._by_day, horizon, n)

    def at_least_probability(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, n: int
    ) -> FloatArray:
        """Probability of n >= 1 purchases or more in the `horizon` days after age T."""
        histories = Histories(x, t_x, T)
        if self.k == 1:
            return mbg_nbd.at_least_probability(histories, self._by_day, horizon, n)
        return mbg_cnbd_future.at_least_probability(histories, self._by_day, horizon, n)

    def next_purchase_quantile(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, q: float
    ) -> FloatArray:
        """Days until the next purchase has happened with probability q; inf if it never does."""
        histories = Histories(x, t_x, T)
        if self.k == 1:
            return mbg_nbd.next_purchase_quantile(histories, self._by_day, q)
        return mbg_cnbd_future.next_purchase_quantile(histories, self._by_day, q)

    def discounted_purchases(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, horizon: float, rate: float
    ) -> FloatArray:
        """Present value of those purchases, discounted continuously at `rate` per day."""
        asked = Histories(x, t_x, T), self._by_day, horizon, rate
        if self.k == 1:
            return mbg_nbd.discounted_expected_purchases(*asked)
        return mbg_cnbd_future.discounted_expected_purchases(*asked)

    def new_customer_purchases(self, horizon: float) -> float:
        """Expected repeat purchases of a new customer in `horizon` days."""
        now = np.zeros(1)
        return float(self.expected_purchases(now, now, now, horizon)[0])

    def new_customer_probability(self, horizon: float, n: int) -> float:
        """Probability of exactly n repeat purchases of a new customer in `horizon` days."""
        now = np.zeros(1)
        return float(self.purchase_probability(now, now, now, horizon, n)[0])

    def futures(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> Futures:
        """Given alive and j events since the last purchase, rates are Gamma(r + kx + j, alpha + T).

        The silence says how likely each j is; chances to stop are Beta(a, b + x + 1), whatever j.
        """
        _, r, alpha, a, b = self._by_day
        alive = self.probability_alive(x, t_x, T)
        end = np.full_like(alive, a), b + x + 1
        shape, rate = r + self.k * x, alpha + T
        if self.k == 1:
            return Futures(alive, shape, rate, "at_purchase", *end)
        return Futures(alive, shape, rate, "at_purchase", *end, self.k, (T - t_x) / rate)

    def has_finite_value(self, rate: float) -> bool:
        """Whether a residual life has finite value: it is infinite without a discount if a <= 1."""
        return rate > 0 or self.a > 1


def fit_mbg_cnbd(
    customers: Frame,
    *,
    k: int | None = None,
    time_unit: TimeUnit = "week",
    weights: str | None = None,
    options: FitOptions | None = None,
) -> MbgCnbd:
    """Fit an MBG/CNBD-k model by maximum likelihood.

    A customer's likelihood is (product of the gaps)^(k-1) / (k-1)!^x B(a, b+x+1)/B(a, b)
    Gamma(r+kx)/Gamma(r) alpha^r [S (alpha+T)^-(r+kx) + a/(b+x) (alpha+t_x)^-(r+kx)], where S is the
    sum over j < k of Gamma(r+kx+j) / (Gamma(r+kx) j!) ((T-t_x)/(alpha+T))^j (Reutterer, Platzer &
    Schröder 2021). It is maximised over the logarithms of the parameters, with exact gradient and
    Hessian, from a start that depends on the data alone.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x`, `T` (days), and `log_gap_sum`
            (the sum of the logarithms of the days between purchases) unless k is 1: ask
            `summarize` for it with `TransactionOptions(extras=("log_gap_sum",))`, and count
            occasions by day. Customers without any purchase (nulls) are left out and counted in
            the warnings.
        k: Shape of the gaps, 1 to 100. None takes the one with the largest likelihood: it tries 1,
            2 and so on up to 12, and stops when two in a row do worse than the best.
        time_unit: Unit in which the parameters are expressed, as in the literature.
        weights: Column with the number of customers that each row stands for.
        options: Limits of the search.

    Returns:
        The model, with its `fit` summary, whose log-likelihood is that of all purchase days and so
        compares models of different k, and with those of the MBG/NBD, BG/NBD and Pareto/NBD. Its
        information criteria do not count k. Where the data do not identify the parameters,
        `fit.status` is `"boundary"` and a warning says so; so does one where the best k is 12.

    Raises:
        OptionError: k is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible, such as `t_x` above `T`.
        FitError: No row can be used.

    Examples:
        >>> import customer_value as cv
        >>> options = cv.TransactionOptions(extras=("log_gap_sum",))
        >>> log = cv.read_transactions(cv.load_cdnow(), options=options)
        >>> model = cv.fit_mbg_cnbd(cv.summarize(log, as_of="1997-09-30"))
        >>> model.k, round(model.r, 3), round(model.alpha, 3)  # CDs are not bought regularly
        (1, 0.525, 6.183)
    """
    if k is not None and not 1 <= k <= 100:
        raise OptionError(f"k must be from 1 to 100, or None to choose it; got {k}")
    search = fit_options(options)
    unit = unit_days(time_unit)
    if k == 1:
        rows = history_rows(customers, weights)
        log_gaps = repeats = 0.0
    else:
        rows, log_gaps, repeats = _rows_with_gaps(customers, weights)
    scale = mean_age(rows)

    def fit(shape: int) -> Optimum:
        return maximize_mbg(
            rows,
            k=shape,
            unit=unit,
            options=search,
            log_gaps=(shape - 1) * log_gaps - repeats * lgamma(shape),
        )

    shape, best = _most_likely(fit) if k is None else (k, fit(k))
    summary = best.summary
    if k is None and shape == LARGEST_K:
        words = f"the likelihood still rises at k = {LARGEST_K}: gaps may be more regular, give k"
        summary = summary.model_copy(update={"warnings": (*summary.warnings, words)})
    r, alpha, a, b = np.exp(best.log_parameters).tolist()
    return MbgCnbd(
        k=shape,
        r=r,
        alpha=alpha * scale / unit,
        a=a,
        b=b,
        time_unit=time_unit,
        fit=summary,
        fitted_on=rows.fitted_on,
    )


def _most_likely(fit: Callable[[int], Optimum]) -> tuple[int, Optimum]:
    """Try k = 1, 2 ... until two in a row do worse than the best; ties go to the smaller k."""
    shape = 1
    best = fit(1)
    for k in range(2, LARGEST_K + 1):
        found = fit(k)
        if found.summary.log_likelihood > best.summary.log_likelihood:
            shape = k
            best = found
        elif k > shape + 1:
            break
    return shape, best


def _rows_with_gaps(customers: Frame, weights: str | None) -> tuple[Rows, float, float]:
    """The histories, their sum of `log_gap_sum` and their repeat purchases.

    The gaps enter the likelihood by that sum alone, so that histories are compressed without them.
    """
    columns = (*HISTORY, "log_gap_sum")
    rows = fit_rows(
        customers,
        columns,
        weights=weights,
        rules=[*history_rules(), *_gap_rules()],
        usable=pl.all_horizontal(pl.col(columns).is_not_null()),
        unusable="no purchase or no log_gap_sum",
    )
    histories = pl.DataFrame([*rows.arrays[:3]], schema=HISTORY)
    repeats, log_gaps = (float(rows.weights @ rows.arrays[i]) for i in (0, 3))
    compressed = compress(histories, pl.Series(rows.weights), rows.warnings)
    return compressed._replace(fitted_on=rows.fitted_on), log_gaps, repeats


def _gap_rules() -> list[ArrayRule]:
    """What no sum of logarithms may be: the gaps add up to t_x, so their mean logarithm is less."""

    def too_large(x: FloatArray, t_x: FloatArray, _: FloatArray, total: FloatArray) -> BoolArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            largest = np.where(x > 0, x * np.log(t_x / x), 0.0)
        return np.asarray(total > largest + 1e-9 * (1 + np.abs(total)))

    return [
        ArrayRule("NaN or infinite log_gap_sum", lambda *columns: ~np.isfinite(columns[3])),
        ArrayRule(
            "log_gap_sum above x ln(t_x / x), the most that gaps in days can give", too_large
        ),
        ArrayRule(
            "log_gap_sum other than 0 without a repeat purchase",
            lambda x, *others: (x == 0) & (others[2] != 0),
        ),
    ]


def _log_gap_factor(x: FloatArray, log_gap_sum: FloatArray, k: int) -> FloatArray:
    """Logarithm of (product of the gaps)^(k-1) / (k-1)!^x."""
    return (k - 1) * log_gap_sum - x * lgamma(k)
