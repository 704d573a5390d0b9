from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value._typing import Frame
from customer_value.changes.migration import ABSENT, UNKNOWN

ORDER = ["low", "mid", "high"]
cents = st.integers(-10_000, 10_000).map(lambda n: n / 100)
members = st.dictionaries(
    st.integers(0, 9), st.tuples(st.sampled_from([*ORDER, None]), cents), max_size=8
)


def snapshot(rows: dict[int, tuple[str | None, float]]) -> pl.DataFrame:
    columns: dict[str, Sequence[Any]] = {
        "customer_id": list(rows),
        "tier": [state for state, _ in rows.values()],
        "revenue": [value for _, value in rows.values()],
    }
    schema = {"customer_id": pl.Int64, "tier": pl.String, "revenue": pl.Float64}
    return pl.DataFrame(columns, schema=schema)


def moves(before: Frame, after: Frame, **keywords: Any) -> pl.DataFrame:
    return cv.migration_matrix(before, after, column="tier", **keywords)


@given(before=members, after=members)
@settings(max_examples=50, deadline=None)
def test_margins_are_the_snapshots(
    before: dict[int, tuple[str | None, float]], after: dict[int, tuple[str | None, float]]
) -> None:
    matrix = moves(snapshot(before), snapshot(after), value="revenue", order=ORDER)
    for state, value, rows in (("tier", "before", before), ("next_tier", "after", after)):
        counts = Counter(s or UNKNOWN for s, _ in rows.values())
        sums = matrix.group_by(state).agg(pl.col("customers", f"value_{value}").sum())
        for name, customers, total in sums.iter_rows():
            if name != ABSENT:
                money = sum(v for s, v in rows.values() if (s or UNKNOWN) == name)
                assert customers == counts[name]
                assert total == pytest.approx(money, abs=1e-9)
    assert matrix["customers"].sum() == len(before.keys() | after.keys())
    assert matrix["value_change"].sum() == pytest.approx(
        sum(v for _, v in after.values()) - sum(v for _, v in before.values()), abs=1e-9
    )


@given(before=members, after=members, smoothing=st.sampled_from([0.0, 0.5, 2.0]))
@settings(max_examples=50, deadline=None)
def test_probabilities_of_a_state_add_up_to_one(
    before: dict[int, tuple[str | None, float]],
    after: dict[int, tuple[str | None, float]],
    smoothing: float,
) -> None:
    matrix = moves(snapshot(before), snapshot(after), smoothing=smoothing, order=ORDER)
    for own in matrix.partition_by("tier"):
        n, cells = sum(own["customers"]), own.height
        want = [
            None if n + smoothing == 0 else (c + smoothing) / (n + smoothing * cells)
            for c in own["customers"]
        ]
        assert own["probability"].to_list() == pytest.approx(want)
        shares = own["share"].drop_nulls()
        assert shares.sum() == pytest.approx(1.0 if n else 0.0)


@given(before=members, after=members)
@settings(max_examples=50, deadline=None)
def test_row_order_changes_nothing(
    before: dict[int, tuple[str | None, float]], after: dict[int, tuple[str | None, float]]
) -> None:
    one, two = snapshot(before), snapshot(after)
    matrix = moves(one, two, value="revenue")
    assert_frame_equal(moves(one.reverse(), two.lazy().reverse(), value="revenue"), matrix)


def test_up_down_in_and_out() -> None:
    before = snapshot({1: ("low", 1), 2: ("high", 1), 3: ("mid", 1), 4: ("mid", 1)})
    after = snapshot({1: ("high", 1), 2: ("low", 1), 3: ("mid", 1), 5: ("low", 1), 6: (None, 1)})
    matrix = moves(before, after, order=ORDER).filter(pl.col("customers") > 0)
    assert matrix.select("tier", "next_tier", "direction").rows() == [
        ("low", "high", "upgrade"),
        ("mid", "mid", "same"),
        ("mid", ABSENT, "exit"),
        ("high", "low", "downgrade"),
        (ABSENT, "low", "entry"),
        (ABSENT, UNKNOWN, "entry"),
    ]


def test_the_table_feeds_the_upgrade_probability_of_tiers() -> None:
    before = snapshot({1: ("low", 1), 2: ("low", 1), 3: ("medium", 1), 4: ("high", 1)})
    after = snapshot({1: ("low", 1), 2: ("medium", 1), 3: ("high", 1), 4: ("high", 1)})
    matrix = moves(before, after)
    customers = pl.DataFrame({"clv": [5.0, 50.0, 500.0]})
    options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0))
    tiers = cv.assign_tiers(customers, options=options, transitions=matrix)
    assert tiers["upgrade_probability"].to_list() == [0.5, 1.0, 0.0]


def test_a_state_that_nobody_was_in_has_no_known_moves() -> None:
    before, after = snapshot({1: ("low", 1)}), snapshot({1: ("mid", 1)})
    matrix = moves(before, after)
    assert matrix.filter(pl.col("tier") == "mid")["probability"].to_list() == [None] * 3
    options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0), names=("high", "mid", "low"))
    customers = pl.DataFrame({"clv": [5.0, 50.0]})
    tiers = cv.assign_tiers(customers, options=options, transitions=matrix)
    assert tiers["upgrade_probability"].to_list() == [1.0, None]


def test_states_beyond_the_order_have_no_direction() -> None:
    before = pl.DataFrame({"customer_id": [1, 2, 3], "tier": ["unrated", "low", "high"]})
    after = before.with_columns(tier=pl.Series(["low", "unrated", "low"]))
    table = cv.migration_matrix(before, after, column="tier", order=["low", "medium", "high"])
    assert table["tier"].unique(maintain_order=True).to_list() == [
        "low",
        "medium",
        "high",
        "unrated",
        "(absent)",
    ]
    moved = table.filter(pl.col("customers") > 0).select("tier", "next_tier", "direction")
    assert moved.rows() == [
        ("low", "unrated", None),
        ("high", "low", "downgrade"),
        ("unrated", "low", None),
    ]


def test_swapped_snapshots_are_refused() -> None:
    before = pl.DataFrame({"customer_id": [1], "tier": ["a"], "as_of": [date(2024, 3, 31)]})
    after = before.with_columns(as_of=date(2024, 6, 30))
    assert cv.migration_matrix(before, after, column="tier").height
    says = "before: as_of 2024-06-30 is later than 2024-03-31 of after; are they swapped?"
    with pytest.raises(cv.DataError, match=says):
        cv.migration_matrix(after, before, column="tier")
    unknown = after.with_columns(as_of=pl.lit(None, pl.Date))
    assert cv.migration_matrix(unknown, before, column="tier").height


def test_bad_snapshots_are_refused_in_one_error() -> None:
    good = snapshot({1: ("low", 1.0)})
    twice = pl.concat([good, good.with_columns(revenue=pl.lit(float("nan")))])
    message = "before: 2 rows with a customer more than once .*; 1 row with revenue NaN"
    with pytest.raises(cv.DataError, match=message):
        moves(twice, good, value="revenue")
    with pytest.raises(cv.SchemaError, match="'customer_id' is Int64 before, but String after"):
        moves(good, good.cast({"customer_id": pl.String}))
    with pytest.raises(cv.CustomerValueError, match="order names twice: low"):
        moves(good, good, order=["low", "low"])
    with pytest.raises(cv.OptionError, match="smoothing"):
        moves(good, good, smoothing=-1.0)
