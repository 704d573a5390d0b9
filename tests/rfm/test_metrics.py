from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value._common.stored import FittedOn

AS_OF = date(1998, 6, 30)


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=AS_OF)


def test_recency_of_a_date_is_recency_in_days(cdnow: pl.DataFrame) -> None:
    dates = cdnow.drop("recency_days", "as_of")
    scale = cv.fit_rfm(dates, as_of=AS_OF)
    assert scale == cv.fit_rfm(cdnow)
    assert cv.fit_rfm(dates.lazy(), as_of=AS_OF) == scale
    expected = cv.score_rfm(cdnow, scale)["rfm_cell"]
    assert cv.score_rfm(dates, scale, as_of=AS_OF)["rfm_cell"].equals(expected)
    lazy = cv.score_rfm(dates.lazy(), scale, as_of=AS_OF).collect()
    assert lazy["rfm_cell"].equals(expected)
    assert cv.rfm.rfm_out_of_range(dates, scale, as_of=AS_OF)["above"].to_list() == [0, 0, 0]


def test_as_of_counts_recency_anew(cdnow: pl.DataFrame) -> None:
    """A month later everybody is a month older, and so is the scale."""
    later = AS_OF + timedelta(days=30)
    moved = cv.fit_rfm(cdnow, as_of=later)
    assert (moved.fitted_on or FittedOn()).as_of == later
    assert moved.recency.edges == tuple(edge + 30 for edge in cv.fit_rfm(cdnow).recency.edges)
    again = cv.score_rfm(cdnow, moved, as_of=later)["r_score"]
    assert again.equals(cv.score_rfm(cdnow, cv.fit_rfm(cdnow))["r_score"])


def test_dates_need_as_of(cdnow: pl.DataFrame) -> None:
    dates = cdnow.drop("recency_days")
    for call in (cv.fit_rfm, lambda f: cv.score_rfm(f, cv.fit_rfm(cdnow))):
        with pytest.raises(cv.SchemaError, match="from 'last_purchase', give as_of"):
            call(dates)
    with pytest.raises(cv.SchemaError, match="missing column 'last_purchase'"):
        cv.fit_rfm(cdnow.drop("last_purchase"), as_of=AS_OF)
    with pytest.raises(cv.SchemaError, match="'last_purchase' is String, must be a date"):
        cv.fit_rfm(cdnow.with_columns(pl.col("last_purchase").cast(pl.String)), as_of=AS_OF)
    with pytest.raises(cv.OptionError, match="as_of must be a date or its ISO text"):
        cv.fit_rfm(cdnow, as_of=datetime(1998, 6, 30, 12))  # noqa: DTZ001


def test_purchases_after_the_snapshot_are_refused(cdnow: pl.DataFrame) -> None:
    scale, early = cv.fit_rfm(cdnow), date(1998, 6, 29)
    late = (cdnow["last_purchase"] > early).sum()
    says = rf"{late} rows with a last purchase after the day of the snapshot \(e.g. \(recency_days"
    for call in (cv.fit_rfm, lambda f, as_of: cv.score_rfm(f, scale, as_of=as_of)):
        with pytest.raises(cv.DataError, match=says):
            call(cdnow, as_of=early)
    with pytest.raises(cv.DataError, match="after the day of the snapshot"):
        cv.score_rfm(cdnow.lazy(), scale, as_of=early).collect()
    with pytest.raises(cv.DataError, match="1 row with a last purchase after"):
        cv.fit_rfm(cdnow.head(3).with_columns(recency_days=pl.Series([4, -1, None])))


MONEY = pl.DataFrame(
    {
        "recency_days": [1, 2, 3, 4],
        "purchases": [4, 3, 2, 1],
        "revenue": [40.0, 30.0, 20.0, 10.0],
        "cost": [39.0, 20.0, None, 1.0],
    }
)


def test_margin_is_a_column_or_revenue_less_cost() -> None:
    options = cv.RfmOptions(monetary="margin", monetary_bins=3)
    scale = cv.fit_rfm(MONEY, options=options)
    assert (scale.monetary.lowest, scale.monetary.highest) == (1.0, 10.0)
    assert scale.warnings[-1] == "customers left out, margin unknown: 1"
    assert cv.score_rfm(MONEY, scale)["m_score"].to_list() == [1, 3, None, 2]
    given = MONEY.select("recency_days", "purchases", margin=pl.Series([5.0, 6.0, 7.0, 8.0]))
    assert cv.fit_rfm(given, options=options).monetary.highest == 8.0
    with pytest.raises(cv.SchemaError, match="missing column 'margin'"):
        cv.fit_rfm(MONEY.drop("cost"), options=options)


def test_m_may_be_any_column() -> None:
    profit = MONEY.with_columns(profit=pl.col("cost").fill_null(0) * 2)
    scale = cv.fit_rfm(profit, options=cv.RfmOptions(monetary="profit"))
    assert (scale.monetary.column, scale.monetary.highest) == ("profit", 78.0)
    with pytest.raises(cv.SchemaError, match=r"missing column 'profitt'.*did you mean 'profit'"):
        cv.fit_rfm(profit, options=cv.RfmOptions(monetary="profitt"))


def test_length_is_t_x_or_between_the_dates(cdnow: pl.DataFrame) -> None:
    options = cv.RfmOptions(extra=("length",))
    scale = cv.fit_rfm(cdnow, options=options)
    dates = cdnow.drop("t_x")
    assert cv.fit_rfm(dates, options=options) == scale
    assert cv.score_rfm(dates, scale)["l_score"].equals(cv.score_rfm(cdnow, scale)["l_score"])


@given(
    rows=st.lists(
        st.tuples(*[st.sampled_from([None, 1.0, 2.0, math.nan, math.inf])] * 3),
        min_size=1,
        max_size=6,
    ),
    lazy=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_fit_and_score_refuse_the_same(rows: list[tuple[float | None, ...]], *, lazy: bool) -> None:
    """NaN is refused whether or not something else of the row is unknown; null never is."""
    names = ("recency_days", "purchases", "revenue")
    customers = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")
    frame = customers.lazy() if lazy else customers
    scale = cv.fit_rfm(MONEY)
    bad = sum(any(v is not None and not math.isfinite(v) for v in row) for row in rows)
    if bad:
        with pytest.raises(cv.DataError, match=f"{bad} rows? with NaN or infinite"):
            cv.fit_rfm(frame)
        first = r"\d" if lazy else bad  # a stream stops at its first bad batch
        with pytest.raises(cv.DataError, match=f"{first} rows? with NaN or infinite"):
            cv.score_rfm(frame, scale).lazy().collect()
        return
    scored = cv.score_rfm(frame, scale).lazy().collect()
    assert scored["rfm_cell"].is_null().to_list() == [None in row for row in rows]
    known = sum(None not in row for row in rows)
    if known:
        assert cv.fit_rfm(frame).fitted_on == FittedOn(n_customers=known)
    else:
        with pytest.raises(cv.FitError, match=f"{len(rows)} rows; customers left out"):
            cv.fit_rfm(frame)
