"""What models of contracts have in common: renewals in, survival and its value out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from customer_value._common.stored import FittedOn
from customer_value._frames.arrays import to_arrays
from customer_value._frames.contracts import ArrayRule, Rule, describe, find_offences
from customer_value._frames.door import read_frame
from customer_value._frames.time import DAYS_PER_UNIT
from customer_value._kernels.models import contracts as kernels
from customer_value._typing import FloatArray, TimeUnit
from customer_value.clv.base import FittedModel
from customer_value.clv.fit.fitting import Rows, fit_rows
from customer_value.exceptions import DataError, FitError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from customer_value._frames.contracts import Kind
    from customer_value._kernels.models.parameters import Contract
    from customer_value._typing import Frame

_MOST_RENEWALS = 100_000
RENEWALS_RULE = ArrayRule(
    f"renewals not 0, 1, 2 ... {_MOST_RENEWALS:,}",
    lambda n, *_: ~((n >= 0) & (n == np.floor(n)) & (n <= _MOST_RENEWALS)),
)


class ContractModel(FittedModel, ABC, frozen=True):
    """A model of customers who renew a contract at the end of each period, or leave for good.

    Its methods take arrays, one element a customer, and count time in periods of the contract;
    rates of discount are effective rates per period.

    Attributes:
        time_unit: Length of a period of the contract.
        fit: How the parameters were found; None where they were given.
    """

    time_unit: TimeUnit = "year"

    @property
    @abstractmethod
    def _shapes(self) -> Contract:
        """The parameters alpha, beta and c of a beta-discrete-Weibull."""

    @property
    def days_per_unit(self) -> float:
        """Length of the contract's period in days."""
        return DAYS_PER_UNIT[self.time_unit]

    def survival(self, t: FloatArray) -> FloatArray:
        """Probability that a new customer survives t renewals, S(t); t is 0 or more."""
        return np.exp(kernels.log_survival(t, self._shapes))

    def log_retention(self, t: FloatArray) -> FloatArray:
        """Logarithm of `retention`."""
        return kernels.log_retention(t, self._shapes)

    def retention(self, t: FloatArray) -> FloatArray:
        """Probability that the t-th renewal happens once it is due, S(t)/S(t-1); t is 1 or more."""
        return np.exp(self.log_retention(t))

    def churn(self, t: FloatArray) -> FloatArray:
        """Probability of leaving at the t-th renewal once it is due; t is 1 or more."""
        return -np.expm1(self.log_retention(t))

    def discounted_renewals(
        self, renewals: FloatArray, rate: float = 0.0, periods: float = math.inf
    ) -> FloatArray:
        """Renewals to come of a customer who just renewed, the next one a period from now.

        The sum of S(n+k) / S(n) / (1 + rate)^k over k = 1 .. periods after n renewals; inf where
        it has no limit.
        """
        return kernels.residual_lives(renewals, self._shapes, periods, math.log1p(rate))

    def residual_lifetime(self, renewals: FloatArray, rate: float = 0.0) -> FloatArray:
        """Discounted expected residual lifetime (DERL) of a customer whose renewal is due now.

        The sum of S(n+k) / S(n) / (1 + rate)^(k-1) over k = 1, 2 ...: the next payment is not
        discounted, but not certain either (Fader & Hardie 2010, "Customer-Base Valuation in
        a Contractual Setting", Marketing Science 29, 85-93).
        """
        return (1.0 + rate) * self.discounted_renewals(renewals, rate)

    def lifetime(self, rate: float = 0.0) -> float:
        """Discounted expected lifetime (DEL) of a new customer, in periods.

        The sum of S(t) / (1 + rate)^t over t = 0, 1, 2 ...: the first payment is made now. Without
        discount it is the expected number of periods, inf where that has no limit.
        """
        return 1.0 + float(self.discounted_renewals(np.zeros(1), rate)[0])

    def has_finite_value(self, rate: float) -> bool:
        """Whether lifetimes have finite value: not without discount if the mean is infinite."""
        alpha, _, c = self._shapes
        return rate > 0 or alpha * c > 1


class Renewals(NamedTuple):
    """Customers who renewed and who left at renewal 1, 2, 3 ..., and how they were counted."""

    kept: FloatArray
    lost: FloatArray
    rows: Rows


def read_renewals(contracts: Frame, weights: str | None) -> Renewals:
    """Count renewals in a table of survivors or in a frame of customers.

    Raises:
        SchemaError: Columns are missing or of an unusable type.
        DataError: Values cannot be, such as survivors that rise.
        FitError: No one has had a renewal yet.
    """
    frame = read_frame(contracts, {}, what="contracts").lazy()
    names = set(frame.collect_schema())
    by_customer = "survivors" not in names and names & {"renewals", "churned"}
    read = _of_customers if by_customer else _of_survivors
    renewals = read(frame, weights)
    if not (renewals.kept.sum() + renewals.lost.sum() > 0):
        raise FitError("no renewals to fit: no customer has had one yet")
    return renewals


def check_churned(schema: Mapping[str, pl.DataType]) -> None:
    """Refuse a column `churned` that is not Boolean."""
    if schema["churned"] != pl.Boolean:
        raise SchemaError(f"customers: 'churned' is {schema['churned']}, must be Boolean")


def _of_customers(frame: pl.LazyFrame, weights: str | None) -> Renewals:
    frame = read_frame(frame, {"renewals": "number", "churned": "any"})
    check_churned(frame.collect_schema())
    rows = fit_rows(
        frame.with_columns(pl.col("churned").cast(pl.Int8)),
        ("renewals", "churned"),
        weights=weights,
        rules=[RENEWALS_RULE],
        usable=pl.col("renewals").is_not_null() & pl.col("churned").is_not_null(),
        unusable="renewals or churned unknown",
    )
    n = rows.arrays[0].astype(np.int64)
    churned = rows.arrays[1]
    size = int(n.max()) + 2
    reached = _count(n, rows.weights, size)[::-1].cumsum()[::-1]
    return Renewals(reached[1:], _count(n, rows.weights * churned, size)[:-1], rows)


def _of_survivors(frame: pl.LazyFrame, weights: str | None) -> Renewals:
    numbers = ["period", "survivors", *([weights] if weights else [])]
    needed: dict[str, Kind] = dict.fromkeys(numbers, "number")
    frame = read_frame(frame, needed, what="survivors", hint="or give customers: renewals, churned")
    schema = frame.collect_schema()
    table = frame.select(
        (pl.col("cohort") if "cohort" in schema else pl.lit("all")).cast(pl.String).alias("cohort"),
        pl.col("period", "survivors").cast(pl.Float64),
        (pl.col(weights) if weights else pl.lit(1.0)).cast(pl.Float64).alias("weight"),
    ).collect()
    known = table.filter(pl.col("survivors").is_not_null()).sort("cohort", "period", "survivors")
    before = pl.col("period", "survivors").shift(1).over("cohort").name.suffix("_before")
    known = known.with_columns(before)
    _, offences = find_offences(known.lazy(), _SURVIVOR_RULES, key="cohort")
    if offences:
        raise DataError(f"survivors: {describe(offences)}")
    first = known.filter(pl.col("period_before").is_null())
    at_start = (first["survivors"] * first["weight"]).sum()
    steps = known.drop_nulls("period_before").select(
        "period",
        kept=pl.col("survivors") * pl.col("weight"),
        lost=(pl.col("survivors_before") - pl.col("survivors")) * pl.col("weight"),
    )
    period, kept, lost = to_arrays(steps.sort("period", "kept", "lost"))
    renewal = period.astype(np.int64)
    warnings = _say(table.height - known.height, first)
    return Renewals(
        _count(renewal, kept)[1:],
        _count(renewal, lost)[1:],
        Rows(
            (),
            np.array([at_start], dtype=np.float64),
            warnings,
            FittedOn(n_customers=round(at_start)),
        ),
    )


def _count(n: npt.NDArray[np.int64], weights: FloatArray, size: int = 0) -> FloatArray:
    """Sum of the weights at 0, 1, 2 ..., as floats even where there are none."""
    return np.bincount(n, weights, size).astype(np.float64, copy=False)


_SURVIVOR_RULES = [
    Rule(
        "period",
        ~(
            pl.col("period").is_between(0, _MOST_RENEWALS)
            & (pl.col("period") == pl.col("period").floor())
        ).fill_null(value=False),
        f"a period not 0, 1, 2 ... {_MOST_RENEWALS:,}",
    ),
    Rule(
        "survivors",
        ~((pl.col("survivors") >= 0) & pl.col("survivors").is_finite()),
        "survivors that are not a number from 0",
    ),
    Rule(
        "weight",
        ~((pl.col("weight") >= 0) & pl.col("weight").is_finite()).fill_null(value=False),
        "a weight that is not 0 or more",
    ),
    Rule(
        "twice",
        pl.col("period") == pl.col("period_before"),
        "a period that is there twice; name the cohorts in a column 'cohort'",
    ),
    Rule(
        "gap",
        pl.col("period") > pl.col("period_before") + 1,
        "a period whose predecessor is missing",
    ),
    Rule(
        "rise",
        (pl.col("period") > pl.col("period_before"))
        & (pl.col("survivors") > pl.col("survivors_before")),
        "more survivors than the period before",
    ),
]


def _say(unknown: int, first: pl.DataFrame) -> tuple[str, ...]:
    """Word what is unusual about a table of survivors."""
    late = first.filter(pl.col("period") > 0)
    words = []
    if unknown:
        words.append(f"{unknown:,} rows left out: survivors unknown")
    if late.height:
        words.append(
            f"{late.height:,} cohorts without period 0 (e.g. {late['cohort'][0]}): they count from "
            f"their first period on, as customers who had survived that far; if period "
            f"{late['period'][0]:g} is their start, number it 0"
        )
    if first.height and (first["survivors"] <= 1).all():
        words.append("the survivors look like shares: the standard errors need numbers")
    return tuple(words)
