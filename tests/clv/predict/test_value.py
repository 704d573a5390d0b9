from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
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


def test_lifetimes_quickstart_with_its_unit_right() -> None:
    """It prints 140.10 for the first customer, taking weeks for days, and 266,621.60 for all.

    With the right unit it gives 36.2785 and 71,509.90, at its fit to CDNOW in rounded weeks and
    cents. Its month is 4.345 weeks, whose purchases are discounted from the month's end at 1 %.
    """
    month = 4.345 * 7
    terms: dict[str, Any] = {
        "purchases": cv.BgNbd(r=0.242593, alpha=4.413531, a=0.792886, b=2.425753),
        "spend": cv.GammaGamma(p=6.248802, q=3.744588, v=15.447749),
        "margin": 1.0,
        "horizon": f"{12 * month:.3f}d",
        "discount_rate": 1.01 ** (365.25 / month) - 1,
        "steps": f"{month:.3f}d",
    }
    first = pl.DataFrame(
        {"repeat_purchases": 2, "t_x": 30.43 * 7, "T": 38.86 * 7, "repeat_spend": 22.35}
    )
    assert value(first, **terms)["clv"].item() == pytest.approx(36.2785, abs=1e-4)
    everybody = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
    assert value(everybody, **terms)["clv"].sum() == pytest.approx(71_509.90, rel=5e-4)


def test_steps_are_months_of_ours() -> None:
    """By hand: twelve differences of the expected number, each discounted by its month."""
    frame, rate = some_customers(), 1.01**12 - 1
    cumulative = [
        np.zeros(3),
        *(
            cv.expected_purchases(frame, BG, horizon=f"{k}mo")["expected_purchases"].to_numpy()
            for k in range(1, 13)
        ),
    ]
    bought = sum((b - a) / 1.01 ** (k + 1) for k, (a, b) in enumerate(pairwise(cumulative)))
    spend = cv.expected_spend(frame, GG)["expected_spend"].to_numpy()
    for steps in ("month", "1mo", timedelta(days=30.4375)):
        valued = value(frame, discount_rate=rate, steps=steps)["clv"].to_numpy()
        assert valued == pytest.approx(0.3 * spend * bought, rel=1e-12)


def test_small_steps_are_continuous_and_large_ones_give_less() -> None:
    frame = some_customers()
    continuous = value(frame)["clv"]
    by_hour, by_week, by_quarter, at_the_end = (
        value(frame, steps=steps)["clv"] for steps in ("6h", "week", "quarter", "7y")
    )
    assert by_hour.to_list() == pytest.approx(continuous.to_list(), rel=1e-4)
    for more, less in pairwise([continuous, by_hour, by_week, by_quarter, at_the_end]):
        assert (more > less).all()
    undiscounted = value(frame, discount_rate=0.0)["clv"]
    assert at_the_end.to_list() == pytest.approx((undiscounted / 1.1).to_list(), rel=1e-12)


def test_a_part_of_a_step_ends_with_the_horizon() -> None:
    frame = some_customers()
    whole, part = (value(frame, horizon=h, steps="1mo")["clv"] for h in ("2mo", "45d"))
    assert (part < whole).all()
    alone = value(frame, horizon="45d", steps="45d")["clv"]
    assert (part > alone).all()


def test_steps_need_a_horizon_and_no_interval() -> None:
    for terms in ({"horizon": None}, {"interval": True, "seed": 1}):
        with pytest.raises(cv.CustomerValueError, match="steps"):
            value(some_customers(), steps="month", **terms)
    with pytest.raises(cv.CustomerValueError, match="not a duration"):
        value(some_customers(), steps="fortnight")


def test_an_interval_of_an_earlier_call_does_not_stay() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)).head(50)
    words: Any = {
        "purchases": cv.BgNbd(r=0.2, alpha=30.0, a=0.8, b=2.5),
        "spend": cv.GammaGamma(p=6.0, q=4.0, v=15.0),
        "margin": 0.3,
    }
    fixed = cv.IntervalOptions(confidence=0.9, draws=40, parameters="fixed")
    valued = cv.customer_lifetime_value(customers, **words, interval=fixed, seed=1)
    assert {"clv_low", "clv_high"} <= set(valued.columns)
    again = cv.customer_lifetime_value(valued, **words)
    assert not {"clv_low", "clv_high"} & set(again.columns)
