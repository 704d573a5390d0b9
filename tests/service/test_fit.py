from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

import customer_value as cv
from golden import golden
from oracles import concentration

SPRING = golden("service")["spring_distribution"]
CUSTOMERS = pl.DataFrame(
    {"tier": SPRING["tier"], "service": SPRING["cost_to_serve"], "margin": SPRING["margin"]}
)


def test_spring_distribution() -> None:
    table = cv.service.service_fit(CUSTOMERS, value="margin", by="tier").sort("tier")
    assert table["cost_per_value"].round(3).to_list() == SPRING["cost_per_margin"]
    last = table.row(by_predicate=pl.col("tier") == "T", named=True)
    assert round(last["cost_share"], 3) == SPRING["cost_share_of_t"]
    assert round(last["value_share"], 3) == SPRING["margin_share_of_t"]
    assert last["fit"] == "over_served"
    assert cv.service.service_alignment(CUSTOMERS, value="margin") == pytest.approx(
        SPRING["spearman"]
    )


def test_tiers() -> None:
    customers = pl.DataFrame(
        {
            "tier": ["a", "a", "b", "b", "c", "d", None],
            "service": [10.0, 10.0, 30.0, 50.0, 5.0, 0.0, None],
            "cm3": [100.0, 20.0, 40.0, 10.0, -10.0, 0.0, 40.0],
        }
    )
    table = cv.service.service_fit(customers, by="tier")
    assert table["tier"].to_list() == ["b", "a", "c", "d", None]
    assert table["fit"].to_list() == ["over_served", "under_served", "over_served", None, None]
    assert table["unknown"].to_list() == [0, 0, 0, 0, 1]
    assert table["cost_share"].sum() == pytest.approx(1)
    assert table["value_share"].sum() == pytest.approx(1)
    assert table["intensity"][0] == pytest.approx((80 / 105) / (50 / 160))
    loose = cv.service.service_fit(customers.lazy(), tolerance=0.9, by="tier")
    assert loose["fit"].to_list()[:2] == ["over_served", "balanced"]
    shuffled = customers.sample(fraction=1, shuffle=True, seed=2)
    assert cv.service.service_fit(shuffled, by="tier").equals(table)


def test_nothing_brings_anything() -> None:
    customers = pl.DataFrame({"tier": ["a", "b"], "service": [1.0, 0.0], "cm3": [0.0, -1]})
    table = cv.service.service_fit(customers, by="tier")
    assert table["value_share"].to_list() == [None, None]
    assert table["fit"].to_list() == ["over_served", None]
    assert cv.service.service_fit(customers.clear(), by="tier").is_empty()
    one = cv.service.service_fit(customers.head(1).with_columns(cm3=0.3), by="tier")
    assert one.row(0, named=True)["intensity"] == 1.0


def test_bad_input_is_refused() -> None:
    with pytest.raises(cv.DataError, match="below zero in 'service'"):
        cv.service.service_fit(CUSTOMERS.with_columns(service=-1), value="margin", by="tier")
    with pytest.raises(cv.CustomerValueError, match="rename them: fit"):
        cv.service.service_fit(CUSTOMERS.with_columns(fit=1), by="fit", value="margin")
    with pytest.raises(cv.OptionError, match="tolerance"):
        cv.service.service_fit(CUSTOMERS, value="margin", tolerance=25, by="tier")
    with pytest.raises(cv.DataError, match="NaN or infinite values in 'margin'"):
        cv.service.service_alignment(
            CUSTOMERS.with_columns(margin=pl.lit(float("nan"))), value="margin"
        )


numbers = st.integers(0, 6).map(float)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=20))
@settings(deadline=None, max_examples=60)
def test_alignment_is_spearman(rows: list[Any]) -> None:
    frame = pl.DataFrame(rows, schema=["service", "cm3"], orient="row")
    got = cv.service.service_alignment(frame)
    if any(frame[name].n_unique() == 1 for name in frame.columns):
        assert got is None
        return
    assert got == pytest.approx(spearmanr(frame["service"], frame["cm3"]).statistic)
    assert got is not None
    assert -1 <= got <= 1
    assert cv.service.service_alignment(frame.reverse()) == got
    more = pl.concat([frame, frame.with_columns(cm3=pl.lit(None, pl.Float64))])
    assert cv.service.service_alignment(more) == got
    assert cv.service.service_alignment(frame.with_columns(pl.col("cm3") ** 3 + 1)) == got
    assert cv.service.service_alignment(frame, value="service") == pytest.approx(1)


def test_too_few_to_align() -> None:
    assert cv.service.service_alignment(CUSTOMERS.head(1), value="margin") is None
    rng = np.random.default_rng(3)
    many = pl.DataFrame({"service": rng.random(20_000), "cm3": rng.random(20_000)})
    assert abs(cv.service.service_alignment(many) or 1) < 0.05


# --- uniformity ---


def test_service_is_spread_less_evenly_than_it_looks() -> None:
    found = cv.service.uniformity_index(CUSTOMERS, cost="service")
    gini = concentration.gini(SPRING["cost_to_serve"])
    assert gini is not None
    assert found == pytest.approx(float(1 - gini), rel=1e-14)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e22])
def test_uniformity_does_not_depend_on_the_unit(scale: float) -> None:
    """G = (-3 x 1 - 1 x 2 + 1 x 3 + 3 x 6) / (4 x 12) = 1 / 3."""
    costs = pl.DataFrame({"service": np.array([1.0, 2.0, 3.0, 6.0]) * scale})
    assert cv.service.uniformity_index(costs) == pytest.approx(2 / 3, rel=1e-14)


def test_uniformity_of_unknown_zero_and_negative_costs() -> None:
    assert cv.service.uniformity_index(pl.DataFrame({"service": [2.0, None, 2.0]})) == 1.0
    for nothing in ([], [0.0, 0.0], [None]):
        table = pl.DataFrame({"service": nothing}, schema={"service": pl.Float64})
        assert cv.service.uniformity_index(table) is None
    assert cv.service.uniformity_index(pl.LazyFrame({"service": [None]})) is None


def test_costs_that_cannot_be_spread_are_refused() -> None:
    for bad, says in ((-1.0, "below zero"), (float("nan"), "NaN or infinite"), (1e23, "too large")):
        with pytest.raises(cv.DataError, match=f"accounts: 1 row with .*{says}.* in 'service'"):
            cv.service.uniformity_index(pl.DataFrame({"service": [2.0, bad]}))
    with pytest.raises(cv.SchemaError, match="missing column 'service'"):
        cv.service.uniformity_index(CUSTOMERS.drop("service"))


def test_the_defaults_are_those_of_the_account() -> None:
    log = pl.DataFrame(
        {"customer_id": ["a", "b"], "ordered_at": [date(2024, 1, 5)] * 2, "amount": [100.0, 50.0]}
    )
    costs = pl.DataFrame(
        {"customer_id": ["a", "b"], "line": ["support"] * 2, "amount": [10.0, 20.0]}
    )
    stack = cv.CostStack(service=("support",))
    account = cv.customer_pnl(log, as_of=date(2024, 6, 30), costs=costs, stack=stack, margin=0.5)
    fit = cv.service.service_fit(account, by="customer_id")
    assert fit.select("customer_id", "cost", "value").rows() == [
        ("b", 20.0, 25.0),
        ("a", 10.0, 50.0),
    ]
    assert cv.service.service_alignment(account) == -1.0
