"""The value report: every customer scored, and the tables that sum it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.money import exact_sum
from customer_value._frames.options import build
from customer_value._frames.time import check_day, duration_days
from customer_value.abc import classify_abc
from customer_value.clv import ValueTerms, customer_lifetime_value, fit_bg_nbd, fit_gamma_gamma
from customer_value.exceptions import DataError, FitError
from customer_value.lifecycle import StageOptions, assign_stages, growth_accounting
from customer_value.profit import customer_pnl
from customer_value.rfm import RFM_LIST_125, fit_rfm, score_rfm, segment_rfm
from customer_value.tiers import assign_tiers
from customer_value.transactions import Transactions, read_transactions, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, timedelta

    from customer_value._typing import Day
    from customer_value.clv import PurchaseModel, SpendModel
    from customer_value.transactions import DataQualityReport
    from customer_value.transactions.log import Log

_TIERS = ("high", "medium", "low", "unrated")

_QUARTERS = 8
_STAGES = ("prospect", "new", "growing", "stable", "declining", "at_risk", "reactivated", "lost")


@dataclass(frozen=True, eq=False)  # frames have no single answer to ==
class ValueReport:
    """All customers scored, and what that comes to.

    Attributes:
        as_of: Day of the snapshot.
        quality: What the log held and what was left out.
        customers: The customer frame with every score, class, tier, stage and value, sorted by
            `customer_id`.
        tables: `headline`, `segments`, `abc`, `tiers`, `stages`, `profit` (by tier) and `quarters`,
            the last eight: who was active at its `opening` and `closing`, who came and went.
        assumptions: What was assumed, in words.
        not_computed: What could not be computed, and why.
        warnings: What to know before using the values, in words.
    """

    as_of: date
    quality: DataQualityReport
    customers: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    assumptions: tuple[str, ...]
    not_computed: dict[str, str]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        notes = [
            *(f"not computed: {name}: {why}" for name, why in self.not_computed.items()),
            *(f"assumed: {assumption}" for assumption in self.assumptions),
            *(f"note: {warning}" for warning in self.warnings),
        ]
        parts = [f"Customer value as of {self.as_of}", str(self.quality), "\n".join(notes)]
        with pl.Config(
            tbl_rows=-1,
            tbl_cols=-1,
            tbl_width_chars=120,
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
            tbl_formatting="ASCII_BORDERS_ONLY_CONDENSED",
            tbl_cell_numeric_alignment="RIGHT",
            thousands_separator=",",
            float_precision=2,
        ):
            parts += [f"{name}\n{table}" for name, table in self.tables.items()]
        return "\n\n".join(parts)


def value_report(
    transactions: Log,
    *,
    as_of: Day,
    margin: float,
    horizon: str | timedelta = "12mo",
    discount_rate: float = 0.10,
    purchases: PurchaseModel | None = None,
    spend: SpendModel | None = None,
    progress: Callable[[str], None] | None = None,
) -> ValueReport:
    """Score every customer of a log, and sum up.

    Cleans and summarizes the log, scores RFM, classifies ABC by revenue, fits BG/NBD and
    Gamma-Gamma for the lifetime value (or takes other models), assigns tiers by it (by revenue
    where it cannot be computed) and lifecycle stages, makes the profit and loss account, and counts
    quarter by quarter who came and who went.

    Args:
        transactions: The log, as `read_transactions` gives it, or a table in canonical names.
        as_of: Day of the snapshot.
        margin: Share of revenue, -1 to 1, that is margin: of future purchases, and of past ones
            whose cost is unknown.
        horizon: Length of the time over which lifetime value counts.
        discount_rate: Annual effective rate, 0 to 1.
        purchases: Model of purchases, of the kinds that `fit_pareto_nbd` and others fit to the
            customer frame; by default a BG/NBD is fitted to this log.
        spend: Model of spend; by default a Gamma-Gamma is fitted to this log.
        progress: Called with a few words before each step.

    Returns:
        The report; printing it shows the tables.

    Raises:
        OptionError: A rate is out of range; the horizon is not a duration above zero.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used, as in `summarize`, or no one has bought by `as_of`.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> report = cv.value_report(cv.load_cdnow(), as_of=date(1998, 6, 30), margin=0.3)
        >>> report.tables["tiers"].select("tier", "customers").rows()
        [('high', 472), ('medium', 695), ('low', 1190)]
    """
    tell = progress or (lambda _: None)
    terms = build(ValueTerms, horizon=horizon, discount_rate=discount_rate, margin=float(margin))
    duration_days(horizon)  # refused before the work, not after it
    day = check_day("as_of", as_of)
    tell("checking the log")
    log = transactions
    if not isinstance(log, Transactions):
        log = read_transactions(log)
    quality = log.report
    tell("summarizing customers and accounting for profit")
    asked = summarize(log, as_of=day).lazy(), customer_pnl(log, as_of=day, margin=margin).lazy()
    customers, profit = (answer.sort("customer_id") for answer in pl.collect_all(asked))
    if not customers["purchases"].sum():
        raise DataError(f"no one has bought anything by {day}", quality)
    tell("scoring RFM and ABC")
    scale = fit_rfm(customers)
    scored = customers.pipe(score_rfm, scale).pipe(segment_rfm).pipe(classify_abc)
    tell("fitting lifetime value")
    valued, warnings, not_computed = _add_clv(scored, terms, purchases, spend)
    tell("assigning tiers and stages")
    rules = StageOptions()
    graded = (
        valued.pipe(assign_tiers, value="revenue" if not_computed else "clv")
        .pipe(assign_stages, options=rules)
        .join(
            profit.select("customer_id", "net_revenue", "cogs", "profit"),
            on="customer_id",
            how="left",
            maintain_order="left",
        )
    )
    tell("accounting for growth")
    growth = growth_accounting(log, as_of=day, period="quarter")
    return ValueReport(
        as_of=day,
        quality=quality,
        customers=graded,
        tables=_tables(graded) | {"quarters": _quarters(growth)},
        assumptions=_assumptions(terms, rules, valued=not not_computed),
        not_computed=not_computed,
        warnings=(*scale.warnings, *warnings),
    )


def _add_clv(
    customers: pl.DataFrame,
    terms: ValueTerms,
    purchases: PurchaseModel | None,
    spend: SpendModel | None,
) -> tuple[pl.DataFrame, tuple[str, ...], dict[str, str]]:
    try:
        purchases = purchases or fit_bg_nbd(customers)
        spend = spend or fit_gamma_gamma(customers)
    except FitError as error:
        return customers, (), {"lifetime value (tiers are by revenue)": str(error)}
    valued = customer_lifetime_value(
        customers, purchases=purchases, spend=spend, **terms.model_dump()
    )
    fits = {"model of purchases": purchases.fit, "model of spend": spend.fit}
    warnings = [f"{name}: {w}" for name, fit in fits.items() if fit for w in fit.warnings]
    return valued, tuple(warnings), {}


def _assumptions(terms: ValueTerms, rules: StageOptions, *, valued: bool) -> tuple[str, ...]:
    margin = f"{100 * float(terms.margin):.4g} % of revenue is margin"
    clv = (
        f"clv is the margin expected over {terms.horizon} from the day of the report, discounted "
        f"at {100 * terms.discount_rate:.4g} % a year"
    )
    silence = (
        f"a customer is at risk after {rules.at_risk_silence:g} times and lost after "
        f"{rules.lost_silence:g} times the gap expected between its purchases, or by p_alive below "
        f"{rules.at_risk_p_alive:g} and {rules.lost_p_alive:g}"
    )
    return (
        f"{margin}: of purchases to come, and of past ones whose cost is unknown",
        *([clv] if valued else []),
        silence,
    )


def _tables(customers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    segments = [segment.name for segment in RFM_LIST_125.segments]
    return {
        "headline": _headline(customers),
        "segments": _profile(customers, "segment", [*segments, RFM_LIST_125.fallback]),
        "abc": _profile(customers, "abc_class", ["A", "B", "C"]),
        "tiers": _profile(customers, "tier", _TIERS),
        "stages": _profile(customers, "stage", _STAGES),
        "profit": _profit(customers),
    }


def _headline(customers: pl.DataFrame) -> pl.DataFrame:
    purchases = pl.col("purchases")
    return customers.select(
        pl.len().cast(pl.Int64).alias("customers"),
        (purchases > 1).sum().cast(pl.Int64).alias("repeat_customers"),
        purchases.sum(),
        exact_sum(pl.col("revenue", "profit")),
        *(pl.col(name).sum() for name in _clv(customers)),
    )


def _profile(customers: pl.DataFrame, by: str, order: Sequence[str]) -> pl.DataFrame:
    """Customers and money of each group, in the given order."""
    share = {name: pl.col(name) / pl.col(name).sum() for name in ("customers", "revenue")}
    gains = pl.col("revenue").sum() > 0
    groups = customers.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("customers"),
        exact_sum(pl.col("revenue")),
        *(pl.col(name).sum() for name in _clv(customers)),
    )
    return _ordered(groups, by, order).select(
        by,
        "customers",
        (100 * share["customers"]).alias("customers_pct"),
        "revenue",
        pl.when(gains).then(100 * share["revenue"]).alias("revenue_pct"),
        *[(pl.col(name) / pl.col("customers")).alias("clv_each") for name in _clv(customers)],
        *_clv(customers),
    )


def _profit(customers: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("profit").is_not_null().all()
    accounts = customers.group_by("tier").agg(
        exact_sum(pl.col("net_revenue")),
        pl.when(known).then(exact_sum(pl.col("cogs"))).alias("cogs"),
        pl.when(known).then(exact_sum(pl.col("profit"))).alias("profit"),
    )
    return _ordered(accounts, "tier", _TIERS)


def _quarters(growth: pl.DataFrame) -> pl.DataFrame:
    return growth.tail(_QUARTERS).select(
        pl.col("period").alias("quarter"),
        "complete",
        "opening",
        "new",
        "reactivated",
        "lapsed",
        "closing",
        (100 * pl.col("retention")).alias("retained_pct"),
        (pl.col("closing_revenue") + pl.col("inactive_revenue")).alias("revenue"),
    )


def _ordered(groups: pl.DataFrame, by: str, order: Sequence[str]) -> pl.DataFrame:
    place = {name: k for k, name in enumerate(order)}
    return groups.sort(pl.col(by).replace_strict(place, default=None), nulls_last=True)


def _clv(customers: pl.DataFrame) -> list[str]:
    return ["clv"] if "clv" in customers.columns else []
