from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import customer_value as cv

CHANNELS = pl.DataFrame(
    {
        "month": [1, 1, 1, 2, 2, 2, 3, 3, 3],
        "channel": ["search", "fairs", "organic"] * 3,
        "spend": [1000.0, 500.0, 0.0, 1500.0, 500.0, 0.0, 1500.0, 100.0, 0.0],
        "salaries": [100.0, 0.0, 50.0] * 3,
        "new_customers": [50, 0, 50, 60, 10, 30, 60, 20, 20],
    }
)


def test_blended_paid_and_marginal() -> None:
    table = cv.profit.acquisition_cost(CHANNELS, period="month")
    assert table.columns == ["month", "spend", "new_customers", "cac", "paid_cac", "marginal_cac"]
    assert table["spend"].to_list() == [1500.0, 2000.0, 1600.0]
    assert table["cac"].to_list() == [15.0, 20.0, 16.0]
    assert table["paid_cac"].to_list() == [1500 / 50, 2000 / 70, 1600 / 80]
    assert table["marginal_cac"].to_list() == [None, None, None]  # as many customers in each


def test_by_channel() -> None:
    table = cv.profit.acquisition_cost(CHANNELS, by="channel", period="month")
    by = {key[0]: part for key, part in table.group_by("channel", maintain_order=True)}
    assert by["search"]["cac"].to_list() == [20.0, 25.0, 25.0]
    assert by["search"]["marginal_cac"].to_list() == [None, 50.0, None]
    assert by["fairs"]["cac"].to_list() == [None, 50.0, 5.0]
    assert by["fairs"]["spend"].to_list() == [500.0, 500.0, 100.0]
    assert by["fairs"]["marginal_cac"].to_list() == [None, 0.0, -40.0]
    assert by["organic"]["cac"].to_list() == [0.0, 0.0, 0.0]
    assert by["organic"]["paid_cac"].to_list() == [None, None, None]


def test_fully_loaded_and_named_as_paid() -> None:
    loaded = cv.profit.acquisition_cost(CHANNELS, spend=["spend", "salaries"])
    assert loaded.row(0) == (5550.0, 300.0, 18.5, 18.5)
    named = CHANNELS.with_columns(paid=pl.col("channel") == "search")
    assert cv.profit.acquisition_cost(named, paid="paid")["paid_cac"].item() == 4000 / 170


def test_rows_in_any_order_and_lazily() -> None:
    table = cv.profit.acquisition_cost(CHANNELS, by="channel", period="month")
    shuffled = CHANNELS.sample(fraction=1, shuffle=True, seed=4)
    assert cv.profit.acquisition_cost(shuffled.lazy(), by=["channel"], period="month").equals(table)
    assert cv.profit.acquisition_cost(CHANNELS.clear()).row(0) == (0.0, 0.0, None, None)
    assert cv.profit.acquisition_cost(CHANNELS.clear(), by="channel").is_empty()


def test_the_cost_of_winning_is_taken_off_once() -> None:
    customers = pl.DataFrame({"clv": [600.5, 280.0, None, -3.0, 7.0], "cac": [20, 300, 5, 0, None]})
    net = cv.profit.net_lifetime_value(customers)
    assert net["clv_gross"].to_list() == [600.5, 280.0, None, -3.0, 7.0]
    assert net["clv_net"].to_list() == [580.5, -20.0, None, -3.0, None]
    lazy = cv.profit.net_lifetime_value(customers.lazy().rename({"clv": "clv"}), value="clv")
    assert lazy.collect().rename({"clv": "clv"}).equals(net)


def test_a_negative_or_endless_cost_is_refused() -> None:
    for bad in (-1.0, float("inf"), 1e23):
        customers = pl.DataFrame({"clv": [1.0], "cac": [bad]})
        with pytest.raises(cv.DataError, match="prospects: 1 row with"):
            cv.profit.net_lifetime_value(customers)


def test_bad_tables_are_refused() -> None:
    bad = CHANNELS.with_columns(
        spend=pl.when(pl.int_range(9) > 0).then("spend"), new_customers=-pl.col("new_customers")
    )
    message = "channels: 1 row with no 'spend'; 8 rows with values below zero in 'new_customers'"
    with pytest.raises(cv.DataError, match=message):
        cv.profit.acquisition_cost(bad)
    options: list[dict[str, Any]] = [{"by": "cac"}, {"spend": []}, {"by": ["month", "month"]}]
    for option in options:
        with pytest.raises(cv.CustomerValueError, match="need different columns"):
            cv.profit.acquisition_cost(CHANNELS.with_columns(cac=1), **option)
    with pytest.raises(cv.SchemaError, match="'month' is Int64, must be Boolean"):
        cv.profit.acquisition_cost(CHANNELS, paid="month")
