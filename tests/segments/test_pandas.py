from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import customer_value as cv

SHOP = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)).with_columns(
    clv=pl.col("revenue") / 2, last_review=pl.col("last_purchase")
)
STEPS: list[Any] = [
    lambda shop: cv.score_rfm(shop, as_of=date(1998, 6, 30)),
    lambda shop: cv.classify_abc(shop, cv.abc.fit_abc(shop)),
    lambda shop: cv.assign_tiers(shop, cv.tiers.fit_tiers(shop)),
    lambda shop: cv.assign_tiers(shop, options=cv.TierOptions(min_dwell="30d")),
    cv.segments.busy_but_low_value,
    cv.segments.one_off_large,
    lambda shop: cv.equity.referral_segments(shop, influence="revenue"),
    lambda shop: cv.reviews.review_schedule(cv.assign_tiers(shop), as_of=date(1998, 6, 30)),
]


@pytest.mark.parametrize("step", STEPS)
def test_a_summary_of_pandas_passes_like_one_of_polars(step: Any) -> None:
    ours = step(SHOP)
    theirs = step(SHOP.to_pandas())
    added = [name for name in ours.columns if name not in SHOP.columns]
    assert added
    assert theirs.select(added).equals(ours.select(added))
