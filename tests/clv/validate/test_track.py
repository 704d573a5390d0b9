from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
import strategies
from golden import golden
from oracles import validation as oracle

GOLDEN = golden("validation")["tracking"]
WEEKS = slice(GOLDEN["weeks"][0] - 1, GOLDEN["weeks"][1])
BG = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
END = date(1998, 6, 30)


@pytest.fixture(scope="module")
def log() -> pl.DataFrame:
    return cv.load_cdnow()


def test_published_purchases_of_each_week(log: pl.DataFrame) -> None:
    weeks = cv.clv.track_purchases(log, BG, as_of=END)
    assert weeks["period"][0] == date(1997, 1, 1)
    assert weeks["actual"][WEEKS].to_list() == GOLDEN["actual"]
    assert weeks["actual"].sum() == 2457 + 1882
    assert weeks["complete"].all()


@pytest.mark.parametrize(
    ("name", "fit"), [("bg_nbd", cv.fit_bg_nbd), ("pareto_nbd", cv.fit_pareto_nbd)]
)
def test_published_expectations(
    log: pl.DataFrame, cdnow: pl.DataFrame, name: str, fit: Any
) -> None:
    """BTYD's ages run to the end of the seventh day, which is the close of the eighth one here."""
    weeks = cv.clv.track_purchases(log, fit(cdnow), as_of=END, start=date(1997, 1, 2))
    assert weeks["expected"][WEEKS].to_list() == pytest.approx(GOLDEN["expected"][name], abs=5e-3)
    if name == "pareto_nbd":
        for week, total in GOLDEN["cumulative_pareto_nbd"].items():
            found = weeks["cumulative_expected"][int(week) - 1]
            assert found == pytest.approx(total, rel=5e-5)


@settings(max_examples=25, deadline=None)
@given(
    log=strategies.logs(refunds=False),
    period=st.sampled_from(["day", "week", "month"]),
    early=st.integers(-3, 3),
)
def test_it_counts_as_summarize_does(log: strategies.Log, period: Any, early: int) -> None:
    frame, end = log.frame, strategies.LAST_DAY
    start = strategies.FIRST_DAY + timedelta(days=early)
    found = cv.clv.track_purchases(frame, BG, as_of=end, period=period, start=start)
    closes = [start - timedelta(days=1), *found["last_day"]]
    told = oracle.tracking(frame, BG.new_customer_purchases, closes)
    assert found["customers"].to_list() == [customers for customers, _, _ in told[1:]]
    actual = [repeats - told[0][1] for _, repeats, _ in told[1:]]
    assert found["cumulative_actual"].to_list() == actual
    expected = [mean - told[0][2] for _, _, mean in told[1:]]
    assert found["cumulative_expected"].to_list() == pytest.approx(expected, abs=1e-9)
    assert found["actual"].cum_sum().to_list() == actual
    assert found["expected"].cum_sum().to_list() == pytest.approx(expected, abs=1e-9)


def test_orders_of_the_first_day_are_repeats_by_order() -> None:
    log = strategies.small(customer_id=["a", "a", "b"]).with_columns(ordered_at=date(2024, 1, 1))
    by_order = cv.TransactionOptions(occasion="order")
    as_of = date(2024, 1, 3)
    assert cv.clv.track_purchases(log, BG, as_of=as_of)["actual"].to_list() == [0]
    found = cv.clv.track_purchases(cv.read_transactions(log, options=by_order), BG, as_of=as_of)
    assert found["actual"].to_list() == [1]
    summary = cv.summarize(cv.read_transactions(log, options=by_order), as_of=as_of)
    assert summary["repeat_purchases"].sum() == 1


def test_periods_follow_each_other_without_gap(log: pl.DataFrame) -> None:
    for period in ("day", "week", "month", "quarter", "year"):
        found = cv.clv.track_purchases(log, BG, as_of=END, period=period)
        begin, last = found["period"], found["last_day"]
        assert (begin[1:] == last[:-1].dt.offset_by("1d")).all()
        assert (begin[0], last[-1]) == (date(1997, 1, 1), END)
        assert found["cumulative_actual"][-1] == 4339
        assert found["expected"].sum() == pytest.approx(found["cumulative_expected"][-1])


def test_months_keep_to_the_end_of_the_month() -> None:
    days = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 30), date(2024, 3, 31)]
    log = strategies.small(customer_id=["a"] * 4, ordered_at=days)
    months = cv.clv.track_purchases(log, BG, as_of=date(2024, 4, 2), period="month")
    assert months["period"].to_list() == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]
    assert months["actual"].to_list() == [0, 2, 1]
    assert months["complete"].to_list() == [True, True, False]


def test_customers_after_calibration_are_not_followed(log: pl.DataFrame) -> None:
    known = date(1997, 2, 10)
    found = cv.clv.track_purchases(log, BG, as_of=END, calibration_end=known)
    entered = cv.summarize(log, as_of=known)["customer_id"]
    same = cv.clv.track_purchases(log.filter(pl.col("customer_id").is_in(entered)), BG, as_of=END)
    assert_frame_equal(found.drop("holdout"), same.drop("holdout"), check_exact=True)
    assert found["customers"][-1] == entered.len() < 2357
    assert (found["holdout"] == (found["period"] > known)).all()
    assert same["holdout"].null_count() == same.height


def test_holdout_weeks_add_up_to_the_holdout(log: pl.DataFrame, cdnow: pl.DataFrame) -> None:
    end = date(1997, 9, 30)
    found = cv.clv.track_purchases(
        log, BG, as_of=END, start=end + timedelta(days=1), calibration_end=end
    )
    assert found["holdout"].all()
    assert found["actual"].sum() == cdnow["holdout_purchases"].sum() == 1882


def test_order_labels_laziness_and_later_rows_change_nothing(log: pl.DataFrame) -> None:
    told = cv.clv.track_purchases(log, BG, as_of=END)
    lazy: Any = log.sample(fraction=1, shuffle=True, seed=2).lazy()
    named = log.with_columns(pl.format("c{}", pl.col("customer_id")).alias("customer_id"))
    later = pl.concat([log, log.with_columns(pl.col("ordered_at") + timedelta(days=1000))])
    for other in (lazy, named, later):
        assert_frame_equal(cv.clv.track_purchases(other, BG, as_of=END), told, check_exact=True)


def test_unit_of_time_does_not_matter(log: pl.DataFrame) -> None:
    by_day = cv.BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426, time_unit="day")
    told = (
        cv.clv.track_purchases(log, model, as_of=END, period="quarter") for model in (BG, by_day)
    )
    assert_frame_equal(*told)


def test_a_true_model_is_followed() -> None:
    bg = cv.BgNbd(r=0.5, alpha=20.0, a=0.8, b=2.5)
    log = cv.simulate_transactions(
        20_000, start=date(2023, 1, 1), end=date(2024, 12, 31), seed=3, purchases=bg
    )
    found = cv.clv.track_purchases(log, bg, as_of=date(2024, 12, 31), period="quarter")
    assert found["cumulative_expected"].to_list()[1:] == pytest.approx(
        found["cumulative_actual"].to_list()[1:], rel=0.03
    )


def test_no_purchases_no_periods(log: pl.DataFrame) -> None:
    early = cv.clv.track_purchases(log, BG, as_of=date(1996, 12, 31))
    assert early.is_empty()
    assert early.schema == cv.clv.track_purchases(log, BG, as_of=END).schema
    assert cv.clv.track_purchases(log.head(0), BG, as_of=END, start=date(1997, 1, 1)).is_empty()


def test_bad_input_is_refused(log: pl.DataFrame, cdnow: pl.DataFrame) -> None:
    with pytest.raises(cv.CustomerValueError, match="period must be one of"):
        cv.clv.track_purchases(log, BG, as_of=END, period="fortnight")  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="must not be after as_of"):
        cv.clv.track_purchases(log, BG, as_of=END, start=date(1998, 7, 1))
    with pytest.raises(cv.CustomerValueError, match="counts opportunities, not days"):
        cv.clv.track_purchases(log, cv.BgBb(alpha=1, beta=1, gamma=1, delta=1), as_of=END)
    with pytest.raises(cv.SchemaError, match="'amount'"):
        cv.clv.track_purchases(log.drop("amount"), BG, as_of=END)
    model = cv.fit_bg_nbd(cdnow.with_columns(odd=pl.col("customer_id") % 2), covariates=["odd"])
    with pytest.raises(cv.CustomerValueError, match=r"asks for \['odd'\]"):
        cv.clv.track_purchases(log, model, as_of=END)
    given = cv.clv.track_purchases(log, model.with_covariates({"odd": 0.5}), as_of=END)
    assert given["cumulative_expected"][-1] > 0
