"""Days of times: those of a place, where the times have a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def local_day(
    name: str, schema: Mapping[str, pl.DataType], tz: str | None, *, what: str
) -> pl.Expr:
    """The day (Date) of a column of dates or times.

    Dates, and times without a zone, keep the day that they show. Times with a zone get the day in
    the zone `tz`.

    Args:
        name: The column.
        schema: The frame's schema.
        tz: Zone of the business day, such as `"Europe/Berlin"`.
        what: What the frame is, as the message of an error calls it.

    Raises:
        OptionError: The times have a zone and `tz` is not given, or is not a known zone.
    """
    moment = _in_zone(name, schema, tz, what)
    return moment.dt.date() if isinstance(schema[name], pl.Datetime) else moment.cast(pl.Date)


def in_zone(
    frame: pl.DataFrame | pl.LazyFrame, names: Iterable[str], tz: str | None, *, what: str
) -> pl.DataFrame | pl.LazyFrame:
    """Times with a zone as the clocks of `tz` show them; others as they are.

    Raises:
        OptionError: Times have a zone and `tz` is not given, or is not a known zone.
    """
    schema = frame.collect_schema()
    return frame.with_columns(_in_zone(name, schema, tz, what) for name in names)


def _in_zone(name: str, schema: Mapping[str, pl.DataType], tz: str | None, what: str) -> pl.Expr:
    kind = schema[name]
    if not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        return pl.col(name)
    if tz is None:
        raise OptionError(
            f"{what}: the times in '{name}' have the zone {kind.time_zone}; say in which zone a "
            "day begins, such as tz='Europe/Berlin'"
        )
    return pl.col(name).dt.convert_time_zone(check_zone(tz))


def check_zone(tz: str) -> str:
    """The zone itself, if it is one.

    Raises:
        OptionError: There is no such zone.
    """
    try:
        return ZoneInfo(tz).key
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise OptionError(f"tz must be a time zone such as 'Europe/Berlin', got {tz!r}") from error
