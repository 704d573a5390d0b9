from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import customer_value as cv
from customer_value.tiers import TierModel, fit_tiers

OPTIONS = [
    cv.TierOptions(),
    cv.TierOptions(method="cumulative_share", hysteresis=0.1),
    cv.TierOptions(method="natural_breaks", names=("gold", "silver", "bronze", "iron")),
    cv.TierOptions(method="absolute", cuts=(500.0, 50.0), min_tenure="60d"),
]


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))


@pytest.mark.parametrize("options", OPTIONS)
def test_halves_and_single_customers_are_graded_as_the_whole(
    shop: pl.DataFrame, options: cv.TierOptions
) -> None:
    fitted = fit_tiers(shop, value="revenue", options=options)
    model = TierModel.model_validate_json(fitted.model_dump_json())
    assert model == fitted
    whole = cv.assign_tiers(shop, model)
    assert whole.equals(cv.assign_tiers(shop, value="revenue", options=options))
    half = cv.assign_tiers(shop[:1200], model)
    alone = [cv.assign_tiers(shop[k], model) for k in range(1200, 1230)]
    assert pl.concat([half, *alone]).equals(whole.head(1230))
    assert cv.assign_tiers(shop.lazy(), model).collect().equals(whole)


def test_a_model_grades_beside_an_earlier_snapshot(shop: pl.DataFrame) -> None:
    model = fit_tiers(shop, value="revenue", options=cv.TierOptions(hysteresis=0.2))
    before = cv.assign_tiers(shop, model)
    now = shop.with_columns(revenue=pl.col("revenue") * 1.1)
    whole = cv.assign_tiers(now, model, previous=before)
    parts = [cv.assign_tiers(now[k::2], model, previous=before) for k in (0, 1)]
    assert pl.concat(parts).sort("customer_id").equals(whole.sort("customer_id"))
    assert whole["tier"].cast(pl.String).equals(before["tier"].cast(pl.String))


def test_tiers_sort_and_compare_by_their_worth() -> None:
    options = cv.TierOptions(method="absolute", cuts=(100, 10), names=("gold", "silver", "other"))
    tiers = cv.assign_tiers(pl.DataFrame({"clv": [50.0, 500.0, None, 5.0]}), options=options)
    assert tiers.sort("tier")["tier"].to_list() == ["unrated", "other", "silver", "gold"]
    assert tiers.filter(pl.col("tier") >= "silver")["clv"].to_list() == [50.0, 500.0]


def test_what_a_model_cannot_do_is_refused(shop: pl.DataFrame) -> None:
    model = fit_tiers(shop, value="revenue")
    with pytest.raises(cv.OptionError, match="the model says value, options"):
        cv.assign_tiers(shop, model, value="revenue", options=cv.TierOptions())
    with pytest.raises(cv.OptionError, match="must be a TierModel, got a TierOptions"):
        cv.assign_tiers(shop, cv.TierOptions())  # type: ignore[call-overload]
    words: dict[str, Any] = model.model_dump()
    for cuts in ((1.0,), (1.0, 2.0)):
        with pytest.raises(ValueError, match="cuts must"):
            TierModel.model_validate(words | {"cuts": cuts})
