"""A web application calls from many threads at once: nothing hangs, every answer is the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl

import customer_value as cv

AS_OF = date(2024, 12, 31)


def test_whole_pipelines_at_once_give_the_same_bits() -> None:
    log = cv.simulate_transactions(3_000, start=date(2023, 1, 1), end=AS_OF, seed=1)
    known = cv.summarize(log, as_of=AS_OF)
    purchases, spend = cv.fit_bg_nbd(known), cv.fit_gamma_gamma(known)

    def score(lazy: int) -> pl.DataFrame:
        customers = cv.summarize(log.lazy() if lazy else log, as_of=AS_OF)
        scored = (
            customers.pipe(cv.customer_lifetime_value, purchases=purchases, spend=spend, margin=0.3)
            .pipe(cv.score_rfm, cv.fit_rfm(customers))
            .pipe(cv.segment_rfm)
            .pipe(cv.classify_abc, value="clv")
            .pipe(cv.assign_tiers)
            .pipe(cv.assign_stages)
        )
        return scored.lazy().collect().sort("customer_id")

    expected = score(lazy=0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(score, [0, 1] * 12))
    assert all(answer.equals(expected) for answer in answers)
