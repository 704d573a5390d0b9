"""The silence from which a customer counts as lost, learnt from the gaps between purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import Kind, Rule, describe, find_offences, require
from customer_value._frames.door import as_polars
from customer_value._frames.options import build
from customer_value._kernels.math.survival import kaplan_meier, quantile_of
from customer_value.exceptions import DataError, FitError, SchemaError

if TYPE_CHECKING:
    from customer_value._kernels.math.survival import SurvivalTable
    from customer_value._typing import FloatArray, Frame


class _Terms(BaseModel, frozen=True, extra="forbid", title="churn_threshold"):
    method: Literal["d_curve", "quantile", "survival"]
    share: Annotated[float, Field(gt=0, lt=1)]


def churn_threshold(
    gaps: Frame,
    *,
    method: Literal["d_curve", "quantile", "survival"] = "d_curve",
    share: float = 0.9,
) -> float:
    """Find the silence, in days, from which a customer is best taken for lost.

    - `"d_curve"`: where the two errors together are smallest: taking customers for lost who come
      back, and not yet taking those for lost who do not. See `churn_error_curve`.
    - `"quantile"`: the quantile (type 7) of the gaps that ended. It is too short, since those who
      are slow or gone have no gap that ended, or not yet.
    - `"survival"`: the days within which that share of all purchases is followed by another,
      open silences counted for as long as they were seen (Kaplan-Meier).

    Args:
        gaps: Table of `purchase_gaps`: `gap_days` (days, at least 0) and `ended` (Boolean).
        method: How to find it.
        share: Share of the gaps, for the last two methods.

    Returns:
        Days, for example for `FixedDays(lost=...)`.

    Raises:
        OptionError: The method is unknown, or the share not between 0 and 1.
        FitError: No gap ended; for `"d_curve"`, no silence is open; for `"survival"`, fewer than
            that share of the purchases are followed by another.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Days are null, negative, NaN or infinite, or it is not known whether they ended.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> gaps = cv.lifecycle.purchase_gaps(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> cv.lifecycle.churn_threshold(gaps, method="quantile", share=0.8)
        117.0
        >>> cv.lifecycle.churn_threshold(gaps)
        195.0
    """
    terms = build(_Terms, method=method, share=share)
    counts = _read(gaps)
    if terms.method == "d_curve":
        curve = _error_curve(counts)
        return float(curve.filter(pl.col("error") == pl.col("error").min()).item(0, "days"))
    if not counts["ended"].any():
        raise FitError("gaps: none of them ended, so there is nothing to learn from")
    if terms.method == "quantile":
        days = pl.col("gap_days").repeat_by("n").explode()
        return float(counts.filter("ended").select(days).select(quantile(pl.all(), share)).item())
    table = _survival(counts)
    reached = quantile_of(table, terms.share)
    if reached is None:
        raise FitError(
            f"gaps: only {1 - table.survival[-1]:.4f} of the purchases are seen to be followed by "
            f"another, not {terms.share:g}; ask for a smaller share"
        )
    return reached


def churn_error_curve(gaps: Frame) -> pl.DataFrame:
    """Weigh the two errors of taking customers for lost after each number of days.

    The idea is that of Indeed Engineering, "D-Curve: An Improved Method for Defining
    Non-Contractual Churn with Type I and Type II Errors" (2020): choose the silence at which both
    kinds of error together are smallest. The errors are estimated here in our own way, with S the
    product-limit estimate of a purchase not being followed by another so far:

    - `type_i`, the share of those who come back that comes back only after d days or more of
      silence: (S(d-) - S(end)) / (1 - S(end)).
    - `type_ii`, the share of those who are gone whose silence is below d as yet. Each open silence
      u counts for as much as it is likely that nothing follows, in proportion to 1 / S(u-), so
      that those who bought just now hardly count.

    Args:
        gaps: Table of `purchase_gaps`: `gap_days` (days, at least 0) and `ended` (Boolean).

    Returns:
        One row per number of days after which a gap may just have ended, rising: `days` (Float64),
        `type_i`, `type_ii` and `error`, their sum (Float64).

    Raises:
        FitError: No gap ended, or no silence is open.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Days are null, negative, NaN or infinite, or it is not known whether they ended.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> gaps = cv.lifecycle.purchase_gaps(cv.load_cdnow(), as_of=date(1998, 6, 30))
        >>> cv.lifecycle.churn_error_curve(gaps).filter(days=90).row(0)[1:] < (0.29, 0.07)
        True
        >>> cv.lifecycle.churn_error_curve(gaps).sort("error").item(0, "days")
        195.0
    """
    return _error_curve(_read(gaps))


def _read(gaps: Frame) -> pl.DataFrame:
    """How often each length occurs, ended and open."""
    frame = as_polars(gaps)
    kinds: dict[str, Kind] = {"gap_days": "number", "ended": "any"}
    schema = require(frame, kinds, what="gaps", hint="make them with purchase_gaps")
    if schema["ended"] != pl.Boolean:
        raise SchemaError(f"gaps: 'ended' is {schema['ended']}, must be Boolean")
    days, ended = pl.col("gap_days"), pl.col("ended")
    usable = days.is_not_null() & days.is_finite() & (days >= 0)
    rules = [
        Rule("days", ~usable, "gap_days null, negative, NaN or infinite"),
        Rule("ended", ended.is_null(), "ended null"),
    ]
    counts = (
        frame.lazy()
        .group_by(days.cast(pl.Float64), ended)
        .agg(n=pl.len().cast(pl.Int64))
        .collect()
        .sort("gap_days", "ended")
    )
    if not counts.select((usable & ended.is_not_null()).all()).item():
        _, offences = find_offences(frame.lazy(), rules, key="gap_days")
        raise DataError(f"gaps: {describe(offences)}")
    return counts


def _survival(counts: pl.DataFrame) -> SurvivalTable:
    return kaplan_meier(
        to_array(counts["gap_days"]), counts["ended"].to_numpy(), to_array(counts["n"])
    )


def _error_curve(counts: pl.DataFrame) -> pl.DataFrame:
    open_days, open_n = (to_array(counts.filter(~pl.col("ended"))[c]) for c in ("gap_days", "n"))
    if not counts["ended"].any() or not open_days.size:
        missing = "silence is open" if counts["ended"].any() else "gap ended"
        raise FitError(f"gaps: no {missing}, so that one kind of error cannot be seen")
    table = _survival(counts)

    def before(days: FloatArray) -> FloatArray:
        """Probability of no purchase in fewer days."""
        return np.append(1.0, table.survival)[np.searchsorted(table.time, days, side="left")]

    days = np.unique(np.floor(table.time) + 1)
    weight = np.append(0.0, np.cumsum(open_n / before(open_days)))
    never = table.survival[-1]
    type_i = (before(days) - never) / (1 - never)
    type_ii = weight[np.searchsorted(open_days, days, side="left")] / weight[-1]
    return pl.DataFrame(
        {"days": days, "type_i": type_i, "type_ii": type_ii, "error": type_i + type_ii}
    )
