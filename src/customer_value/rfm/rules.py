"""Rule tables: which cells of the RFM cube make which segment."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

Score: TypeAlias = Annotated[int, Field(ge=1, le=10)]
ScoreRange: TypeAlias = tuple[Score, Score]


class RfmSegment(BaseModel, frozen=True, extra="forbid"):
    """A segment: a name for some cells of the RFM cube.

    It is given either by a list of cells or by ranges of scores. With ranges, a dimension that is
    left out may have any score.

    Attributes:
        name: Name of the segment.
        cells: Its cells, as in `rfm_cell`; empty where ranges are given.
        recency: Lowest and highest recency score, both included.
        frequency: Lowest and highest frequency score.
        monetary: Lowest and highest monetary score.
        action: What to do with these customers next, in a sentence.
        name_zh: Chinese name of the segment.
        action_zh: What to do next, in Chinese.

    Raises:
        ValidationError: Both cells and ranges are given, or neither; or a range is upside down.

    Examples:
        >>> import customer_value as cv
        >>> best = cv.rfm.RfmSegment(name="best", recency=(4, 5), frequency=(5, 5))
        >>> best.monetary is None, best.cells
        (True, ())
    """

    name: Annotated[str, Field(min_length=1)]
    cells: tuple[str, ...] = ()
    recency: ScoreRange | None = None
    frequency: ScoreRange | None = None
    monetary: ScoreRange | None = None
    action: Annotated[str, Field(min_length=1)] | None = None
    name_zh: Annotated[str, Field(min_length=1)] | None = None
    action_zh: Annotated[str, Field(min_length=1)] | None = None

    @property
    def ranges(self) -> dict[str, ScoreRange]:
        """The ranges that are given, by dimension."""
        named = {
            "recency": self.recency,
            "frequency": self.frequency,
            "monetary": self.monetary,
        }
        return {dimension: given for dimension, given in named.items() if given is not None}

    @model_validator(mode="after")
    def _cells_or_ranges(self) -> Self:
        if bool(self.cells) == bool(self.ranges):
            raise ValueError(f"segment {self.name!r} needs either cells or ranges of scores")
        upside_down = [f"{d} {given}" for d, given in self.ranges.items() if given[0] > given[1]]
        if upside_down:
            raise ValueError(f"ranges run from low to high: {', '.join(upside_down)}")
        return self


class RfmRules(BaseModel, frozen=True, extra="forbid"):
    """Which cells of the RFM cube make which segment.

    A cell belongs to the first segment that matches it, so ranges may overlap and their order
    counts; `check_rules` shows where. A cell that is listed may be listed only once. Segments of
    the same name are one segment in several parts; what else they say of it must be the same.

    Attributes:
        name: Name of the table.
        version: Version of the table; published tables of one name differ in some cells.
        segments: The segments, in the order in which they are tried.
        bins: Number of scores of each dimension that the cells are made of, 1 to 10. Cells are
            three digits, such as `"545"`; with ten bins they are joined by `-`, as `"10-1-3"`.
        fallback: Segment of cells that no segment matches.
        fallback_zh: Its Chinese name.

    Raises:
        ValidationError: Cells are listed twice, cells or ranges lie outside of the scores, or parts
            of one segment have different actions or Chinese names; all that is wrong is named at
            once.

    Examples:
        >>> import customer_value as cv
        >>> best = cv.rfm.RfmSegment(name="best", cells=("555", "554"))
        >>> good = cv.rfm.RfmSegment(name="good", recency=(4, 5))
        >>> rules = cv.rfm.RfmRules(name="mine", version="1", segments=(best, good))
        >>> rules.fallback
        'other'
    """

    name: str
    version: str
    segments: tuple[RfmSegment, ...]
    bins: Score = 5
    fallback: str = "other"
    fallback_zh: str = "其他"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        count = Counter(cell for segment in self.segments for cell in segment.cells)
        twice = sorted(cell for cell, times in count.items() if times > 1)
        wrong = sorted(count.keys() - cube(self.bins))
        beyond = [
            f"{segment.name} {dimension} {given}"
            for segment in self.segments
            for dimension, given in segment.ranges.items()
            if given[1] > self.bins
        ]
        problems = []
        if twice:
            problems.append(f"cells in more than one segment: {', '.join(twice)}")
        if wrong:
            joined = " joined by '-'" if self.bins > 9 else ""
            problems.append(f"not three scores of 1 to {self.bins}{joined}: {', '.join(wrong)}")
        if beyond:
            problems.append(f"ranges beyond {self.bins} bins: {', '.join(beyond)}")
        if unlike := self._unlike_parts():
            problems.append(f"parts with different actions or Chinese names: {', '.join(unlike)}")
        named = {(s.name, s.name_zh) for s in self.segments if s.name_zh}
        shared = sorted(zh for zh, n in Counter(zh for _, zh in named).items() if n > 1)
        if shared:
            problems.append(f"Chinese names of more than one segment: {', '.join(shared)}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unlike_parts(self) -> list[str]:
        said = {(s.name, s.action, s.name_zh, s.action_zh) for s in self.segments}
        return sorted(name for name, n in Counter(name for name, *_ in said).items() if n > 1)


def cube(
    bins: int,
    recency: ScoreRange | None = None,
    frequency: ScoreRange | None = None,
    monetary: ScoreRange | None = None,
) -> dict[str, None]:
    """All cells of the cube, or of a part of it, in order; a dict, to look them up as well."""
    scores = (
        range(low, high + 1)
        for low, high in (given or (1, bins) for given in (recency, frequency, monetary))
    )
    separator = "-" if bins > 9 else ""
    return dict.fromkeys(separator.join(map(str, cell)) for cell in product(*scores))
