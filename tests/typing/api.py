"""User code that must type-check. No test runs it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import assert_type

import polars as pl

import customer_value as cv


class Table:
    """A table that the library does not know, and that speaks Arrow, as pandas and DuckDB do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def the_tour() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    bg, gg = cv.fit_bg_nbd(customers, time_unit="week"), cv.fit_gamma_gamma(customers)
    valued = (
        customers.pipe(
            cv.customer_lifetime_value,
            purchases=bg,
            spend=gg,
            horizon="12mo",
            discount_rate=0.10,
            margin=0.3,
        )
        .pipe(cv.score_rfm, cv.fit_rfm(customers))
        .pipe(cv.segment_rfm)
        .pipe(cv.classify_abc, value="clv")
        .pipe(cv.assign_tiers, value="clv")
        .pipe(cv.assign_stages)
    )
    assert_type(valued, pl.DataFrame)
    Path("bg.json").write_text(bg.model_dump_json(), encoding="utf-8")


def the_log(raw: pl.DataFrame) -> None:
    columns = cv.Columns(customer="who", time="when", amount="total", order="order", cost=None)
    options = cv.TransactionOptions(
        tz="Asia/Shanghai", occasion="day", on_invalid="drop", duplicates="keep", zero_amount="keep"
    )
    log, report = cv.clean_transactions(raw, columns=columns, options=options)
    assert_type(log, pl.DataFrame)
    assert_type(report, cv.DataQualityReport)
    customers = cv.summarize(raw, as_of=date(1997, 9, 30), columns=columns, options=options)
    assert_type(customers, pl.DataFrame)
    split = cv.split_holdout(
        raw, calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30), columns=columns
    )
    assert_type(split, pl.DataFrame)


def the_log_stays_lazy(raw: pl.LazyFrame) -> None:
    log, report = cv.clean_transactions(raw)
    assert_type(log, pl.LazyFrame)
    assert_type(report, cv.DataQualityReport)
    assert_type(cv.summarize(log, as_of=date(1997, 9, 30)), pl.LazyFrame)
    split = cv.split_holdout(log, calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30))
    assert_type(split, pl.LazyFrame)


def any_arrow_table(table: Table, as_of: date) -> None:
    assert_type(cv.summarize(table, as_of=as_of), pl.DataFrame)


def the_log_in_a_pipe(raw: pl.DataFrame, lazy: pl.LazyFrame, as_of: date) -> None:
    assert_type(raw.pipe(cv.summarize, as_of=as_of), pl.DataFrame)
    assert_type(lazy.pipe(cv.summarize, as_of=as_of), pl.LazyFrame)


def simulated() -> None:
    log = cv.simulate_transactions(
        1_000, start=date(2024, 1, 1), end=date(2025, 12, 31), seed=7, channels=["web", "store"]
    )
    assert_type(log, pl.DataFrame)
    assert_type(cv.load_cdnow(), pl.DataFrame)


def rfm(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    options = cv.RfmOptions(recency_bins=5, frequency_bins=5, monetary_bins=5, method="quantile")
    scale = cv.fit_rfm(customers, options=options)
    cv.fit_rfm(lazy)
    assert_type(cv.segment_rfm(cv.score_rfm(customers, scale)), pl.DataFrame)
    assert_type(cv.segment_rfm(cv.score_rfm(lazy, scale)), pl.LazyFrame)
    assert_type(cv.segment_rfm(customers, rules=cv.RFM_LIST_125), pl.DataFrame)
    best = cv.RfmSegment(name="best", cells=("33", "32"))
    rules = cv.RfmRules(name="mine", version="1", segments=(best,), bins=3, fallback="rest")
    assert_type(cv.segment_rfm(lazy, rules=rules), pl.LazyFrame)
    assert_type([segment.name for segment in rules.segments], list[str])


def abc_classes_and_tiers(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    options = cv.AbcOptions(cutoffs=(0.80, 0.95), boundary="below")
    assert_type(cv.classify_abc(customers, value="revenue", options=options), pl.DataFrame)
    assert_type(cv.classify_abc(lazy, value="revenue"), pl.LazyFrame)
    tiered = cv.assign_tiers(customers, value="clv", options=cv.TierOptions())
    assert_type(tiered, pl.DataFrame)
    assert_type(cv.assign_tiers(customers, value="clv", previous=tiered), pl.DataFrame)


def lifetime_value(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    bg = cv.fit_bg_nbd(customers, time_unit="week")
    gg = cv.fit_gamma_gamma(customers)
    assert_type(bg, cv.BgNbd)
    assert_type(gg, cv.GammaGamma)
    assert_type((bg.r, bg.alpha, bg.a, bg.b), tuple[float, float, float, float])
    assert_type((gg.p, gg.q, gg.v), tuple[float, float, float])

    assert_type(cv.probability_alive(customers, bg), pl.DataFrame)
    assert_type(cv.probability_alive(lazy, bg), pl.LazyFrame)
    assert_type(cv.probability_alive(customers, bg, horizon="6mo"), pl.DataFrame)
    assert_type(cv.purchase_probability(customers, bg, horizon="3mo"), pl.DataFrame)
    assert_type(cv.purchase_probability(lazy, bg, horizon="3mo", n=0), pl.LazyFrame)
    assert_type(cv.purchase_probability(customers, bg, horizon="3mo", at_least=2), pl.DataFrame)
    assert_type(cv.next_purchase_quantile(customers, bg, q=0.8), pl.DataFrame)
    assert_type(cv.next_purchase_quantile(lazy, bg), pl.LazyFrame)
    assert_type(cv.purchase_probability_new_customer(bg, horizon="39w", n=0), float)
    assert_type(cv.expected_purchases(customers, bg, horizon="39w"), pl.DataFrame)
    assert_type(cv.expected_purchases(lazy, bg, horizon="39w"), pl.LazyFrame)
    assert_type(cv.expected_spend(customers, gg), pl.DataFrame)
    assert_type(cv.expected_spend(lazy, gg), pl.LazyFrame)
    assert_type(
        cv.customer_lifetime_value(
            lazy, purchases=bg, spend=gg, horizon=None, discount_rate=0.10, margin="margin"
        ),
        pl.LazyFrame,
    )


def intervals(customers: pl.DataFrame, lazy: pl.LazyFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    assert_type(
        cv.customer_lifetime_value(
            customers, purchases=bg, spend=gg, margin=0.3, interval=0.95, seed=1
        ),
        pl.DataFrame,
    )
    options = cv.IntervalOptions(level=0.8, draws=500, kind="mean")
    assert_type(
        cv.customer_lifetime_value(
            lazy, purchases=bg, spend=gg, margin=0.3, interval=options, seed=1
        ),
        pl.LazyFrame,
    )
    total = cv.value_interval(
        lazy, purchases=bg, spend=gg, margin="margin", seed=1, horizon="1y", options=options
    )
    assert_type((total.low, total.total, total.high), tuple[float, float, float])
    by_month = cv.customer_lifetime_value(
        customers, purchases=bg, spend=gg, margin=0.3, steps="month"
    )
    widths = cv.fit_conformal_interval(
        by_month, prediction="clv", actual="holdout_revenue", breaks=[0, 2], level=0.9
    )
    assert_type(widths, cv.ConformalInterval)
    assert_type(cv.conformal_interval(customers, widths), pl.DataFrame)
    assert_type(cv.conformal_interval(lazy, widths), pl.LazyFrame)
    model: cv.SpendModel = gg
    assert_type(cv.expected_spend(customers, model), pl.DataFrame)


def more_purchase_models(customers: pl.DataFrame) -> None:
    mbg = cv.fit_mbg_nbd(customers, time_unit="week", weights="weight")
    assert_type(mbg, cv.MbgNbd)
    assert_type((mbg.r, mbg.alpha, mbg.a, mbg.b), tuple[float, float, float, float])
    assert_type(cv.expected_purchases(customers, mbg, horizon="39w"), pl.DataFrame)
    regular = cv.fit_mbg_cnbd(customers, k=None, time_unit="month")
    assert_type(regular, cv.MbgCnbd)
    assert_type(regular.k, int)
    nbd = cv.fit_nbd(customers)
    assert_type((nbd.r, nbd.alpha), tuple[float, float])
    for model in (regular, nbd):
        cv.next_purchase_quantile(customers, model, q=0.5)
        cv.simulate_transactions(
            10, start=date(2024, 1, 1), end=date(2024, 2, 1), seed=1, purchases=model
        )
    cv.simulate_transactions(
        10, start=date(2024, 1, 1), end=date(2024, 2, 1), seed=1, purchases=mbg
    )


def tomorrow(lazy: pl.LazyFrame) -> None:
    bg = cv.load_model(Path("bg.json").read_text(encoding="utf-8"))
    if isinstance(bg, cv.BgNbd):
        cv.probability_alive(lazy, bg).sink_parquet("scored.parquet")
    known = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="week")
    assert_type(cv.probability_alive(lazy, known), pl.LazyFrame)


def profit_and_stages(log: pl.DataFrame, customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    columns = cv.Columns(cost="cost", discount="discount")
    pnl = cv.customer_pnl(log, as_of=date(2024, 12, 31), start=date(2024, 1, 1), columns=columns)
    assert_type(pnl, pl.DataFrame)
    assert_type(cv.assign_stages(customers, rules=cv.LifecycleRules()), pl.DataFrame)
    assert_type(cv.assign_stages(lazy), pl.LazyFrame)


def everything(raw: pl.LazyFrame, table: Table) -> None:
    report = cv.value_report(raw, as_of=date(2024, 12, 31), margin=0.3, progress=print)
    assert_type(report, cv.ValueReport)
    assert_type(report.customers, pl.DataFrame)
    assert_type(report.quality, cv.DataQualityReport)
    assert_type(report.tables["tiers"], pl.DataFrame)
    assert_type(report.assumptions + report.warnings, tuple[str, ...])
    assert_type(report.not_computed, dict[str, str])
    cv.value_report(table, as_of=date(2024, 12, 31), margin=0.3, columns=cv.Columns(cost="cost"))


def errors(raw: pl.DataFrame) -> str:
    try:
        cv.summarize(raw, as_of=date(2024, 12, 31))
    except cv.DataError as error:
        return repr(error.report)
    except (cv.SchemaError, cv.FitError) as error:
        return str(error)
    except cv.CustomerValueError as error:
        return str(error)
    return ""


def mistakes(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    """Each line is wrong; a checker that stops to say so reports an unused ignore."""
    cv.summarize(customers)  # type: ignore[call-overload]
    cv.summarize(customers, date(2024, 12, 31))  # type: ignore[call-overload]
    cv.Columns(customers="who")  # type: ignore[call-arg]
    cv.fit_bg_nbd(customers, time_unit="fortnight")  # type: ignore[arg-type]
    cv.no_such_function(lazy)  # type: ignore[attr-defined]
    cv.RFM_LIST_125.segments.items()  # type: ignore[attr-defined]
    cv.value_report(customers, as_of=date(2024, 12, 31))  # type: ignore[call-arg]
