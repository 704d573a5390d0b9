"""A log in memory is added up by a kernel, to the bits that polars finds for a lazy one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value.transactions import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = date(2023, 6, 30)
ROWS = 120_000


def log_of(rows: int = ROWS, *, money: float = 20.0) -> pl.DataFrame:
    """Orders of one to three lines, some on two days, some returned in part or in full."""
    rng = np.random.default_rng(7)
    order = rng.integers(0, rows // 2, rows)
    amount = np.round(rng.gamma(2, money, rows), 2) * np.where(rng.random(rows) < 0.1, -1, 1)
    day = np.datetime64("2022-01-01") + (order % 500) + rng.integers(0, 2, rows)
    loose = (amount < 0) & (rng.random(rows) < 0.3)
    return pl.DataFrame(
        {
            "customer_id": order % 20_011 - 5_000,
            "ordered_at": day.astype("datetime64[D]"),
            "amount": amount,
            "order_id": pl.Series(order).set(pl.Series(loose), None),
        }
    )


QUESTIONS: dict[str, Callable[..., pl.DataFrame | pl.LazyFrame]] = {
    "growth": lambda log: cv.growth_accounting(log, as_of=AS_OF),
    "growth by week": lambda log: cv.growth_accounting(log, as_of=AS_OF, period="week"),
    "cohorts": lambda log: cv.cohort_table(log, as_of=AS_OF),
    "gaps": lambda log: cv.lifecycle.purchase_gaps(log, as_of=AS_OF),
    "trend": lambda log: cv.lifecycle.purchase_trend(log, as_of=AS_OF, value="revenue"),
    "opportunities": lambda log: cv.clv.summarize_opportunities(log, as_of=AS_OF, period="month"),
    "holdout": lambda log: cv.split_holdout(
        log, calibration_end=date(2022, 12, 31), holdout_end=AS_OF
    ),
}


def both(log: pl.DataFrame, **options: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    reading = cv.TransactionOptions(**options)
    lazy = (
        cv.summarize(cv.read_transactions(log.lazy(), options=reading), as_of=AS_OF)
        .collect()
        .sort("customer_id")
    )
    return cv.summarize(cv.read_transactions(log, options=reading), as_of=AS_OF), lazy


@pytest.fixture
def by_kernel(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each call of the kernel gave the totals."""
    calls: list[bool] = []
    totals_in_memory = in_memory.totals_in_memory
    days_in_memory = in_memory.days_in_memory

    def spy(*given: Any) -> pl.DataFrame | None:
        totals = totals_in_memory(*given)
        calls.append(totals is not None)
        return totals

    def spy_on_days(*given: Any) -> pl.DataFrame | None:
        days = days_in_memory(*given)
        calls.append(days is not None)
        return days

    monkeypatch.setattr("customer_value.transactions.summary.totals_in_memory", spy)
    monkeypatch.setattr("customer_value.transactions.purchases.days_in_memory", spy_on_days)
    return calls


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(pl.col("customer_id"), id="near a sequence"),
        pytest.param(pl.col("customer_id") * 1_000_003, id="far apart"),
        pytest.param((pl.col("customer_id") + 5_000).cast(pl.UInt16), id="narrow"),
        pytest.param((pl.col("customer_id") + 5_000).cast(pl.UInt64) + 2**63, id="of 64 bits"),
        pytest.param(pl.col("customer_id").cast(pl.String), id="text"),
        pytest.param(pl.col("customer_id").cast(pl.String).cast(pl.Categorical), id="categories"),
    ],
)
@pytest.mark.parametrize("occasion", ["day", "order"])
def test_customers_of_any_key(by_kernel: list[bool], keys: pl.Expr, occasion: str) -> None:
    eager, lazy = both(log_of().with_columns(keys), occasion=occasion)
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel[0]


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param(pl.col("order_id").cast(pl.String), id="text"),
        pytest.param(pl.col("order_id").cast(pl.UInt64), id="unsigned"),
        pytest.param(-pl.col("order_id"), id="negative"),
    ],
)
def test_orders_of_any_key(by_kernel: list[bool], orders: pl.Expr) -> None:
    eager, lazy = both(log_of().with_columns(orders))
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel[0]


def test_a_log_without_orders(by_kernel: list[bool]) -> None:
    eager, lazy = both(log_of().drop("order_id"), occasion="order")
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel[0]


@pytest.mark.parametrize("rows", [1, 99_999])
def test_short_logs_are_left_to_polars(by_kernel: list[bool], rows: int) -> None:
    both(log_of().head(rows))
    assert by_kernel[0] is False


@pytest.mark.parametrize("money", [1e12, 1e14])
def test_money_of_many_digits_is_left_to_polars(by_kernel: list[bool], money: float) -> None:
    """Sums of a customer beyond 53 bits, and of all beyond 63."""
    eager, lazy = both(log_of(money=money).head(ROWS))
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel[0] is False


def test_keys_of_equal_hash_are_left_to_polars(
    by_kernel: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pl.Series, "hash", lambda keys: keys.str.len_chars().cast(pl.UInt64))
    eager, lazy = both(log_of().with_columns(pl.col("order_id").cast(pl.String)))
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel[0] is False


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("occasion", ["day", "order"])
def test_other_questions(by_kernel: list[bool], question: str, occasion: Any) -> None:
    ask, options = QUESTIONS[question], cv.TransactionOptions(occasion=occasion)
    log = log_of(3 * ROWS)  # long enough in the calibration period too
    eager = ask(cv.read_transactions(log, options=options)).lazy().collect()
    assert by_kernel
    assert all(by_kernel)
    lazy = ask(cv.read_transactions(log.lazy(), options=options)).lazy().collect()
    if "customer_id" in eager.columns:
        lazy = lazy.sort(eager.columns)
        eager = eager.sort(eager.columns)
    assert_frame_equal(eager, lazy, check_exact=True)


def test_gaps_in_the_summary(by_kernel: list[bool]) -> None:
    eager, lazy = both(log_of(), extras=("gap_mean_days", "gap_std_days", "log_gap_sum"))
    assert_frame_equal(eager, lazy, check_exact=True)
    assert by_kernel == [True, True]
