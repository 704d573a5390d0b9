from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import value_components as oracle

GOLDEN = golden("value_components")
START, AS_OF = date(2024, 1, 1), date(2024, 2, 15)
NO_REFERRALS = {
    "referrer_id": pl.String,
    "referred_id": pl.String,
    "referred_at": pl.Date,
    "type": pl.String,
    "reward_cost": pl.Int64,
    "acquisition_saving": pl.Int64,
}
PEOPLE = {"customer_id": pl.String, "first_purchase": pl.Date, "clv": pl.Int64}
days = st.integers(0, 60).map(lambda n: START + timedelta(days=n))
names = st.sampled_from("abcdef")


def shop(**columns: Any) -> pl.DataFrame:
    defaults = {
        "customer_id": ["A", "B", "C"],
        "first_purchase": [date(2023, 1, 9), date(2024, 1, 20), date(2024, 2, 1)],
        "clv": [900.0, 400.0, 700.0],
        "profit": [50.0, 30.0, 20.0],
    }
    return pl.DataFrame(defaults | columns)


def referred(**columns: Any) -> pl.DataFrame:
    defaults: dict[str, Any] = {
        "referrer_id": ["A", "A"],
        "referred_id": ["B", "C"],
        "referred_at": [date(2024, 1, 2), date(2024, 1, 10)],
        "type": ["type_one", "type_two"],
    }
    n = len(next(iter(columns.values()))) if columns else 2
    return pl.DataFrame({name: list(v)[:n] for name, v in defaults.items()} | columns)


@pytest.mark.parametrize("charged", ["charged_on_type_one", "charged_on_both"])
def test_the_worked_example(charged: str) -> None:
    example = GOLDEN["referral_value"]
    options = cv.equity.InfluenceOptions(
        reward=example["reward"],
        acquisition_saving=example["acquisition_saving"],
        charge_reward_on_type_two=charged == "charged_on_both",
    )
    result = cv.equity.influence_value(shop(), referred(), as_of=AS_OF, options=options)
    assert result["influence_value"].to_list() == [example[charged], 0.0, 0.0]
    assert result["referrals"].to_list() == [2, 0, 0]
    assert result["attributed_value"].to_list() == [0.0, 400.0, 0.0]


def test_a_stream_of_referrals() -> None:
    example = dict(GOLDEN["referral_stream"])
    value, half_year = example.pop("value"), example.pop("half_year_rate")
    assert pytest.approx(half_year, abs=5e-6) == 1.15**0.5 - 1
    del example["source"]
    example["profit_per_period"] = example.pop("margin")
    assert cv.equity.referral_value(**example) == pytest.approx(value, abs=0.005)
    assert cv.equity.referral_value(type_one=1, profit_per_period=10, periods=0) == 0.0
    assert (
        cv.equity.referral_value(type_one=1, profit_per_period=10, periods=3, discount_rate=0)
        == 30.0
    )
    with pytest.raises(cv.OptionError, match="discount_rate"):
        cv.equity.referral_value(type_one=1, profit_per_period=10, discount_rate=15)


people = st.fixed_dictionaries(
    {},
    optional={
        name: st.tuples(st.none() | days, st.none() | st.integers(-300, 900)) for name in "abcdef"
    },
)
made = st.lists(
    st.tuples(
        names, names, days, st.sampled_from(["type_one", "type_two", None]),
        st.integers(0, 90), st.integers(0, 90),
    ),
    max_size=14,
    unique_by=lambda row: row[:3],
)  # fmt: skip


@given(people, made, st.integers(1, 40), st.booleans(), st.sampled_from([0.0, 0.5, 0.25, 1.0]))
@settings(deadline=None, max_examples=120)
def test_it_equals_the_oracle(
    shoppers: dict[str, Any], rows: list[Any], window: int, charge: bool, p: float
) -> None:
    rows = [row for row in rows if row[0] != row[1] and row[0] in shoppers]
    customers = pl.DataFrame([(n, *v) for n, v in shoppers.items()], schema=PEOPLE, orient="row")
    referrals = pl.DataFrame(rows, schema=NO_REFERRALS, orient="row")
    options = cv.equity.InfluenceOptions(
        window=f"{window}d", p_incremental=p, charge_reward_on_type_two=charge
    )
    expected = oracle.influence(
        customers.to_dicts(),
        referrals.to_dicts(),
        as_of=AS_OF,
        days=window,
        charge=charge,
        p=Fraction(p),
    )
    plain = cv.equity.influence_value(customers, referrals, as_of=AS_OF, options=options)
    split = cv.equity.influence_value(
        customers.with_columns(profit="clv"),
        referrals,
        as_of=AS_OF,
        realised="profit",
        options=options,
    )
    assert plain["customer_id"].to_list() == list(shoppers)
    for row, parts in zip(plain.iter_rows(named=True), split.iter_rows(named=True), strict=True):
        want = expected[row["customer_id"]]
        value, bonus = oracle.total(want["value"]), oracle.total(want["bonus"])
        assert bonus is not None
        assert row["referrals"] == want["referrals"]
        assert row["open_referrals"] == len(want["open"])
        close(row["influence_value"], None if value is None else value + bonus)
        close(row["attributed_value"], oracle.total(want["taken"]))
        close(parts["influence_value"], value)
        close(parts["realised_influence"], None if value is None else value + bonus)
        close(parts["attributed_realised"], oracle.total(want["taken"]))
    lazy = cv.equity.influence_value(
        customers.lazy(), referrals.lazy(), as_of=AS_OF, options=options
    )
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(plain)
    shuffled = referrals.sample(fraction=1, shuffle=True, seed=3)
    again = cv.equity.influence_value(customers, shuffled, as_of=AS_OF, options=options)
    assert again.equals(plain)


def close(got: float | None, want: float | None) -> None:
    assert (got is None) == (want is None)
    if want is not None:
        assert got == pytest.approx(want, abs=2e-5)  # thirds are rounded to six places each


@given(people, made)
@settings(deadline=None, max_examples=40)
def test_a_total_without_the_attributed_part_counts_nothing_twice(
    shoppers: dict[str, Any], rows: list[Any]
) -> None:
    rows = [row for row in rows if row[0] != row[1] and row[0] in shoppers]
    customers = pl.DataFrame(
        [(n, first, clv or 0) for n, (first, clv) in shoppers.items()], schema=PEOPLE, orient="row"
    )
    bare = pl.DataFrame(rows, schema=NO_REFERRALS, orient="row").select(
        "referrer_id", "referred_id", "referred_at", "type"
    )
    result = cv.equity.influence_value(customers, bare, as_of=AS_OF)
    # No rewards, no savings: what the referrers are given is what the referred give.
    own = float(customers["clv"].sum())
    moved = result.select(pl.col("influence_value") - pl.col("attributed_value")).sum().item()
    assert moved == pytest.approx(0, abs=1e-4)
    tiers = result.with_columns(tier=pl.lit("all"))
    assert cv.equity.customer_equity(tiers, by="tier")["equity"].sum() == own


def test_the_window_is_open_to_its_last_day() -> None:
    options = cv.equity.InfluenceOptions(window="18d")
    result = cv.equity.influence_value(shop(), referred(), as_of=AS_OF, options=options)
    assert result["referrals"][0] == 1  # 18 days for B, 22 for C
    options = cv.equity.InfluenceOptions(window="17d")
    result = cv.equity.influence_value(shop(), referred(), as_of=AS_OF, options=options)
    assert result["referrals"][0] == 0


def test_influence_runs_forward_only() -> None:
    after = referred(referred_at=[date(2024, 1, 21), date(2024, 2, 2)])
    assert cv.equity.influence_value(shop(), after, as_of=AS_OF)["referrals"].to_list() == [0, 0, 0]
    same = referred(referred_at=[date(2024, 1, 20), date(2024, 2, 1)])
    assert cv.equity.influence_value(shop(), same, as_of=AS_OF)["referrals"].to_list() == [2, 0, 0]


def test_the_last_referrer_wins_and_equals_share() -> None:
    day = date(2024, 1, 5)
    both = referred(referrer_id=["A", "C"], referred_id=["B", "B"], referred_at=[day, day],
                    type=["type_one", "type_one"])  # fmt: skip
    options = cv.equity.InfluenceOptions(acquisition_saving=10, reward=1)
    result = cv.equity.influence_value(shop(), both, as_of=AS_OF, options=options)
    assert result["influence_value"].to_list() == [204.0, 0.0, 204.0]
    later = both.with_columns(referred_at=pl.Series([day, day + timedelta(days=1)]))
    result = cv.equity.influence_value(shop(), later, as_of=AS_OF, options=options)
    assert result["influence_value"].to_list() == [0.0, 0.0, 409.0]


def test_past_and_future_are_apart() -> None:
    options = cv.equity.InfluenceOptions(reward=5, acquisition_saving=7)
    result = cv.equity.influence_value(
        shop(), referred(), as_of=AS_OF, realised="profit", options=options
    )
    assert result["influence_value"].to_list() == [400.0, 0.0, 0.0]
    assert result["realised_influence"].to_list() == [30.0 + 7 - 5 + 7, 0.0, 0.0]
    assert result["attributed_realised"].to_list() == [0.0, 30.0, 0.0]


def test_an_unknown_value_of_type_one_only_is_unknown() -> None:
    customers = shop(clv=[900.0, None, None])
    result = cv.equity.influence_value(customers, referred(), as_of=AS_OF)
    assert result["influence_value"].to_list() == [None, 0.0, 0.0]
    assert result["attributed_value"].to_list() == [0.0, None, 0.0]
    second = cv.equity.influence_value(customers, referred(type=["type_two"] * 2), as_of=AS_OF)
    assert second["influence_value"].to_list() == [0.0, 0.0, 0.0]


def test_of_unknown_type_the_probability_counts() -> None:
    table = referred(type=[None, None]).with_columns(
        pl.col("type").cast(pl.String), p_incremental=pl.Series([0.25, None])
    )
    options = cv.equity.InfluenceOptions(p_incremental=1.0)
    result = cv.equity.influence_value(shop(), table, as_of=AS_OF, options=options)
    assert result["influence_value"][0] == 100.0 + 700.0
    bare = table.drop("type", "p_incremental")
    assert (
        cv.equity.influence_value(shop(), bare, as_of=AS_OF)["influence_value"][0] == 200.0 + 350.0
    )


def test_later_events_change_nothing() -> None:
    result = cv.equity.influence_value(shop(), referred(), as_of=date(2024, 1, 25))
    later = pl.concat([referred(), referred(referrer_id=["B"], referred_id=["C"],
                       referred_at=[date(2024, 1, 26)])])  # fmt: skip
    assert cv.equity.influence_value(shop(), later, as_of=date(2024, 1, 25)).equals(result)
    assert result["open_referrals"].to_list() == [1, 0, 0]  # C has not bought yet


def test_a_second_run_replaces_the_first() -> None:
    once = cv.equity.influence_value(shop(), referred(), as_of=AS_OF)
    assert cv.equity.influence_value(once, referred(), as_of=AS_OF).equals(once)
    assert once.columns[:4] == shop().columns


def test_no_referrals_and_no_customers() -> None:
    result = cv.equity.influence_value(shop(), referred().clear(), as_of=AS_OF)
    assert result["influence_value"].to_list() == [0.0, 0.0, 0.0]
    empty = cv.equity.influence_value(shop().clear(), referred().clear(), as_of=AS_OF)
    assert empty.schema == result.schema


def test_every_bad_referral_is_named() -> None:
    bad = pl.DataFrame(
        {
            "referrer_id": ["A", None, "A", "A", "A", "A"],
            "referred_id": ["A", "B", "B", "B", None, "C"],
            "referred_at": [date(2024, 1, 2)] * 5 + [None],
            "type": ["type_one", "kind", None, None, None, None],
            "reward_cost": [0.0, -1.0, float("nan"), 0.0, None, 0.0],
            "p_incremental": [0.5, 2.0, 0.5, 0.5, 0.5, 0.5],
        }
    )
    message = (
        "referrals: 1 row with no referrer; 1 row with no referred customer .*; 1 row with no day "
        ".*; 1 row with a referral of oneself .*; 1 row with a referral that is there already .*; "
        "1 row with a type not type_one or type_two; 1 row with a p_incremental not within 0 to "
        "1; 2 rows with a reward_cost not within 0 to"
    )
    with pytest.raises(cv.DataError, match=message):
        cv.equity.influence_value(shop(), bad, as_of=AS_OF)


def test_who_is_no_customer_or_two_is_named() -> None:
    strangers = referred(referrer_id=["X", "Y"])
    with pytest.raises(cv.DataError, match=r"referrers that are no customers: 2 \(e.g. X, Y\)"):
        cv.equity.influence_value(shop(), strangers, as_of=AS_OF)
    with pytest.raises(cv.DataError, match=r"customers: more than once: 1 \(e.g. A\)"):
        cv.equity.influence_value(shop(customer_id=["A", "A", "C"]), referred(), as_of=AS_OF)
    with pytest.raises(cv.DataError, match="NaN or infinite values in 'clv'"):
        cv.equity.influence_value(shop(clv=[1.0, float("nan"), 1.0]), referred(), as_of=AS_OF)
    numbered = referred().with_columns(referrer_id=1, referred_id=2)
    with pytest.raises(cv.SchemaError, match="'referrer_id' is Int32 and 'referred_id' is Int32"):
        cv.equity.influence_value(shop(), numbered, as_of=AS_OF)
    with pytest.raises(cv.CustomerValueError, match="as_of must be a day such as"):
        cv.equity.influence_value(shop(), referred(), as_of="2024-13-01")
