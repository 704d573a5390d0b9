from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

import customer_value as cv

DAY = date(1998, 6, 30)
CUSTOMERS = cv.summarize(cv.load_cdnow(), as_of=DAY)
GAPS = cv.lifecycle.purchase_gaps(cv.load_cdnow(), as_of=DAY)
WAYS: dict[str, Any] = {
    "expected gaps": None,
    "fixed days": cv.lifecycle.FixedDays(),
    "pooled gaps": cv.lifecycle.PooledGaps(),
    "own gaps": cv.lifecycle.OwnGaps(min_gaps=3),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def fit(way: Any) -> cv.StageModel:
    return cv.fit_stages(cv.load_cdnow(), as_of=DAY, options=cv.StageOptions(silence=way))


@every_way
def test_a_model_says_what_options_say_of_the_whole_crowd(way: Any) -> None:
    by_model = cv.assign_stages(CUSTOMERS, fit(way), gaps=GAPS)
    by_options = cv.assign_stages(CUSTOMERS, options=cv.StageOptions(silence=way), gaps=GAPS)
    assert by_model.equals(by_options)


@every_way
def test_customers_alone_get_the_stage_they_have_in_the_crowd(way: Any) -> None:
    model = fit(way)
    together = cv.assign_stages(CUSTOMERS, model, gaps=GAPS)
    alone = pl.concat([cv.assign_stages(CUSTOMERS[k], model, gaps=GAPS) for k in range(0, 2357, 9)])
    assert alone.equals(together.gather_every(9))


@every_way
def test_the_history_ends_where_the_model_puts_each_customer(way: Any) -> None:
    model = fit(way)
    history = cv.stage_history(cv.load_cdnow(), model, as_of=DAY, start=DAY)
    staged = cv.assign_stages(CUSTOMERS, model, gaps=GAPS).select("customer_id", "stage")
    last = history.filter(as_of=DAY).join(staged, on="customer_id", suffix="_assigned")
    # Without the snapshots before it, one snapshot knows nothing of who came back.
    same = last.filter(pl.col("stage") != "reactivated")
    assert same["stage"].cast(pl.String).equals(same["stage_assigned"])


@every_way
def test_a_stored_model_is_the_model_in_any_order_of_its_keys(way: Any) -> None:
    model = fit(way)
    stored = json.dumps(json.loads(model.model_dump_json()), sort_keys=True)
    assert cv.StageModel.model_validate_json(stored) == model
    assert model.fitted_on is not None
    assert (model.fitted_on.as_of, model.fitted_on.n_customers) == (DAY, 2357)


def test_a_newer_model_is_refused_in_words() -> None:
    stored = json.loads(fit(None).model_dump_json()) | {"schema_version": 2}
    with pytest.raises(
        ValueError, match=r"stored as version 2; customer_value .* reads versions up"
    ):
        cv.StageModel.model_validate(stored)


def test_a_model_or_options_and_not_both() -> None:
    with pytest.raises(cv.OptionError, match="not both"):
        cv.assign_stages(CUSTOMERS, fit(None), options=cv.StageOptions())
    with pytest.raises(cv.OptionError, match="options must be a StageOptions, got a dict"):
        cv.assign_stages(CUSTOMERS, options={"new_days": 3})  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match="model must be a StageModel, got a StageOptions"):
        cv.assign_stages(CUSTOMERS, cv.StageOptions())  # type: ignore[call-overload]


def test_later_events_teach_nothing() -> None:
    early = cv.fit_stages(cv.load_cdnow(), as_of="1997-12-31")
    known = cv.load_cdnow().filter(pl.col("ordered_at") <= date(1997, 12, 31))
    assert early == cv.fit_stages(known, as_of="1997-12-31")
