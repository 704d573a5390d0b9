from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden

NUMBERS = golden("value_components")["existing"]
COLUMNS = {"cost": "cost", "baseline_cost": "baseline_cost", "influence": "influence"}
money = st.none() | st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


def test_the_worked_example() -> None:
    customers = pl.DataFrame(
        {name: [NUMBERS[name]] for name in ("profit", "cost", "baseline_cost", "influence")}
    )
    row = cv.equity.existing_value(customers, **COLUMNS).row(0, named=True)
    for name in ("profit_at_baseline", "cost_saving", "existing_value"):
        assert row[name] == NUMBERS[name]


@given(st.lists(st.tuples(money, money, money, money), max_size=8))
@settings(deadline=None, max_examples=40)
def test_the_baseline_splits_the_profit_and_adds_nothing(
    rows: list[tuple[float | None, ...]],
) -> None:
    schema = dict.fromkeys(("profit", "cost", "baseline_cost", "influence"), pl.Float64)
    customers = pl.DataFrame(rows, schema=schema, orient="row")
    result = cv.equity.existing_value(customers, **COLUMNS)
    assert result.select(*schema).equals(customers)
    plain = cv.equity.existing_value(customers, influence="influence")
    assert result["existing_value"].equals(plain["existing_value"])
    for row in result.iter_rows(named=True):
        split = (row["profit_at_baseline"], row["cost_saving"])
        if None in (row["cost"], row["baseline_cost"]):
            assert split == (None, None)
        elif row["profit"] is not None:
            assert sum(split) == pytest.approx(row["profit"], abs=1e-8)
        if None in (row["profit"], row["influence"]):
            assert row["existing_value"] is None
        else:
            assert row["existing_value"] == row["profit"] + row["influence"]
    assert cv.equity.existing_value(customers.lazy(), **COLUMNS).collect().equals(result)


def test_profit_alone() -> None:
    result = cv.equity.existing_value(pl.DataFrame({"cm3": [3, None]}), profit="cm3")
    assert result.columns == ["cm3", "existing_value"]
    assert result["existing_value"].to_list() == [3.0, None]


def test_one_cost_without_the_other_is_refused() -> None:
    with pytest.raises(cv.CustomerValueError, match="cost and baseline_cost belong together"):
        cv.equity.existing_value(pl.DataFrame({"profit": [1.0]}), cost="profit")


def test_values_that_are_no_money_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite values in 'profit'"):
        cv.equity.existing_value(pl.DataFrame({"profit": [float("nan")]}))
