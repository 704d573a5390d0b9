from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value.profit._periods import overlapping

FIRST = date(2024, 1, 1)
NAMES = ["customer_id", "line", "period_start", "period_end"]
span = st.tuples(st.integers(0, 12), st.integers(0, 4)).map(
    lambda pair: (FIRST + timedelta(pair[0]), FIRST + timedelta(sum(pair)))
)
row = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y"]), span)


@given(rows=st.lists(row, max_size=8))
@settings(deadline=None, max_examples=60)
def test_it_finds_what_pairs_share_days(
    rows: list[tuple[str | None, str, tuple[date, date]]],
) -> None:
    table = pl.DataFrame(
        [(who, line, *days) for who, line, days in rows],
        schema=dict(zip(NAMES, [pl.String, pl.String, pl.Date, pl.Date], strict=True)),
        orient="row",
    )
    broken = [
        any(
            (who, line) == (other, same) and days != theirs
            and days[0] <= theirs[1] and theirs[0] <= days[1]
            for other, same, theirs in rows
        )
        for who, line, days in rows
    ]  # fmt: skip
    for frame in (table, table.reverse()):
        found = overlapping(frame.lazy(), of=("customer_id", "line"))
        assert [offence.rows for offence in found] == [sum(broken)] * any(broken)


def test_rows_without_a_day_overlap_nothing() -> None:
    table = pl.DataFrame(
        {"period_start": [FIRST, None, FIRST], "period_end": [FIRST, FIRST, None]},
        schema_overrides={"period_start": pl.Date, "period_end": pl.Date},
    )
    assert overlapping(table.lazy()) == []
