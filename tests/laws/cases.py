"""How each public function is called on the small world. A new function must be added here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import polars as pl

import customer_value as cv
from laws import world as w
from laws.registry import Case

Kind = Literal["log", "rows", "crowd", "table", "plain"]


def log(**rest: Any) -> Case:
    return Case("log", w.log, lambda: {"as_of": w.AS_OF} | rest)


def rows(first: Any = w.customers, **rest: Any) -> Case:
    return Case("rows", first, lambda: rest)


def table(first: Any = w.customers, **rest: Any) -> Case:
    return Case("table", first, lambda: rest)


def later(kind: Kind, rest: Callable[[], dict[str, Any]], first: Any = w.customers) -> Case:
    """A call with arguments that are worth computing only when it is made."""
    return Case(kind, first, rest)


PLAIN = Case("plain", lambda: None)
"""Takes no table: numbers, models or nothing."""

TICKETS = pl.DataFrame(
    {
        "opened_at": pl.date_range(date(1998, 5, 1), date(1998, 5, 20), eager=True).cast(
            pl.Datetime
        ),
        "resolved_at": [None, *pl.date_range(date(1998, 5, 3), date(1998, 5, 21), eager=True)],
        "first_response_at": pl.date_range(date(1998, 5, 2), date(1998, 5, 21), eager=True),
        "tier": ["high", "low"] * 10,
    }
).cast({"first_response_at": pl.Datetime, "resolved_at": pl.Datetime})
ANSWERS = pl.DataFrame(
    {
        "customer_id": range(1, 41),
        "score": [10, 9, 8, 3] * 10,
        "answered_at": [date(1998, 5, 1)] * 40,
        "tier": ["high", "low"] * 20,
    }
)
EVENTS = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 3],
        "event": ["visit", "review", "visit", "visit"],
        "occurred_at": [date(1998, 6, day) for day in (1, 5, 20, 28)],
    }
)
CHANNELS = pl.DataFrame(
    {"channel": ["ch0", "ch1"], "spend": [500.0, 900.0], "new_customers": [100, 150]}
)
REFERRALS = pl.DataFrame(
    {
        "referrer_id": [8, 8, 16],
        "referred_id": [24, 32, 40],
        "referred_at": [date(1998, 1, 5)] * 3,
    }
)
SEGMENTS = pl.DataFrame(
    {
        "segment": ["new", "old"],
        "scale": [100.0, 300.0],
        "steepness": [0.01, 0.02],
        "customers": [100, 50],
        "win_back_rate": [0.1, 0.2],
        "second_lifetime_value": [200.0, 300.0],
    }
)
ACTIVITIES = pl.DataFrame(
    {"customer_id": [1, 1, 2], "activity": ["order", "call", "order"], "quantity": [2.0, 1.0, 3.0]}
)
POOLS = pl.DataFrame(
    {"pool": ["order", "call"], "amount": [100.0, 30.0], "driver": ["order", "call"]}
)
UNITS = pl.DataFrame(
    {
        "plan": ["a", "b"],
        "profit_per_period": [10.0, 20.0],
        "churn": [0.05, 0.1],
        "cac": [60.0, 50.0],
        "clv": [200.0, 100.0],
    }
)
TRIAL = {"group": "group", "treated": "treated"}


def _both() -> dict[str, Any]:
    return {"purchases": w.bg(), "spend": w.gg()}


def _alive() -> pl.DataFrame:
    return w.customers().select("customer_id", "repeat_purchases", "t_x", "T", "repeat_spend")


def _gaps() -> pl.DataFrame:
    gaps = cv.lifecycle.purchase_gaps(w.log(), as_of=w.AS_OF)
    assert isinstance(gaps, pl.DataFrame)
    return gaps


def _renewals() -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": range(30), "renewals": [0, 1, 2] * 10, "churned": [True, False, True] * 10}
    )


def _matrix() -> pl.DataFrame:
    return cv.migration_matrix(w.earlier(), w.customers())


def _with_gaps() -> pl.DataFrame:
    options = cv.TransactionOptions(extras=("log_gap_sum",))
    return cv.summarize(cv.read_transactions(w.log(), options=options), as_of=w.AS_OF)


def _split() -> pl.DataFrame:
    return cv.split_holdout(w.log(), calibration_end=w.BEFORE, holdout_end=w.AS_OF)


def _years() -> pl.DataFrame:
    return cv.clv.summarize_opportunities(w.log(), as_of=w.AS_OF, period="month")


CASES: dict[str, Case] = {
    # the log
    "read_transactions": Case("table", w.log),
    "summarize": log(),
    "split_holdout": Case(
        "log", w.log, lambda: {"calibration_end": w.BEFORE, "holdout_end": w.AS_OF}
    ),
    "growth_accounting": log(),
    "cohort_table": log(),
    "customer_pnl": log(margin=0.3),
    "stage_history": log(),
    "value_report": log(margin=0.3),
    "abc.classify_xyz": log(),
    "clv.summarize_opportunities": log(period="month"),
    "clv.track_purchases": later("log", lambda: {"as_of": w.AS_OF, "model": w.bg()}, w.log),
    "lifecycle.purchase_gaps": log(),
    "lifecycle.purchase_trend": log(),
    "lifecycle.stage_counts": log(),
    "loyalty.loyalty_metrics": log(),
    "load_cdnow": PLAIN,
    "load_model": PLAIN,
    "simulate_transactions": PLAIN,
    # scores, classes, tiers, segments
    "fit_rfm": table(),
    "segment_rfm": rows(),
    "rfm.check_rules": PLAIN,
    "rfm.rfm_grid": table(),
    "abc.abc_limits": table(),
    "abc.abc_xyz_matrix": PLAIN,
    "abc.gini": table(),
    "abc.lorenz_curve": table(),
    "abc.top_share": table(),
    "tiers.service_levels": rows(),
    "fit_clusters": table(n_clusters=3, seed=1),
    "profile_segments": table(by="tier"),
    "changes.compare_mix": later(
        "table", lambda: {"after": w.customers(), "by": "tier"}, w.earlier
    ),
    "segments.customer_marks": rows(),
    # lifetime value
    **{
        f"fit_{name}": table()
        for name in ("bg_nbd", "mbg_nbd", "pareto_nbd", "nbd", "gamma_gamma", "log_normal_spend")
    },
    "fit_mbg_cnbd": table(_with_gaps, k=2),
    "fit_bg_bb": table(_years, time_unit="month"),
    "fit_sbg": table(_renewals),
    "fit_bdw": table(_renewals),
    "probability_alive": later("rows", lambda: {"model": w.bg()}),
    "expected_purchases": later("rows", lambda: {"model": w.bg(), "horizon": "39w"}),
    "purchase_probability": later("rows", lambda: {"model": w.bg(), "horizon": "39w", "n": 1}),
    "expected_spend": later("rows", lambda: {"model": w.gg()}),
    "customer_lifetime_value": later("rows", lambda: _both() | {"margin": 0.3}),
    "value_interval": later("table", lambda: _both() | {"margin": 0.3, "seed": 1}),
    "contractual_value": later(
        "rows",
        lambda: {"model": cv.Sbg(alpha=0.7, beta=1.2), "profit_per_period": 10.0, "timing": "due"},
        _renewals,
    ),
    "evaluate_holdout": later("table", lambda: {"purchases": w.bg()}, _split),
    "compare_models": table(models=["bg_nbd", "nbd"]),
    "clv.log_likelihood": later("rows", lambda: {"model": w.bg()}),
    "clv.next_purchase_quantile": later("rows", lambda: {"model": w.bg()}),
    "clv.data_sufficiency": table(),
    "clv.fit_conformal": later(
        "table",
        lambda: {"prediction": "revenue_per_year", "actual": "holdout_revenue"},
        _split,
    ),
    "clv.add_conformal_interval": later(
        "rows",
        lambda: {
            "model": cv.clv.fit_conformal(
                _split(), prediction="revenue_per_year", actual="holdout_revenue"
            )
        },
    ),
    "clv.markov_value": later(
        "table",
        lambda: {"rewards": {"recency_1": 9.0, "former": 0.0}, "rate_per_period": 0.1},
        lambda: cv.clv.recency_transitions([0.3]),
    ),
    "clv.spend_frequency_correlation": table(),
    **dict.fromkeys(
        (
            "clv.berger_nasr_value",
            "clv.constant_retention_value",
            "clv.expected_purchases_new_customer",
            "clv.likelihood_ratio_test",
            "clv.present_value",
            "clv.purchase_probability_new_customer",
            "clv.recency_transitions",
            "clv.retention_curve",
            "allocation.acquisition_retention_value",
            "allocation.balance_acquisition_retention",
            "channels.channel_shift",
            "effects.campaign_return",
            "effects.required_sample_size",
            "effects.sample_ratio_check",
            "equity.referral_value",
        ),
        PLAIN,
    ),
    # profit
    "whale_curve": table(),
    "profit.whale_summary": table(),
    "profit.pnl_by": table(by="region"),
    # lifecycle
    "lifecycle.churn_risk": rows(),
    "lifecycle.map_stages": rows(taxonomy="growth"),
    "lifecycle.value_at_risk": Case("crowd", w.customers),
    "lifecycle.churn_threshold": table(_gaps),
    "lifecycle.churn_error_curve": table(_gaps),
    # changes
    "migration_matrix": later("table", lambda: {"after": w.customers()}, w.earlier),
    "changes.value_bridge": later(
        "table", lambda: {"after": w.customers(), "by": "tier"}, w.earlier
    ),
    "changes.equity_bridge": later("table", lambda: {"after": w.customers()}, w.earlier),
    "changes.value_alerts": later("table", lambda: {"after": w.customers()}, w.earlier),
    "changes.compare_snapshots": later(
        "table", lambda: {"after": w.customers(), "measures": ["revenue"]}, w.earlier
    ),
    # loyalty, service, reviews
    "loyalty.nps": table(lambda: ANSWERS, by="tier"),
    "loyalty.csat": table(lambda: ANSWERS.with_columns(score=4), by="tier"),
    "loyalty.ces": table(
        lambda: ANSWERS.with_columns(score=4), scale=(1, 7), higher_is_easier=True
    ),
    "loyalty.latest_responses": table(lambda: ANSWERS, as_of=w.AS_OF),
    "loyalty.perceived_value": rows(dimensions={"price": ["item_1", "item_2"]}, scale=(1, 5)),
    "loyalty.cronbach_alpha": table(items=["item_1", "item_2"]),
    "service.service_fit": table(by="tier", cost="cogs", value="cm1"),
    "service.service_alignment": table(cost="cogs", value="cm1"),
    "service.uniformity_index": table(cost="cogs"),
    "reviews.review_schedule": rows(as_of=w.AS_OF),
    # equity
    "equity.customer_equity": table(by="tier"),
    "equity.existing_value": rows(),
    "equity.wallet_from_ranks": rows(),
    # effects
    "effects.before_after": table(before="revenue", after="clv"),
    "effects.evaluate_effect": table(outcome="revenue"),
    "effects.qini_curve": table(outcome="revenue", score="clv"),
    "effects.qini_coefficient": table(outcome="revenue", score="clv"),
    "fit_stages": log(),
    "fit_abc": table(value="clv"),
    "fit_tiers": table(value="clv"),
    "classify_abc": later("rows", lambda: {"model": cv.fit_abc(w.customers(), value="clv")}),
    "assign_tiers": later("rows", lambda: {"model": cv.fit_tiers(w.customers(), value="clv")}),
    "assign_stages": later("rows", lambda: {"model": cv.fit_stages(w.log(), as_of=w.AS_OF)}),
    "lifecycle.purchase_rhythm": later(
        "rows", lambda: {"model": cv.fit_stages(w.log(), as_of=w.AS_OF)}
    ),
    "score_rfm": later("rows", lambda: {"model": cv.fit_rfm(w.customers())}),
    "rfm.rfm_out_of_range": later("table", lambda: {"model": cv.fit_rfm(w.earlier())}),
    "abc.fit_criteria": table(criteria={"revenue": 0.5, "clv": 0.5}),
    "abc.score_criteria": later(
        "rows",
        lambda: {
            "model": cv.abc.fit_criteria(w.customers(), criteria={"revenue": 0.5, "clv": 0.5})
        },
    ),
    "abc.fit_joint_abc": later("table", lambda: {"first": "revenue", "second": "clv"}),
    "abc.classify_joint_abc": later(
        "rows",
        lambda: {"model": cv.abc.fit_joint_abc(w.customers(), first="revenue", second="clv")},
    ),
    "assign_clusters": later(
        "rows", lambda: {"model": cv.fit_clusters(w.customers(), n_clusters=3, seed=1)}
    ),
    "segments.fit_busy_but_low_value": table(),
    "segments.busy_but_low_value": later(
        "rows", lambda: {"model": cv.segments.fit_busy_but_low_value(w.customers())}
    ),
    "segments.fit_one_off_large": table(),
    "segments.one_off_large": later(
        "rows", lambda: {"model": cv.segments.fit_one_off_large(w.customers())}
    ),
    "equity.fit_wallet": table(by="region"),
    "equity.wallet_from_peers": later(
        "rows", lambda: {"model": cv.equity.fit_wallet(w.customers(), by="region")}
    ),
    "equity.fit_value_cube": table(existing="revenue", potential="clv", influence="contacts"),
    "equity.value_cube": later(
        "rows",
        lambda: {
            "model": cv.equity.fit_value_cube(
                w.customers(), existing="revenue", potential="clv", influence="contacts"
            )
        },
    ),
    "equity.fit_referral_segments": table(influence="contacts"),
    "equity.referral_segments": later(
        "rows",
        lambda: {"model": cv.equity.fit_referral_segments(w.customers(), influence="contacts")},
    ),
    "equity.potential_value": rows(margin=0.3),
    "equity.future_equity": table(
        lambda: pl.DataFrame(
            {"years": [1.0, 2.0], "customers": [10, 20], "clv": [5.0, 6.0], "cac": [1.0, 1.0]}
        )
    ),
    "equity.influence_value": later("crowd", lambda: {"referrals": REFERRALS, "as_of": w.AS_OF}),
    "loyalty.fit_loyalty_index": table(criteria={"purchases": 2.0, "revenue": 1.0}),
    "loyalty.loyalty_index": later(
        "rows",
        lambda: {
            "model": cv.loyalty.fit_loyalty_index(
                w.customers(), criteria={"purchases": 2.0, "revenue": 1.0}
            )
        },
    ),
    "loyalty.fit_loyalty_type": table(attitude="satisfaction"),
    "loyalty.loyalty_type": later(
        "rows",
        lambda: {"model": cv.loyalty.fit_loyalty_type(w.customers(), attitude="satisfaction")},
    ),
    "loyalty.engagement_score": table(
        lambda: EVENTS, as_of=w.AS_OF, criteria={"visit": 1.0, "review": 3.0}
    ),
    "profit.fit_low_value": table(),
    "profit.flag_low_value": later(
        "rows", lambda: {"model": cv.profit.fit_low_value(w.customers())}
    ),
    "service.fit_cost_growth_quadrant": table(cost="cogs"),
    "service.cost_growth_quadrant": later(
        "rows",
        lambda: {
            "model": cv.service.fit_cost_growth_quadrant(w.customers(), cost="cogs"),
            "cost": "cogs",
            "growth": "margin_pct",
        },
    ),
    "service.fit_automation_candidates": table(),
    "service.automation_candidates": later(
        "rows",
        lambda: {
            "model": cv.service.fit_automation_candidates(w.customers()),
            "assisted_cost": 6.0,
            "self_cost": 0.5,
        },
    ),
    "service.service_indicators": table(lambda: TICKETS, as_of=w.AS_OF, by="tier"),
    "survival_curve": later(
        "table",
        lambda: {"by": "churned"},
        lambda: cv.contracts.summarize_contracts(w.contracts(), as_of="2024-06-30"),
    ),
    "contracts.contract_churn": table(w.contracts, as_of="2024-06-30"),
    "contracts.mrr_bridge": table(w.contracts, as_of="2024-06-30"),
    "contracts.summarize_contracts": table(w.contracts, as_of="2024-06-30"),
    "contracts.revenue_retention": rows(
        lambda: cv.contracts.mrr_bridge(w.contracts(), as_of="2024-06-30")
    ),
    "profit.acquisition_cost": table(lambda: CHANNELS, by="channel"),
    "profit.clv_to_cac": rows(lambda: UNITS),
    "profit.simple_clv": rows(lambda: UNITS.drop("clv")),
    "profit.payback_months": rows(lambda: UNITS, churn="churn"),
    "profit.net_lifetime_value": rows(lambda: UNITS),
    "profit.reconcile_pnl": later(
        "table",
        lambda: {"transactions": w.log(), "as_of": w.AS_OF, "margin": 0.3},
        lambda: cv.customer_pnl(w.log(), as_of=w.AS_OF, margin=0.3),
    ),
    "channels.channel_economics": later("table", lambda: {"spend": CHANNELS}),
    "allocation.retention_offer_gain": rows(success=0.2, acceptance=0.1, offer_cost=10.0),
    "allocation.win_back_gain": rows(lambda: SEGMENTS, offer_cost=5.0),
    "allocation.allocate_budget": table(lambda: SEGMENTS, budget=100.0),
    "allocation.select_offers": table(
        lambda: pl.DataFrame({"customer_id": [1, 2], "cost": [1.0, 2.0], "gain": [5.0, 1.0]}),
        budget=2.0,
    ),
    "allocation.assign_managers": later(
        "table",
        lambda: {"managers": pl.DataFrame({"manager_id": [1, 2], "capacity": [5.0, 5.0]})},
        lambda: pl.DataFrame({"customer_id": [1, 2], "hours": [1.0, 2.0], "gain": [5.0, 1.0]}),
    ),
    "allocate_costs": later("table", lambda: {"pools": POOLS}, lambda: ACTIVITIES),
    "changes.migration_forecast": table(_matrix, steps=2),
    "changes.migration_steady_state": table(_matrix),
    "effects.difference_in_differences": table(before="revenue", after="clv"),
    "effects.uplift_by_segment": later("table", lambda: {"outcome": "revenue", "by": "region"}),
    "lifecycle.calibration_table": later(
        "table", lambda: {"predicted": "churn_risk", "observed": "strategic"}
    ),
}
