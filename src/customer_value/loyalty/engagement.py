"""Engagement: what customers did lately, weighted by what it means and how long ago it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import Kind, Rule, describe, find_offences
from customer_value._frames.door import read_frame
from customer_value._frames.local import local_day
from customer_value._frames.options import build
from customer_value._frames.time import check_day, duration_days
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from customer_value._typing import Day, Frame


class _Criteria(BaseModel, frozen=True, extra="forbid", title="engagement_score"):
    criteria: dict[str, Annotated[float, Field(ge=0, le=1e9)]]


def engagement_score(
    events: Frame,
    *,
    as_of: Day,
    criteria: Mapping[str, float],
    half_life: str | timedelta = "30d",
    event: str = "event",
    day: str = "occurred_at",
    tz: str | None = None,
) -> pl.DataFrame:
    """Engagement score of each customer: the sum of w 2^(-age / half-life) over its events.

    Args:
        events: One row per event: `customer_id`, the day (Date or Datetime) and the kind of event
            (text).
        as_of: Last day that counts; ages are whole days before it.
        criteria: Weight, at least 0, of each kind of event that occurs.
        half_life: Age at which an event counts half.
        event: Column of the kind.
        day: Column of the day.
        tz: Zone in which a day begins, such as `"Europe/Berlin"`: needed where the times have a
            zone.

    Returns:
        One row per customer with an event up to `as_of`, by `customer_id`: `customer_id`,
        `engagement` (Float64; summed exactly to 12 places, so that row order changes no bit),
        `events` (Int64) and `last_event` (Date).

    Raises:
        OptionError: A weight is out of range, the half-life is not a duration above zero, or the
            times have a zone and `tz` is missing.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Customers or days are null, or an event has no weight.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> events = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 1, 2],
        ...         "occurred_at": [date(2024, 3, 31), date(2024, 3, 1), date(2024, 3, 1)],
        ...         "event": ["review", "visit", "visit"],
        ...     }
        ... )
        >>> criteria = {"review": 5.0, "visit": 1.0}
        >>> scores = cv.loyalty.engagement_score(events, as_of=date(2024, 3, 31), criteria=criteria)
        >>> scores["engagement"].to_list()
        [5.5, 0.5]
    """
    end = check_day("as_of", as_of)
    half = duration_days(half_life)
    worth = build(_Criteria, criteria=criteria).criteria
    kinds: dict[str, Kind] = {"customer_id": "key", day: "time", event: "text"}
    table = read_frame(events, kinds, what="events", only=True)
    frame = table.lazy().with_columns(
        local_day(day, table.collect_schema(), tz, what="events").alias(day)
    )
    kind = pl.col(event).cast(pl.String)
    when = pl.col(day)
    weight = kind.replace_strict(
        list(worth), list(worth.values()), default=None, return_dtype=pl.Float64
    )
    rules = [
        Rule("customer", pl.col("customer_id").is_null(), "no customer_id"),
        Rule("day", when.is_null(), f"no {day}"),
        Rule("kind", weight.is_null(), f"an {event} without a weight"),
    ]
    _, offences = find_offences(frame, rules, key=event)
    if offences:
        raise DataError(f"events: {describe(offences)}")
    age = (pl.lit(end) - when).dt.total_days()
    points = (weight * pl.lit(2.0).pow(-age / half)).cast(pl.Decimal(38, 12))
    return (
        frame.filter(when <= end)
        .group_by("customer_id")
        .agg(
            engagement=points.sum().cast(pl.Float64),
            events=pl.len().cast(pl.Int64),
            last_event=when.max(),
        )
        .sort("customer_id")
        .collect()
    )
