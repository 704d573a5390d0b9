"""The lines of an account, from sums of the log and of the costs to margins and profit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from customer_value._frames.time import check_day
from customer_value.exceptions import OptionError
from customer_value.profit.stack import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from customer_value.profit._costs import CostTable
    from customer_value.transactions.log import AnyLog

ACCOUNT = (
    "gross_sales",
    "discounts",
    "returns",
    "net_revenue",
    "cogs",
    "cm1",
    "fulfilment",
    "cm2",
    "marketing",
    "cm3",
    "service",
    "maintenance",
    "acquisition",
    "profit",
)


class Window(NamedTuple):
    """The days that count, and how what they hold is read."""

    start: date | None
    end: date
    margin: float | None
    scale: int

    @classmethod
    def of(cls, start: date | None, end: date, margin: float | None, source: AnyLog) -> Window:
        """Take days in their order."""
        last = check_day("as_of", end)
        first = None if start is None else check_day("start", start)
        if first is not None and first > last:
            raise OptionError(f"start {first} must not be after as_of {last}")
        return cls(first, last, margin, source.options.money_scale)

    @property
    def days(self) -> pl.Expr:
        """Whether a row of the log is in the window."""
        day = pl.col("ordered_at")
        return day <= self.end if self.start is None else day.is_between(self.start, self.end)


def goods(log: pl.LazyFrame, window: Window, *, booked: bool = False) -> pl.LazyFrame:
    """The sums of the window by customer; `booked` where the log is not to tell costs of goods."""
    rows = ledger(log, window, booked=booked).group_by("customer_id")
    unknown = pl.col("known_cost").null_count().cast(pl.Int64)
    return rows.agg(pl.all().sum(), unknown=unknown, rows=pl.len().cast(pl.Int64))


def ledger(log: pl.LazyFrame, window: Window, *, booked: bool = False) -> pl.LazyFrame:
    """What each row of the window adds to the account, in decimals."""
    names = log.collect_schema().names()
    amount, sale = pl.col("amount"), pl.col("kind") == "sale"
    cost = pl.col("cost") if "cost" in names else pl.lit(0.0 if booked else None, pl.Float64)
    discount = pl.col("discount") if "discount" in names else pl.lit(0.0)
    sums = {
        "sales": pl.when(sale).then(amount).otherwise(0),
        "returns": pl.when(sale).then(0).otherwise(-amount),
        "discounts": pl.when(sale).then(discount),
        "known_cost": cost,
    }
    if window.margin is not None:
        sums["uncosted"] = pl.when(cost.is_null()).then(amount).otherwise(0)
    return log.filter(window.days).select(
        "customer_id",
        **{name: value.cast(pl.Decimal(38, window.scale)) for name, value in sums.items()},
    )


def goods_are_booked(log: pl.LazyFrame, table: CostTable) -> bool:
    """Whether the cost of goods comes from the table of costs alone."""
    return bool(table.booked("cogs")) and "cost" not in log.collect_schema().names()


def statement(
    totals: pl.LazyFrame,
    window: Window,
    table: CostTable | None = None,
    extra: Sequence[pl.Expr] = (),
    *,
    booked: bool = False,
) -> pl.LazyFrame:
    """Sums to the lines of the account. They are decimals, exact, but for an assumed margin."""
    net = pl.col("sales") - pl.col("returns")
    levels = {level: table.level(level) for level in LEVELS} if table else {}
    lines = {
        "gross_sales": pl.col("sales") + pl.col("discounts"),
        "discounts": pl.col("discounts"),
        "returns": pl.col("returns"),
        "net_revenue": net,
        "cogs": _cost_of_goods(window) + levels.get("cogs", 0),
    }
    lines["cm1"] = lines["profit"] = net - lines["cogs"]
    if table:
        lines["fulfilment"], lines["marketing"] = levels["fulfilment"], levels["marketing"]
        lines["cm2"] = lines["cm1"] - levels["fulfilment"]
        lines["cm3"] = lines["cm2"] - levels["marketing"]
        after: list[Level] = ["service", "maintenance", "acquisition"]
        lines |= {level: levels[level] for level in after}
        lines["profit"] = lines["cm3"]
        for level in after:
            if level in table.stack.charged:
                lines["profit"] -= levels[level]
    revenue, profit = net.cast(pl.Float64), lines["profit"].cast(pl.Float64)
    return totals.select(
        "customer_id",
        *(lines[name].cast(pl.Float64).alias(name) for name in ACCOUNT if name in lines),
        pl.when(revenue > 0).then(profit / revenue).alias("margin_pct"),
        _coverage(table, booked=booked).alias("cost_coverage"),
        *extra,
    )


def _cost_of_goods(window: Window) -> pl.Expr:
    known = pl.col("known_cost")
    if window.margin is None:
        return pl.when(pl.col("unknown") == 0).then(known)
    uncosted = pl.col("uncosted").cast(pl.Float64)
    return known.cast(pl.Float64) + (1 - window.margin) * uncosted


def _coverage(table: CostTable | None, *, booked: bool) -> pl.Expr:
    rows, unknown = pl.col("rows"), pl.col("unknown")
    of_goods = pl.when(rows > 0).then(1 - unknown / rows).otherwise(1.0)
    unsure = [table.unknown(line) for line in table.charged] if table else []
    parts = [] if booked else [of_goods]
    parts += [
        1.0 - pl.any_horizontal(why).cast(pl.Float64) if why else pl.lit(1.0) for why in unsure
    ]
    # As a column: polars divides by a scalar with its reciprocal, and one of one is not 1.
    return pl.sum_horizontal(parts) / (len(parts) + 0 * rows)
