"""Change between two snapshots: whose value moved beyond noise, and why the average moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import polars as pl
import scipy
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import (
    ArrayRule,
    Kind,
    as_names,
    check_groups,
    check_instance,
    refuse,
    require,
)
from customer_value._frames.door import as_polars
from customer_value._frames.money import exact_sum
from customer_value._frames.snapshots import pair_snapshots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, Frame

# What makes the median, or the mean, of absolute deviations the standard deviation of a normal law.
_BY_MEDIAN, _BY_MEAN = 1.482602218505602, 1.2533141373155003
_NO_NOISE = ArrayRule("noise not above 0", lambda noise: ~((noise > 0) & np.isfinite(noise)))


_BRIDGE = (
    "customers_before",
    "customers_after",
    "share_before",
    "share_after",
    "mean_before",
    "mean_after",
    "mix",
    "rate",
)


class AlertOptions(BaseModel, frozen=True, extra="forbid"):
    """When a change of value is worth a look.

    Attributes:
        min_change: Absolute change up to which nothing is an alert, in units of the value.
        false_discovery_rate: Share of false alerts among all alerts to accept, on average
            (Benjamini & Hochberg 1995).
        noise_growth: How the usual change grows with a customer's value, the mean of both snapshots
            without its sign: `"root"`, with its square root, as sums of purchases do where some buy
            more often; `"proportional"`, where some buy dearer things; `"none"`.
    """

    min_change: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)] = 0.05
    noise_growth: Literal["none", "root", "proportional"] = "root"


def value_alerts(
    before: Frame,
    after: Frame,
    *,
    value: str = "revenue",
    noise: str | None = None,
    by: str | Sequence[str] = (),
    options: AlertOptions | None = None,
) -> pl.DataFrame:
    """Find the customers whose value changed by more than noise explains.

    A change is measured in standard deviations of what is usual: the customer's own (`noise`), or
    that of all customers of the same group. Theirs grows with the value as the options say: each
    change is divided by the root of the customer's value, or by the value. The standard deviation
    is 1.4826 times the median absolute deviation from the median, which the alerts themselves
    hardly move (1.2533 times the mean deviation where most changes are equal). Its p-value is that
    of a normal law, two-sided; among many customers some are large by chance, so alerts are those
    that the Benjamini-Hochberg procedure keeps at the false discovery rate.

    Args:
        before: Earlier snapshot with `customer_id` and the value, one row a customer.
        after: Later snapshot, likewise, with the `noise` and `by` columns where these are given.
        value: Column of the value in both.
        noise: Column of the usual standard deviation of each customer's change, above 0.
        by: Column of text, such as a tier, or several: changes are compared within the groups.
        options: What is worth an alert.

    Returns:
        One row per customer of both snapshots with a known value in each, largest absolute change
        first: `customer_id`, `value_before`, `value_after`, `change`, `z` (change in units of the
        noise, or from the median of the group in standard deviations; null where no change differs
        from the others), `p_value`, `q_value` (Float64; the false discovery rate at which it would
        just be an alert) and `alert` (`"up"`, `"down"`, by the sign of z, or null).

    Raises:
        OptionError: Options are out of range.
        SchemaError: Columns are missing, or the keys are of different types.
        DataError: Customers are null or more than once, values are NaN or infinite, or the noise
            is not above 0.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> before = pl.DataFrame({"customer_id": range(9), "revenue": [100.0] * 9})
        >>> now = [98.0, 101.0, 103.0, 99.0, 100.0, 97.0, 102.0, 104.0, 20.0]
        >>> after = pl.DataFrame({"customer_id": range(9), "revenue": now})
        >>> alerts = cv.changes.value_alerts(before, after)
        >>> alerts.filter(pl.col("alert").is_not_null()).select("customer_id", "change").rows()
        [(8, -80.0)]
    """
    options = AlertOptions() if options is None else options
    check_instance("options", options, AlertOptions)
    extra: dict[str, Kind] = {} if noise is None else {noise: "number"}
    groups = as_names(by)
    extra |= dict.fromkeys(groups, "text")
    later = as_polars(after)
    require(later, extra, what="after")
    names = {name: f"{value}_{name}" for name in ("before", "after")}
    first, then = (pl.col(name) for name in names.values())
    rows = (
        pair_snapshots(before, later, values=[value])
        .filter(first.is_not_null() & then.is_not_null())
        .join(later.lazy().select("customer_id", *extra).collect(), on="customer_id")
        .select("customer_id", *extra, value_before=first, value_after=then, change=then - first)
        .with_columns(z=_own(noise) if noise else _among(groups, options.noise_growth))
    )
    if noise:
        refuse({noise: to_array(rows[noise])}, [_NO_NOISE], what="after")
    z = to_array(rows["z"].fill_null(0.0))
    p_value = scipy.special.erfc(np.abs(z) / np.sqrt(2))
    change = pl.col("change")
    worth = (pl.col("q_value") <= options.false_discovery_rate) & (
        change.abs() > options.min_change
    )
    return (
        rows.drop(*extra)
        .with_columns(p_value=p_value, q_value=_q_values(p_value))
        .with_columns(
            alert=pl.when(worth & (pl.col("z") > 0))
            .then(pl.lit("up"))
            .when(worth & (pl.col("z") < 0))
            .then(pl.lit("down"))
        )
        .sort(change.abs(), "customer_id", descending=[True, False])
    )


def _own(noise: str) -> pl.Expr:
    return pl.col("change") / pl.col(noise).cast(pl.Float64)


def _among(by: list[str], growth: str) -> pl.Expr:
    """Deviation from the median change of the group, in robust standard deviations."""
    group = [pl.col(name) for name in by] or [pl.lit(0)]
    value = pl.col("value_before").abs() / 2 + pl.col("value_after").abs() / 2
    unit = {"none": pl.lit(1.0), "root": value.sqrt(), "proportional": value}[growth]
    change = pl.when(unit > 0).then(pl.col("change") / unit).otherwise(0.0)
    deviation = change - change.median().over(group)
    size = deviation.abs()
    robust = _BY_MEDIAN * size.median().over(group)
    # Where most customers did not change at all, the mean still tells large from small.
    spread = pl.when(robust > 0).then(robust).otherwise(_BY_MEAN * size.mean().over(group))
    return pl.when(spread > 0).then(deviation / spread)


def _q_values(p_value: FloatArray) -> FloatArray:
    """Benjamini & Hochberg (1995): least false discovery rate at which each would be found."""
    order = np.argsort(-p_value, kind="stable")
    rank = np.arange(p_value.size, 0, -1)
    adjusted = np.empty_like(p_value)
    adjusted[order] = np.minimum.accumulate(p_value[order] * (p_value.size / rank))
    return np.minimum(adjusted, 1.0)


def value_bridge(
    before: Frame, after: Frame, *, by: str | Sequence[str], value: str = "revenue"
) -> pl.DataFrame:
    """Split the change of the average value per customer into mix and rate.

    mix = (s1 - s0) (v0 + v1) / 2, from groups that hold another share s of the customers;
    rate = (s0 + s1) / 2 (v1 - v0), from customers of the group who bring another value v on
    average. Together they are the whole change: an average can fall while every group rises.

    Args:
        before: Earlier snapshot with `customer_id`, the group and the value, one row a customer.
        after: Later snapshot, likewise.
        by: Column of text in both, such as a tier or a stage, or several, which are crossed.
        value: Column of the value in both.

    Returns:
        One row per group, by name (null last): the columns of `by`, `customers_before` and
        `customers_after` (Int64), `share_before`, `share_after`, `mean_before`, `mean_after` (null
        for no customers), `mix` and `rate` (Float64, in units of the value per customer; a group
        that is in one snapshot only is all mix). Only customers of known value count. The sums of
        mix and rate are null if a snapshot has no customers.

    Raises:
        SchemaError: Columns are missing, or the keys are of different types.
        DataError: Customers are null or more than once, or values NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> def snapshot(numbers, values):
        ...     tiers = [t for t, n in zip(["high", "low"], numbers) for _ in range(n)]
        ...     worth = [v for v, n in zip(values, numbers) for _ in range(n)]
        ...     ids = range(len(tiers))
        ...     return pl.DataFrame({"customer_id": ids, "tier": tiers, "revenue": worth})
        >>> bridge = cv.changes.value_bridge(
        ...     snapshot([2, 2], [100.0, 10.0]), snapshot([1, 3], [110.0, 12.0]), by="tier"
        ... )
        >>> bridge.select("tier", "mix", "rate").rows()
        [('high', -26.25, 3.75), ('low', 2.75, 1.25)]
    """
    keys = check_groups(by, _BRIDGE, required=True)
    pairs = pair_snapshots(before, after, states=keys, values=[value])
    sides = [_groups(pairs, keys, value, side) for side in ("before", "after")]
    table = sides[0].join(sides[1], on=keys, how="full", coalesce=True, nulls_equal=True)
    counts = [pl.col(f"customers_{side}").fill_null(0) for side in ("before", "after")]
    share = [pl.when(n.sum() > 0).then(n / (n.sum() + 0.0 * n)) for n in counts]
    mean = [pl.col(f"mean_{side}") for side in ("before", "after")]
    v0, v1 = pl.coalesce(*mean), pl.coalesce(*reversed(mean))
    return table.select(
        *keys,
        customers_before=counts[0],
        customers_after=counts[1],
        share_before=share[0],
        share_after=share[1],
        mean_before=mean[0],
        mean_after=mean[1],
        mix=(share[1] - share[0]) * (v0 + v1) / 2,
        rate=(share[0] + share[1]) / 2 * (v1 - v0),
    ).sort(*keys, nulls_last=True)


def _groups(pairs: pl.DataFrame, by: list[str], value: str, side: str) -> pl.DataFrame:
    worth = pl.col(f"{value}_{side}")
    total = exact_sum(worth)
    return (
        pairs.filter(worth.is_not_null())
        .group_by(pl.col(f"{name}_{side}").alias(name) for name in by)
        .agg(
            pl.len().cast(pl.Int64).alias(f"customers_{side}"),
            (total / pl.len()).alias(f"mean_{side}"),
        )
    )
