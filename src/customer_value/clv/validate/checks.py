"""Whether customers' histories can carry a model at all, in words and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
import polars as pl
import scipy
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_arrays
from customer_value._frames.contracts import ArrayRule, check_instance, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.money import TOO_LARGE
from customer_value.clv.base import HISTORY, SPEND, history_rules, spend_rules

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame

_TOO_LARGE = ArrayRule(TOO_LARGE.says, lambda _, m: TOO_LARGE.broken(m))


class SpendFrequencyCorrelation(BaseModel, frozen=True, extra="forbid"):
    """How spend goes with frequency, see `spend_frequency_correlation`.

    Attributes:
        correlation: Pearson's, of repeat purchases and mean repeat spend; None where either is the
            same for all.
        low: Lower end of its 95 % interval, by Fisher's transformation; None for fewer than 4
            customers.
        high: Upper end.
        rank_correlation: Spearman's, which a few large spenders cannot make.
        customers: Customers with a repeat purchase whose spend is known.
        verdict: What that means for the value, in words.
    """

    correlation: float | None
    low: float | None
    high: float | None
    rank_correlation: float | None
    customers: int
    verdict: str


class SufficiencyOptions(BaseModel, frozen=True, extra="forbid"):
    """Below what customers are too few or too little known for a model: rules of thumb.

    Attributes:
        customers: Fewest customers.
        repeaters: Fewest customers with a repeat purchase.
        gaps: How many gaps between purchases long a history must be, the median one.
        one_time_share: Largest share of customers without a repeat purchase.
        regular_share: Largest share of customers who buy on every other day or more.
    """

    customers: Annotated[int, Field(ge=0)] = 500
    repeaters: Annotated[int, Field(ge=0)] = 100
    gaps: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 3.0
    one_time_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    regular_share: Annotated[float, Field(ge=0, le=1)] = 0.01


class DataSufficiency(BaseModel, frozen=True, extra="forbid"):
    """What the histories of customers can tell, see `data_sufficiency`.

    Attributes:
        customers: Customers with a purchase.
        unknown: All others.
        repeaters: Customers with a repeat purchase.
        one_time_share: Share without one.
        repeat_purchases: All repeat purchases.
        history_days: Median of T.
        gap_days: Mean days between purchases, sum t_x / sum x; None without repeat purchases.
        gaps_per_history: `history_days` over `gap_days`.
        regular_share: Share of customers with a repeat purchase on every other day of T or more.
        warnings: What falls short and what to do, in words; nothing is a good sign.
    """

    customers: int
    unknown: int
    repeaters: int
    one_time_share: float | None
    repeat_purchases: int
    history_days: float | None
    gap_days: float | None
    gaps_per_history: float | None
    regular_share: float | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """The counts, and the warnings one a line."""
        head = (
            f"{self.customers:,} customers, {self.repeaters:,} with {self.repeat_purchases:,} "
            f"repeat purchases"
        )
        return "\n".join([head, *(f"! {warning}" for warning in self.warnings)])


def spend_frequency_correlation(customers: Frame) -> SpendFrequencyCorrelation:
    """Correlate how often customers buy with how much they spend.

    Lifetime value multiplies expected purchases by expected spend, as if they were independent
    (Fader, Hardie & Lee 2005, "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis",
    Journal of Marketing Research 42, 415-430). Where frequent customers spend more, the value of
    the best is understated; where they spend less, overstated.

    Args:
        customers: Customer frame with `repeat_purchases` and `repeat_spend`.

    Returns:
        The correlations among customers with a repeat purchase. By custom (Cohen 1988) below 0.1
        is next to none, below 0.3 weak, below 0.5 moderate, otherwise strong.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Counts are impossible, or spends NaN, infinite or too large.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
        >>> found = cv.clv.spend_frequency_correlation(customers)
        >>> round(found.correlation, 3), found.customers
        (0.114, 946)
        >>> found.verdict
        'weak: frequent customers spend somewhat more, and the value of the best is understated'
    """
    frame = read_frame(customers, dict.fromkeys(SPEND, "number")).lazy()
    rows = frame.select(pl.col(SPEND).cast(pl.Float64)).drop_nulls().collect().sort(SPEND)
    x, spend = to_arrays(rows)
    refuse(
        dict(zip(SPEND, (x, spend), strict=True)), [*spend_rules(), _TOO_LARGE], what="customers"
    )
    x, spend = x[x > 0], spend[x > 0]
    found = _correlation(x, spend)
    low = high = None
    if found is not None and x.size > 3:
        width = scipy.stats.norm.ppf(0.975) / math.sqrt(x.size - 3)
        centre = math.atanh(max(min(found, 1 - 1e-15), 1e-15 - 1))
        low = math.tanh(centre - width)
        high = math.tanh(centre + width)
    return SpendFrequencyCorrelation(
        correlation=found,
        low=low,
        high=high,
        rank_correlation=_correlation(scipy.stats.rankdata(x), scipy.stats.rankdata(spend)),
        customers=x.size,
        verdict=_says(found),
    )


def data_sufficiency(
    customers: Frame, *, options: SufficiencyOptions | None = None
) -> DataSufficiency:
    """Say whether histories are many, long and irregular enough for a purchase model.

    Args:
        customers: Customer frame with `repeat_purchases`, `t_x` and `T` (days). Customers without
            any purchase (nulls) are counted apart.
        options: Where a warning begins. They are rules of thumb; whether a model is good is told by
            `evaluate_holdout`.

    Returns:
        The numbers, and a warning for each that falls short: few customers, few with a repeat
        purchase, many without one, histories that are short beside the gaps between purchases, and
        customers who buy on most days, which no model of random purchases describes.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Histories are impossible, such as `t_x` above `T`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 3, 31))
        >>> found = cv.clv.data_sufficiency(customers)
        >>> print(found)
        2,357 customers, 499 with 812 repeat purchases
        ! 79 % of the customers have no repeat purchase: bg_nbd takes them all for alive; prefer
        pareto_nbd or mbg_nbd
        ! histories of 46 days hold 2.7 gaps of 17 days, fewer than 3: whoever is silent may just be
        between two purchases; take a longer calibration period
    """
    options = SufficiencyOptions() if options is None else options
    check_instance("options", options, SufficiencyOptions)
    frame = read_frame(customers, dict.fromkeys(HISTORY, "number")).lazy()
    rows = frame.select(pl.col(HISTORY).cast(pl.Float64)).collect()
    known = rows.drop_nulls()
    x, t_x, age = to_arrays(known)
    refuse(dict(zip(HISTORY, (x, t_x, age), strict=True)), history_rules(), what="customers")
    n = x.size
    repeats = math.fsum(x)
    gap = math.fsum(t_x) / repeats if repeats else None
    history = float(np.median(age)) if n else None
    found = DataSufficiency(
        customers=n,
        unknown=rows.height - n,
        repeaters=int((x > 0).sum()),
        one_time_share=float((x == 0).mean()) if n else None,
        repeat_purchases=int(repeats),
        history_days=history,
        gap_days=gap,
        gaps_per_history=history / gap if history is not None and gap else None,
        regular_share=float(((x > 0) & (x >= 0.5 * age)).mean()) if n else None,
        warnings=(),
    )
    return found.model_copy(update={"warnings": tuple(_warnings(found, options))})


def _correlation(x: FloatArray, y: FloatArray) -> float | None:
    """Pearson's correlation; None where either does not vary."""
    if not x.size or x.min() == x.max() or y.min() == y.max():
        return None
    x, y = ((values - values.mean()) / np.abs(values - values.mean()).max() for values in (x, y))
    return float(np.clip((x * y).sum() / math.sqrt((x * x).sum() * (y * y).sum()), -1.0, 1.0))


def _says(correlation: float | None) -> str:
    if correlation is None:
        return "not known: fewer than two customers differ in both"
    size = abs(correlation)
    if size < 0.1:
        return "next to none: purchases and spend may be multiplied"
    strength, how = ("weak", "somewhat ") if size < 0.3 else ("moderate", "")
    if size >= 0.5:
        strength = "strong"
        how = "much "
    more, stated = ("more", "understated") if correlation > 0 else ("less", "overstated")
    return (
        f"{strength}: frequent customers spend {how}{more}, and the value of the best is {stated}"
    )


def _warnings(found: DataSufficiency, limits: SufficiencyOptions) -> list[str]:
    """One sentence for each number that falls short."""
    warnings = []
    if found.customers < limits.customers:
        warnings.append(
            f"only {found.customers:,} customers, fewer than {limits.customers:,}: parameters will "
            "be uncertain; ask for intervals"
        )
    if found.repeaters < limits.repeaters:
        warnings.append(
            f"only {found.repeaters:,} customers with a repeat purchase, fewer than "
            f"{limits.repeaters:,}: take a longer calibration period or more customers"
        )
    if found.one_time_share is not None and found.one_time_share > limits.one_time_share:
        warnings.append(
            f"{100 * found.one_time_share:.0f} % of the customers have no repeat purchase: bg_nbd "
            "takes them all for alive; prefer pareto_nbd or mbg_nbd"
        )
    if found.gaps_per_history is not None and found.gaps_per_history < limits.gaps:
        warnings.append(
            f"histories of {found.history_days:.0f} days hold {found.gaps_per_history:.1f} gaps of "
            f"{found.gap_days:.0f} days, fewer than {limits.gaps:g}: whoever is silent may just be "
            "between two purchases; take a longer calibration period"
        )
    if found.regular_share is not None and found.regular_share > limits.regular_share:
        warnings.append(
            f"{100 * found.regular_share:.1f} % of the customers buy on every other day or more: "
            "models of random purchases do not describe them; count weeks as opportunities "
            "(fit_bg_bb), or treat them as contracts"
        )
    return warnings
