from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value.lifecycle.known import known_rows, sort_rows
from customer_value.transactions.purchases import purchase_days
from customer_value.transactions.questions import by_parts
from strategies import LAST_DAY, Log, days, logs, small


def changes(log: pl.DataFrame) -> pl.DataFrame:
    source = cv.read_transactions(log)
    return by_parts(source, lambda part: known_rows(part, LAST_DAY, source.options)).collect()


@given(log=logs(max_size=40), as_of=days)
@settings(max_examples=60, deadline=None)
def test_what_is_known_by_a_day_adds_up_to_its_orders(log: Log, as_of: date) -> None:
    source = cv.read_transactions(log.frame)
    expected = by_parts(
        source, lambda part: purchase_days(part.filter(pl.col("ordered_at") <= as_of), source)
    ).filter(pl.col("orders") > 0)
    found = (
        changes(log.frame)
        .filter(pl.col("known") <= as_of)
        .group_by("customer_id", ordered_at="day")
        .agg(pl.col("orders").cast(pl.Int64).sum())
        .filter(pl.col("orders") != 0)
    )
    names = ["customer_id", "ordered_at", "orders"]
    assert_frame_equal(found.select(names), expected.select(names).collect(), check_row_order=False)


def test_an_order_comes_to_count_and_ceases_to() -> None:
    sold, refunded, sold_again = date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 9)
    log = small(
        ordered_at=[sold, refunded, sold_again], amount=[10.0, -10.0, 3.0], order_id=[1, 1, 1]
    )
    assert changes(log).select("known", "day", "orders").rows() == [
        (sold, sold, 1),
        (refunded, sold, -1),
        (sold_again, sold, 1),
    ]


keys = st.sampled_from([0, 1, 5, 126, -128, 2**40, -(2**62), 2**62, 2**63 - 1, -(2**63)])


@given(
    rows=st.lists(
        st.tuples(keys, st.sampled_from([0, 3, 20_000, 2_932_896, -719_162]), st.integers(0, 40)),
        max_size=12,
    ),
    dtype=st.sampled_from([pl.Int64, pl.Int8, pl.UInt16, pl.UInt64, pl.String]),
)
@settings(max_examples=60, deadline=None)
def test_packed_rows_sort_as_the_columns_do(
    rows: list[tuple[int, int, int]], dtype: type[pl.DataType]
) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": pl.Series([key for key, *_ in rows], dtype=pl.Int64),
            "known": pl.Series([day for _, day, _ in rows], dtype=pl.Int32).cast(pl.Date),
            "day": pl.Series([day - back for _, day, back in rows], dtype=pl.Int32).cast(pl.Date),
            "orders": pl.Series([back % 3 - 1 for *_, back in rows], dtype=pl.Int8),
        }
    )
    if dtype == pl.UInt64:  # above what an Int64 holds
        top = pl.lit(2**63, pl.UInt64)
        frame = frame.with_columns(pl.col("customer_id").clip(0).cast(pl.UInt64) + top)
    else:
        frame = frame.with_columns(pl.col("customer_id").cast(dtype, strict=False)).drop_nulls()
    names = ["customer_id", "known", "day", "orders"]
    found, expected = sort_rows(frame), frame.sort("customer_id", "known")
    assert found.schema == expected.schema
    assert found.select("customer_id", "known").equals(expected.select("customer_id", "known"))
    assert found.sort(names).equals(expected.sort(names))
