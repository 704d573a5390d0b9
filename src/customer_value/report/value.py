"""The value report: every customer scored, and the tables that sum it up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel, ConfigDict

from customer_value.abc_analysis import classify_abc
from customer_value.clv import customer_lifetime_value, fit_bg_nbd, fit_gamma_gamma
from customer_value.exceptions import DataError, FitError
from customer_value.lifecycle import assign_stages
from customer_value.profitability import customer_pnl
from customer_value.rfm import RFM_LIST_125, fit_rfm, score_rfm, segment_rfm
from customer_value.tiers import assign_tiers
from customer_value.transactions import (
    Columns,
    DataQualityReport,
    TransactionOptions,
    clean_transactions,
    summarize,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from customer_value._typing import Frame

_STAGES = ("prospect", "new", "growing", "stable", "declining", "at_risk", "reactivated", "lost")


class ValueReport(BaseModel):
    """All customers scored, and what that comes to.

    Attributes:
        as_of: Day of the snapshot.
        quality: What the log held and what was left out.
        customers: The customer frame with every score, class, tier, stage and value.
        tables: `headline`, `segments`, `abc`, `tiers`, `stages` and `profit` (by tier).
        assumptions: What was assumed, in words.
        not_computed: What could not be computed, and why.
        warnings: What to know before using the values, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    as_of: date
    quality: DataQualityReport
    customers: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    assumptions: tuple[str, ...]
    not_computed: dict[str, str]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"Customer value as of {self.as_of}"]
        with pl.Config(
            tbl_rows=-1,
            tbl_cols=-1,
            tbl_width_chars=120,
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
            tbl_formatting="UTF8_BORDERS_ONLY",
            tbl_cell_numeric_alignment="RIGHT",
            thousands_separator=",",
            float_precision=2,
        ):
            parts += [f"{name}\n{table}" for name, table in self.tables.items()]
        parts += [f"not computed: {name}: {why}" for name, why in self.not_computed.items()]
        parts += [f"warning: {warning}" for warning in self.warnings]
        parts += [f"assumed: {assumption}" for assumption in self.assumptions]
        return "\n\n".join(parts)


def value_report(
    transactions: Frame,
    *,
    as_of: date,
    margin: float,
    columns: Columns | None = None,
    options: TransactionOptions | None = None,
    horizon: str | timedelta = "12mo",
    discount_rate: float = 0.10,
    progress: Callable[[str], None] | None = None,
) -> ValueReport:
    """Score every customer of a log, and sum up.

    Cleans and summarizes the log, scores RFM, fits BG/NBD and Gamma-Gamma for the lifetime value,
    classifies ABC by revenue, assigns tiers by lifetime value (by revenue where it cannot be
    computed) and lifecycle stages, and makes the profit and loss account.

    Args:
        transactions: A raw or a cleaned log.
        as_of: Day of the snapshot.
        margin: Share of revenue, 0 to 1, that is margin: of future purchases, and of past ones
            whose cost is unknown.
        columns: Names of the log's columns; by default the canonical ones.
        options: How to read the log.
        horizon: Length of the time over which lifetime value counts.
        discount_rate: Annual effective rate.
        progress: Called with a few words before each step.

    Returns:
        The report; printing it shows the tables.

    Raises:
        ValidationError: A rate is out of range.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`, or none is dated by `as_of`.

    Example:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> report = cv.value_report(cv.load_cdnow(), as_of=date(1998, 6, 30), margin=0.3)
        >>> report.tables["tiers"].select("tier", "customers").rows()
        [('high', 472), ('medium', 695), ('low', 1190)]
    """
    tell = progress or (lambda _: None)
    tell("cleaning the log")
    log, quality = clean_transactions(transactions, columns=columns, options=options, as_of=as_of)
    tell("summarizing customers")
    trusted = (options or TransactionOptions()).model_copy(update={"validate_log": False})
    customers = summarize(log, as_of=as_of, options=trusted).lazy().collect()
    if customers.is_empty():
        raise DataError(f"no transactions on or before {as_of}", quality)
    tell("accounting for profit")
    profit = customer_pnl(log, as_of=as_of, margin=margin, options=trusted).lazy().collect()
    tell("scoring RFM and ABC")
    scale = fit_rfm(customers)
    scored = customers.pipe(score_rfm, scale).pipe(segment_rfm).pipe(classify_abc)
    tell("fitting lifetime value")
    valued, warnings, not_computed = _add_clv(scored, margin, horizon, discount_rate)
    tell("assigning tiers and stages")
    graded = (
        valued.pipe(assign_tiers, value="revenue" if not_computed else "clv")
        .pipe(assign_stages)
        .join(
            profit.select("customer_id", "net_revenue", "cogs", "profit"),
            on="customer_id",
            how="left",
            maintain_order="left",
        )
    )
    return ValueReport(
        as_of=as_of,
        quality=quality,
        customers=graded,
        tables=_tables(graded),
        assumptions=(
            f"{margin:.0%} of revenue is margin, where the cost is unknown",
            f"lifetime value over {horizon}, discounted at {discount_rate:.0%} a year",
        ),
        not_computed=not_computed,
        warnings=(*scale.warnings, *warnings),
    )


def _add_clv(
    customers: pl.DataFrame, margin: float, horizon: str | timedelta, discount_rate: float
) -> tuple[pl.DataFrame, tuple[str, ...], dict[str, str]]:
    try:
        purchases, spend = fit_bg_nbd(customers), fit_gamma_gamma(customers)
    except FitError as error:
        return customers, (), {"lifetime value": str(error)}
    valued = customer_lifetime_value(
        customers,
        purchases=purchases,
        spend=spend,
        margin=margin,
        horizon=horizon,
        discount_rate=discount_rate,
    )
    fits = {"purchases": purchases.fit, "spend": spend.fit}
    warnings = [f"{name}: {w}" for name, fit in fits.items() if fit for w in fit.warnings]
    return valued, tuple(warnings), {}


def _tables(customers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    segments = [*RFM_LIST_125.segments, RFM_LIST_125.fallback]
    return {
        "headline": _headline(customers),
        "segments": _profile(customers, "segment", segments),
        "abc": _profile(customers, "abc_class", ["A", "B", "C"]),
        "tiers": _profile(customers, "tier", ["high", "medium", "low", "unrated"]),
        "stages": _profile(customers, "stage", _STAGES),
        "profit": _profit(customers),
    }


def _headline(customers: pl.DataFrame) -> pl.DataFrame:
    purchases = pl.col("purchases")
    measures = [
        pl.len().alias("customers"),
        (purchases > 1).sum().alias("repeat customers"),
        purchases.sum().alias("purchases"),
        pl.col("revenue").sum(),
        pl.col("profit").sum(),
    ]
    if "clv" in customers.columns:
        measures.append(pl.col("clv").sum())
    return customers.select(measures)


def _profile(customers: pl.DataFrame, by: str, order: list[str] | tuple[str, ...]) -> pl.DataFrame:
    sums = ["revenue", *(["clv"] if "clv" in customers.columns else [])]
    position = pl.col(by).replace_strict({name: k for k, name in enumerate(order)}, default=None)
    return (
        customers.group_by(by)
        .agg(pl.len().cast(pl.Int64).alias("customers"), pl.col(sums).sum())
        .sort(position, nulls_last=True)
        .select(
            by,
            "customers",
            (100 * pl.col("customers") / pl.col("customers").sum()).alias("% customers"),
            "revenue",
            (100 * pl.col("revenue") / pl.col("revenue").sum()).alias("% revenue"),
            *[(pl.col("clv") / pl.col("customers")).alias("clv each") for _ in sums[1:]],
            *sums[1:],
        )
    )


def _profit(customers: pl.DataFrame) -> pl.DataFrame:
    order = {"high": 0, "medium": 1, "low": 2}
    known = pl.col("profit").is_not_null().all()
    return (
        customers.group_by("tier")
        .agg(
            pl.col("net_revenue").sum(),
            pl.when(known).then(pl.col("cogs").sum()).alias("cogs"),
            pl.when(known).then(pl.col("profit").sum()).alias("profit"),
        )
        .sort(pl.col("tier").replace_strict(order, default=None), nulls_last=True)
    )
