"""Names for RFM cells: rule tables as data, with a name and a version."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Self, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import as_polars, require

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame


class RfmSegment(BaseModel, frozen=True, extra="forbid"):
    """A segment: a name for some cells of the RFM cube.

    Attributes:
        name: Name of the segment.
        cells: Its cells, as in `rfm_cell`.
    """

    name: Annotated[str, Field(min_length=1)]
    cells: tuple[str, ...]


class RfmRules(BaseModel, frozen=True, extra="forbid"):
    """Which cells of the RFM cube make which segment.

    Attributes:
        name: Name of the table.
        version: Version of the table; published tables of one name differ in some cells.
        segments: The segments, best first; no cell in more than one.
        bins: Number of scores of each dimension that the cells are made of, 1 to 9.
        fallback: Segment of cells that no segment names.

    Examples:
        >>> import customer_value as cv
        >>> best = cv.RfmSegment(name="best", cells=("555", "554"))
        >>> rules = cv.RfmRules(name="mine", version="1", segments=(best,))
        >>> rules.fallback
        'other'
    """

    name: str
    version: str
    segments: tuple[RfmSegment, ...]
    bins: Annotated[int, Field(ge=1, le=9)] = 5
    fallback: str = "other"

    @model_validator(mode="after")
    def _cells_once(self) -> Self:
        count = Counter(cell for segment in self.segments for cell in segment.cells)
        twice = sorted(cell for cell, times in count.items() if times > 1)
        wrong = sorted(c for c in count if not re.fullmatch(f"[1-{self.bins}]{{3}}", c))
        problems = []
        if twice:
            problems.append(f"cells in more than one segment: {', '.join(twice)}")
        if wrong:
            problems.append(f"not three scores of 1 to {self.bins}: {', '.join(wrong)}")
        if problems:
            raise ValueError("; ".join(problems))
        return self


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
    segments=tuple(
        RfmSegment(name=name, cells=tuple(cells.split())) for name, cells in _LIST_125.items()
    ),
)
"""The 125 cells of five bins in eleven segments, as in common use; every cell in exactly one."""


@overload
def segment_rfm(customers: pl.LazyFrame, *, rules: RfmRules = ...) -> pl.LazyFrame: ...
@overload
def segment_rfm(customers: ArrowStream, *, rules: RfmRules = ...) -> pl.DataFrame: ...
def segment_rfm(customers: Frame, *, rules: RfmRules = RFM_LIST_125) -> pl.DataFrame | pl.LazyFrame:
    """Add the name of each customer's RFM cell.

    Args:
        customers: Frame with `rfm_cell`, from `score_rfm`.
        rules: Which cells make which segment.

    Returns:
        The frame with `segment` (String; null for customers without a score).

    Raises:
        SchemaError: `rfm_cell` is missing or no text.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> cells = pl.DataFrame({"rfm_cell": ["555", "111", None]})
        >>> cv.segment_rfm(cells)["segment"].to_list()
        ['champions', 'lost', None]
    """
    frame = as_polars(customers)
    require(frame, {"rfm_cell": "text"}, what="customers")
    cell = pl.col("rfm_cell").cast(pl.String)
    names = {c: segment.name for segment in rules.segments for c in segment.cells}
    segment = cell.replace_strict(names, default=pl.lit(rules.fallback), return_dtype=pl.String)
    return with_columns(frame, pl.when(cell.is_not_null()).then(segment).alias("segment"))
