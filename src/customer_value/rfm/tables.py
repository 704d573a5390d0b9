"""Rule tables: which cells of the RFM cube make which segment, and the tables in common use."""

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

    Raises:
        ValidationError: Both cells and ranges are given, or neither; or a range is upside down.

    Examples:
        >>> import customer_value as cv
        >>> best = cv.RfmSegment(name="best", recency=(4, 5), frequency=(5, 5))
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
    the same name are one segment in several parts.

    Attributes:
        name: Name of the table.
        version: Version of the table; published tables of one name differ in some cells.
        segments: The segments, in the order in which they are tried.
        bins: Number of scores of each dimension that the cells are made of, 1 to 10. Cells are
            three digits, such as `"545"`; with ten bins they are joined by `-`, as `"10-1-3"`.
        fallback: Segment of cells that no segment matches.
        fallback_zh: Its Chinese name.

    Raises:
        ValidationError: Cells are listed twice, or cells or ranges lie outside of the scores; all
            that is wrong is named at once.

    Examples:
        >>> import customer_value as cv
        >>> best = cv.RfmSegment(name="best", cells=("555", "554"))
        >>> good = cv.RfmSegment(name="good", recency=(4, 5))
        >>> rules = cv.RfmRules(name="mine", version="1", segments=(best, good))
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
        if problems:
            raise ValueError("; ".join(problems))
        return self


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


_LABELS = {
    "champions": ("冠军客户", "Reward them, and show them new products first."),
    "loyal": ("忠诚客户", "Offer better products, and ask for reviews."),
    "potential_loyalist": ("潜在忠诚客户", "Offer membership and related products."),
    "new_customers": ("新客户", "Help them to a good start, and stay in touch."),
    "promising": ("有潜力客户", "Make the brand known to them with trials and small offers."),
    "need_attention": ("需关注客户", "Make a limited offer that fits past purchases."),
    "about_to_sleep": ("即将沉睡客户", "Remind them with popular products at a discount."),
    "at_risk": ("流失风险客户", "Write personally and offer a reason to come back."),
    "cannot_lose_them": ("不可流失客户", "Call them and win them back before a competitor does."),
    "hibernating": ("沉睡客户", "Recall the brand with relevant products at a low cost."),
    "lost": ("已流失客户", "Try one campaign to win them back, otherwise leave them."),
    "important_value": ("重要价值", "Give them the best service and keep them."),
    "important_develop": ("重要发展", "Raise how often they buy, with membership and bundles."),
    "important_keep": ("重要保持", "Get in touch now and bring them back to buying."),
    "important_win_back": ("重要挽留", "Find out why they left and win them back in person."),
    "general_value": ("一般价值", "Raise how much they spend, with better products."),
    "general_develop": ("一般发展", "Lead them to a next purchase with low-cost offers."),
    "general_keep": ("一般保持", "Remind them now and then with offers at a discount."),
    "general_win_back": ("一般挽留", "Spend little on them: automatic mails only."),
}
_SAME_AS = {
    "loyal_customers": "loyal",
    "potential_loyalists": "potential_loyalist",
    "cant_lose": "cannot_lose_them",
    "cant_lose_them": "cannot_lose_them",
}


def _labelled(
    name: str,
    cells: str = "",
    recency: ScoreRange | None = None,
    frequency: ScoreRange | None = None,
    monetary: ScoreRange | None = None,
) -> RfmSegment:
    name_zh, action = _LABELS[_SAME_AS.get(name, name)]
    return RfmSegment(
        name=name,
        cells=tuple(cells.split()),
        recency=recency,
        frequency=frequency,
        monetary=monetary,
        action=action,
        name_zh=name_zh,
    )


_LIST_125 = {
    "champions": "555 554 544 545 454 455 445",
    "loyal": "543 444 435 355 354 345 344 335",
    "potential_loyalist": (
        "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 "
        "342 341 333 323"
    ),
    "new_customers": "512 511 422 421 412 411 311",
    "promising": "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
    "need_attention": "535 534 443 434 343 334 325 324",
    "about_to_sleep": "331 321 312 221 213 231 241 251",
    "at_risk": (
        "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124"
    ),
    "cannot_lose_them": "155 154 144 214 215 115 114 113",
    "hibernating": "332 322 233 232 223 222 132 123 122 212 211",
    "lost": "111 112 121 131 141 151",
}

RFM_LIST_125 = RfmRules(
    name="rfm_list_125",
    version="1",
    segments=tuple(_labelled(name, cells) for name, cells in _LIST_125.items()),
)
"""The 125 cells of five bins in eleven segments, as in common use; every cell in exactly one."""

RFM_GRID_25 = RfmRules(
    name="rfm_grid_25",
    version="1",
    segments=(
        _labelled("hibernating", recency=(1, 2), frequency=(1, 2)),
        _labelled("at_risk", recency=(1, 2), frequency=(3, 4)),
        _labelled("cant_lose", recency=(1, 2), frequency=(5, 5)),
        _labelled("about_to_sleep", recency=(3, 3), frequency=(1, 2)),
        _labelled("need_attention", recency=(3, 3), frequency=(3, 3)),
        _labelled("loyal_customers", recency=(3, 4), frequency=(4, 5)),
        _labelled("promising", recency=(4, 4), frequency=(1, 1)),
        _labelled("new_customers", recency=(5, 5), frequency=(1, 1)),
        _labelled("potential_loyalists", recency=(4, 5), frequency=(2, 3)),
        _labelled("champions", recency=(5, 5), frequency=(4, 5)),
    ),
)
"""Recency by frequency on five bins, whatever the monetary score; every cell in exactly one."""

RFM_R_PACKAGE = RfmRules(
    name="rfm_r_package",
    version="1",
    segments=(
        _labelled("champions", recency=(5, 5), frequency=(5, 5), monetary=(5, 5)),
        _labelled("potential_loyalist", recency=(3, 5), frequency=(3, 5), monetary=(2, 5)),
        _labelled("loyal_customers", recency=(2, 4), frequency=(2, 4), monetary=(2, 4)),
        _labelled("promising", recency=(3, 4), frequency=(1, 3), monetary=(3, 5)),
        _labelled("new_customers", recency=(4, 5), frequency=(1, 3), monetary=(1, 5)),
        _labelled("cant_lose_them", recency=(1, 2), frequency=(3, 4), monetary=(4, 5)),
        _labelled("at_risk", recency=(1, 2), frequency=(2, 5), monetary=(4, 5)),
        _labelled("need_attention", recency=(1, 3), frequency=(3, 5), monetary=(3, 5)),
        _labelled("about_to_sleep", recency=(2, 3), frequency=(1, 3), monetary=(1, 4)),
        _labelled("lost", recency=(1, 1), frequency=(1, 5), monetary=(1, 5)),
    ),
    fallback="others",
)
"""The table in the README of the R package rfm 0.3.0, on five bins.

Its ranges overlap on 58 of 125 cells, so that their order counts, and leave 10 to the fallback.
Only 555 is a champion; 554 and 544 are potential loyalists.
"""

RFM_EIGHT_TYPES = RfmRules(
    name="rfm_eight_types",
    version="1",
    segments=(
        _labelled("important_value", "222"),
        _labelled("important_develop", "212"),
        _labelled("important_keep", "122"),
        _labelled("important_win_back", "112"),
        _labelled("general_value", "221"),
        _labelled("general_develop", "211"),
        _labelled("general_keep", "121"),
        _labelled("general_win_back", "111"),
    ),
    bins=2,
)
"""High or low on each dimension: the eight types of customers in common use in China.

Made for two bins, where score 2 is high: on recency that is the customers who bought of late. A
scale with two quantile bins cuts each dimension at its median. To compare with the means instead,
give them as breaks: `RfmOptions(method="breaks", recency_breaks=(mean_days,), ...)`. Either way, a
value equal to the cut point lies below it: low in frequency and money, high in recency.
"""
