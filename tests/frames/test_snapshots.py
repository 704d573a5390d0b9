from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv
from customer_value._frames.snapshots import pair_snapshots

BEFORE = pl.DataFrame({"customer_id": [2, 1], "tier": ["a", None], "clv": [1, 2]})
AFTER = pl.DataFrame({"customer_id": [2, 3], "tier": ["b", "c"], "clv": [None, 4.0]})


def test_every_customer_of_either_snapshot_is_there_once() -> None:
    pairs = pair_snapshots(BEFORE, AFTER.lazy(), states=["tier"], values=["clv"])
    assert sorted(pairs.rows(), key=lambda row: int(row[0])) == [
        (1, True, None, 2.0, False, None, None),
        (2, True, "a", 1.0, True, "b", None),
        (3, False, None, None, True, "c", 4.0),
    ]
    assert pairs.schema["clv_before"] == pl.Float64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e16])
def test_values_whose_sums_would_not_be_exact_are_refused(value: float) -> None:
    with pytest.raises(cv.DataError, match="after: 1 row with clv NaN, infinite or beyond 1e"):
        pair_snapshots(BEFORE, AFTER.with_columns(clv=pl.Series([value, 1.0])), values=["clv"])


def test_every_offence_of_a_snapshot_is_named() -> None:
    rows = BEFORE.with_columns(customer_id=pl.Series([None, None], dtype=pl.Int64))
    with pytest.raises(cv.DataError, match="before: 2 rows with no customer_id"):
        pair_snapshots(rows, AFTER)
    with pytest.raises(cv.DataError, match=r"before: 4 rows with a customer more than once"):
        pair_snapshots(pl.concat([BEFORE, BEFORE]), AFTER)
    with pytest.raises(cv.SchemaError, match="missing column 'tier'"):
        pair_snapshots(BEFORE.drop("tier"), AFTER, states=["tier"])
