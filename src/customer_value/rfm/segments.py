"""Names for RFM cells, and what a rule table covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import polars as pl
from pydantic import BaseModel

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import as_polars, require
from customer_value.exceptions import CustomerValueError
from customer_value.rfm.tables import RFM_LIST_125, RfmRules, RfmSegment, cube

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

_SHOWN = 10


class RuleCoverage(BaseModel, frozen=True, extra="forbid"):
    """Which cells a rule table leaves out, names more than once, and names in vain.

    Attributes:
        rules: Name and version of the table.
        bins: Number of scores of each dimension of the cube that was looked at.
        uncovered: Cells that no segment matches; their customers get the fallback.
        overlapping: Cells that more than one segment matches, with the names of all of these, the
            one that wins first.
        unreachable: Names that no cell gets, since others always win or no cell matches.
    """

    rules: str
    bins: int
    uncovered: tuple[str, ...]
    overlapping: dict[str, tuple[str, ...]]
    unreachable: tuple[str, ...]

    def __str__(self) -> str:
        overlapping = [f"{cell} ({' > '.join(names)})" for cell, names in self.overlapping.items()]
        return "\n".join(
            [
                f"{self.rules}: {self.bins**3:,} cells",
                f"uncovered    {_counted(self.uncovered)}",
                f"overlapping  {_counted(overlapping)}",
                f"unreachable  {_counted(self.unreachable)}",
            ]
        )


def check_rules(rules: RfmRules, *, bins: int | None = None) -> RuleCoverage:
    """Find the cells that a rule table leaves out or names more than once.

    Neither is an error: cells left out go to the fallback, and of several segments the first one
    wins. Both are worth knowing, as is a segment that never wins.

    Args:
        rules: The rule table.
        bins: Number of scores of each dimension of the scale that it will be used with, 1 to 10;
            by default the number that the table is made for. Cells of ten bins are written
            differently (`"5-5-5"`), hence a table for fewer covers none of them, and the reverse.

    Returns:
        What was found; `print` it to read it. Segments of the same name count as one.

    Raises:
        CustomerValueError: `bins` is not 1 to 10.

    Examples:
        >>> from customer_value.rfm import RFM_LIST_125, RFM_R_PACKAGE, check_rules
        >>> coverage = check_rules(RFM_R_PACKAGE)
        >>> len(coverage.uncovered), len(coverage.overlapping), coverage.unreachable
        (10, 58, ())
        >>> coverage.overlapping["155"]
        ('at_risk', 'need_attention', 'lost')
        >>> print(check_rules(RFM_LIST_125))
        rfm_list_125, version 1: 125 cells
        uncovered    none
        overlapping  none
        unreachable  none
    """
    bins = rules.bins if bins is None else bins
    if not 1 <= bins <= 10:
        raise CustomerValueError(f"bins are 1 to 10, got {bins}")
    matches = _matches(rules)
    names = {
        cell: tuple(dict.fromkeys(segment.name for segment in matches.get(cell, ())))
        for cell in cube(bins)
    }
    winners = {matching[0] for matching in names.values() if matching}
    every_name = dict.fromkeys(segment.name for segment in rules.segments)
    return RuleCoverage(
        rules=f"{rules.name}, version {rules.version}",
        bins=bins,
        uncovered=tuple(cell for cell, matching in names.items() if not matching),
        overlapping={cell: matching for cell, matching in names.items() if len(matching) > 1},
        unreachable=tuple(name for name in every_name if name not in winners),
    )


@overload
def segment_rfm(
    customers: pl.LazyFrame, *, rules: RfmRules = ..., locale: Literal["en", "zh"] = ...
) -> pl.LazyFrame: ...
@overload
def segment_rfm(
    customers: ArrowStream, *, rules: RfmRules = ..., locale: Literal["en", "zh"] = ...
) -> pl.DataFrame: ...
def segment_rfm(
    customers: Frame, *, rules: RfmRules = RFM_LIST_125, locale: Literal["en", "zh"] = "en"
) -> pl.DataFrame | pl.LazyFrame:
    """Add the name of each customer's RFM cell.

    Args:
        customers: Frame with `rfm_cell`, from `score_rfm`.
        rules: Which cells make which segment; where several match, the first wins. It must be made
            for as many bins as the scale has (the most, where its dimensions differ): cells that
            it does not know get the name of the fallback.
        locale: `"en"` for the names of the table, `"zh"` for their Chinese names.

    Returns:
        The frame with `segment` (String; null for customers without a score).

    Raises:
        SchemaError: `rfm_cell` is missing or no text.
        CustomerValueError: `locale` is unknown, or Chinese names are asked for and the table lacks
            some.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> cells = pl.DataFrame({"rfm_cell": ["555", "111", None]})
        >>> cv.segment_rfm(cells)["segment"].to_list()
        ['champions', 'lost', None]
        >>> cv.segment_rfm(cells, locale="zh")["segment"].to_list()
        ['冠军客户', '已流失客户', None]

        What to do next stands in the table:

        >>> {s.name: s.action for s in cv.RFM_LIST_125.segments}["lost"]
        'Try one campaign to win them back, otherwise leave them.'
    """
    frame = as_polars(customers)
    require(frame, {"rfm_cell": "text"}, what="customers")
    labels, fallback = _labels(rules, locale)
    cell = pl.col("rfm_cell").cast(pl.String)
    names = {c: labels[matching[0]] for c, matching in _matches(rules).items()}
    segment = cell.replace_strict(names, default=pl.lit(fallback), return_dtype=pl.String)
    return with_columns(frame, pl.when(cell.is_not_null()).then(segment).alias("segment"))


def _matches(rules: RfmRules) -> dict[str, list[RfmSegment]]:
    """All segments that match each cell, the one that wins first."""
    matches: dict[str, list[RfmSegment]] = {}
    for segment in rules.segments:
        for cell in segment.cells or cube(rules.bins, **segment.ranges):
            matches.setdefault(cell, []).append(segment)
    return matches


def _labels(rules: RfmRules, locale: str) -> tuple[dict[RfmSegment, str], str]:
    if locale == "en":
        return {segment: segment.name for segment in rules.segments}, rules.fallback
    if locale != "zh":
        raise CustomerValueError(f"locale is 'en' or 'zh', got {locale!r}")
    labels = {segment: segment.name_zh for segment in rules.segments if segment.name_zh}
    if missing := [segment.name for segment in rules.segments if segment not in labels]:
        raise CustomerValueError(
            f"rules {rules.name!r} have no Chinese name of {', '.join(missing)}"
        )
    return labels, rules.fallback_zh


def _counted(found: Sequence[str]) -> str:
    more = " ..." if len(found) > _SHOWN else ""
    return f"{len(found):,}: {', '.join(found[:_SHOWN])}{more}" if found else "none"
