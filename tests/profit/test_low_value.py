from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv

RULES = cv.profit.LowValueOptions(method="absolute", purchases=2, revenue=50)
BASE: dict[str, Any] = {"purchases": 1, "revenue": 20.0, "n_categories": 1, "T": 400.0}
REASONS: dict[str, dict[str, Any]] = {
    "too_new": {"T": 179.0},
    "buys_often": {"purchases": 3},
    "spends_enough": {"revenue": 50.01},
    "several_categories": {"n_categories": 2},
}


def shop(*changes: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([BASE | change for change in changes], infer_schema_length=None)


def test_all_must_hold_and_the_first_reason_is_named() -> None:
    result = cv.profit.flag_low_value(shop({}, *REASONS.values()), options=RULES)
    assert result["low_value"].to_list() == [True, False, False, False, False]
    assert result["spared_by"].to_list() == [None, *REASONS]
    at_the_limits = {"T": 180.0, "purchases": 2, "revenue": 50.0}
    assert cv.profit.flag_low_value(shop(at_the_limits), options=RULES)["low_value"].item()


@pytest.mark.parametrize("name", [*BASE])
def test_what_is_unknown_decides_only_where_it_could(name: str) -> None:
    schema = dict.fromkeys(BASE, pl.Float64)
    unknown = pl.DataFrame([BASE | {name: None}], schema=schema)
    assert cv.profit.flag_low_value(unknown, options=RULES).row(0)[-2:] == (None, "unknown")
    spared = "several_categories" if name != "n_categories" else "spends_enough"
    decided = pl.DataFrame([BASE | REASONS[spared] | {name: None}], schema=schema)
    assert cv.profit.flag_low_value(decided, options=RULES).row(0)[-2:] == (False, spared)


def test_potential_and_influence_spare() -> None:
    customers = shop(*[{}] * 10).with_columns(
        potential_value=pl.int_range(10).cast(pl.Float64),
        influence_value=pl.when(pl.int_range(10) == 0).then(3.0).otherwise(0.0),
    )
    result = cv.profit.flag_low_value(
        customers, options=RULES, potential="potential_value", influence="influence_value"
    )
    spared = ["high_influence", *[None] * 7, "high_potential", "high_potential"]
    assert result["spared_by"].to_list() == spared
    gap = customers.with_columns(potential_value=pl.lit(None, pl.Float64))
    blind = cv.profit.flag_low_value(gap, options=RULES, potential="potential_value")
    assert blind["low_value"].to_list() == [None] * 10


def test_only_what_stops_is_saved() -> None:
    customers = shop({}, {}, {"purchases": 9}).with_columns(
        stops=pl.Series([15.0, 2.0, 9.0]), margin=pl.Series([6.0, 6.0, 6.0])
    )
    result = cv.profit.flag_low_value(
        customers, options=RULES, avoidable_cost="stops", margin="margin"
    )
    assert result["net_saving"].to_list() == [9.0, -4.0, None]
    assert "net_saving" not in cv.profit.flag_low_value(customers).columns


row = st.fixed_dictionaries(
    {
        "purchases": st.integers(1, 6),
        "revenue": st.integers(0, 9).map(float),
        "n_categories": st.integers(1, 2),
        "T": st.sampled_from([10.0, 200.0, 900.0]),
    }
)


@given(st.lists(row, min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_equals_are_equal_the_young_move_nothing_and_better_is_never_flagged(
    rows: list[dict[str, Any]],
) -> None:
    customers = pl.DataFrame(rows)
    flags = cv.profit.flag_low_value(customers)["low_value"].to_list()
    by_row = {tuple(r.values()): flag for r, flag in zip(rows, flags, strict=True)}
    assert [by_row[tuple(r.values())] for r in rows] == flags
    old = customers.filter(pl.col("T") >= 180)
    kept = [flag for flag, r in zip(flags, rows, strict=True) if r["T"] >= 180]
    assert cv.profit.flag_low_value(old)["low_value"].to_list() == kept
    assert not any(flag for flag, r in zip(flags, rows, strict=True) if r["T"] < 180)
    for mine, flag in zip(rows, flags, strict=True):
        for other, theirs in zip(rows, flags, strict=True):
            if flag is False and all(other[k] >= mine[k] for k in mine) and mine["T"] >= 180:
                assert theirs is False
    assert cv.profit.flag_low_value(customers.lazy()).collect()["low_value"].to_list() == flags


def test_bad_rules_and_frames_are_refused() -> None:
    with pytest.raises(
        ValidationError, match="cuts must be shares between 0 and 1, got revenue 50"
    ):
        cv.profit.LowValueOptions(revenue=50)
    with pytest.raises(ValidationError, match="min_tenure"):
        cv.profit.LowValueOptions(min_tenure="half a year")
    with pytest.raises(cv.CustomerValueError, match="belong together: give both or neither"):
        cv.profit.flag_low_value(shop({}), avoidable_cost="revenue")
    with pytest.raises(cv.CustomerValueError, match="belong together: give both or neither"):
        cv.profit.flag_low_value(shop({}), margin="revenue")
    with pytest.raises(cv.SchemaError, match="missing column 'n_categories'"):
        cv.profit.flag_low_value(shop({}).drop("n_categories"))
    with pytest.raises(cv.DataError, match="below zero in 'purchases'"):
        cv.profit.flag_low_value(shop({"purchases": -1}))
    assert cv.profit.flag_low_value(shop({}).clear()).is_empty()


def test_a_fitted_model_answers_alike_in_any_batch() -> None:
    customers = pl.DataFrame(
        {
            "purchases": [1, 2, 3, 9, 1, None],
            "revenue": [10.0, 20.0, 90.0, 900.0, 5.0, 7.0],
            "T": [400.0, 500.0, 300.0, 400.0, 20.0, None],
            "n_categories": [1, 1, 1, 4, 1, 1],
            "potential_value": [900.0, 1.0, 2.0, 3.0, 4.0, None],
            "influence_value": [0.0, 0.0, 5.0, 0.0, None, 0.0],
        }
    )
    named = {"potential": "potential_value", "influence": "influence_value"}
    model = cv.profit.fit_low_value(customers, **named)  # type: ignore[arg-type]
    whole = cv.profit.flag_low_value(customers, model, **named)  # type: ignore[call-overload]
    assert whole.equals(cv.profit.flag_low_value(customers, **named))  # type: ignore[call-overload]
    for size in (1, 3):
        parts = [
            cv.profit.flag_low_value(customers[k : k + size], model, **named)  # type: ignore[call-overload]
            for k in range(0, customers.height, size)
        ]
        assert pl.concat(parts).equals(whole)


def test_a_model_without_the_cuts_that_are_asked_for_is_refused() -> None:
    customers = pl.DataFrame(
        {"purchases": [1], "revenue": [10.0], "T": [400.0], "n_categories": [1], "worth": [5.0]}
    )
    model = cv.profit.fit_low_value(customers)
    with pytest.raises(cv.OptionError, match=r"model: potential \('worth'\) is not learnt; fit it"):
        cv.profit.flag_low_value(customers, model, potential="worth")
    other = cv.profit.fit_low_value(customers, potential="revenue")
    assert other.cuts["revenue"].column == "revenue"  # the cut of a potential has a name of its own
    with pytest.raises(cv.OptionError, match="potential is learnt from 'revenue', not 'worth'"):
        cv.profit.flag_low_value(customers, other, potential="worth")
    limits = cv.profit.LowValueOptions(method="absolute", purchases=2, revenue=50)
    absolute = cv.profit.fit_low_value(customers, options=limits)
    assert cv.profit.flag_low_value(customers, absolute, options=limits)["low_value"].item()
    with pytest.raises(cv.OptionError, match=r"purchases \('purchases'\) is not learnt"):
        cv.profit.flag_low_value(customers, absolute)
