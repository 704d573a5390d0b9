"""How RFM scores are made: dimensions, numbers of bins, cut points and weights."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

Bins: TypeAlias = Annotated[int, Field(ge=1, le=10)]
Edge: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Breaks: TypeAlias = Annotated[tuple[Edge, ...], Field(max_length=9)]
Weight: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name: TypeAlias = Annotated[str, Field(min_length=1)]
KnownExtra: TypeAlias = Literal["length", "clumpiness", "variety"]

_TAKEN = ("recency", "frequency", "monetary", "index")


class RfmExtra(BaseModel, frozen=True, extra="forbid"):
    """A fourth or further dimension, scored beside recency, frequency and money.

    `"length"`, `"clumpiness"` and `"variety"` in `RfmOptions.extra` stand for

    - `RfmExtra(name="length", column="t_x", score="l_score")`: days from the first purchase to the
      last (the L of LRFM)
    - `RfmExtra(name="clumpiness", column="clumpiness", score="c_score")`: purchases in bursts (the
      C of RFMC; Zhang, Bradlow & Small 2015); clumpier is better, as customers who buy in bursts
      were found to be worth more than others of the same recency, frequency and money
    - `RfmExtra(name="variety", column="n_categories", score="v_score")`: product categories bought

    each in five bins.

    Attributes:
        name: Name of the dimension.
        column: Column of the customer frame that is scored.
        score: Column that gets the score.
        bins: Number of scores; not used with method `"breaks"`.
        breaks: With method `"breaks"`, the cut points, ascending.
        smaller_is_better: Whether small values get the high scores, as for recency.

    Examples:
        >>> import customer_value as cv
        >>> steady = cv.rfm.RfmExtra(
        ...     name="steadiness", column="gap_std_days", score="s_score", smaller_is_better=True
        ... )
        >>> cv.RfmOptions(extra=("length", steady)).extra_dimensions[0].column
        't_x'
    """

    name: Name
    column: Name
    score: Name
    bins: Bins = 5
    breaks: Breaks | None = None
    smaller_is_better: bool = False


_KNOWN = {
    "length": RfmExtra(name="length", column="t_x", score="l_score"),
    "clumpiness": RfmExtra(name="clumpiness", column="clumpiness", score="c_score"),
    "variety": RfmExtra(name="variety", column="n_categories", score="v_score"),
}


class RfmOptions(BaseModel, frozen=True, extra="forbid"):
    """How RFM scores are made.

    Attributes:
        recency_bins: Number of recency scores, 1 to 10; not used with `"breaks"`.
        frequency_bins: Number of frequency scores.
        monetary_bins: Number of monetary scores.
        method: `"quantile"`: bins of about equal numbers of customers, each dimension by itself;
            `"nested"`: frequency in bins within each recency score, monetary within each of those
            (Hughes 1994; nested binning of SPSS): cells of more even size, but the same frequency
            may score differently beside another recency; `"breaks"`: bins between given values,
            which do not move with the customers; `"kmeans"`: bins of the least squared deviations
            from their means, each dimension by itself: where the values lie in clumps, the cut
            points are the gaps between these.
        recency_breaks: With `"breaks"`, the cut points in days, ascending; a value equal to one
            lies below it. One more bin than cut points, at most ten. The edges of a scale are
            taken as they are: a cut point that comes twice leaves a bin empty, as it did there.
        frequency_breaks: Likewise in purchases.
        monetary_breaks: Likewise in money.
        monetary: Column of the customer frame that is M, such as `"revenue"`, `"mean_purchase"` or
            `"profit"`. Where `"margin"` is not a column, it is `revenue` less `cost`.
        convention: `"r_package"` cuts as the R package rfm does, with the methods `"quantile"` and
            `"breaks"`: quantiles are raised by 1, and a value equal to a cut point lies above it.
            On whole numbers this rounds fractional cut points up. It makes the scores depend on
            the unit of money: amounts in thousands score differently.
        extra: Further dimensions: `"length"` (LRFM), `"clumpiness"` (RFMC), `"variety"` (of product
            categories), or others as `RfmExtra`. Each gets a score of its own and is binned by
            itself, also with `"nested"`; `rfm_cell` stays recency, frequency, monetary.
        weights: Weights of the scores in `rfm_index`: of recency, frequency, monetary, then of each
            extra dimension. Only their proportions count. Without weights there is no index.

    Examples:
        >>> import customer_value as cv
        >>> cv.RfmOptions(
        ...     method="breaks",
        ...     recency_breaks=(30, 90, 180),
        ...     frequency_breaks=(1, 4),
        ...     monetary_breaks=(50, 200, 1000),
        ... ).method
        'breaks'
        >>> cv.RfmOptions(extra=("length",), weights=(3, 4, 3, 0)).weights
        (3.0, 4.0, 3.0, 0.0)
    """

    recency_bins: Bins = 5
    frequency_bins: Bins = 5
    monetary_bins: Bins = 5
    method: Literal["quantile", "nested", "breaks", "kmeans"] = "quantile"
    recency_breaks: Breaks | None = None
    frequency_breaks: Breaks | None = None
    monetary_breaks: Breaks | None = None
    monetary: Name = "revenue"
    convention: Literal["default", "r_package"] = "default"
    extra: tuple[KnownExtra | RfmExtra, ...] = ()
    weights: tuple[Weight, ...] | None = None

    @property
    def breaks(self) -> dict[str, tuple[float, ...] | None]:
        """The given cut points, by dimension."""
        return {
            "recency": self.recency_breaks,
            "frequency": self.frequency_breaks,
            "monetary": self.monetary_breaks,
            **{extra.name: extra.breaks for extra in self.extra_dimensions},
        }

    @property
    def extra_dimensions(self) -> tuple[RfmExtra, ...]:
        """The further dimensions, written out."""
        return tuple(_KNOWN[extra] if isinstance(extra, str) else extra for extra in self.extra)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._problems_of_breaks(), *self._problems_of_extras()]
        if self.convention == "r_package" and self.method not in {"quantile", "breaks"}:
            problems.append(f"convention 'r_package' knows no method {self.method!r}")
        if self.weights is not None:
            if len(self.weights) != (needed := 3 + len(self.extra)):
                problems.append(f"weights must be {needed}, got {len(self.weights)}")
            if not any(self.weights):
                problems.append("weights must not all be zero")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems_of_breaks(self) -> list[str]:
        problems = []
        extras = {extra.name for extra in self.extra_dimensions}
        for name, given in self.breaks.items():
            label = f"breaks of the extra {name!r}" if name in extras else f"{name}_breaks"
            if (given is None) == (self.method == "breaks"):
                needed = "needs" if given is None else "takes no"
                problems.append(f"method {self.method!r} {needed} {label}")
            if given is not None and list(given) != sorted(given):
                problems.append(f"{label} must ascend")
        return problems

    def _problems_of_extras(self) -> list[str]:
        names = [*_TAKEN, *(extra.name for extra in self.extra_dimensions)]
        scores = ["r_score", "f_score", "m_score", "rfm_cell", "rfm_index"]
        scores += [extra.score for extra in self.extra_dimensions]
        twice = [name for column in (names, scores) for name in {*column} if column.count(name) > 1]
        problems = [f"used for two dimensions: {', '.join(sorted(twice))}"] if twice else []
        read = {"customer_id", "recency_days", "purchases", self.monetary}
        read |= {extra.column for extra in self.extra_dimensions}
        if lost := sorted(read.intersection(scores)):
            problems.append(f"scores named as what is scored: {', '.join(lost)}")
        return problems
