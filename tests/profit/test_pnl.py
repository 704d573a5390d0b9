from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value.transactions import questions
from golden import golden
from oracles import transactions as oracle
from strategies import LAST_DAY, Log, days, logs, read, small

AS_OF = date(2024, 12, 31)
MONEY = ["gross_sales", "discounts", "returns", "net_revenue", "cogs", "cm1", "profit"]
SCHEMA = {
    "customer_id": pl.String,
    **dict.fromkeys(MONEY, pl.Float64),
    "margin_pct": pl.Float64,
    "cost_coverage": pl.Float64,
}
SUMS = {"customer_id", "gross_sales", "discounts", "returns", "net_revenue"}


def one(log: pl.DataFrame, **keywords: Any) -> dict[str, Any]:
    given = {name: keywords.pop(name) for name in ("columns", "options") if name in keywords}
    account: pl.DataFrame = cv.customer_pnl(read(log, **given), **({"as_of": AS_OF} | keywords))
    return account.row(0, named=True)


def check(result: pl.DataFrame, expected: list[dict[str, Any]], *, margin: float | None) -> None:
    assert result.height == len(expected)
    for got, want in zip(result.iter_rows(named=True), expected, strict=True):
        assert list(got) == list(want)
        # Differences of rounded sums are right to a few bits of the larger of them.
        slack = 1e-15 * (abs(want["net_revenue"]) + abs(want["cogs"] or 0)) + 1e-15
        for name, value in want.items():
            exact = name in SUMS or (name == "cogs" and margin is None) or value is None
            if exact or got[name] is None:
                assert got[name] == value, (name, want)
            elif name == "margin_pct":
                near = 2 * slack / abs(want["net_revenue"]) + 1e-14 * abs(value)
                assert got[name] == pytest.approx(value, rel=0, abs=near)
            else:
                assert got[name] == pytest.approx(value, rel=1e-15, abs=2 * slack), (name, want)


# --- the oracle ---


@given(
    log=logs(),
    as_of=days,
    back=st.none() | st.integers(0, 20),
    margin=st.sampled_from([None, 0.0, 0.3, 1.0, -1.0]),
)
@settings(max_examples=150, deadline=None)
def test_it_equals_the_oracle(
    log: Log, as_of: date, back: int | None, margin: float | None
) -> None:
    start = None if back is None else as_of - timedelta(days=back)
    window: Any = {"as_of": as_of, "start": start, "margin": margin}
    result = cv.customer_pnl(log.frame, **window)
    check(result, oracle.customer_pnl(log.rows, **window), margin=margin)
    lazy = cv.customer_pnl(log.frame.lazy(), **window)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect_schema() == result.schema
    assert lazy.collect().sort("customer_id").equals(result)


@given(log=logs(), reading=st.sampled_from([{"zero_amount": "drop"}, {"duplicates": "drop"}]))
@settings(max_examples=30, deadline=None)
def test_options_equal_the_oracle(log: Log, reading: Any) -> None:
    options = cv.TransactionOptions(**reading)
    result = cv.customer_pnl(cv.read_transactions(log.frame, options=options), as_of=LAST_DAY)
    check(result, oracle.customer_pnl(log.rows, as_of=LAST_DAY, **reading), margin=None)


# --- properties ---


@given(log=logs(), seed=st.integers(0, 10**6), margin=st.sampled_from([None, 0.3]))
@settings(max_examples=40, deadline=None)
def test_shuffled_rows_change_no_bit(log: Log, seed: int, margin: float | None) -> None:
    result = cv.customer_pnl(log.frame, as_of=LAST_DAY, margin=margin)
    shuffled = log.frame.sample(fraction=1, shuffle=True, seed=seed)
    assert cv.customer_pnl(shuffled, as_of=LAST_DAY, margin=margin).equals(result)


@given(log=logs(), as_of=days, margin=st.sampled_from([None, 0.3]))
@settings(max_examples=40, deadline=None)
def test_events_after_as_of_change_nothing(log: Log, as_of: date, margin: float | None) -> None:
    known = log.frame.filter(pl.col("ordered_at") <= as_of)
    assert cv.customer_pnl(log.frame, as_of=as_of, margin=margin).equals(
        cv.customer_pnl(known, as_of=as_of, margin=margin)
    )


@given(log=logs(), cut=days)
@settings(max_examples=40, deadline=None)
def test_two_periods_make_the_whole(log: Log, cut: date) -> None:
    end = LAST_DAY + timedelta(days=1)
    first = cv.customer_pnl(log.frame, as_of=cut)
    second = cv.customer_pnl(log.frame, as_of=end, start=cut + timedelta(days=1))
    whole = cv.customer_pnl(log.frame, as_of=end)
    for name in ("gross_sales", "discounts", "returns", "net_revenue"):
        parts = (
            pl.concat([first, second])
            .group_by("customer_id")
            .agg(pl.col(name).cast(pl.Decimal(30, 6)).sum().cast(pl.Float64))
            .sort("customer_id")
        )
        assert parts[name].to_list() == whole[name].to_list()


@given(log=logs())
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_the_summary(log: Log) -> None:
    pnl = cv.customer_pnl(log.frame, as_of=LAST_DAY)
    summary = cv.summarize(log.frame, as_of=LAST_DAY)
    assert pnl["customer_id"].equals(summary["customer_id"])
    assert pnl["net_revenue"].to_list() == summary["revenue"].to_list()
    assert pnl["returns"].to_list() == summary["returned"].to_list()
    if "cost" in log.columns:
        assert pnl["cogs"].to_list() == summary["cost"].to_list()


def large_log(n: int = 200_000) -> pl.DataFrame:
    rng = np.random.default_rng(8)
    amounts = rng.choice([0.1, 0.2, 0.3, 19.99, 123_456.78, -0.1, -19.99], n)
    return pl.DataFrame(
        {
            "customer_id": rng.integers(0, 500, n),
            "ordered_at": np.datetime64("2020-01-01") + rng.integers(0, 900, n),
            "amount": amounts,
            "cost": np.round(amounts * 0.6, 4),
            "discount": rng.choice([0.0, 0.01, 0.07], n),
        }
    )


def test_the_totals_are_those_of_the_ledger() -> None:
    log = large_log()
    pnl = cv.customer_pnl(log, as_of=AS_OF)

    def total(values: pl.Series) -> Decimal:
        return sum((oracle.money(value) for value in values), Decimal(0))

    amount = log["amount"]
    discounts = total(log["discount"].filter(amount > 0))
    assert total(pnl["net_revenue"]) == total(amount)
    assert total(pnl["returns"]) == -total(amount.filter(amount < 0))
    assert total(pnl["discounts"]) == discounts
    assert total(pnl["cogs"]) == total(log["cost"])
    assert total(pnl["gross_sales"]) == total(amount.filter(amount > 0)) + discounts
    assert abs(total(pnl["profit"]) - total(amount) + total(log["cost"])) < Decimal("1e-3")


@pytest.mark.parametrize("margin", [None, 0.3])
def test_many_rows_in_any_order_change_no_bit(margin: float | None) -> None:
    log = large_log().with_columns(pl.when(pl.int_range(pl.len()) % 3 > 0).then("cost"))
    first = cv.customer_pnl(log, as_of=AS_OF, margin=margin)
    shuffled = log.sample(fraction=1, shuffle=True, seed=2)
    assert cv.customer_pnl(shuffled, as_of=AS_OF, margin=margin).equals(first)
    lazy = cv.customer_pnl(shuffled.lazy(), as_of=AS_OF, margin=margin)
    assert lazy.collect().sort("customer_id").equals(first)


def test_parts_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    log = large_log(20_000)
    whole = cv.customer_pnl(log, as_of=AS_OF, margin=0.2)
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 700)
    assert cv.customer_pnl(log, as_of=AS_OF, margin=0.2).equals(whole)


# --- cost and margin ---


def test_the_lines_of_the_account() -> None:
    log = small(amount=[140.0, 60.0, -50.0], discount=[10.0, 0.0, 0.0], cost=[56.0, 20.0, -12.0])
    assert one(log) == {
        "customer_id": "a",
        "gross_sales": 210.0,
        "discounts": 10.0,
        "returns": 50.0,
        "net_revenue": 150.0,
        "cogs": 64.0,
        "cm1": 86.0,
        "profit": 86.0,
        "margin_pct": 86.0 / 150.0,
        "cost_coverage": 1.0,
    }


def test_an_unknown_cost_makes_the_profit_unknown() -> None:
    log = small(customer_id=["a", "a", "b"], cost=[4.0, None, 4.0])
    result = cv.customer_pnl(log, as_of=AS_OF)
    assert result["profit"].to_list() == [None, 6.0]
    assert result["cogs"].to_list() == [None, 4.0]
    assert result["margin_pct"].to_list() == [None, 0.6]
    assert result["cost_coverage"].to_list() == [0.5, 1.0]


def test_an_unknown_cost_outside_the_window_does_not_matter() -> None:
    log = small(cost=[None, 4.0, None])
    row = one(log, start=date(2024, 1, 2), as_of=date(2024, 1, 2))
    assert (row["profit"], row["cost_coverage"]) == (6.0, 1.0)


def test_the_margin_fills_only_what_is_unknown() -> None:
    log = small(amount=[10.0, 20.0, -10.0], cost=[4.0, None, None])
    row = one(log, margin=0.25)
    assert row["cogs"] == 4.0 + 0.75 * (20.0 - 10.0)
    assert row["profit"] == 20.0 - row["cogs"]
    assert row["cost_coverage"] == pytest.approx(1 / 3)


def test_without_a_cost_column_everything_is_unknown() -> None:
    row = one(small(amount=[10.0]))
    assert row["cogs"] is row["cm1"] is row["profit"] is row["margin_pct"] is None
    assert row["cost_coverage"] == 0.0
    assert one(small(amount=[10.0]), margin=0.25)["profit"] == 2.5


def test_a_cost_of_zero_is_a_known_cost() -> None:
    row = one(small(cost=[0.0]), margin=0.1)
    assert (row["profit"], row["cost_coverage"]) == (10.0, 1.0)


def test_a_return_of_goods_that_are_lost_costs_their_cost() -> None:
    row = one(small(amount=[10.0, -10.0], cost=[4.0, 0.0]))
    assert (row["net_revenue"], row["profit"], row["margin_pct"]) == (0.0, -4.0, None)


def test_only_returns() -> None:
    row = one(small(amount=[-10.0], cost=[-4.0]))
    assert (row["gross_sales"], row["returns"], row["net_revenue"]) == (0.0, 10.0, -10.0)
    assert (row["cogs"], row["profit"]) == (-4.0, -6.0)


def test_kind_makes_positive_amounts_returns() -> None:
    row = one(small(amount=[10.0, 4.0], kind=["sale", "return"]))
    assert (row["gross_sales"], row["returns"], row["net_revenue"]) == (10.0, 4.0, 6.0)


@pytest.mark.parametrize(
    "dtype", [pl.Decimal(10, 2), pl.Float32, pl.Int8, pl.Int64, pl.UInt8, pl.UInt64]
)
def test_money_of_any_numeric_type(dtype: Any) -> None:
    log = small(amount=[100, 27], cost=[60, 10], discount=[5, 0])
    row = one(log.with_columns(pl.col("amount", "cost", "discount").cast(dtype)))
    assert [row[name] for name in MONEY] == [132.0, 5.0, 0.0, 127.0, 70.0, 57.0, 57.0]


@pytest.mark.parametrize("margin", [1.01, -1.01, float("nan"), float("inf"), "much", 30])
def test_a_margin_out_of_range_is_refused(margin: Any) -> None:
    with pytest.raises(cv.OptionError, match="customer_pnl: margin"):
        one(small(amount=[1.0]), margin=margin)


# --- Spring Distribution ---

SPRING = golden("profitability")["spring_distribution"]
RATES = SPRING["inputs"]["rates"]


def spring_log() -> pl.DataFrame:
    given = SPRING["inputs"]
    cases = np.array(given["cases"])
    return pl.DataFrame(
        {
            "customer_id": SPRING["customers"],
            "ordered_at": [date(2024, 6, 30)] * 5,
            "amount": np.round(cases * given["price"], 2),
            "discount": np.round(cases * (given["list_price"] - np.array(given["price"])), 2),
            "cost": cases * given["cost_per_case"],
        }
    )


def spring_costs() -> pl.DataFrame:
    given = SPRING["inputs"]
    miles = np.multiply(given["deliveries"], given["miles_per_delivery"])
    used = pl.DataFrame({"miles": miles} | {k: given[k] for k in RATES if k != "miles"})
    activities = used.with_columns(customer_id=pl.Series(SPRING["customers"])).unpivot(
        index="customer_id", variable_name="activity", value_name="quantity"
    )
    pools = pl.DataFrame(
        [{"pool": k, "amount": rate * used[k].sum(), "driver": k} for k, rate in RATES.items()]
    )
    return cv.allocate_costs(activities, pools).costs


@pytest.mark.parametrize("lazy", [False, True])
def test_spring_distribution_line_by_line(lazy: bool) -> None:
    log: Any = spring_log().lazy() if lazy else spring_log()
    stack = cv.CostStack(service=tuple(RATES))
    accounts = cv.customer_pnl(log, as_of=AS_OF, costs=spring_costs(), stack=stack)
    pnl = accounts.lazy().collect().sort("customer_id")
    assert pnl["customer_id"].to_list() == SPRING["customers"]
    for line, total in SPRING["totals"].items():
        assert pnl[line].to_list() == SPRING[line]
        assert pnl[line].sum() == total
    share = {line: pnl[line][-1] / pnl[line].sum() for line in ("service", "cm1")}
    for line, expected in SPRING["share_of_t"].items():
        assert share[line] == pytest.approx(expected, abs=5e-4)


def test_spread_by_revenue_the_loss_of_t_disappears() -> None:
    log = spring_log()
    sold = pl.col("amount")
    spread = log.select(
        "customer_id",
        line=pl.lit("service"),
        amount=SPRING["totals"]["service"] * sold / sold.sum(),
    )
    pnl = cv.customer_pnl(log, as_of=AS_OF, costs=spread)
    assert SPRING["profit"][-1] == -3346
    assert round(pnl["profit"][-1]) == SPRING["profit_of_t_by_revenue"] == 1273


# --- window and edges ---


def test_only_customers_of_the_window_have_an_account() -> None:
    log = small(customer_id=["a", "b", "c"])
    result = cv.customer_pnl(log, start=date(2024, 1, 2), as_of=date(2024, 1, 2))
    assert result["customer_id"].to_list() == ["b"]


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("margin", [None, 0.5])
def test_no_customers_make_an_empty_frame_of_the_same_schema(
    rows: int, margin: float | None
) -> None:
    log = small(amount=[1.0]).head(rows)
    result = cv.customer_pnl(log, as_of=date(2023, 1, 1), margin=margin)
    assert result.is_empty()
    assert dict(result.schema) == SCHEMA


def test_the_ends_of_the_calendar() -> None:
    log = small(ordered_at=[date.min, date.max])
    assert one(log, as_of=date.max, start=date.min)["net_revenue"] == 20.0
    assert one(log, as_of=date.min, start=date.min)["net_revenue"] == 10.0


def test_the_business_day_follows_the_zone() -> None:
    moment = pl.from_epoch(pl.Series([1_517_328_000_000]), time_unit="ms")
    log = small(ordered_at=moment.dt.replace_time_zone("UTC"))
    day = date(2018, 1, 31)
    options = cv.TransactionOptions(tz="Asia/Shanghai")
    assert (
        cv.customer_pnl(cv.read_transactions(log, options=options), start=day, as_of=day).height
        == 1
    )
    options = cv.TransactionOptions(tz="UTC")
    assert (
        cv.customer_pnl(cv.read_transactions(log, options=options), start=day, as_of=day).height
        == 0
    )


def test_start_after_as_of_is_refused() -> None:
    with pytest.raises(cv.CustomerValueError, match="start 2024-01-02 must not be after as_of"):
        one(small(amount=[1.0]), start=date(2024, 1, 2), as_of=date(2024, 1, 1))


@pytest.mark.parametrize("day", [datetime(2024, 1, 1, 9), "1 May", pd.Timestamp(2024, 1, 1, 9)])  # noqa: DTZ001
def test_the_window_is_made_of_days(day: Any) -> None:
    with pytest.raises(cv.CustomerValueError, match=r"as_of must be a d"):
        one(small(amount=[1.0]), as_of=day)
    with pytest.raises(cv.CustomerValueError, match=r"start must be a d"):
        one(small(amount=[1.0]), start=day)


def test_other_tables_and_the_cleaned_log_give_the_same() -> None:
    log = large_log(1000)
    expected = cv.customer_pnl(log, as_of=AS_OF)
    assert cv.customer_pnl(log.to_arrow(), as_of=AS_OF).equals(expected)
    assert cv.customer_pnl(log.to_pandas(), as_of=AS_OF).equals(expected)
    assert_frame_equal(
        cv.customer_pnl(cv.read_transactions(log), as_of=AS_OF), expected, check_exact=True
    )
