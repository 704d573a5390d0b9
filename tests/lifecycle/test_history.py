from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value._frames.periods import Period
from customer_value.transactions import questions
from strategies import FIRST_DAY, LAST_DAY, Log, days, logs, small

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = {
    "expected gap": cv.StageOptions(at_risk_silence=1.0, lost_silence=1.5, new_days=5),
    "given gap": cv.StageOptions(typical_gap_days=4.0, lost_silence=2.5, prior_gaps=0.3),
    "days": cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=3, lost=7), trusted_purchases=2),
    "all gaps": cv.StageOptions(silence=cv.lifecycle.PooledGaps(at_risk=0.3, lost=0.7), new_days=0),
    "own gaps": cv.StageOptions(silence=cv.lifecycle.OwnGaps(at_risk=0.4, lost=0.9, min_gaps=2)),
    "own gaps at once": cv.StageOptions(
        silence=cv.lifecycle.OwnGaps(at_risk=1, lost=1, min_gaps=1)
    ),
}
STAGES = "prospect new growing stable declining at_risk reactivated lost".split()  # noqa: SIM905
COLUMNS = ["customer_id", "as_of", "stage", "stage_since"]
MONTHS = [date(2024, month, 15) for month in range(1, 13)]
rules_by_name = st.sampled_from(sorted(RULES))


def one_by_one(
    log: pl.DataFrame, snapshots: list[date], rules: cv.StageOptions, **options: Any
) -> pl.DataFrame:
    """Each snapshot summarized and staged on its own, with the one before."""
    previous, parts = None, []
    for day in snapshots:
        customers = cv.summarize(log, as_of=day, **options)
        gaps = cv.lifecycle.purchase_gaps(log, as_of=day, **options)
        previous = cv.assign_stages(customers, options=rules, previous=previous, gaps=gaps)
        parts.append(previous.select(COLUMNS))
    return pl.concat(parts).sort("customer_id", "as_of")


def text(history: pl.DataFrame) -> pl.DataFrame:
    return history.with_columns(pl.col("stage").cast(pl.String))


def snapshots_of(first: date, last: date, period: str) -> list[date]:
    """The last days of calendar periods, found day by day."""
    keys: dict[str, Callable[[date], Any]] = {
        "day": lambda d: d,
        "week": lambda d: d.isocalendar()[:2],
        "month": lambda d: (d.year, d.month),
        "quarter": lambda d: (d.year, (d.month - 1) // 3),
        "year": lambda d: d.year,
    }
    key = keys[period]
    every = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    return [d for d in every if d == last or key(d) != key(d + timedelta(days=1))]


@given(
    log=logs(),
    as_of=st.just(LAST_DAY) | days,
    period=st.sampled_from(["week", "week", "month", "quarter"]),
    name=rules_by_name,
    occasion=st.sampled_from(["day", "order"]),
)
@settings(max_examples=60, deadline=None)
def test_the_same_as_one_snapshot_after_another(
    log: Log, as_of: date, period: Period, name: str, occasion: Any
) -> None:
    options = cv.TransactionOptions(occasion=occasion)
    history = cv.stage_history(
        cv.read_transactions(log.frame, options=options),
        as_of=as_of,
        period=period,
        options=RULES[name],
    )
    rows = log.frame.filter(pl.col("ordered_at") <= as_of)
    if rows.is_empty():
        assert history.is_empty()
        return
    snapshots = snapshots_of(rows["ordered_at"].min(), as_of, period)  # type: ignore[arg-type]
    assert history["as_of"].unique().sort().to_list() == snapshots
    expected = one_by_one(log.frame, snapshots, RULES[name], options=options)
    assert_frame_equal(text(history), expected, check_exact=True)


@pytest.mark.parametrize("name", RULES)
def test_the_same_on_real_purchases(name: str) -> None:
    log, end = cv.load_cdnow().filter(pl.col("customer_id") % 5 == 0), date(1998, 6, 30)
    history = cv.stage_history(log, as_of=end, period="quarter", options=RULES[name])
    snapshots = snapshots_of(date(1997, 1, 1), end, "quarter")
    expected = one_by_one(log, snapshots, RULES[name])
    assert_frame_equal(text(history), expected, check_exact=True)
    assert set(history["stage"]) >= {"lost", "reactivated", "stable"}


@given(log=logs(), later=logs(min_size=0), name=rules_by_name)
@settings(max_examples=25, deadline=None)
def test_later_events_and_row_order_change_nothing(log: Log, later: Log, name: str) -> None:
    ahead = timedelta(days=(LAST_DAY - FIRST_DAY).days + 1)
    rows = later.frame.with_columns(pl.col("ordered_at") + ahead)
    names = log.frame.columns
    more = pl.concat([log.frame, rows], how="diagonal").select(names).reverse()
    if "kind" in names or "order_id" in names:  # the later rows may lack what these need
        more = log.frame.reverse()
    then = cv.stage_history(log.frame, as_of=LAST_DAY, period="week", options=RULES[name])
    now = cv.stage_history(more, as_of=LAST_DAY, period="week", options=RULES[name])
    assert_frame_equal(now, then, check_exact=True)


@given(log=logs(), start=days, period=st.sampled_from(["week", "month"]), name=rules_by_name)
@settings(max_examples=25, deadline=None)
def test_what_was_before_the_start_is_followed(
    log: Log, start: date, period: Period, name: str
) -> None:
    whole = cv.stage_history(log.frame, as_of=LAST_DAY, period=period, options=RULES[name])
    part = cv.stage_history(
        log.frame, as_of=LAST_DAY, start=start, period=period, options=RULES[name]
    )
    assert_frame_equal(part, whole.filter(pl.col("as_of") >= start), check_exact=True)


@given(log=logs(), start=st.none() | days, name=rules_by_name)
@settings(max_examples=25, deadline=None)
def test_counts_are_those_of_the_rows(log: Log, start: date | None, name: str) -> None:
    words: dict[str, Any] = {"as_of": LAST_DAY, "start": start, "rules": RULES[name]}
    history = cv.stage_history(log.frame, period="week", **words)
    counts = cv.lifecycle.stage_counts(log.frame, period="week", **words)
    expected = history.group_by("as_of", "stage").agg(customers=pl.len().cast(pl.Int64))
    there = counts.filter(pl.col("customers") > 0).drop("share")
    assert_frame_equal(there, expected.sort("as_of", "stage"), check_exact=True)
    assert counts["stage"].to_list() == STAGES * (counts.height // 8)
    by_day = counts.group_by("as_of").agg(pl.col("customers", "share").sum())
    assert by_day.select((pl.col("share") - (pl.col("customers") > 0)).abs().max()).item() < 1e-12
    nobody = counts.filter(pl.col("customers").sum().over("as_of") == 0)
    assert nobody["share"].null_count() == nobody.height


def test_a_customer_is_lost_comes_back_and_stays() -> None:
    log = small(ordered_at=[MONTHS[0], MONTHS[6], MONTHS[7]])
    rules = cv.StageOptions(
        silence=cv.lifecycle.FixedDays(at_risk=40, lost=100), trusted_purchases=3
    )
    history = cv.stage_history(log, as_of=date(2024, 9, 30), options=rules)
    assert history["stage"].to_list() == [
        "new",
        "at_risk",
        "at_risk",
        "lost",
        "lost",
        "lost",
        "reactivated",
        "stable",
        "at_risk",
    ]
    since = dict(zip(history["as_of"], history["stage_since"], strict=True))
    assert since[date(2024, 6, 30)] == date(2024, 4, 30)
    assert since[date(2024, 9, 30)] == date(2024, 9, 30)


def test_a_refund_counts_from_its_day_on() -> None:
    """The second order is refunded in full in May: until then it stood."""
    log = small(
        ordered_at=[MONTHS[0], MONTHS[1], MONTHS[4]],
        amount=[10.0, 20.0, -20.0],
        order_id=[1, 2, 2],
    )
    rules = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=1000, lost=1000), new_days=0)
    history = cv.stage_history(log, as_of=date(2024, 6, 30), options=rules)
    assert history["stage"].to_list() == ["new", *["growing"] * 3, "new", "new"]


def test_yearly_buyers_are_not_lost_between_two_purchases() -> None:
    """A fixed window of 90 days loses them every year; their own gaps do not."""
    yearly = [date(year, 12, 10) for year in range(2018, 2024)]
    log = small(ordered_at=yearly)
    own = cv.stage_history(log, as_of=date(2024, 11, 30))
    assert "lost" not in own["stage"]
    assert "at_risk" not in own["stage"]
    fixed = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=60, lost=90))
    assert "lost" in cv.stage_history(log, as_of=date(2024, 11, 30), options=fixed)["stage"]


def test_customers_with_returns_only_are_prospects() -> None:
    log = small(ordered_at=MONTHS[:2], amount=[-5.0, 8.0])
    history = cv.stage_history(log, as_of=date(2024, 2, 29))
    assert history["stage"].to_list() == ["prospect", "new"]


def test_an_empty_log_has_no_history() -> None:
    empty = small(amount=[1.0]).clear()
    history = cv.stage_history(empty, as_of=LAST_DAY)
    assert history.schema == {
        "customer_id": pl.String,
        "as_of": pl.Date,
        "stage": pl.Enum(STAGES),
        "stage_since": pl.Date,
    }
    assert history.is_empty()
    counts = cv.lifecycle.stage_counts(empty, as_of=LAST_DAY)
    assert counts.is_empty()
    assert counts.schema["customers"] == pl.Int64


def test_before_the_log_begins_nobody_is_known() -> None:
    counts = cv.lifecycle.stage_counts(
        small(amount=[1.0]), as_of=date(2024, 1, 31), start=date(2024, 1, 1)
    )
    assert counts["customers"].to_list() == [0, 1, 0, 0, 0, 0, 0, 0]


def test_keys_keep_their_type_and_a_snapshot_can_go_on() -> None:
    log = small(customer_id=pl.Series([7, 7, 9], dtype=pl.UInt16), ordered_at=MONTHS[:3])
    history = cv.stage_history(log, as_of=date(2024, 3, 31))
    assert history.schema["customer_id"] == pl.UInt16
    last = history.filter(pl.col("as_of") == date(2024, 3, 31))
    staged = cv.assign_stages(cv.summarize(log, as_of=date(2024, 4, 30)), previous=last)
    longer = cv.stage_history(log, as_of=date(2024, 4, 30), start=date(2024, 4, 30))
    assert_frame_equal(staged.select(COLUMNS), text(longer))


def test_a_log_in_parts_and_a_lazy_one_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    whole = cv.stage_history(log, as_of=day)
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 1000)
    assert_frame_equal(cv.stage_history(log.lazy(), as_of=day), whole)


def test_extreme_dates() -> None:
    log = small(ordered_at=[date(1, 1, 1), date(9999, 12, 31)])
    counts = cv.lifecycle.stage_counts(
        log, as_of=date(9999, 12, 31), period="year", options=RULES["all gaps"]
    )
    assert counts.filter(customers=1).height == 9999
    assert counts["as_of"].max() == date(9999, 12, 31)


def test_bad_input() -> None:
    log = small(amount=[1.0])
    with pytest.raises(cv.CustomerValueError, match=r"start 2024-02-01 must not be after"):
        cv.stage_history(log, as_of=date(2024, 1, 1), start=date(2024, 2, 1))
    alive = cv.StageOptions(silence=cv.lifecycle.AliveOnly())
    with pytest.raises(cv.CustomerValueError, match="a log has no p_alive"):
        cv.lifecycle.stage_counts(log, as_of=LAST_DAY, options=alive)
    with pytest.raises(cv.DataError, match="1 row with no amount"):
        cv.stage_history(small(amount=[None]).cast({"amount": pl.Float64}), as_of=LAST_DAY)
