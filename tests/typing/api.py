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
    log = cv.read_transactions(raw, columns=columns, options=options)
    assert_type(log, cv.Transactions[pl.DataFrame])
    assert_type(log.frame, pl.DataFrame)
    assert_type(log.report, cv.transactions.DataQualityReport)
    assert_type(log.report.invalid(), pl.DataFrame)
    customers = cv.summarize(log, as_of=date(1997, 9, 30), start="1997-01-01")
    assert_type(customers, pl.DataFrame)
    split = cv.split_holdout(log, calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30))
    assert_type(split, pl.DataFrame)


def the_log_stays_lazy(raw: pl.LazyFrame) -> None:
    log = cv.read_transactions(raw)
    assert_type(log, cv.Transactions[pl.LazyFrame])
    assert_type(log.frame, pl.LazyFrame)
    assert_type(log.report, cv.transactions.DataQualityReport)
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
    best = cv.rfm.RfmSegment(name="best", cells=("33", "32"))
    rules = cv.rfm.RfmRules(name="mine", version="1", segments=(best,), bins=3, fallback="rest")
    assert_type(cv.segment_rfm(lazy, rules=rules), pl.LazyFrame)
    assert_type([segment.name for segment in rules.segments], list[str])
    complaints = cv.rfm.RfmExtra(
        name="complaints", column="n", score="n_score", smaller_is_better=True
    )
    wide = cv.RfmOptions(method="kmeans", extra=("length", complaints), weights=(3, 4, 3, 0, 1))
    assert_type(cv.fit_rfm(lazy, options=wide, as_of=date(2024, 12, 31)).warnings, tuple[str, ...])
    assert_type(cv.score_rfm(lazy, scale, as_of=date(2024, 12, 31)), pl.LazyFrame)
    assert_type(cv.rfm.rfm_out_of_range(lazy, scale), pl.DataFrame)
    own = {"big": pl.col("revenue") > 100, "fresh": pl.col("r_score") == 5}
    assert_type(cv.segment_rfm(lazy, rules=own), pl.LazyFrame)
    assert_type(cv.profile_segments(lazy, rules=own), pl.DataFrame)
    assert_type(cv.rfm.check_rules(own).uncovered, tuple[str, ...])


def abc_classes_and_tiers(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    options = cv.AbcOptions(cutoffs=(0.80, 0.95), boundary="below")
    assert_type(cv.classify_abc(customers, value="revenue", options=options), pl.DataFrame)
    assert_type(cv.classify_abc(lazy, value="revenue"), pl.LazyFrame)
    computed = cv.AbcOptions(by="computed", ties="split", nonpositive="separate")
    limits = cv.abc.abc_limits(lazy, value="profit", options=computed)
    assert_type(limits, cv.abc.AbcLimits)
    assert_type(limits.customers["A"], int)
    assert_type(limits.pareto, cv.abc.AbcPoint | None)
    scored = cv.abc.score_criteria(lazy, criteria={"revenue": 3, "recency_days": -1}, method="ng")
    assert_type(cv.classify_abc(scored, value="criteria_score"), pl.LazyFrame)
    joint = cv.abc.classify_joint_abc(customers, first="revenue", second="profit")
    assert_type(joint, pl.DataFrame)
    tiered = cv.assign_tiers(customers, value="clv", options=cv.TierOptions())
    assert_type(tiered, pl.DataFrame)
    assert_type(cv.assign_tiers(customers, value="clv", previous=tiered), pl.DataFrame)


def clusters(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    learnt = cv.fit_clusters(customers, n_clusters=4, columns=["purchases", "revenue"], seed=7)
    assert_type(learnt, cv.segments.ClusterModel)
    assert_type([one.centre["revenue"] for one in learnt.clusters], list[float])
    assert_type(customers.pipe(cv.segments.assign_clusters, learnt), pl.DataFrame)
    assert_type(cv.segments.assign_clusters(lazy, learnt), pl.LazyFrame)
    Path("clusters.json").write_text(learnt.model_dump_json(), encoding="utf-8")


def lifetime_value(customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    bg = cv.fit_bg_nbd(customers, time_unit="week")
    gg = cv.fit_gamma_gamma(customers)
    assert_type(bg, cv.BgNbd)
    assert_type(gg, cv.GammaGamma)
    assert_type((bg.r, bg.alpha, bg.a, bg.b), tuple[float, float, float, float])
    assert_type((gg.p, gg.q, gg.v), tuple[float, float, float])
    pn = cv.fit_pareto_nbd(customers, time_unit="week", weights=None)
    assert_type((pn.r, pn.alpha, pn.s, pn.beta), tuple[float, float, float, float])
    assert_type(cv.expected_purchases(lazy, pn, horizon="39w"), pl.LazyFrame)
    with_covariates = cv.fit_pareto_nbd(customers, covariates=["online"])
    one_process = cv.fit_pareto_nbd(
        customers, covariates=cv.clv.CovariateTerms(purchase=("online",))
    )
    assert_type(cv.probability_alive(customers, with_covariates), pl.DataFrame)
    assert_type(one_process.effects.purchase, dict[str, float])
    assert_type(one_process.with_covariates({"online": 1.0}), cv.ParetoNbd)
    either: cv.clv.CovariateModel = one_process
    assert_type(either.covariates, tuple[str, ...])
    test = cv.clv.likelihood_ratio_test(one_process, with_covariates)
    assert_type((test.statistic, test.p_value), tuple[float, float])
    cv.simulate_transactions(
        10, start=date(2024, 1, 1), end=date(2025, 12, 31), seed=7, purchases=pn
    )

    assert_type(cv.probability_alive(customers, bg), pl.DataFrame)
    assert_type(cv.probability_alive(lazy, bg), pl.LazyFrame)
    assert_type(cv.probability_alive(customers, bg, horizon="6mo"), pl.DataFrame)
    assert_type(cv.purchase_probability(customers, bg, horizon="3mo"), pl.DataFrame)
    assert_type(cv.purchase_probability(lazy, bg, horizon="3mo", n=0), pl.LazyFrame)
    assert_type(cv.purchase_probability(customers, bg, horizon="3mo", at_least=2), pl.DataFrame)
    assert_type(cv.clv.next_purchase_quantile(customers, bg, q=0.8), pl.DataFrame)
    assert_type(cv.clv.next_purchase_quantile(lazy, bg), pl.LazyFrame)
    assert_type(cv.clv.purchase_probability_new_customer(bg, horizon="39w", n=0), float)
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


def log_normal_spend(customers: pl.DataFrame) -> None:
    spend = cv.fit_log_normal_spend(customers, weights=None)
    assert_type(spend, cv.LogNormalSpend)
    assert_type((spend.median, spend.between, spend.within), tuple[float, float, float])
    cv.expected_spend(customers, spend)


def opportunities(log: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    years = cv.clv.summarize_opportunities(log, as_of=date(2024, 12, 31), period="year")
    assert_type(years, pl.DataFrame)
    assert_type(
        cv.clv.summarize_opportunities(lazy, as_of=date(2024, 12, 31), period="month"), pl.LazyFrame
    )
    model = cv.fit_bg_bb(years, time_unit="year", weights=None)
    assert_type(model, cv.BgBb)
    assert_type(model.new_customer_purchases(10), float)


def contracts(survivors: pl.DataFrame, customers: pl.DataFrame, lazy: pl.LazyFrame) -> None:
    sbg = cv.fit_sbg(survivors)
    bdw = cv.fit_bdw(lazy, time_unit="month", weights="n")
    assert_type(sbg, cv.Sbg)
    assert_type((bdw.alpha, bdw.beta, bdw.c), tuple[float, float, float])
    assert_type(sbg.lifetime(0.10), float)
    assert_type(cv.clv.retention_curve(bdw, periods=24, renewals=3), pl.DataFrame)
    assert_type(
        cv.contractual_value(customers, sbg, profit_per_period=120.0, timing="begin", periods=5),
        pl.DataFrame,
    )
    assert_type(
        cv.contractual_value(lazy, bdw, profit_per_period="profit", timing="due"), pl.LazyFrame
    )


def formulas(plans: pl.DataFrame) -> None:
    value = cv.clv.constant_retention_value(
        100.0, retention=0.8, rate_per_period=0.12, timing="end"
    )
    assert_type(value, float)
    column = cv.clv.constant_retention_value(
        "margin", retention=0.8, rate_per_period=0.1, timing="end"
    )
    assert_type(plans.with_columns(column), pl.DataFrame)
    case_1 = cv.clv.berger_nasr_value(
        260.0, promotion=50.0, retention=pl.col("kept"), rate_per_period=0.2, periods=10
    )
    assert_type(case_1, pl.Expr)
    assert_type(cv.clv.present_value([10.0, 11.0], rate_per_period=0.1, timing="begin"), float)
    transitions = cv.clv.recency_transitions([0.3, 0.2, 0.15, 0.05])
    rewards = dict.fromkeys(transitions["state"], -4.0)
    assert_type(cv.clv.markov_value(transitions, rewards, rate_per_period=0.2), pl.DataFrame)


def intervals(customers: pl.DataFrame, lazy: pl.LazyFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    assert_type(
        cv.customer_lifetime_value(
            customers,
            purchases=bg,
            spend=gg,
            margin=0.3,
            interval=cv.IntervalOptions(confidence=0.95),
            seed=1,
        ),
        pl.DataFrame,
    )
    options = cv.IntervalOptions(confidence=0.8, draws=500, interval_method="mean")
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
    widths = cv.clv.fit_conformal(
        by_month, prediction="clv", actual="holdout_revenue", breaks=[0, 2], confidence=0.9
    )
    assert_type(widths, cv.clv.ConformalModel)
    assert_type(cv.clv.add_conformal_interval(customers, widths), pl.DataFrame)
    assert_type(cv.clv.add_conformal_interval(lazy, widths), pl.LazyFrame)
    model: cv.clv.SpendModel = gg
    assert_type(cv.expected_spend(customers, model), pl.DataFrame)


def validation(log: pl.DataFrame, lazy: pl.LazyFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    split = cv.split_holdout(
        log, calibration_end=date(2023, 12, 31), holdout_end=date(2024, 12, 31)
    )
    checked = cv.clv.data_sufficiency(lazy, options=cv.clv.SufficiencyOptions(customers=1000))
    assert_type(checked.warnings, tuple[str, ...])
    assert_type(cv.clv.spend_frequency_correlation(split).correlation, float | None)
    report = cv.evaluate_holdout(
        split,
        bg,
        spend=gg,
        baselines=["last_year"],
        interval=cv.IntervalOptions(confidence=0.95),
        seed=1,
    )
    assert_type(report, cv.clv.HoldoutReport)
    assert_type((report.verdict, report.beats_naive), tuple[str, bool])
    assert_type(report.deciles, pl.DataFrame)
    assert_type(report.coverage, pl.DataFrame | None)
    compared = cv.compare_models(split, ["nbd", bg, "pareto_nbd"], time_unit="month")
    assert_type(compared, cv.clv.ModelComparison)
    best: cv.clv.PurchaseModel = compared.models[compared.best]
    cv.compare_models(split, {"mine": bg, "best": best})
    weeks = cv.clv.track_purchases(lazy, best, as_of=date(2024, 12, 31), period="month")
    assert_type(weeks, pl.DataFrame)


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
        cv.clv.next_purchase_quantile(customers, model, q=0.5)
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
    pnl = cv.customer_pnl(
        cv.read_transactions(log, columns=columns), as_of=date(2024, 12, 31), start=date(2024, 1, 1)
    )
    assert_type(pnl, pl.DataFrame)
    assert_type(cv.whale_curve(pnl, base="gains"), pl.DataFrame)
    assert_type(cv.profit.whale_summary(pnl).peak_share, float | None)
    assert_type(cv.service.uniformity_index(pnl, cost="service"), float | None)
    assert_type(cv.assign_stages(customers, options=cv.StageOptions()), pl.DataFrame)
    assert_type(cv.assign_stages(lazy), pl.LazyFrame)
    day = date(2024, 6, 30)
    gaps = cv.lifecycle.purchase_gaps(log, as_of=day)
    assert_type(gaps, pl.DataFrame)
    assert_type(cv.lifecycle.purchase_gaps(log.lazy(), as_of=day), pl.LazyFrame)
    lost = cv.lifecycle.churn_threshold(gaps, method="survival", share=0.5)
    assert_type(lost, float)
    assert_type(cv.lifecycle.churn_error_curve(gaps), pl.DataFrame)
    for silence in (
        cv.lifecycle.FixedDays(at_risk=30, lost=lost),
        cv.lifecycle.PooledGaps(),
        cv.lifecycle.AliveOnly(),
    ):
        assert_type(cv.StageOptions(silence=silence).silence is None, bool)
    rules = cv.StageOptions(silence=cv.lifecycle.OwnGaps(min_gaps=3), contract_grace_days=14)
    staged = cv.assign_stages(
        customers,
        options=rules,
        gaps=gaps,
        taxonomy=["growth", cv.lifecycle.TAXONOMIES["trust"]],
        locale="zh",
    )
    assert_type(staged, pl.DataFrame)
    assert_type(cv.lifecycle.map_stages(lazy, taxonomy="hubspot"), pl.LazyFrame)
    assert_type(cv.lifecycle.purchase_trend(log.lazy(), as_of=day, window="12w"), pl.LazyFrame)
    assert_type(cv.stage_history(log, as_of=day, period="week", options=rules), pl.DataFrame)
    assert_type(cv.lifecycle.stage_counts(log, as_of=day, start=date(2024, 1, 1)), pl.DataFrame)


def costs_and_accounts(log: pl.DataFrame, lazy: pl.LazyFrame, table: Table) -> None:
    minutes = [cv.profit.TimeEquation(activity="call", driver="minutes", base=8, per={"topics": 2})]
    allocation = cv.allocate_costs(table, log, equations=minutes, method="step_down", order=["hr"])
    assert_type(allocation, cv.profit.CostAllocation)
    stack = cv.CostStack(service=("desk",), complete=True, view="cohort")
    day = date(2024, 12, 31)
    accounts = cv.customer_pnl(lazy, as_of=day, costs=allocation.costs, stack=stack)
    assert_type(accounts, pl.LazyFrame)
    assert_type(cv.profit.pnl_by(accounts, by="tier"), pl.LazyFrame)
    assert_type(cv.profit.pnl_by(table, by=["tier", "stage"]), pl.DataFrame)
    proof = cv.profit.reconcile_pnl(accounts, lazy, as_of=day, costs=allocation.costs, stack=stack)
    assert_type(proof, cv.profit.PnlReconciliation)
    assert_type(proof["service"], cv.profit.LedgerLine)
    assert_type(cv.profit.whale_summary(accounts).deciles, tuple[cv.profit.WhaleDecile, ...])


def allocation(frame: pl.DataFrame, lazy: pl.LazyFrame, table: Table) -> None:
    acquire = cv.allocation.ResponseCurve(ceiling=0.10, spend=1, rate=0.04)
    retain = cv.allocation.ResponseCurve(ceiling=0.80, spend=8, rate=0.60)
    best = cv.allocation.balance_acquisition_retention(acquire, retain, profit_per_period=50)
    assert_type(best, cv.allocation.AcquisitionRetention)
    today = cv.allocation.acquisition_retention_value(acquire, retain, profit_per_period=50)
    assert_type(best.equity_per_prospect - today.equity_per_prospect, float)
    plan = cv.allocation.allocate_budget(table, budget=100, response="log", maximum="most")
    assert_type(plan.table, pl.DataFrame)
    assert_type(plan.shadow_price, float | None)
    gains = cv.allocation.retention_offer_gain(lazy, success="g", acceptance=0.5, offer_cost=50)
    assert_type(gains, pl.LazyFrame)
    assert_type(cv.allocation.win_back_gain(table, offer_cost="offer"), pl.DataFrame)
    assert_type(cv.allocation.select_offers(gains, budget=100, method="exact").bound, float)
    assert_type(
        cv.allocation.assign_managers(frame, table, current="manager_id").load, pl.DataFrame
    )


def unit_economics(frame: pl.DataFrame, lazy: pl.LazyFrame, table: Table) -> None:
    units = (
        frame.pipe(cv.profit.simple_clv)
        .pipe(cv.profit.clv_to_cac)
        .pipe(cv.profit.payback_months, churn="churn")
    )
    assert_type(units, pl.DataFrame)
    assert_type(cv.profit.payback_months(lazy), pl.LazyFrame)
    assert_type(cv.contracts.revenue_retention(table), pl.DataFrame)
    assert_type(cv.profit.acquisition_cost(table, by="channel", period="month"), pl.DataFrame)
    assert_type(cv.profit.net_lifetime_value(table), pl.DataFrame)
    assert_type(cv.profit.net_lifetime_value(lazy, value="clv"), pl.LazyFrame)
    assert_type(
        cv.contracts.mrr_bridge(lazy, as_of=date(2024, 12, 31), same_period="count"), pl.DataFrame
    )
    weights = cv.channels.ChannelWeights(relationship=2)
    assert_type(cv.channels.channel_economics(frame, table, weights=weights), pl.DataFrame)
    shift = cv.channels.channel_shift(contacts=100, cost_from=6, cost_to=1)
    assert_type(shift.breakeven_retention_loss, float | None)


def acting_on_cost(frame: pl.DataFrame, lazy: pl.LazyFrame, table: Table) -> None:
    rules = cv.profit.LowValueOptions(purchases=0.2, min_tenure="12mo")
    assert_type(
        cv.profit.flag_low_value(lazy, options=rules, potential="potential_value"), pl.LazyFrame
    )
    assert_type(cv.service.service_fit(table, by="stage"), pl.DataFrame)
    assert_type(cv.service.service_alignment(lazy), float | None)
    assert_type(frame.pipe(cv.service.cost_growth_quadrant), pl.DataFrame)
    assert_type(
        cv.service.automation_candidates(lazy, assisted_cost="phone", self_cost=1), pl.LazyFrame
    )


def the_three_values(
    customers: pl.DataFrame, lazy: pl.LazyFrame, referrals: pl.DataFrame, table: Table
) -> None:
    as_of = date(2024, 12, 31)
    valued = (
        customers.pipe(
            cv.equity.influence_value, referrals, as_of=as_of, value="clv", realised="profit"
        )
        .pipe(cv.equity.existing_value, influence="realised_influence")
        .pipe(cv.equity.wallet_from_peers, by=["industry", "size_band"])
        .pipe(cv.equity.potential_value, wallet="wallet", margin=0.3)
        .pipe(cv.equity.value_cube)
    )
    assert_type(valued, pl.DataFrame)
    assert_type(
        cv.equity.potential_value(lazy, options=cv.equity.PotentialOptions(years=3)), pl.LazyFrame
    )
    assert_type(cv.equity.influence_value(lazy, table, as_of=as_of), pl.LazyFrame)
    assert_type(cv.equity.value_cube(lazy), pl.LazyFrame)
    assert_type(cv.equity.existing_value(table), pl.DataFrame)
    assert_type(cv.equity.customer_equity(lazy, by=["tier", "channel"]), pl.DataFrame)
    assert_type(cv.changes.equity_bridge(table, valued, by="tier"), pl.DataFrame)
    assert_type(cv.equity.future_equity(table), float)


def everything(raw: pl.LazyFrame, table: Table) -> None:
    report = cv.value_report(raw, as_of=date(2024, 12, 31), margin=0.3, progress=print)
    assert_type(report, cv.report.ValueReport)
    assert_type(report.customers, pl.DataFrame)
    assert_type(report.quality, cv.transactions.DataQualityReport)
    assert_type(report.tables["tiers"], pl.DataFrame)
    assert_type(report.assumptions + report.warnings, tuple[str, ...])
    assert_type(report.not_computed, dict[str, str])
    cv.value_report(
        cv.read_transactions(table, columns=cv.Columns(cost="cost")),
        as_of=date(2024, 12, 31),
        margin=0.3,
    )


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


def migration_and_growth(log: pl.LazyFrame, before: pl.DataFrame, after: pl.LazyFrame) -> None:
    growth = cv.growth_accounting(log, as_of=date(2024, 6, 30), period="month")
    cohorts = cv.cohort_table(log, as_of=date(2024, 6, 30), known_since=date(2020, 1, 1))
    matrix = cv.migration_matrix(before, after, column="tier", order=["low", "high"], smoothing=1)
    ahead = cv.changes.migration_forecast(matrix, steps=4, column="tier", entries="same")
    for table in (growth, cohorts, matrix, ahead, cv.changes.migration_steady_state(matrix)):
        assert_type(table, pl.DataFrame)
    cv.changes.value_alerts(before, after, options=cv.changes.AlertOptions(min_change=5))
    cv.changes.value_bridge(before, after, by="tier", value="clv")
    cv.survival_curve(before, entry="began", by=["tier"], interval_method="plain")
    cv.contracts.contract_churn(before, as_of=date(2024, 6, 30), grace_days=14)


def loyalty_and_reviews(log: pl.LazyFrame, customers: pl.LazyFrame, answers: Table) -> None:
    day = date(2024, 6, 30)
    assert_type(cv.loyalty.loyalty_metrics(log, as_of=day, within="90d"), cv.loyalty.LoyaltyMetrics)
    assert_type(cv.loyalty.nps(answers, by="tier", interval_method="adjusted"), pl.DataFrame)
    cv.loyalty.csat(answers, scale=(1, 7), top=1)
    cv.loyalty.ces(answers, scale=(1, 7), higher_is_easier=True)
    cv.loyalty.latest_responses(answers, as_of=day, window="90d")
    rated = cv.loyalty.loyalty_index(
        customers, criteria={"purchases": 2.0}, lower_is_better="purchases"
    )
    assert_type(rated, pl.LazyFrame)
    cv.loyalty.loyalty_type(rated, attitude="score", behaviour="purchases", attitude_cut=8)
    cv.loyalty.engagement_score(log, as_of=day, criteria={"visit": 1.0}, half_life="14d")
    assert_type(cv.loyalty.cronbach_alpha(answers, items=["a", "b"]), float | None)
    cv.loyalty.perceived_value(answers, dimensions={"economic": ["price"]}, scale=(1, 5))
    cv.service.service_indicators(answers, as_of=day, sla_hours=4.0, orders=100)
    cadence = cv.reviews.ReviewOptions(months={"high": 1}, otherwise=6)
    assert_type(cv.reviews.review_schedule(answers, as_of=day, options=cadence), pl.DataFrame)
    cv.changes.compare_snapshots(customers, answers, measures=["nps", "margin"])


def effects(trial: pl.DataFrame, answers: Table) -> None:
    effect = cv.effects.evaluate_effect(
        trial, outcome="margin", history="before", expected_share=0.5
    )
    assert_type(effect, cv.effects.EffectEstimate)
    cv.effects.evaluate_effect(answers, outcome="spend", kind="ratio", denominator="orders")
    cv.effects.difference_in_differences(trial, before=["q1", "q2"], after="q3", cluster="store")
    cv.effects.before_after(trial, before="q1", after="q2")
    cv.effects.uplift_by_segment(trial, outcome="margin", by="tier", adjust="benjamini_hochberg")
    cv.effects.qini_curve(trial, outcome="margin", score="risk")
    assert_type(cv.effects.qini_coefficient(trial, outcome="margin", score="risk"), float)
    assert_type(cv.effects.required_sample_size(baseline=0.1, effect=0.02, power=0.9), int)
    assert_type(cv.effects.sample_ratio_check(10, 12, expected_share=0.4), float)
    assert_type(
        cv.effects.campaign_return(effect, cost=100.0, margin=0.3), cv.effects.CampaignReturn
    )


def risk(customers: pl.LazyFrame, holdout: Table) -> None:
    assert_type(cv.lifecycle.value_at_risk(customers, churn="risk", value="profit"), pl.LazyFrame)
    checked = cv.lifecycle.calibration_table(holdout, predicted="risk", observed="left", bins=5)
    assert_type(checked, cv.lifecycle.Calibration)
    assert_type(checked.table, pl.DataFrame)


def rhythm(customers: pl.LazyFrame, holdout: Table) -> None:
    assert_type(cv.lifecycle.purchase_rhythm(customers, options=cv.StageOptions()), pl.LazyFrame)
    assert_type(cv.lifecycle.churn_risk(holdout, later="p_alive_later"), pl.DataFrame)
