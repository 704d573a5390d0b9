from __future__ import annotations

import math
from statistics import mean, pstdev, stdev

import polars as pl
import pytest
from pydantic import ValidationError

import customer_value as cv

CUSTOMERS = pl.DataFrame(
    {
        "channel": ["web", "web", "web", "shop", "shop", None],
        "favourite": ["web", "shop", "shop", "shop", "shop", "web"],
        "clv": [100.0, 50.0, 90.0, 300.0, None, 10.0],
        "revenue": [100.0, 100.0, 200.0, 400.0, 100.0, 0.0],
        "cost": [10.0, 10.0, 20.0, 60.0, 40.0, 5.0],
        "orders": [2, 2, 4, 5, 5, 0],
        "retained": [True, False, True, True, None, False],
        "stars": [3, 4, 5, 5, 5, None],
    }
)
SPEND = pl.DataFrame(
    {
        "channel": ["web", "shop", "web", "radio"],
        "spend": [40.0, 100.0, 20.0, 30.0],
        "new_customers": [2, 2, 1, 0],
    }
)
MEASURES = {
    "preferred": "favourite",
    "revenue": "revenue",
    "cost": "cost",
    "orders": "orders",
    "retained": "retained",
    "satisfaction": "stars",
}


def scorecard(customers: pl.DataFrame | pl.LazyFrame = CUSTOMERS) -> pl.DataFrame:
    return cv.channels.channel_economics(customers, SPEND, **MEASURES)  # type: ignore[arg-type]


def test_the_figures_of_each_channel() -> None:
    table = {row["channel"]: row for row in scorecard().iter_rows(named=True)}
    assert list(table) == ["radio", "shop", "web", None]
    web, shop, radio, unknown = table["web"], table["shop"], table["radio"], table[None]
    assert (web["customers"], web["preferred_by"], web["switched_in"], web["switched_out"]) == (
        3,
        2,
        1,
        2,
    )
    assert web["preferred_share"] == pytest.approx(1 / 3)
    assert web["net_switching"] == pytest.approx(-1 / 3)
    assert (web["spend"], web["new_customers"], web["cac"]) == (60.0, 3.0, 20.0)
    assert web["clv_to_cac"] == web["value_mean"] / 20 == 4.0
    assert (web["cost_per_order"], web["cost_share"]) == (5.0, 0.1)
    half = 1.959963984540054 * stdev([100.0, 50.0, 90.0]) / math.sqrt(3)
    assert (web["value_low"], web["value_high"]) == pytest.approx((80 - half, 80 + half))
    assert (shop["value_mean"], shop["value_low"]) == (300.0, None)
    assert web["retention"] == pytest.approx(2 / 3)
    # Wilson's interval: the shares p for which 2 of 3 is just 1.96 standard errors away.
    for end in ("retention_low", "retention_high"):
        away = abs(2 / 3 - web[end]) / math.sqrt(web[end] * (1 - web[end]) / 3)
        assert away == pytest.approx(1.959963984540054)
    assert web["retention_low"] < 2 / 3 < web["retention_high"]
    assert (shop["retention"], shop["retention_high"]) == pytest.approx((1.0, 1.0))
    assert (radio["preferred_share"], radio["spend"], radio["cac"]) == (0.0, 30.0, None)
    assert radio["value_mean"] is radio["retention"] is radio["net_switching"] is None
    assert (unknown["cost_share"], unknown["cost_per_order"], unknown["spend"]) == (None,) * 3
    assert scorecard()["customers"].sum() == scorecard()["preferred_by"].sum() == CUSTOMERS.height


def test_the_axes_are_means_of_z_scores() -> None:
    table = scorecard()

    def z(name: str, row: int, sign: int = 1) -> float | None:
        known = [value for value in table[name] if value is not None]
        value = table[name][row]
        return None if value is None else sign * (value - mean(known)) / pstdev(known)

    for row in range(table.height):
        for axis, parts in {
            "cost_efficiency": [("cac", -1), ("cost_per_order", -1), ("cost_share", -1)],
            "preference": [("preferred_share", 1), ("net_switching", 1)],
            "relationship": [("retention", 1), ("value_mean", 1), ("satisfaction", 1)],
        }.items():
            known = [s for name, sign in parts if (s := z(name, row, sign)) is not None]
            expected = mean(known) if known else None
            assert table[axis][row] == (None if expected is None else pytest.approx(expected))
        axes = [table[a][row] for a in ("cost_efficiency", "preference", "relationship")]
        assert table["channel_index"][row] == pytest.approx(mean(a for a in axes if a is not None))


def test_weights_choose_the_axis() -> None:
    weights = cv.channels.ChannelWeights(cost_efficiency=0, preference=0, relationship=2)
    table = cv.channels.channel_economics(CUSTOMERS, weights=weights)
    assert table["channel_index"].to_list() == table["relationship"].to_list()
    assert "cac" not in table.columns
    assert table["cost_efficiency"].null_count() == table.height
    with pytest.raises(ValidationError, match="at least one axis must weigh more"):
        cv.channels.ChannelWeights(cost_efficiency=0, preference=0, relationship=0)


def test_equal_channels_score_equally_and_one_is_in_the_middle() -> None:
    equal = pl.DataFrame({"channel": ["a", "b"], "clv": [10.0, 10.0]})
    assert cv.channels.channel_economics(equal)["channel_index"].to_list() == [0.0, 0.0]
    assert cv.channels.channel_economics(equal.head(1))["channel_index"].to_list() == [0.0]
    assert cv.channels.channel_economics(equal.clear()).is_empty()


def test_rows_in_any_order_and_lazily() -> None:
    big = pl.concat([CUSTOMERS.with_columns(clv=pl.col("clv") * k / 7) for k in range(1, 60)])
    first = scorecard(big)
    assert scorecard(big.sample(fraction=1, shuffle=True, seed=5).lazy()).equals(first)


def test_bad_tables_are_refused() -> None:
    bad = CUSTOMERS.with_columns(cost=-pl.col("cost"), retained=pl.lit(7))
    message = "customers: 6 rows with values below zero in 'cost' .*; 6 rows .* in 'retained'"
    with pytest.raises(cv.DataError, match=message):
        scorecard(bad)
    with pytest.raises(cv.SchemaError, match="spend: 'channel' is Int32, but String in customers"):
        cv.channels.channel_economics(CUSTOMERS, SPEND.with_columns(channel=1))
    with pytest.raises(cv.SchemaError, match="'clv' is String"):
        cv.channels.channel_economics(CUSTOMERS.with_columns(clv=pl.lit("x")))
    with pytest.raises(cv.CustomerValueError, match="channel has a name of the result"):
        cv.channels.channel_economics(
            CUSTOMERS.rename({"channel": "retention"}), channel="retention"
        )


def test_a_shift_of_contacts() -> None:
    shift = cv.channels.channel_shift(
        contacts=1000,
        cost_from=6,
        cost_to=0.5,
        customers=400,
        retention_loss=0.05,
        customer_value=300,
    )
    assert (shift.saving, shift.value_lost, shift.net) == (5500.0, 6000.0, -500.0)
    assert shift.breakeven_retention_loss == pytest.approx(5500 / 120_000)
    even = cv.channels.channel_shift(
        contacts=1000,
        cost_from=6,
        cost_to=0.5,
        customers=400,
        retention_loss=shift.breakeven_retention_loss or 0,
        customer_value=300,
    )
    assert even.net == pytest.approx(0, abs=1e-9)
    assert (
        cv.channels.channel_shift(contacts=1, cost_from=2, cost_to=3).breakeven_retention_loss
        is None
    )
    with pytest.raises(cv.OptionError, match="retention_loss"):
        cv.channels.channel_shift(contacts=1, cost_from=2, cost_to=3, retention_loss=5)
