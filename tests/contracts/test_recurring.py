from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import unit_economics as oracle

START = date(2023, 11, 20)
LINES = ["new", "reactivation", "expansion", "contraction", "churn"]
SCHEMA = {
    "customer_id": pl.String,
    "contract_start": pl.Date,
    "contract_end": pl.Date,
    "mrr": pl.Int64,
}
days = st.integers(0, 150).map(lambda n: START + timedelta(days=n))


def test_the_published_example() -> None:
    example = golden("unit_economics")["retention"]
    names = ["opening", "new", "expansion", "contraction", "churn"]
    month = pl.DataFrame({name: [example[name]] for name in names})
    row = cv.contracts.revenue_retention(month).row(0, named=True)
    for name in ("gross_revenue_retention", "net_revenue_retention", "quick_ratio"):
        assert row[name] == pytest.approx(example[name], rel=1e-15)


def test_nothing_open_nothing_lost() -> None:
    month = pl.DataFrame({"opening": 0, "new": 5, "expansion": 0, "contraction": 0, "churn": 0})
    assert cv.contracts.revenue_retention(month.lazy()).collect().row(0)[-3:] == (None, None, None)
    month = month.with_columns(churn=2, won_back=3)
    assert (
        cv.contracts.revenue_retention(month, reactivation="won_back")["quick_ratio"].item() == 4.0
    )
    with pytest.raises(cv.DataError, match="movements: 1 row with values below zero in 'new'"):
        cv.contracts.revenue_retention(month.with_columns(new=-1))


@st.composite
def contract(draw: st.DrawFn) -> tuple[Any, ...]:
    start = draw(days)
    length = draw(st.none() | st.integers(0, 70))
    end = None if length is None else start + timedelta(days=length)
    return draw(st.sampled_from("abc")), start, end, draw(st.integers(0, 9))


@given(st.lists(contract(), max_size=8), days, st.booleans())
@settings(deadline=None, max_examples=150)
def test_it_equals_the_oracle_and_closes(rows: list[Any], as_of: date, count: bool) -> None:
    contracts = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    bridge = cv.contracts.mrr_bridge(
        contracts, as_of=as_of, same_period="count" if count else "drop"
    )
    expected = oracle.mrr_bridge(contracts.to_dicts(), as_of, count=count)
    # A first month in which nothing was in force is no period unless something came and went.
    while expected and not bridge.is_empty() and expected[0]["period"] < bridge["period"][0]:
        assert not any(expected.pop(0)[name] for name in (*LINES, "closing"))
    if bridge.is_empty():
        assert not any(line[name] for line in expected for name in (*LINES, "closing"))
        return
    assert bridge["period"].to_list() == [line["period"] for line in expected]
    for row, line in zip(bridge.iter_rows(named=True), expected, strict=True):
        for name in ("opening", *LINES, "closing", "customers"):
            assert row[name] == line[name], name
        gained = row["new"] + row["reactivation"] + row["expansion"]
        assert row["opening"] + gained - row["contraction"] - row["churn"] == row["closing"]
        gross, net = row["gross_revenue_retention"], row["net_revenue_retention"]
        if line["opening"]:
            assert gross == pytest.approx(line["kept"] / line["opening"])
            assert net == pytest.approx(line["of_opening"] / line["opening"])
            assert 0 <= gross <= 1
        else:
            assert gross is net is None
    assert bridge["opening"].to_list()[1:] == bridge["closing"].to_list()[:-1]
    shuffled = contracts.sample(fraction=1, shuffle=True, seed=2).lazy()
    again = cv.contracts.mrr_bridge(shuffled, as_of=as_of, same_period="count" if count else "drop")
    assert again.equals(bridge)


def contracts(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """The ends are first days without service, as the tests below count them."""
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return frame.with_columns(pl.col("contract_end").dt.offset_by("-1d"))


def test_who_comes_back_is_not_new() -> None:
    shop = contracts(
        ("a", date(2024, 1, 3), date(2024, 2, 1), 10), ("a", date(2024, 3, 3), None, 12)
    )
    bridge = cv.contracts.mrr_bridge(shop, as_of=date(2024, 3, 31))
    assert bridge.select("new", "churn", "reactivation", "closing").rows() == [
        (10.0, 0.0, 0.0, 10.0),
        (0.0, 10.0, 0.0, 0.0),
        (0.0, 0.0, 12.0, 12.0),
    ]


def test_both_conventions_of_coming_and_going_in_a_month() -> None:
    shop = contracts(
        ("a", date(2024, 1, 3), date(2024, 1, 20), 10), ("b", date(2024, 1, 1), None, 5)
    )
    drop = cv.contracts.mrr_bridge(shop, as_of=date(2024, 1, 31)).row(0, named=True)
    count = cv.contracts.mrr_bridge(shop, as_of=date(2024, 1, 31), same_period="count").row(
        0, named=True
    )
    assert (drop["new"], drop["churn"], drop["closing"]) == (5.0, 0.0, 5.0)
    assert (count["new"], count["churn"], count["closing"]) == (15.0, 10.0, 5.0)
    assert (drop["quick_ratio"], count["quick_ratio"]) == (None, 1.5)


def test_later_events_and_open_months_change_nothing() -> None:
    shop = contracts(("a", date(2024, 1, 3), None, 10))
    later = contracts(
        ("a", date(2024, 1, 3), date(2024, 3, 9), 10), ("b", date(2024, 3, 2), None, 7)
    )
    day = date(2024, 3, 30)
    assert cv.contracts.mrr_bridge(later, as_of=day).equals(
        cv.contracts.mrr_bridge(shop, as_of=day)
    )
    assert cv.contracts.mrr_bridge(shop, as_of=day)["period"].to_list() == [
        date(2024, 1, 1),
        date(2024, 2, 1),
    ]


def test_quarters_and_years_and_unchanged_ones() -> None:
    shop = contracts(("a", date(2023, 2, 3), None, 10))
    bridge = cv.contracts.mrr_bridge(shop, as_of=date(2024, 3, 31), period="quarter")
    assert bridge["period"].to_list() == [date(2023, 3 * q + 1, 1) for q in range(4)] + [
        date(2024, 1, 1)
    ]
    assert bridge["closing"].to_list() == [10.0] * 5
    assert cv.contracts.mrr_bridge(shop, as_of=date(2024, 3, 31), period="year").height == 1


def test_cents_close_exactly() -> None:
    shop = pl.DataFrame(
        {
            "customer_id": [k % 40 for k in range(400)],
            "contract_start": [date(2023, 1, 1) + timedelta(days=k) for k in range(400)],
            "contract_end": [date(2023, 3, 1) + timedelta(days=2 * k) for k in range(400)],
            "mrr": [0.1 + k / 7 for k in range(400)],
        }
    )
    bridge = cv.contracts.mrr_bridge(shop, as_of=date(2025, 6, 30))
    exact = bridge.select(pl.col("opening", *LINES, "closing").cast(pl.Decimal(38, 6)))
    gained = pl.col("opening") + pl.col("new") + pl.col("reactivation") + pl.col("expansion")
    lost = pl.col("contraction") + pl.col("churn")
    assert exact.select((gained - lost == pl.col("closing")).all()).item()
    assert bridge["closing"][-1] == 0.0


def test_bad_contracts_are_refused() -> None:
    bad = contracts(
        (None, date(2024, 1, 3), None, 1), ("a", None, None, -1),
        ("b", date(2024, 1, 3), date(2024, 1, 2), None),
    )  # fmt: skip
    message = (
        "contracts: 1 row with no customer_id; 1 row with no contract_start .*; 1 row with "
        "contract_end before contract_start .*; 1 row with no revenue .*; 1 row with a revenue not "
        "within"
    )
    with pytest.raises(cv.DataError, match=message):
        cv.contracts.mrr_bridge(bad, as_of=date(2024, 3, 1))
    with pytest.raises(
        cv.CustomerValueError, match="period must be one of 'month', 'quarter', 'year'; got 'week'"
    ):
        cv.contracts.mrr_bridge(contracts(), as_of=date(2024, 3, 1), period="week")  # type: ignore[arg-type]
    assert cv.contracts.mrr_bridge(contracts(), as_of=date(2024, 3, 1)).is_empty()
    shop = contracts(("a", date(2024, 1, 3), None, 1))
    two = pl.concat([shop, shop]).with_columns(currency=pl.Series(["EUR", "USD"]))
    with pytest.raises(cv.DataError, match="contracts: more than one currency"):
        cv.contracts.mrr_bridge(two, as_of=date(2024, 3, 1))
    with pytest.raises(
        cv.SchemaError, match="contracts: 'contract_end' is String, must be a date; cast it"
    ):
        cv.contracts.mrr_bridge(
            shop.with_columns(contract_end=pl.lit("never")), as_of=date(2024, 3, 1)
        )
    running = shop.with_columns(contract_end=pl.lit(None))
    assert cv.contracts.mrr_bridge(running, as_of=date(2024, 3, 1))["closing"].to_list() == [
        1.0,
        1.0,
    ]


def test_a_renewal_at_once_is_no_churn_in_money_and_in_heads() -> None:
    table = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "contract_start": [date(2024, 1, 1), date(2024, 3, 1), *[date(2024, 1, 1)] * 2],
            "contract_end": [date(2024, 2, 29), None, date(2024, 2, 29), None],
            "mrr": [100.0, 150.0, 50.0, 70.0],
        }
    )
    march = cv.contracts.mrr_bridge(table, as_of=date(2024, 3, 31)).row(-1, named=True)
    assert (march["churn"], march["expansion"], march["reactivation"]) == (50.0, 50.0, 0.0)
    assert march["gross_revenue_retention"] == pytest.approx(170 / 220)
    assert march["net_revenue_retention"] == 1.0
    heads = cv.contracts.contract_churn(table, as_of=date(2024, 3, 31)).row(-1, named=True)
    assert (heads["lost"], heads["reactivated"], heads["closing"]) == (1, 0, 2)


def test_one_grace_for_money_and_heads() -> None:
    table = pl.DataFrame(
        {
            "customer_id": ["a", "a"],
            "contract_start": [date(2024, 1, 1), date(2024, 3, 3)],
            "contract_end": [date(2024, 2, 27), None],
            "mrr": [10.0, 10.0],
        }
    )
    for grace, lost in ((3, 10.0), (4, 0.0)):
        bridge = cv.contracts.mrr_bridge(table, as_of=date(2024, 3, 31), grace_days=grace)
        assert bridge["churn"].sum() == lost
        heads = cv.contracts.contract_churn(table, as_of=date(2024, 3, 31), grace_days=grace)
        assert heads["lost"].sum() == lost / 10


def test_revenue_of_what_ended_last_runs_on_to_the_renewal() -> None:
    shop = pl.DataFrame(
        [
            ("a", date(2024, 1, 1), date(2024, 6, 28), 100),
            ("a", date(2024, 2, 1), date(2024, 3, 20), 10),
            ("a", date(2024, 7, 3), None, 100),
            ("b", date(2024, 1, 1), date(2024, 1, 29), 100),
            ("b", date(2024, 1, 1), date(2024, 1, 29), 20),
            ("b", date(2024, 2, 2), None, 90),
        ],
        schema=SCHEMA,
        orient="row",
    )
    bridge = cv.contracts.mrr_bridge(shop, as_of=date(2024, 7, 31), grace_days=7)
    assert bridge["churn"].sum() == bridge["reactivation"].sum() == 0
    assert bridge["closing"].to_list() == [220.0, 200.0, 190.0, 190.0, 190.0, 190.0, 190.0]
    strict = cv.contracts.mrr_bridge(shop, as_of=date(2024, 7, 31))
    assert strict["churn"].to_list() == [0.0, 0.0, 0.0, 0.0, 0.0, 100.0, 0.0]
    assert strict["reactivation"].to_list() == [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0]


def test_revenue_is_not_lost_while_the_grace_runs() -> None:
    shop = pl.DataFrame(
        [("a", date(2024, 1, 1), date(2024, 3, 28), 9)], schema=SCHEMA, orient="row"
    )
    for day, lost in ((31, 0.0), (35, 0.0), (36, 9.0)):
        as_of = date(2024, 3, 1) + timedelta(days=day - 1)
        bridge = cv.contracts.mrr_bridge(shop, as_of=as_of, grace_days=7)
        assert bridge["churn"].sum() == lost
        heads = cv.contracts.contract_churn(shop, as_of=as_of, grace_days=7)
        assert heads["lost"].sum() == lost / 9


@given(
    st.lists(contract(), max_size=8), days, st.sampled_from([0, 1, 7, 30, 60]), st.integers(0, 99)
)
@settings(deadline=None, max_examples=150)
def test_those_who_pay_are_those_who_are_there(
    rows: list[Any], as_of: date, grace: int, seed: int
) -> None:
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(pl.col("mrr") + 1)
    heads = cv.contracts.contract_churn(table, as_of=as_of, grace_days=grace).filter("complete")
    bridge = cv.contracts.mrr_bridge(table, as_of=as_of, grace_days=grace)
    there = heads.select("period", "closing").rows()
    paying = bridge.select("period", "customers").rows()
    # Periods before the first close that sees a contract have no row in the bridge.
    missing = there[: len(there) - len(paying)]
    assert all(closing == 0 for _, closing in missing)
    assert there[len(missing) :] == paying
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    again = cv.contracts.mrr_bridge(shuffled, as_of=as_of, grace_days=grace)
    assert again.equals(bridge)


def test_a_summary_feeds_the_models_and_the_curve() -> None:
    starts = [date(2020, 1, 1)] * 40
    table = pl.DataFrame(
        {
            "customer_id": range(40),
            "contract_start": starts,
            "contract_end": [None if k % 4 == 0 else date(2020 + k % 4, 12, 31) for k in range(40)],
        }
    )
    customers = cv.contracts.summarize_contracts(table, as_of="2024-06-30")
    assert customers["churned"].sum() == 30
    curve = cv.survival_curve(customers)
    assert curve["at_risk"].max() == 40
    model = cv.fit_sbg(customers)
    valued = cv.contractual_value(customers, model, profit_per_period=10.0, timing="due")
    assert valued.height == 40
