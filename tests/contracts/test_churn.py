from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value._frames.periods import Period
from oracles import lifecycle as oracle

SCHEMA = {"customer_id": pl.Int64, "contract_start": pl.Date, "contract_end": pl.Date}
FIRST = date(2023, 12, 25)
AS_OF = FIRST + timedelta(days=80)
Rows = list[dict[str, Any]]


@st.composite
def contracts(draw: st.DrawFn) -> Rows:
    def row(start: int, length: int | None, customer: int) -> dict[str, Any]:
        begin = FIRST + timedelta(days=start)
        end = None if length is None else begin + timedelta(days=length)
        return {"customer_id": customer, "contract_start": begin, "contract_end": end}

    spans = st.builds(row, st.integers(0, 90), st.none() | st.integers(0, 40), st.integers(1, 4))
    return draw(st.lists(spans, max_size=8))


@given(
    rows=contracts(),
    period=st.sampled_from(["week", "month"]),
    grace=st.sampled_from([0, 1, 7, 30]),
)
@settings(max_examples=80, deadline=None)
def test_against_days_counted_one_by_one(rows: Rows, period: Period, grace: int) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    table = cv.contracts.contract_churn(frame, as_of=AS_OF, period=period, grace_days=grace)
    current = [row for row in rows if row["contract_start"] <= AS_OF]
    days = oracle.contract_days(current, AS_OF, grace)
    for row in table.iter_rows(named=True):
        first = row["period"]
        last = oracle.first_day(oracle.period_of(first, period) + 1, period) - timedelta(days=1)
        there = [
            sum(day in own for own in days.values()) for day in (first - timedelta(days=1), last)
        ]
        if last <= AS_OF:
            assert [row["opening"], row["closing"]] == there
            assert row["complete"]
        came = [c for c, own in days.items() if first <= min(own) <= last]
        assert row["new"] == len(came)
    change = table["new"] + table["reactivated"] - table["lost"]
    assert (table["opening"] + change).equals(table["closing"])
    assert table["new"].sum() == len(days)


def test_retention_of_a_hundred() -> None:
    """(105 - 20) / 100 = 0.85."""
    january, february = date(2024, 1, 1), date(2024, 2, 10)
    rows = [(k, january, date(2024, 2, 15) if k < 15 else None) for k in range(100)]
    rows += [(100 + k, february, None) for k in range(20)]
    table = cv.contracts.contract_churn(
        pl.DataFrame(rows, schema=SCHEMA, orient="row"), as_of=date(2024, 2, 29)
    )
    row = table.row(1, named=True)
    assert (row["opening"], row["closing"], row["new"]) == (100, 105, 20)
    assert row["retention"] == pytest.approx(0.85)
    assert row["churn"] == pytest.approx(0.15)


def test_who_comes_and_goes_in_one_period_is_in_one_rate_only() -> None:
    rows = [
        (1, date(2024, 1, 1), None),
        (2, date(2024, 1, 1), date(2024, 2, 9)),
        (3, date(2024, 2, 1), date(2024, 2, 9)),
    ]
    table = cv.contracts.contract_churn(
        pl.DataFrame(rows, schema=SCHEMA, orient="row"), as_of=date(2024, 2, 29)
    )
    row = table.row(1, named=True)
    assert (row["lost"], row["lost_in_first_period"]) == (2, 1)
    assert (row["churn"], row["churn_with_new"]) == (0.5, 1.0)


def test_grace_that_still_runs_loses_nobody() -> None:
    rows = [(1, date(2024, 1, 1), date(2024, 1, 31))]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    lost = [
        cv.contracts.contract_churn(frame, as_of=day, grace_days=10)["lost"].sum()
        for day in (date(2024, 2, 10), date(2024, 2, 11))
    ]
    assert lost == [0, 1]


@given(rows=contracts())
@settings(max_examples=30, deadline=None)
def test_row_order_and_later_contracts_change_nothing(rows: Rows) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    table = cv.contracts.contract_churn(frame, as_of=AS_OF)
    late = frame.with_columns(
        contract_start=pl.lit(AS_OF + timedelta(days=1)), contract_end=pl.lit(None, pl.Date)
    )
    mixed = pl.concat([frame, late]).reverse().lazy()
    assert_frame_equal(cv.contracts.contract_churn(mixed, as_of=AS_OF), table)


def test_bad_contracts_are_refused_in_one_error() -> None:
    rows = [(None, FIRST, None), (1, None, None), (2, AS_OF, FIRST)]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    message = "no customer_id; 1 row with no contract_start .*; 1 row with contract_end before"
    with pytest.raises(cv.DataError, match=message):
        cv.contracts.contract_churn(frame, as_of=AS_OF)
    with pytest.raises(cv.OptionError, match="grace_days"):
        cv.contracts.contract_churn(frame, as_of=AS_OF, grace_days=-1)


def test_contracts_that_all_run_on() -> None:
    frame = pl.DataFrame({"customer_id": [1], "contract_start": [FIRST], "contract_end": [None]})
    assert cv.contracts.contract_churn(frame, as_of=AS_OF)["closing"].to_list() == [1, 1, 1, 1]
