"""Ways to judge silence other than expected gaps, which are tested with the stages."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

import customer_value as cv
from lifecycle.test_stages import ADDED, Buyer, frame, snapshot, stage_of, stages


def gap_table(**own: list[int]) -> pl.DataFrame:
    """Gaps that ended, by customer, and an open silence that must not count."""
    rows = [(key, days, True) for key, gaps in own.items() for days in gaps]
    rows += [(key, 9999, False) for key in own]
    return pl.DataFrame(rows, schema=["customer_id", "gap_days", "ended"], orient="row")


@pytest.mark.parametrize(
    ("recency", "stage"), [(89, "stable"), (90, "at_risk"), (179, "at_risk"), (180, "lost")]
)
def test_fixed_days(recency: int, stage: str) -> None:
    rules = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=90, lost=180))
    assert stage_of(Buyer(purchases=9, t_x=2000, recency=recency), rules=rules) == stage


@pytest.mark.parametrize(
    ("recency", "stage"), [(29, "stable"), (30, "at_risk"), (44, "at_risk"), (45, "lost")]
)
def test_quantiles_of_all_gaps(recency: int, stage: str) -> None:
    """Of 10 to 50 days: the median is 30, and the 0.875 quantile 45."""
    rules = cv.StageOptions(silence=cv.lifecycle.PooledGaps(at_risk=0.5, lost=0.875))
    customers = frame([Buyer(purchases=9, t_x=80, recency=recency)])
    gaps = gap_table(c0=[50, 10], c1=[20, 40, 30])
    staged = cv.assign_stages(customers, options=rules, gaps=gaps)
    assert staged["stage"].to_list() == [stage]
    assert staged.columns == [*customers.columns, *ADDED]


@pytest.mark.parametrize(
    ("recency", "expected"), [(6, ["at_risk", "growing"]), (7, ["lost", "at_risk"])]
)
@pytest.mark.parametrize("lazy", [False, True])
def test_quantiles_of_the_customers_own_gaps(
    recency: int, expected: list[str], *, lazy: bool
) -> None:
    """The first has three gaps of its own; the second too few, and takes the median of all, 7."""
    rules = cv.StageOptions(silence=cv.lifecycle.OwnGaps(at_risk=0.5, lost=1.0, min_gaps=3))
    gaps = gap_table(c0=[5, 6, 7], c1=[100, 100])
    shop = frame([Buyer(4, recency, t_x=18), Buyer(3, recency, t_x=200)])
    staged = cv.assign_stages(shop.lazy() if lazy else shop, options=rules, gaps=gaps)
    assert isinstance(staged, pl.LazyFrame) == lazy
    assert staged.lazy().collect()["stage"].to_list() == expected


def test_own_gaps_in_words() -> None:
    rules = cv.StageOptions(silence=cv.lifecycle.OwnGaps(at_risk=0.5, lost=0.9, min_gaps=1))
    staged = cv.assign_stages(frame([Buyer(recency=9)]), options=rules, gaps=gap_table(c0=[5]))
    assert staged["rule_fired"].item() == (
        "silence as long as the 0.9 quantile of the customer's own gaps"
    )


def test_back_means_not_at_risk_where_silence_is_in_days() -> None:
    rules = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=5, lost=10))
    shop = [Buyer(recency=4), Buyer(recency=5), Buyer(recency=10)]
    previous = snapshot({"c0": "lost", "c1": "lost", "c2": "lost"})
    staged = cv.assign_stages(frame(shop), options=rules, previous=previous)
    assert staged["stage"].to_list() == ["reactivated", "at_risk", "lost"]


def test_a_model_alone() -> None:
    rules = cv.StageOptions(silence=cv.lifecycle.AliveOnly(), lost_p_alive=0.2, at_risk_p_alive=0.6)
    shop = [Buyer(purchases=5, t_x=50, recency=9999, p_alive=p) for p in (0.1, 0.2, 0.6, None)]
    assert stages(shop, "p_alive", rules=rules) == ["lost", "at_risk", "stable", "stable"]
    previous = snapshot({"c0": "lost", "c1": "lost", "c2": "lost", "c3": "lost"})
    back = cv.assign_stages(frame(shop, "p_alive"), options=rules, previous=previous)
    assert back["stage"].to_list() == ["lost", "at_risk", "reactivated", "stable"]
    with pytest.raises(cv.SchemaError, match="missing column 'p_alive'"):
        cv.assign_stages(frame(shop), options=rules)


def test_no_gap_that_ended_makes_nobody_lost() -> None:
    for silence in (cv.lifecycle.PooledGaps(), cv.lifecycle.OwnGaps()):
        rules = cv.StageOptions(silence=silence)
        gaps = gap_table(c0=[], c1=[])
        old = frame([Buyer(purchases=5, t_x=50, recency=5000)])
        assert cv.assign_stages(old, options=rules, gaps=gaps)["stage"].to_list() == ["stable"]


def test_a_threshold_that_was_learnt_goes_into_the_rules() -> None:
    log, day = cv.load_cdnow(), date(1998, 6, 30)
    lost = cv.lifecycle.churn_threshold(cv.lifecycle.purchase_gaps(log, as_of=day))
    rules = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=lost / 2, lost=lost))
    staged = cv.assign_stages(cv.summarize(log, as_of=day), options=rules)
    gone = pl.col("recency_days") >= lost
    assert staged.select(((pl.col("stage") == "lost") == gone).all()).item()


def test_gaps_are_checked() -> None:
    customers = frame([Buyer()])
    rules = cv.StageOptions(silence=cv.lifecycle.OwnGaps())
    with pytest.raises(cv.CustomerValueError, match=r"OwnGaps.* need gaps=purchase_gaps"):
        cv.assign_stages(customers, options=rules)
    with pytest.raises(cv.SchemaError, match="gaps: missing columns 'gap_days', 'ended'"):
        cv.assign_stages(customers, options=rules, gaps=customers)
    flags = gap_table(c0=[1]).cast({"ended": pl.Int8})
    with pytest.raises(cv.SchemaError, match="'ended' is Int8, must be Boolean"):
        cv.assign_stages(customers, options=rules, gaps=flags)
    unknown = gap_table(c0=[1]).with_columns(gap_days=pl.lit(math.nan))
    with pytest.raises(cv.DataError, match="gaps: 1 row with NaN or infinite values"):
        cv.assign_stages(customers, options=rules, gaps=unknown)
    other = gap_table(c0=[1]).with_columns(customer_id=pl.lit(1))
    with pytest.raises(cv.SchemaError, match="gaps: 'customer_id' is Int32, but String"):
        cv.assign_stages(customers, options=rules, gaps=other)


def test_yearly_buyers_are_not_lost_at_90_days() -> None:
    yearly = Buyer(purchases=4, t_x=3 * 365, recency=90)
    customers = frame([yearly, *[Buyer(purchases=10, t_x=90, recency=0)] * 20])
    assert cv.assign_stages(customers)["stage"][0] == "stable"
    fixed = cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=60, lost=90))
    assert cv.assign_stages(customers, options=fixed)["stage"][0] == "lost"
