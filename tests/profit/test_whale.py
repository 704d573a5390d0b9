from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden
from oracles import profitability as oracle

CASE = golden("profitability")["spring_distribution"]
SPRING = pl.DataFrame({"customer_id": CASE["customers"], "profit": CASE["profit"]}).cast(
    {"profit": pl.Float64}
)
COLUMNS = ["rank", "customer_share", "profit", "cumulative_profit", "cumulative_share"]

profits = st.lists(
    st.none() | st.integers(-500, 2000).map(lambda n: n / 4) | st.sampled_from([0.1, 0.2, -0.3]),
    max_size=12,
)


def frame(values: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"profit": values}, schema={"profit": pl.Float64})


def summary(values: list[Any], **keywords: Any) -> cv.profit.WhaleSummary:
    return cv.profit.whale_summary(frame(values), **keywords)


# --- Spring Distribution ---


def test_the_whale_of_spring_distribution() -> None:
    curve = cv.whale_curve(SPRING)
    whale = CASE["whale"]
    assert curve.columns == ["customer_id", *COLUMNS]
    assert curve["customer_id"].to_list() == whale["order"]
    assert curve["rank"].to_list() == [1, 2, 3, 4, 5]
    assert curve["customer_share"].to_list() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert curve["cumulative_profit"].to_list() == whale["cumulative_profit"]
    assert curve["cumulative_share"].round(5).to_list() == whale["cumulative_share"]


def test_the_summary_of_spring_distribution() -> None:
    found = cv.profit.whale_summary(SPRING)
    assert (found.customers, found.unknown) == (5, 0)
    assert (found.total, found.peak, found.erosion) == (90787.0, 94133.0, -3346.0)
    assert found.peak_share == pytest.approx(1.03686, abs=5e-6)
    assert found.peak_at == 0.8
    assert (found.n_profitable, found.n_breakeven, found.n_unprofitable) == (4, 0, 1)
    assert found.concentration_index == pytest.approx(CASE["whale"]["index"], abs=5e-6)
    assert float(oracle.area(CASE["profit"])) == pytest.approx(CASE["whale"]["area"], abs=5e-6)
    assert found.deciles[0].profit == 41856 / 2
    assert found.revenue_concentration_index is found.deciles[0].revenue is None
    assert cv.profit.WhaleSummary.model_validate_json(found.model_dump_json()) == found


def test_revenue_stands_beside_profit() -> None:
    both = SPRING.with_columns(net_revenue=pl.Series(CASE["net_revenue"], dtype=pl.Float64))
    found = cv.profit.whale_summary(both)
    alone = cv.profit.whale_summary(both, profit="net_revenue")
    assert found.revenue_concentration_index == alone.concentration_index
    ranked = both.sort("profit", descending=True)
    for k, decile in enumerate(found.deciles):  # two tenths a customer
        assert decile.profit == pytest.approx(ranked["profit"][k // 2] / 2)
        assert decile.revenue == pytest.approx(ranked["net_revenue"][k // 2] / 2)
        share = ranked["net_revenue"][k // 2] / 2 / sum(CASE["net_revenue"])
        assert decile.revenue_share == pytest.approx(share)
    named = cv.profit.whale_summary(both.rename({"net_revenue": "sales"}), revenue="sales")
    assert named == found


def test_a_tenth_shows_profit_and_revenue_of_the_same_customers() -> None:
    shop = pl.DataFrame(
        {
            "profit": [100.0, 90, 80, 70, 60, 50, 40, 30, 20, -500],
            "net_revenue": [10.0, 20, 30, 40, 50, 60, 70, 80, 90, 5000],
        }
    )
    tenths = cv.profit.whale_summary(shop).deciles
    assert [(d.profit, d.revenue) for d in tenths] == shop.rows()
    # Equal profits share a step: their revenue is told at its mean.
    ties = shop.with_columns(profit=pl.Series([1.0] * 5 + [0.0] * 5))
    revenues = [d.revenue for d in cv.profit.whale_summary(ties).deciles]
    assert revenues == pytest.approx([30.0] * 5 + [1060.0] * 5)
    gap = shop.with_columns(net_revenue=pl.when(pl.col("profit") != 80).then("net_revenue"))
    found = cv.profit.whale_summary(gap).deciles
    assert [d.revenue is None for d in found] == [k == 2 for k in range(10)]
    assert found[2].revenue_share is None
    late = pl.concat([shop, shop.head(1).with_columns(profit=pl.lit(None, pl.Float64))])
    assert [d.revenue for d in cv.profit.whale_summary(late).deciles] == [d.revenue for d in tenths]


# --- the oracle ---


@given(values=profits, seed=st.integers(0, 99), base=st.sampled_from(["total", "gains"]))
@settings(max_examples=80, deadline=None)
def test_it_equals_the_oracle(values: list[float | None], seed: int, base: Any) -> None:
    table = frame(values).with_row_index("customer_id").cast({"customer_id": pl.Int64})
    curve = cv.whale_curve(table, base=base)
    points = oracle.whale(values)
    known = [p for p in values if p is not None]
    exact = [Fraction(str(p)) for p in known]
    whole = sum(exact) if base == "total" else sum(p for p in exact if p > 0)
    assert curve.height == len(values)
    for row in curve.rows(named=True):
        point = points[row["customer_id"]]
        if point is None:
            assert [row[name] for name in COLUMNS] == [None] * 5
            continue
        assert (row["rank"], row["cumulative_profit"]) == (point[0], float(point[1]))
        assert row["profit"] == values[row["customer_id"]]
        assert row["customer_share"] == point[0] / len(known)
        share = float(point[1] / whole) if whole > 0 else None
        assert row["cumulative_share"] == (share if share is None else pytest.approx(share))
    ranks = curve["rank"].to_list()
    assert ranks == sorted(ranks, key=lambda rank: (rank is None, rank))
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    again = cv.whale_curve(shuffled.lazy(), base=base)
    assert again.sort("rank", "customer_id").equals(curve.sort("rank", "customer_id"))
    assert cv.profit.whale_summary(shuffled, base=base) == cv.profit.whale_summary(table, base=base)


@given(values=profits)
@settings(max_examples=80, deadline=None)
def test_the_summary_is_that_of_the_curve(values: list[float | None]) -> None:
    found, known = summary(values), [p for p in values if p is not None]
    exact = [Fraction(str(p)) for p in known]
    gains, total = sum(p for p in exact if p > 0), sum(exact)
    assert (found.customers, found.unknown) == (len(known), len(values) - len(known))
    assert (found.total, found.peak) == (float(total), float(gains))
    assert found.erosion == float(total - gains)
    assert found.peak_share == (float(found.peak / found.total) if total > 0 else None)
    wins = sum(p > 0 for p in known)
    assert found.peak_at == (wins / len(known) if known else None)
    assert found.n_profitable == wins
    assert found.n_breakeven == sum(p == 0 for p in known)
    assert found.n_unprofitable == sum(p < 0 for p in known)
    assert sum(d.profit for d in found.deciles) == pytest.approx(float(total), abs=1e-9)
    assert [d.decile for d in found.deciles] == list(range(1, 11))
    tenths = [d.profit for d in found.deciles]
    assert all(a >= b - 1e-9 for a, b in pairwise(tenths))
    if total <= 0:
        assert found.concentration_index is found.deciles[0].profit_share is None
    else:
        area = oracle.area(known)
        assert found.concentration_index == pytest.approx(float((area - Fraction(1, 2)) / area))


@given(values=profits, times=st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_replicated_customers_make_the_same_shares(values: list[float], times: int) -> None:
    one, many = summary(values), summary(values * times)
    assert many.peak_share == pytest.approx(one.peak_share) if one.peak_share else True
    assert many.peak_at == one.peak_at
    for a, b in zip(one.deciles, many.deciles, strict=True):
        assert b.profit == pytest.approx(times * a.profit, abs=1e-9)
    assert many.concentration_index == (
        one.concentration_index and pytest.approx(one.concentration_index)
    )


# --- edges ---


def test_equal_customers_are_one_straight_line() -> None:
    curve = cv.whale_curve(frame([5.0, 1.0, 5.0, 5.0]))
    assert curve["rank"].to_list() == [3, 3, 3, 4]
    assert curve["cumulative_profit"].to_list() == [15.0, 15.0, 15.0, 16.0]
    same = summary([7.0] * 49)
    assert same.concentration_index == 0.0
    assert [d.profit for d in same.deciles] == pytest.approx([34.3] * 10)
    assert cv.whale_curve(frame([7.0] * 49))["customer_share"].to_list() == [1.0] * 49


def test_shares_of_a_loss_are_undefined_but_those_of_gains_are_not() -> None:
    curve = cv.whale_curve(frame([10.0, -30.0]))
    assert curve["cumulative_profit"].to_list() == [10.0, -20.0]
    assert curve["cumulative_share"].to_list() == [None, None]
    gains = cv.whale_curve(frame([10.0, -30.0]), base="gains")
    assert gains["cumulative_share"].to_list() == [1.0, -2.0]
    assert summary([10.0, -30.0]).peak_share is None
    assert summary([10.0, -30.0], base="gains").peak_share == 1.0
    assert summary([-1.0, -2.0], base="gains").peak_share is None
    assert (summary([-1.0, -2.0]).peak, summary([-1.0, -2.0]).peak_at) == (0.0, 0.0)
    assert summary([0.1, 0.2, -0.3]).peak_share is None


def test_one_customer_and_none() -> None:
    one = summary([3.0])
    assert (one.peak_share, one.peak_at, one.concentration_index) == (1.0, 1.0, 0.0)
    assert [d.profit for d in one.deciles] == [pytest.approx(0.3)] * 10
    nobodies: list[list[float | None]] = [[], [None, None]]
    for nobody in nobodies:
        none = summary(nobody)
        assert (none.customers, none.total, none.peak_at) == (0, 0.0, None)
        assert {d.profit for d in none.deciles} == {0.0}
        assert none.concentration_index is None
        assert cv.whale_curve(frame(nobody)).height == len(nobody)


def test_the_margin_of_breaking_even() -> None:
    found = summary([5.0, 1.0, 0.0, -1.0, -5.0], breakeven=1.0)
    assert (found.n_profitable, found.n_breakeven, found.n_unprofitable) == (1, 3, 1)
    assert found.peak_at == 0.4


def test_keys_keep_their_type_and_other_columns_may_be_meant() -> None:
    table = pl.DataFrame({"customer_id": pl.Series([3, 1], dtype=pl.UInt16), "cm1": [1, 2]})
    curve = cv.whale_curve(table, profit="cm1")
    assert curve.schema["customer_id"] == pl.UInt16
    assert curve["profit"].to_list() == [2.0, 1.0]
    assert cv.whale_curve(table.drop("customer_id"), profit="cm1").columns == COLUMNS
    assert cv.whale_curve(table.to_arrow(), profit="cm1").equals(curve)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e25])
def test_profits_that_cannot_be_summed_are_refused(bad: float) -> None:
    for function in (cv.whale_curve, cv.profit.whale_summary):
        with pytest.raises(cv.DataError, match="accounts: 1 row with"):
            function(frame([1.0, bad]))


def test_options_are_checked() -> None:
    with pytest.raises(cv.OptionError, match="base"):
        cv.whale_curve(SPRING, base="sum")  # type: ignore[arg-type]
    with pytest.raises(cv.OptionError, match="breakeven"):
        summary([1.0], breakeven=-1.0)
    with pytest.raises(cv.SchemaError, match="missing column 'gain'"):
        cv.whale_curve(SPRING, profit="gain")
