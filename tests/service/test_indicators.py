from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv

OPENED = datetime(2024, 3, 1, 9)  # noqa: DTZ001 - without a zone, as in many exports
AS_OF = date(2024, 3, 31)


def tickets(resolved: list[float | None], **columns: Any) -> pl.DataFrame:
    def later(hours: float | None) -> datetime | None:
        return None if hours is None else OPENED + timedelta(hours=hours)

    n = len(resolved)
    data = {
        "opened_at": [OPENED] * n,
        "first_response_at": [OPENED + timedelta(hours=1)] * n,
        "resolved_at": [later(hours) for hours in resolved],
    }
    return pl.DataFrame(data | columns, schema_overrides={"resolved_at": pl.Datetime("us")})


def test_closed_tickets_have_plain_quantiles() -> None:
    row = cv.service.service_indicators(tickets([1, 2, 3, 4, 10.5]), as_of=AS_OF).row(0, named=True)
    assert (row["resolution_median_hours"], row["resolution_p90_hours"]) == (3.0, 10.5)
    assert (row["tickets"], row["open"], row["within_sla"]) == (5, 0, None)


def test_open_tickets_are_not_left_out() -> None:
    row = cv.service.service_indicators(tickets([1, 2, None, None, None]), as_of=AS_OF).row(
        0, named=True
    )
    assert (row["resolution_median_hours"], row["open"]) == (None, 3)
    rng = np.random.default_rng(2)
    hours = rng.exponential(100, 4000)
    ends = pl.Series([OPENED + timedelta(hours=float(h)) for h in hours], dtype=pl.Datetime("us"))
    frame = tickets([1.0] * 4000).with_columns(resolved_at=ends)
    early = cv.service.service_indicators(frame, as_of=date(2024, 3, 5))
    assert early["resolution_median_hours"].item() == pytest.approx(100 * np.log(2), rel=0.06)


def test_what_happens_later_has_not_happened_yet() -> None:
    frame = tickets([1, 24 * 10])
    row = cv.service.service_indicators(frame, as_of=date(2024, 3, 5)).row(0, named=True)
    assert row["open"] == 1
    assert cv.service.service_indicators(frame, as_of=date(2024, 2, 28))["tickets"].item() == 0


def test_answers_in_time_reopenings_and_tickets_per_order() -> None:
    frame = tickets([5, 6, None, 8], reopened=[True, False, None, None])
    answers = [OPENED + timedelta(hours=h) for h in (1, 4, 9, 2)]
    frame = frame.with_columns(first_response_at=pl.Series(answers, dtype=pl.Datetime("us")))
    table = cv.service.service_indicators(frame, as_of=AS_OF, sla_hours=4, orders=200)
    assert table["within_sla"].item() == pytest.approx(0.75)
    assert table["reopen_rate"].item() == pytest.approx(0.5)
    assert table["tickets_per_100_orders"].item() == 2.0


def test_groups() -> None:
    frame = tickets([1, 5, 3], tier=["b", "a", "b"])
    table = cv.service.service_indicators(frame, as_of=AS_OF, by=["tier"])
    assert table.select("tier", "tickets", "resolution_median_hours").rows() == [
        ("a", 1, 5.0),
        ("b", 2, 1.0),
    ]
    assert cv.service.service_indicators(frame.clear(), as_of=AS_OF, by=["tier"]).height == 0
    assert cv.service.service_indicators(frame.clear(), as_of=AS_OF)["tickets"].to_list() == [0]


def test_bad_tickets_are_refused_in_one_error() -> None:
    bad = tickets([-1, 2]).with_columns(opened_at=pl.Series([OPENED, None]))
    with pytest.raises(cv.DataError, match="no opened_at; 1 row with resolved_at before opened_at"):
        cv.service.service_indicators(bad, as_of=AS_OF)
    mixed = tickets([1]).with_columns(pl.col("resolved_at").dt.replace_time_zone("UTC"))
    with pytest.raises(cv.SchemaError, match="times of different types"):
        cv.service.service_indicators(mixed, as_of=AS_OF, tz="UTC")
    with pytest.raises(cv.OptionError, match="sla_hours"):
        cv.service.service_indicators(tickets([1]), as_of=AS_OF, sla_hours=0)


def test_times_with_a_zone() -> None:
    zoned = tickets([1, None]).with_columns(
        pl.col("opened_at", "first_response_at", "resolved_at").dt.replace_time_zone("UTC")
    )
    assert cv.service.service_indicators(zoned, as_of=AS_OF, tz="UTC")["open"].item() == 1


def test_columns_without_any_value_have_no_type() -> None:
    frame = pl.DataFrame(
        {"opened_at": [OPENED], "first_response_at": [None], "resolved_at": [None]}
    )
    assert cv.service.service_indicators(frame, as_of=AS_OF)["open"].item() == 1


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "America/Havana"])
def test_days_end_at_midnight_where_the_times_are(zone: str) -> None:
    # In Havana the next day begins at one o'clock.
    last = datetime.fromisoformat("2024-03-09T23:30")
    opened = [last, last + timedelta(hours=2)]
    naive = pl.DataFrame(
        {
            "opened_at": opened,
            "first_response_at": [None, None],
            "resolved_at": [None, None],
        },
        schema=dict.fromkeys(["opened_at", "first_response_at", "resolved_at"], pl.Datetime),
    )
    there = naive.with_columns(pl.all().dt.replace_time_zone(zone))
    for tickets in (naive, there):
        assert (
            cv.service.service_indicators(tickets, as_of=date(2024, 3, 9), tz=zone)[
                "tickets"
            ].item()
            == 1
        )


def test_no_share_in_time_beyond_what_was_seen() -> None:
    opened = datetime.fromisoformat("2024-03-01T20:00")
    times = {"opened_at": [opened] * 2, "first_response_at": [None, opened], "resolved_at": None}
    schema = dict.fromkeys(["opened_at", "first_response_at", "resolved_at"], pl.Datetime)
    tickets = pl.DataFrame(times, schema=schema)

    def in_time(frame: pl.DataFrame, hours: float) -> Any:
        table = cv.service.service_indicators(frame, as_of=date(2024, 3, 1), sla_hours=hours)
        return table["within_sla"].item()

    assert in_time(tickets, 48) is None
    assert in_time(tickets, 4) == 0.5
    assert in_time(tickets.tail(1), 48) == 1.0
