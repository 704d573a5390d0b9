"""The whale curve: who makes the profit, and who eats it.

Few customers may make more than the whole profit, which others then lose again: 20 % made 225 % of
it in the case of Kanthal (Cooper & Kaplan 1991).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import check_names
from customer_value._frames.derive import MONEY, check_numbers
from customer_value._frames.door import read_frame
from customer_value._frames.money import exact
from customer_value._frames.options import build
from customer_value._kernels.math import concentration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import FloatArray, Frame

Base: TypeAlias = Literal["total", "gains"]

_CURVE = ("rank", "customer_share", "profit", "cumulative_profit", "cumulative_share")


class _Terms(BaseModel, frozen=True, extra="forbid", title="whale_summary"):
    base: Base
    breakeven: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class _Curve(NamedTuple):
    """Distinct values, largest first, with the customers and the value up to each (decimals)."""

    steps: pl.DataFrame
    values: FloatArray
    base: float

    def tenths(self, held: pl.Series) -> FloatArray:
        """What each tenth of the customers adds to what is held up to each step, the best first.

        A customer at a cut is split.
        """
        n = self.values.size
        reached = np.concatenate(([0], self.steps["rank"].to_numpy()))
        sums = np.concatenate(([0.0], held.cast(pl.Float64).to_numpy()))
        return np.diff(np.interp(n * np.arange(11) / 10, reached, sums))

    def share(self, amount: float) -> float | None:
        """Share of the base; None unless that is above zero."""
        return amount / self.base if self.base > 0 else None

    @property
    def concentration_index(self) -> float | None:
        """(A - 1/2) / A of the area A under the curve, which is (1 + Gini) / 2."""
        total = self.steps["held"].tail(1).sum()
        gini = concentration.gini(concentration.lorenz(self.values)) if total > 0 else None
        return None if gini is None else gini / (1 + gini)


class WhaleDecile(BaseModel, frozen=True, extra="forbid"):
    """A tenth of the customers by profit, and the revenue of the same customers.

    Attributes:
        decile: 1 is the best tenth, 10 the worst.
        profit: What the tenth earns; a customer at a cut counts in part.
        profit_share: That as a share of the base.
        revenue: Revenue of the same customers, those of equal profit at their mean; null where
            that of one of them is unknown.
        revenue_share: That as a share of the base of the revenue.
    """

    decile: int
    profit: float
    profit_share: float | None
    revenue: float | None
    revenue_share: float | None


class WhaleSummary(BaseModel, frozen=True, extra="forbid"):
    """What the whale curve comes to. Shares are null where their base is not above zero.

    Attributes:
        customers: Customers whose profit is known.
        unknown: Customers whose profit is unknown; they are left out.
        total: Profit of all.
        peak: Profit of the profitable, the highest point of the curve.
        peak_share: That as a share of the base.
        peak_at: Share of the customers who are profitable: where the peak is first reached.
        erosion: What the unprofitable lose again, total - peak, zero or below.
        n_profitable: Customers who earn more than `breakeven`.
        n_breakeven: Customers within `breakeven` of zero.
        n_unprofitable: Customers who lose more than `breakeven`.
        deciles: Tenths of the customers.
        concentration_index: (A - 1/2) / A, with A the area under the curve of shares of the
            total: 0 where all earn the same, towards 1 the more hangs on few and is lost on
            others. An index of this kind is known as Stobachoff index (Storbacka 1997; van Raaij
            2005); as their formula is not at hand, this one has a plain name. It is G / (1 + G)
            of the Gini coefficient G.
        revenue_concentration_index: The same of revenue, of customers sorted by revenue.
    """

    customers: int
    unknown: int
    total: float
    peak: float
    peak_share: float | None
    peak_at: float | None
    erosion: float
    n_profitable: int
    n_breakeven: int
    n_unprofitable: int
    deciles: tuple[WhaleDecile, ...]
    concentration_index: float | None
    revenue_concentration_index: float | None


def whale_curve(accounts: Frame, *, profit: str = "profit", base: Base = "total") -> pl.DataFrame:
    """Sort customers by profit and add it up: the curve rises above the total and falls back.

    Customers of equal profit lie on one straight line and all get its end, so that neither row
    order nor ids tell them apart. Sums are exact to six decimal places.

    Args:
        accounts: One row per customer, as from `customer_pnl`; a LazyFrame is collected.
        profit: Column to add up.
        base: What shares are shares of: the net `"total"`, or the `"gains"` of the profitable
            alone, which also exist where the total is zero or a loss.

    Returns:
        One row per customer, most profitable first, unknown (null) last and otherwise null:
        `customer_id` where the frame has it, `rank` (Int64: how many earn at least as much),
        `customer_share` (rank over the customers of known profit), `profit`, `cumulative_profit`
        and `cumulative_share` (Float64; null where the base is not above zero).

    Raises:
        OptionError: The base is of no known name.
        SchemaError: The column is missing or no number.
        DataError: Profits are NaN, infinite, or too large to sum exactly.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> accounts = pl.DataFrame({"customer_id": ["p", "q", "r"], "profit": [30.0, -20.0, 90.0]})
        >>> cv.whale_curve(accounts).select("customer_id", "rank", "cumulative_share").rows()
        [('r', 1, 0.9), ('p', 2, 1.2), ('q', 3, 1.0)]
    """
    terms = build(_Terms, base=base)
    check_names((profit,), what="accounts")
    frame = read_frame(accounts, {profit: "money"}, what="accounts")
    keys = ["customer_id"] if "customer_id" in frame.collect_schema().names() else []
    table = _money(frame, profit, keys)
    curve = _curve(table, terms.base)
    n, held = curve.values.size, pl.col("held").cast(pl.Float64)
    share = held / (curve.base + 0 * held) if curve.base > 0 else pl.lit(None, pl.Float64)
    return (
        table.join(curve.steps, on="exact", how="left", maintain_order="left")
        .with_columns(
            # As columns: polars divides by a scalar with its reciprocal, and one of one is not 1.
            customer_share=pl.col("rank") / (n + 0 * pl.col("rank")),
            cumulative_profit=held,
            cumulative_share=pl.when(held.is_not_null()).then(share),
        )
        .sort("rank", nulls_last=True, maintain_order=True)
        .select(*keys, *_CURVE)
    )


def whale_summary(
    accounts: Frame,
    *,
    profit: str = "profit",
    revenue: str | None = None,
    base: Base = "total",
    breakeven: float = 0.0,
) -> WhaleSummary:
    """Sum up the whale curve: its peak, what is lost after it, and on how few it hangs.

    Args:
        accounts: One row per customer, as from `customer_pnl`; a LazyFrame is collected.
        profit: Column to add up.
        revenue: Column whose sums stand beside those of profit, by tenths of the same customers;
            by default `net_revenue` where the frame has it. For its concentration alone customers
            are sorted anew: is revenue concentrated as profit is?
        base: What shares are shares of: the net `"total"`, or the `"gains"` alone.
        breakeven: Profits within this of zero count as break-even.

    Returns:
        The summary, plain JSON by `model_dump_json()`.

    Raises:
        OptionError: An option is out of range.
        SchemaError: A column is missing or no number.
        DataError: Values are NaN, infinite, or too large to sum exactly.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> accounts = pl.DataFrame({"profit": [30.0, -20.0, 90.0]})
        >>> summary = cv.profit.whale_summary(accounts)
        >>> summary.peak_share, round(summary.peak_at, 3), summary.erosion
        (1.2, 0.667, -20.0)
    """
    terms = build(_Terms, base=base, breakeven=breakeven)
    check_names((profit,) if revenue is None else (profit, revenue), what="accounts")
    frame = read_frame(accounts, {profit: "money"}, what="accounts")
    table = _money(frame, profit)
    curve = _curve(table, terms.base)
    if revenue is None and "net_revenue" in frame.collect_schema().names():
        revenue = "net_revenue"
    sold = None if revenue is None else _money(frame, revenue)
    sales = None if sold is None else _curve(sold, terms.base)
    values, n = curve.values, curve.values.size
    total = float(curve.steps["held"].tail(1).sum())
    gains = _gains(curve.steps)
    return WhaleSummary(
        customers=n,
        unknown=table.height - n,
        total=total,
        peak=gains,
        peak_share=curve.share(gains),
        peak_at=float((values > 0).sum() / n) if n else None,
        erosion=float(_losses(curve.steps)),
        n_profitable=int((values > terms.breakeven).sum()),
        n_breakeven=int((np.abs(values) <= terms.breakeven).sum()),
        n_unprofitable=int((values < -terms.breakeven).sum()),
        deciles=_deciles(curve, sales, [None] * 10 if sold is None else _sold(curve, table, sold)),
        concentration_index=curve.concentration_index,
        revenue_concentration_index=sales.concentration_index if sales else None,
    )


def _money(frame: pl.DataFrame | pl.LazyFrame, name: str, keys: Sequence[str] = ()) -> pl.DataFrame:
    """The column as `profit` and as the decimal `exact`, beside keys."""
    table = (
        read_frame(frame, {name: "money"}, what="accounts")
        .lazy()
        .select(*dict.fromkeys((*keys, name)))
        .collect()
    )
    values = check_numbers(
        table.select(pl.col(name).cast(pl.Float64)), {name: MONEY}, what="accounts"
    )
    return table.select(*keys, values[name].alias("profit")).with_columns(
        exact=exact(pl.col("profit"))
    )


def _curve(table: pl.DataFrame, base: Base) -> _Curve:
    known = table.select("exact").drop_nulls()
    steps = (
        known.group_by("exact")
        .agg(count=pl.len().cast(pl.Int64))
        .sort("exact", descending=True)
        .with_columns(rank=pl.col("count").cum_sum(), worth=pl.col("exact") * pl.col("count"))
        .with_columns(held=pl.col("worth").cum_sum())
    )
    whole = float(steps["held"].tail(1).sum()) if base == "total" else _gains(steps)
    return _Curve(steps, to_array(known["exact"].cast(pl.Float64)), whole)


def _gains(steps: pl.DataFrame) -> float:
    return float(steps["worth"].filter(steps["worth"] > 0).sum())


def _losses(steps: pl.DataFrame) -> float:
    return float(steps["worth"].filter(steps["worth"] < 0).sum())


def _sold(curve: _Curve, table: pl.DataFrame, sold: pl.DataFrame) -> list[float | None]:
    """Revenue of each tenth of the customers by profit; unknown where one of them is unknown."""
    sums = (
        table.select("exact", revenue=sold["exact"])
        .drop_nulls("exact")
        .group_by("exact")
        .agg(revenue=pl.col("revenue").sum(), unknown=pl.col("revenue").null_count())
    )
    steps = curve.steps.join(sums, on="exact", how="left", maintain_order="left")
    revenue = curve.tenths(steps["revenue"].cum_sum()).tolist()
    unknown = curve.tenths(steps["unknown"].cum_sum()).tolist()
    return [None if lacks > 0 else held for held, lacks in zip(revenue, unknown, strict=True)]


def _deciles(
    curve: _Curve, sales: _Curve | None, revenues: list[float | None]
) -> tuple[WhaleDecile, ...]:
    profits = curve.tenths(curve.steps["held"]).tolist()
    return tuple(
        WhaleDecile(
            decile=k,
            profit=profit,
            profit_share=curve.share(profit),
            revenue=revenue,
            revenue_share=None if sales is None or revenue is None else sales.share(revenue),
        )
        for k, (profit, revenue) in enumerate(zip(profits, revenues, strict=True), 1)
    )
