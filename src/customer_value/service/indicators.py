"""Service: how fast customers are answered and helped, open cases included."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import (
    Kind,
    Rule,
    check_groups,
    describe,
    find_offences,
)
from customer_value._frames.door import read_frame
from customer_value._frames.local import in_zone
from customer_value._frames.options import build
from customer_value._frames.time import check_day
from customer_value._kernels.math.survival import kaplan_meier, quantile_of, survival_at
from customer_value.exceptions import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from customer_value._typing import Day, Frame

_WAITS = {"response": "first_response_at", "resolution": "resolved_at"}

_FIGURES = (
    "response_median_hours",
    "response_p90_hours",
    "resolution_median_hours",
    "resolution_p90_hours",
    "within_sla",
    "reopen_rate",
    "tickets_per_100_orders",
)
_RESULTS = ("tickets", "open", *_FIGURES)


class _Terms(BaseModel, frozen=True, extra="forbid", title="service_indicators"):
    sla_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    orders: Annotated[int, Field(ge=0)] | None


def service_indicators(
    tickets: Frame,
    *,
    as_of: Day,
    by: str | Sequence[str] = (),
    sla_hours: float | None = None,
    orders: int | None = None,
    tz: str | None = None,
) -> pl.DataFrame:
    """Measure how long customers wait for an answer and for a solution.

    Tickets that are still open at the close of `as_of` count for as long as they have waited
    (right-censored, Kaplan and Meier's estimator): times of closed tickets alone leave out the
    slow ones.

    Args:
        tickets: One row per ticket: `opened_at`, `first_response_at`, `resolved_at` (Datetime, null
            where it has not happened); `reopened` (Boolean) where it is recorded.
        as_of: Last day that counts: what happened later has not happened yet.
        by: Column, or columns, for which indicators each are made, such as a tier or a channel.
        sla_hours: Hours within which a first response is due.
        orders: Number of orders of the same time, for tickets per 100 orders (without `by`).
        tz: Time zone whose calendar closes `as_of`; required for times with a zone.

    Returns:
        By group in the order of `by`: `tickets`, `open` (Int64), `response_median_hours`,
        `response_p90_hours`, `resolution_median_hours`, `resolution_p90_hours` (null where fewer
        than that share have got there), `within_sla` (share answered in time; null without
        `sla_hours`, or where no ticket was opened so long ago), `reopen_rate` (of the resolved;
        null where not recorded) and `tickets_per_100_orders`; Float64.

    Raises:
        OptionError: The hours or the orders are out of range.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Openings are null, or something happened before the opening.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date, datetime, timedelta
        >>> opened = datetime(2024, 3, 1, 9)
        >>> hours = [1, 2, 4, None]
        >>> tickets = pl.DataFrame(
        ...     {
        ...         "opened_at": [opened] * 4,
        ...         "first_response_at": [opened] * 4,
        ...         "resolved_at": [h and opened + timedelta(hours=h) for h in hours],
        ...     }
        ... )
        >>> table = cv.service.service_indicators(tickets, as_of=date(2024, 3, 1))
        >>> table.select("tickets", "open", "resolution_median_hours").row(0)
        (4, 1, 2.0)
    """
    terms, end = build(_Terms, sla_hours=sla_hours, orders=orders), check_day("as_of", as_of)
    groups = check_groups(by, _RESULTS)
    rows = _read(tickets, end, groups, tz)
    if not groups:
        return _indicators(rows, terms)
    parts = rows.partition_by(groups, maintain_order=True) or [rows]
    tables = [p.select(groups).head(1).join(_indicators(p, terms), how="cross") for p in parts]
    return pl.concat(tables)


def _read(tickets: Frame, end: date, by: list[str], tz: str | None) -> pl.DataFrame:
    """Hours that each ticket waited, and whether that wait is over."""
    kinds: dict[str, Kind] = {
        "opened_at": "time",
        **dict.fromkeys(_WAITS.values(), "maybe_time"),
        **dict.fromkeys(by, "any"),
    }
    frame = in_zone(
        read_frame(tickets, kinds, what="tickets"),
        ("opened_at", *_WAITS.values()),
        tz,
        what="tickets",
    )
    schema = frame.collect_schema()
    times = {
        name: schema[name] for name in ("opened_at", *_WAITS.values()) if schema[name] != pl.Null
    }
    if len(set(times.values())) > 1:
        found = ", ".join(f"'{name}' is {kind}" for name, kind in times.items())
        raise SchemaError(f"tickets: times of different types ({found}); cast them to one")
    reopened = "reopened" in frame.collect_schema()
    rows = frame.lazy().select(
        *by,
        *(pl.col(name).cast(schema["opened_at"]) for name in ("opened_at", *_WAITS.values())),
        pl.col("reopened") if reopened else pl.lit(None, pl.Boolean).alias("reopened"),
    )
    opened = pl.col("opened_at")
    rules = [
        Rule("opened", opened.is_null(), "no opened_at"),
        *(
            Rule(name, pl.col(name) < opened, f"{name} before opened_at")
            for name in _WAITS.values()
        ),
    ]
    _, offences = find_offences(rows, rules, key="opened_at")
    if offences:
        raise DataError(f"tickets: {describe(offences)}")
    close = _midnight(end + timedelta(days=1), times["opened_at"])
    hours = {
        name: _hours(pl.min_horizontal(pl.col(when).fill_null(close), close) - opened)
        for name, when in _WAITS.items()
    }
    over = {
        f"{name}_over": (pl.col(when) < close).fill_null(value=False)
        for name, when in _WAITS.items()
    }
    return (
        rows.filter(opened < close)
        .select(
            *by,
            "reopened",
            **hours,
            **over,
            followed=_hours(close - opened),
        )
        .sort(*by, *_WAITS, nulls_last=True)
        .collect()
    )


def _midnight(day: date, kind: pl.DataType) -> pl.Expr:
    """The first moment of a day where the times are of; its midnight may not exist."""
    zone = getattr(kind, "time_zone", None)
    if zone is None:
        return pl.lit(day).cast(kind)
    hours = (datetime.combine(day, time(hour)) for hour in (0, 1))
    moments = [
        pl.lit(moment).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for moment in hours
    ]
    return pl.coalesce(moments).cast(kind)


def _hours(wait: pl.Expr) -> pl.Expr:
    return wait.dt.total_microseconds() / 3.6e9


def _indicators(rows: pl.DataFrame, terms: _Terms) -> pl.DataFrame:
    answered, solved = (
        kaplan_meier(to_array(rows[name]), rows[f"{name}_over"].to_numpy()) for name in _WAITS
    )
    resolved = rows.filter("resolution_over")
    per_order = 100 * rows.height / terms.orders if terms.orders else None
    in_time = None
    if terms.sla_hours is not None and rows.height:
        waiting = survival_at(answered, terms.sla_hours)
        # No one has been followed for so long: more may yet be answered in time.
        open_end = waiting > 0 and terms.sla_hours > rows.select(pl.col("followed").max()).item()
        in_time = None if open_end else 1 - waiting
    return pl.DataFrame(
        {
            "tickets": [rows.height],
            "open": [rows.height - resolved.height],
            "response_median_hours": [quantile_of(answered, 0.5)],
            "response_p90_hours": [quantile_of(answered, 0.9)],
            "resolution_median_hours": [quantile_of(solved, 0.5)],
            "resolution_p90_hours": [quantile_of(solved, 0.9)],
            "within_sla": [in_time],
            "reopen_rate": [resolved.select(pl.col("reopened").mean()).item()],
            "tickets_per_100_orders": [per_order],
        },
        schema_overrides=dict.fromkeys(_FIGURES, pl.Float64),
    )
