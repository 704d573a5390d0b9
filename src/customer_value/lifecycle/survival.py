"""Survival: how long customers stay, those still there included."""

from __future__ import annotations

import math
import warnings
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import (
    Kind,
    Rule,
    check_choice,
    check_groups,
    describe,
    find_offences,
    require,
)
from customer_value._frames.door import as_polars
from customer_value._frames.options import build
from customer_value._kernels.math.survival import kaplan_meier, log_log_interval
from customer_value.exceptions import DataError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._kernels.math.survival import SurvivalTable
    from customer_value._typing import FloatArray, Frame


_DURATION, _EVENT, _ENTRY, _WEIGHT = "__duration__", "__event__", "__entry__", "__weight__"


_COLUMNS = ("time", "at_risk", "events", "survival", "standard_error", "low", "high")


class _Terms(BaseModel, frozen=True, extra="forbid", title="survival_curve"):
    confidence: Annotated[float, Field(gt=0, lt=1)]


def survival_curve(
    durations: Frame,
    *,
    duration: str = "duration",
    event: str = "event",
    entry: str | None = None,
    weights: str | None = None,
    by: str | Sequence[str] = (),
    confidence: float = 0.95,
    interval_method: Literal["log-log", "plain"] = "log-log",
) -> pl.DataFrame:
    """Estimate the probability of staying longer than each time (Kaplan-Meier).

    S(t) is the product of 1 - d / n over the times up to t at which someone left: d who left of
    the n who were still there. Customers who have not left yet count for as long as they were
    seen, so that nothing is learnt from survivors alone. The variance is Greenwood's,
    S^2 sum(d / (n (n - d))); the interval is taken on the scale of log(-log S), which keeps it
    within 0 and 1 (Kalbfleisch & Prentice), or is S plus and minus z standard errors, cut at 0
    and 1.

    Args:
        durations: One row a customer (or contract, or gap between purchases).
        duration: Column of how long it was seen to last, at least 0, in any unit.
        event: Boolean column: true if it ended then, false if it still lasted when last seen. Ends
            at a time are counted before those last seen at it.
        entry: Column of the age at which observation began (left truncation), where the data
            begin after the relation began; null is from the start. It must be below the duration.
            Where everyone at risk has left before others enter, the curve starts after that, with a
            warning: what came before says nothing of the later ones.
        weights: Column with the number that each row stands for.
        by: Column, or columns, for which a curve each is made, such as a cohort or a tier.
        confidence: Level of the interval.
        interval_method: `"log-log"` or `"plain"`.

    Returns:
        By group in the order of `by`, one row per time at which someone left: `time`, `at_risk`,
        `events`, `survival`, `standard_error`, `low` and `high` (Float64; nulls where no one is
        left, since Greenwood's variance says nothing there). A group in which no one left has no
        rows: its survival is 1 as far as it was seen.

    Raises:
        OptionError: The confidence is not between 0 and 1.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Durations are negative, NaN or infinite, entries not below them, weights below
            0, or events null.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> weeks = pl.DataFrame(
        ...     {
        ...         "duration": [6, 6, 7, 9, 10, 13],
        ...         "event": [True, False, True, False, True, True],
        ...     }
        ... )
        >>> curve = cv.survival_curve(weeks)
        >>> curve["time"].to_list(), curve["survival"].round(4).to_list()
        ([6.0, 7.0, 10.0, 13.0], [0.8333, 0.625, 0.3125, 0.0])
    """
    check_choice("interval_method", interval_method, ("log-log", "plain"))
    groups = check_groups(by, _COLUMNS)
    z = NormalDist().inv_cdf((1 + build(_Terms, confidence=confidence).confidence) / 2)
    names = {_DURATION: duration, _ENTRY: entry, _WEIGHT: weights}
    rows = _read(durations, event, names, groups)
    if not groups:
        return _curve(rows, z, interval_method)
    parts = rows.partition_by(groups, maintain_order=True) or [rows]
    curves = [
        part.select(groups).head(1).join(_curve(part, z, interval_method), how="cross")
        for part in parts
    ]
    return pl.concat(curves)


def _curve(rows: pl.DataFrame, z: float, interval: Literal["log-log", "plain"]) -> pl.DataFrame:
    duration, weight, entry = (to_array(rows[name]) for name in (_DURATION, _WEIGHT, _ENTRY))
    ended = rows[_EVENT].to_numpy()
    table = kaplan_meier(duration, ended, weight, entry)
    if ended.any() and table.time[0] > duration[ended].min():
        warnings.warn(
            f"survival_curve: at {duration[ended].min():g} everyone observed had left and others "
            f"entered later; the curve is of those who were still there before {table.time[0]:g}",
            UserWarning,
            stacklevel=3,
        )
    low, high = (log_log_interval if interval == "log-log" else _plain)(table, z)
    left = table.survival > 0
    figures = {"standard_error": np.sqrt(table.variance), "low": low, "high": high}
    return pl.DataFrame(
        {
            "time": table.time,
            "at_risk": table.at_risk,
            "events": table.events,
            "survival": table.survival,
            **{
                name: pl.Series(np.where(left, figure, np.nan), nan_to_null=True)
                for name, figure in figures.items()
            },
        }
    )


def _plain(table: SurvivalTable, z: float) -> tuple[FloatArray, FloatArray]:
    width = z * np.sqrt(table.variance)
    return np.clip(table.survival - width, 0, 1), np.clip(table.survival + width, 0, 1)


def _read(
    durations: Frame, event: str, names: dict[str, str | None], by: list[str]
) -> pl.DataFrame:
    """The rows that count, by time, groups in the order of `by`."""
    frame = as_polars(durations)
    given = {name: column for name, column in names.items() if column is not None}
    kinds: dict[str, Kind] = {**dict.fromkeys(given.values(), "number"), **dict.fromkeys(by, "any")}
    schema = require(frame, {event: "any", **kinds}, what="durations")
    if schema[event] != pl.Boolean:
        raise SchemaError(f"durations: '{event}' is {schema[event]}, not Boolean")
    always = {_ENTRY: -math.inf, _WEIGHT: 1.0}
    numbers = {
        name: pl.col(given[name]).cast(pl.Float64) if name in given else pl.lit(always[name])
        for name in names
    }
    numbers[_ENTRY] = numbers[_ENTRY].fill_null(-math.inf)
    rows = frame.lazy().select(*by, pl.col(event).alias(_EVENT), **numbers)
    rules = [
        Rule("event", pl.col(_EVENT).is_null(), f"{event} null"),
        Rule("entry", ~(pl.col(_ENTRY) < pl.col(_DURATION)), "an entry not below the duration"),
        *(
            Rule(name, ~_is_size(name), f"{given[name]} null, negative, NaN or infinite")
            for name in (_DURATION, _WEIGHT)
            if name in given
        ),
    ]
    _, offences = find_offences(rows, rules, key=_DURATION)
    if offences:
        raise DataError(f"durations: {describe(offences)}")
    return rows.filter(pl.col(_WEIGHT) > 0).sort(*by, _DURATION, _WEIGHT, nulls_last=True).collect()


def _is_size(name: str) -> pl.Expr:
    return (pl.col(name).is_finite() & (pl.col(name) >= 0)).fill_null(value=False)
