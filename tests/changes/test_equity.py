from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from oracles import value_components as oracle

SCHEMA = {"customer_id": pl.Int64, "tier": pl.String, "clv": pl.Int64}
LINES = ["new", "revaluation", "migrated_in", "migrated_out", "coverage", "lost"]
snapshots = st.dictionaries(
    st.integers(1, 8),
    st.tuples(st.sampled_from(["high", "low", None]), st.none() | st.integers(-50, 900)),
    max_size=8,
)


def frame(snapshot: dict[int, Any]) -> pl.DataFrame:
    return pl.DataFrame([(who, *row) for who, row in snapshot.items()], schema=SCHEMA, orient="row")


@given(snapshots, snapshots)
@settings(deadline=None, max_examples=120)
def test_it_equals_the_oracle_and_closes(old: dict[int, Any], new: dict[int, Any]) -> None:
    before, after = frame(old), frame(new)
    bridge = cv.changes.equity_bridge(before, after, by="tier")
    expected = oracle.bridge(
        {row["customer_id"]: row for row in before.to_dicts()},
        {row["customer_id"]: row for row in after.to_dicts()},
    )
    assert set(bridge["tier"].to_list()) == set(expected)
    for row in bridge.iter_rows(named=True):
        want = expected[row.pop("tier")]
        assert row == {name: float(want[name]) for name in row}
        assert row["opening"] + sum(row[name] for name in LINES) == row["closing"]
    # All customers in one group: movers between tiers are revalued.
    whole = cv.changes.equity_bridge(before, after)
    if whole.height:
        total: dict[str, float] = bridge.drop("tier").sum().row(0, named=True)
        line = whole.row(0, named=True)
        moved = total.pop("migrated_in") + total.pop("migrated_out")
        total["revaluation"] += moved
        assert {name: line[name] for name in total} == total
        assert (line["migrated_in"], line["migrated_out"]) == (0.0, 0.0)
    mirrored = cv.changes.equity_bridge(after, before, by="tier").sort("tier")
    same = bridge.sort("tier")
    assert mirrored["new"].to_list() == (0 - same["lost"]).to_list()
    assert mirrored["revaluation"].to_list() == (0 - same["revaluation"]).to_list()


def test_it_closes_to_the_sixth_place() -> None:
    n = 3000
    ids = pl.int_range(n, eager=True)
    before = pl.DataFrame({"customer_id": ids, "tier": ids % 3, "clv": ids * 0.1 + 0.037})
    after = before.with_columns(tier=ids % 7 % 3, clv=ids * 0.3 - 11.01).slice(500)
    bridge = cv.changes.equity_bridge(
        before, after.sample(fraction=1, shuffle=True, seed=1), by="tier"
    )
    exact = bridge.select(pl.exclude("tier").cast(pl.Decimal(38, 6)))
    closes = exact.select(pl.sum_horizontal("opening", *LINES) == pl.col("closing"))
    assert closes.to_series().all()
    assert cv.changes.equity_bridge(before.lazy(), after.lazy(), by="tier").equals(bridge)


def test_nothing_at_all() -> None:
    empty = frame({})
    assert cv.changes.equity_bridge(empty, empty).columns == ["opening", *LINES[:], "closing"]
    assert cv.changes.equity_bridge(empty, frame({1: ("a", 5)})).row(0, named=True)["new"] == 5.0


def test_bad_input() -> None:
    good = frame({1: ("a", 5)})
    twice = pl.concat([good, good])
    with pytest.raises(cv.DataError, match=r"after: customers more than once: 1 \(e.g. 1\)"):
        cv.changes.equity_bridge(good, twice)
    nobody = good.with_columns(customer_id=pl.lit(None, pl.Int64))
    with pytest.raises(cv.DataError, match="before: 1 row with no customer_id"):
        cv.changes.equity_bridge(nobody, good)
    with pytest.raises(cv.SchemaError, match="Int64 before and String after"):
        cv.changes.equity_bridge(good, good.cast({"customer_id": pl.String}))
    with pytest.raises(cv.SchemaError, match="before: missing column 'stage'"):
        cv.changes.equity_bridge(good, good, by="stage")
    with pytest.raises(cv.DataError, match="before: 1 row with NaN or infinite values in 'clv'"):
        cv.changes.equity_bridge(good.with_columns(clv=pl.lit(float("nan"))), good)
