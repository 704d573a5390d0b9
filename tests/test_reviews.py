from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

import customer_value as cv

AS_OF = date(2024, 3, 31)


def test_each_tier_has_its_own_rhythm() -> None:
    last = date(2024, 1, 15)
    tiers = pl.Series(["high", "medium", "low", "unrated", None], dtype=pl.String)
    customers = pl.DataFrame({"tier": tiers, "last_review": [last] * 5})
    schedule = cv.reviews.review_schedule(customers, as_of=AS_OF)
    quarter = date(2024, 4, 15)
    assert schedule["next_review"].to_list() == [
        date(2024, 2, 15),
        quarter,
        date(2024, 7, 15),
        quarter,
        quarter,
    ]
    assert schedule["review_due"].to_list() == [True, False, False, False, False]
    assert schedule["overdue_days"].to_list() == [45, 0, 0, 0, 0]


def test_due_today_and_never_reviewed() -> None:
    days = pl.Series([date(2024, 2, 29), None], dtype=pl.Date)
    customers = pl.LazyFrame({"tier": ["high", "low"], "last_review": days})
    options = cv.reviews.ReviewOptions(months={"high": 1, "low": 12})
    schedule = cv.reviews.review_schedule(
        customers, as_of=date(2024, 3, 29), options=options
    ).collect()
    assert schedule.select("next_review", "review_due", "overdue_days").rows() == [
        (date(2024, 3, 29), True, 0),
        (date(2024, 3, 29), True, 0),
    ]


def test_tiers_that_no_review_is_planned_for_are_refused() -> None:
    customers = pl.DataFrame({"tier": ["gold", "low", "gold"], "last_review": [None] * 3})
    with pytest.raises(cv.DataError, match=r"unknown in 'tier': 'gold' \(2\)"):
        cv.reviews.review_schedule(customers, as_of=AS_OF)
    with pytest.raises(cv.OptionError, match="must be a ReviewOptions, got a dict"):
        cv.reviews.review_schedule(customers, as_of=AS_OF, options={"gold": 1})  # type: ignore[call-overload]


def test_a_cadence_is_at_least_a_month() -> None:
    with pytest.raises(ValidationError, match="months"):
        cv.reviews.ReviewOptions(months={"high": 0})


NAMES = ["customer_id", "nps", "share"]
BEFORE = pl.DataFrame([(1, 6.0, 0.5), (2, 8.0, 0.1), (3, None, 0.3)], NAMES, orient="row")
AFTER = pl.DataFrame(
    [(1, 8.0, 0.5), (3, 9.0, 0.5), (4, 1.0, 0.5), (5, None, 0.5)], NAMES, orient="row"
)


def test_a_scorecard_tells_who_changed_from_who_came() -> None:
    card = cv.changes.compare_snapshots(BEFORE, AFTER.lazy(), measures=["share", "nps"])
    nps = card.row(1, named=True)
    assert card["measure"].to_list() == ["share", "nps"]
    assert (nps["known_before"], nps["known_after"], nps["known_both"]) == (2, 3, 1)
    assert nps["coverage_before"] == pytest.approx(2 / 3)
    assert nps["coverage_after"] == pytest.approx(3 / 4)
    assert (nps["mean_before"], nps["mean_after"], nps["change"]) == (7.0, 6.0, -1.0)
    assert (nps["change_same"], nps["standard_error_same"]) == (2.0, None)
    share = card.row(0, named=True)
    assert share["change_same"] == pytest.approx(0.1)
    assert share["standard_error_same"] == pytest.approx(0.1)


def test_nobody_known_is_null() -> None:
    card = cv.changes.compare_snapshots(BEFORE.clear(), AFTER, measures=["nps"]).row(0, named=True)
    assert card["mean_before"] is card["change"] is card["coverage_before"] is None


def test_bad_snapshots_are_refused() -> None:
    with pytest.raises(cv.CustomerValueError, match="measures names no column"):
        cv.changes.compare_snapshots(BEFORE, AFTER, measures=[])
    with pytest.raises(cv.DataError, match="after: 8 rows with a customer more than once"):
        cv.changes.compare_snapshots(BEFORE, pl.concat([AFTER, AFTER]), measures=["nps"])


def test_a_review_beyond_the_calendar_is_on_its_last_day() -> None:
    customers = pl.DataFrame({"tier": ["high"], "last_review": [date.max]})
    assert cv.reviews.review_schedule(customers, as_of=AS_OF)["next_review"].item() == date.max
    never = pl.DataFrame({"tier": ["high"], "last_review": [None]})
    assert cv.reviews.review_schedule(never, as_of=AS_OF)["next_review"].item() == AS_OF
