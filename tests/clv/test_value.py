from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv
from customer_value._typing import TimeUnit
from golden import golden

GOLDEN = golden("clv")
BG = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
GG = cv.GammaGamma(p=6.25, q=3.74, v=15.44)


def value(frame: pl.DataFrame, **terms: Any) -> pl.DataFrame:
    settings: dict[str, Any] = {"purchases": BG, "spend": GG, "margin": 0.3}
    return cv.customer_lifetime_value(frame, **(settings | terms))


def some_customers() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "repeat_purchases": [2, 0, 40],
            "t_x": [213.0, 0.0, 700.0],
            "T": [272.0, 272.0, 720.0],
            "repeat_spend": [22.35, None, 80.0],
        }
    )


def test_discounting_agrees_with_a_fine_sum_over_time() -> None:
    frame, steps, years = some_customers(), 2000, 2.0
    days = years * 365.25
    grid = np.linspace(0, days, steps + 1)
    paths = np.array(
        [
            cv.expected_purchases(frame, BG, horizon=f"{t:.10f}d")["expected_purchases"]
            for t in grid[1:]
        ]
    )
    bought = np.diff(np.vstack([np.zeros(3), paths]), axis=0)
    middle = (grid[1:] + grid[:-1]) / 2
    discount = 1.1 ** (-middle / 365.25)
    spend = cv.expected_spend(frame, GG)["expected_spend"].to_numpy()
    expected = 0.3 * spend * (discount @ bought)
    valued = value(frame, horizon="2y", discount_rate=0.10)["clv"].to_numpy()
    assert valued == pytest.approx(expected, rel=1e-6)


def test_without_discount_value_is_purchases_times_spend_times_margin() -> None:
    valued = value(some_customers(), discount_rate=0.0)
    product = 0.3 * valued["expected_purchases"] * valued["expected_spend"]
    assert valued["clv"].to_list() == pytest.approx(product.to_list(), rel=1e-12)


def test_published_residual_life() -> None:
    expected = GOLDEN["expected_purchases_39"]
    history = expected["history"]
    frame = pl.DataFrame(
        {
            "repeat_purchases": [history["repeat_purchases"]],
            "t_x": [history["t_x_weeks"] * 7],
            "T": [history["T_weeks"] * 7],
            "repeat_spend": [20.0],
        }
    )
    # The published rate is ln(1.15) / 52 a week; ours is a year of 365.25 days.
    annual = math.exp(math.log(1.15) / 52 / 7 * 365.25) - 1
    valued = value(frame, horizon=None, discount_rate=annual, margin=1.0)
    purchases = valued["clv"].item() / valued["expected_spend"].item()
    assert purchases == pytest.approx(expected["residual_purchases"], abs=1e-6)
    assert valued["expected_purchases"].item() is None


def test_longer_is_more_and_dearer_money_is_less() -> None:
    frame = some_customers()
    horizons = [value(frame, horizon=h)["clv"] for h in ("6mo", "12mo", "5y", "50y", None)]
    rates = [value(frame, discount_rate=r)["clv"] for r in (0.0, 0.05, 0.1, 0.5, 1.0)]
    for shorter, longer in pairwise(horizons):
        assert (shorter < longer).all()
    for cheaper, dearer in pairwise(rates):
        assert (cheaper > dearer).all()


@pytest.mark.parametrize(("unit", "days"), [("day", 1.0), ("month", 30.4375), ("year", 365.25)])
def test_money_does_not_depend_on_the_models_unit(unit: TimeUnit, days: float) -> None:
    model = cv.BgNbd(r=BG.r, alpha=BG.alpha * 7 / days, a=BG.a, b=BG.b, time_unit=unit)
    ours, theirs = value(some_customers()), value(some_customers(), purchases=model)
    assert ours["clv"].to_list() == pytest.approx(theirs["clv"].to_list(), rel=1e-9)


def test_margin_may_be_a_column() -> None:
    frame = some_customers().with_columns(share=pl.Series([0.3, 0.5, None]))
    by_column, by_number = value(frame, margin="share")["clv"], value(frame)["clv"]
    assert by_column[0] == by_number[0]
    assert by_column[1] == pytest.approx(by_number[1] * 5 / 3)
    assert by_column[2] is None


def test_unknown_customers_have_unknown_value() -> None:
    frame = some_customers().with_columns(
        pl.when(pl.col("repeat_purchases") != 0).then(pl.col("repeat_purchases", "t_x", "T"))
    )
    columns = ["p_alive", "expected_purchases", "expected_spend", "clv"]
    assert value(frame).select(columns).row(1) == (None,) * 4


def test_lazy_equals_eager(cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    lazy = cv.customer_lifetime_value(cdnow.lazy(), purchases=bg, spend=gg, margin=0.3)
    eager = cv.customer_lifetime_value(cdnow, purchases=bg, spend=gg, margin=0.3)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), eager, check_exact=True)


def test_terms_out_of_range_are_all_named() -> None:
    with pytest.raises(ValueError, match=r"(?s)discount_rate.*margin"):
        value(some_customers(), discount_rate=-0.1, margin=30)


def test_an_infinite_residual_life_is_refused() -> None:
    with pytest.raises(cv.CustomerValueError, match="no finite value without discount"):
        value(some_customers(), horizon=None, discount_rate=0.0)
    mortal = cv.BgNbd(r=0.243, alpha=4.414, a=1.5, b=2.426)
    finite = value(some_customers(), horizon=None, discount_rate=0.0, purchases=mortal)["clv"]
    assert finite.is_finite().all()


def test_missing_columns_are_all_named() -> None:
    with pytest.raises(cv.SchemaError, match="'repeat_spend', 'share'"):
        value(some_customers().drop("repeat_spend"), margin="share")


def test_many_threads_at_once_give_the_same_bits() -> None:
    frame = pl.concat([some_customers()] * 30_000)
    expected = value(frame)
    with ThreadPoolExecutor(8) as pool:
        for valued in pool.map(value, [frame] * 16):
            assert_frame_equal(valued, expected, check_exact=True)
