"""Reviews: who is due when, and what changed since the last one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.time import check_day
from customer_value._frames.words import known_text

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Day, Frame

_UNRATED = "unrated"
_Months = Annotated[int, Field(ge=1, le=120)]


class ReviewOptions(BaseModel, frozen=True, extra="forbid"):
    """How often customers are reviewed.

    Attributes:
        months: Months from one review to the next, by tier.
        otherwise: Months for customers without a tier (null), and for `"unrated"` ones unless
            `months` names them.
    """

    months: dict[str, _Months] = {"high": 1, "medium": 3, "low": 6}
    otherwise: _Months = 3


@overload
def review_schedule(
    customers: pl.LazyFrame,
    *,
    as_of: Day,
    options: ReviewOptions | None = None,
    tier: str = "tier",
    last_review: str = "last_review",
) -> pl.LazyFrame: ...
@overload
def review_schedule(
    customers: ArrowStream,
    *,
    as_of: Day,
    options: ReviewOptions | None = None,
    tier: str = "tier",
    last_review: str = "last_review",
) -> pl.DataFrame: ...
def review_schedule(
    customers: Frame,
    *,
    as_of: Day,
    options: ReviewOptions | None = None,
    tier: str = "tier",
    last_review: str = "last_review",
) -> pl.DataFrame | pl.LazyFrame:
    """Add when each customer is to be reviewed next: the last review plus the tier's months.

    By default every quarter, high tiers every month and low ones every half-year. The same serves
    visits and calls: give the day of the last contact.

    Args:
        customers: Frame with the tier (text) and the day of the last review (Date, null for never).
        as_of: Day at which a review is due or not.
        options: How often, by the names of the tiers.
        tier: Column of the tier.
        last_review: Column of the day.

    Returns:
        The frame with `next_review` (Date; the last day of the month where that is shorter; `as_of`
        for customers never reviewed), `review_due` (Boolean: on or before `as_of`) and
        `overdue_days` (Int64; 0 until due).

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Tiers that `options` do not name; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> customers = pl.DataFrame(
        ...     {
        ...         "tier": ["high", "low", "high"],
        ...         "last_review": [date(2024, 1, 31), date(2024, 1, 31), None],
        ...     }
        ... )
        >>> schedule = cv.reviews.review_schedule(customers, as_of=date(2024, 3, 10))
        >>> schedule.select("next_review", "review_due", "overdue_days").rows()
        [(datetime.date(2024, 2, 29), True, 10), (datetime.date(2024, 7, 31), False, 0),
        (datetime.date(2024, 3, 10), True, 0)]
    """
    options = options or ReviewOptions()
    check_instance("options", options, ReviewOptions)
    day = pl.lit(check_day("as_of", as_of))
    known = {_UNRATED: options.otherwise, **options.months}
    hint = "name them in ReviewOptions(months=...)"
    frame = read_frame(customers, {tier: "text", last_review: "maybe_day"}, what="customers")
    months = known_text(tier, known, hint=hint).replace_strict(
        list(known),
        list(known.values()),
        default=options.otherwise,
        return_dtype=pl.Int64,
    )
    last = pl.col(last_review).cast(pl.Date)
    due = last.dt.offset_by(pl.format("{}mo", months)).clip(upper_bound=date.max).fill_null(day)
    return with_columns(
        frame,
        due.alias("next_review"),
        (due <= day).alias("review_due"),
        (day - due).dt.total_days().clip(lower_bound=0).alias("overdue_days"),
    )
