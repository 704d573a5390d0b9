from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv

AS_OF = date(2024, 3, 31)
WEIGHTS = {"visit": 1.0, "review": 5.0, "call": 0.0}
rows = st.lists(
    st.tuples(st.integers(1, 3), st.integers(-5, 100), st.sampled_from(list(WEIGHTS))), max_size=15
)


def events(data: list[tuple[int, int, str]]) -> pl.DataFrame:
    schema = {"customer_id": pl.Int64, "occurred_at": pl.Date, "event": pl.String}
    dated = [(c, AS_OF - timedelta(days=age), kind) for c, age, kind in data]
    return pl.DataFrame(dated, schema=schema, orient="row")


@given(data=rows)
@settings(max_examples=50, deadline=None)
def test_against_the_sum_by_hand(data: list[tuple[int, int, str]]) -> None:
    got = cv.loyalty.engagement_score(events(data), as_of=AS_OF, criteria=WEIGHTS, half_life="14d")
    past = [row for row in data if row[1] >= 0]
    assert got["customer_id"].to_list() == sorted({c for c, _, _ in past})
    for customer, score, n, last in got.iter_rows():
        own = [(age, kind) for c, age, kind in past if c == customer]
        assert score == pytest.approx(sum(WEIGHTS[k] * 2 ** (-a / 14) for a, k in own), abs=1e-10)
        assert (n, last) == (len(own), AS_OF - timedelta(days=min(a for a, _ in own)))
    back = cv.loyalty.engagement_score(
        events(data).reverse().lazy(), as_of=AS_OF, criteria=WEIGHTS, half_life="14d"
    )
    assert_frame_equal(back, got, check_exact=True)


def test_a_half_life_halves() -> None:
    scores = cv.loyalty.engagement_score(
        events([(1, 0, "visit"), (2, 30, "visit"), (3, 60, "visit")]), as_of=AS_OF, criteria=WEIGHTS
    )
    assert scores["engagement"].to_list() == [1.0, 0.5, 0.25]


def test_an_event_without_a_weight_is_refused() -> None:
    with pytest.raises(cv.DataError, match=r"2 rows with an event without a weight \(e.g. visit\)"):
        cv.loyalty.engagement_score(
            events([(1, 0, "visit"), (1, 1, "visit")]), as_of=AS_OF, criteria={"review": 1}
        )
    with pytest.raises(cv.OptionError, match="criteria"):
        cv.loyalty.engagement_score(events([]), as_of=AS_OF, criteria={"visit": -1})
    with pytest.raises(cv.CustomerValueError, match="duration"):
        cv.loyalty.engagement_score(events([]), as_of=AS_OF, criteria=WEIGHTS, half_life="0d")
